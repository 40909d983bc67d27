#include "flowlens/decoder.hpp"

#include "wire/sealed_state.hpp"

namespace flowlens {
namespace {

constexpr std::uint32_t kMark = 0x464c4453;  // "FLDS"
constexpr std::uint16_t kVersion = 1;

}  // namespace

Decoder::Decoder(const DecoderOptions& options)
    : parser_(options.parser), normalizer_(options.normalizer) {}

ParseResult Decoder::decode(std::span<const std::byte> datagram, const TransportSession& session,
                            Timestamp received, FlowBatch& batch) noexcept {
  normalizer_.set_output(&batch);
  const ParseResult result = parser_.parse(datagram, session, received, normalizer_);
  normalizer_.set_output(nullptr);
  return result;
}

bool Decoder::decode(const CapturedPacket& packet, FlowBatch& batch) noexcept {
  const std::size_t before = batch.flows.size();
  normalizer_.set_output(&batch);
  normalizer_.on_packet(packet);
  normalizer_.set_output(nullptr);
  return batch.flows.size() != before;
}

std::vector<std::byte> Decoder::save_state() const {
  const std::vector<std::byte> parser = parser_.save_state();
  const std::vector<std::byte> normalizer = normalizer_.save_state();
  wire::ByteWriter out = wire::begin_state(kMark, kVersion);
  out.u32(static_cast<std::uint32_t>(parser.size())).append(parser);
  out.u32(static_cast<std::uint32_t>(normalizer.size())).append(normalizer);
  return wire::seal_state(std::move(out));
}

Diagnostic Decoder::load_state(std::span<const std::byte> state) noexcept {
  std::span<const std::byte> content;
  if (const Diagnostic wrong = wire::open_state(state, kMark, kVersion, content);
      wrong.code != DiagnosticCode::none) {
    return wrong;
  }
  wire::ByteReader in{content};
  const auto parser = in.take(in.u32());
  const auto normalizer = in.take(in.u32());
  if (!in.ok() || in.remaining() != 0) return {DiagnosticCode::state_damaged, 6, 0};
  try {
    // All or nothing: a trial of the second part before the first is taken.
    Normalizer trial;
    if (const Diagnostic wrong = trial.load_state(normalizer); wrong.code != DiagnosticCode::none) {
      return wrong;
    }
  } catch (const std::bad_alloc&) {
    return {DiagnosticCode::out_of_memory, 0, 0};
  }
  const Diagnostic wrong = parser_.load_state(parser);
  return wrong.code != DiagnosticCode::none ? wrong : normalizer_.load_state(normalizer);
}

}  // namespace flowlens
