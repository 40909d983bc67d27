// sFlow versions 2 and 4 (RFC 3176 and the sFlow.org memos after it). Samples have no length of
// their own, so they are read field by field and written anew as version 5 lays them out: whoever
// takes samples sees one format.
#include <new>

#include "parse/parser_state.hpp"
#include "parse/sflow.hpp"
#include "wire/load.hpp"

namespace flowlens::parse {
namespace {

constexpr std::size_t kSampleTag = 4;
/// A record of version 5 has at most 8 octets more than the same of version 4, which has 8 or more.
constexpr std::size_t kMaxRewritten = 4 * 65'536;

/// One sample on its way from the old layout into the new one.
class Rewriter {
 public:
  Rewriter(wire::ByteReader& in, std::vector<std::byte>& out) noexcept : in_(in), out_(out) {}

  [[nodiscard]] bool ok() const noexcept { return in_.ok() && known_; }
  [[nodiscard]] bool is_known() const noexcept { return known_; }
  [[nodiscard]] std::uint32_t records() const noexcept { return records_; }
  void fail() noexcept { known_ = false; }

  std::uint32_t word() noexcept { return in_.u32(); }
  void put(std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out_.push_back(std::byte(value >> shift));
  }
  void copy(std::size_t octets) {
    const auto taken = in_.take(octets);
    out_.insert(out_.end(), taken.begin(), taken.end());
  }
  void copy_words(std::size_t count) { copy(4 * count); }
  std::uint32_t copy_word() {
    const std::uint32_t value = word();
    put(value);
    return value;
  }
  void copy_address() {
    switch (copy_word()) {
      case 0:
        return;
      case 1:
        return copy(4);
      case 2:
        return copy(16);
      default:
        return fail();
    }
  }
  void copy_opaque() {
    const std::size_t length = copy_word();
    copy((length + 3) / 4 * 4);
  }
  void copy_list() {
    const std::size_t count = copy_word();
    copy(count * 4);
  }

  /// Writes a record around what `content` writes.
  template <typename Content>
  void record(std::uint32_t format, Content&& content) {
    put(format);
    const std::size_t length_at = out_.size();
    put(0);
    content();
    const auto length = static_cast<std::uint32_t>(out_.size() - length_at - 4);
    for (std::size_t i = 0; i < 4; ++i) out_[length_at + i] = std::byte(length >> (24 - 8 * i));
    ++records_;
  }

 private:
  wire::ByteReader& in_;
  std::vector<std::byte>& out_;
  std::uint32_t records_ = 0;
  bool known_ = true;
};

void rewrite_packet_data(Rewriter& r) {
  switch (r.word()) {
    case 1:
      return r.record(1, [&] {
        r.copy_words(2);  // header protocol and frame length
        r.put(0);         // version 4 does not say how much was stripped
        r.copy_opaque();
      });
    case 2:
      return r.record(3, [&] { r.copy_words(8); });
    case 3:
      return r.record(4, [&] { r.copy_words(14); });
    default:
      return r.fail();
  }
}

/// \param flat_path  version 2 has one list of ASs where version 4 has segments, communities and a
/// local preference; neither names the next hop.
void rewrite_gateway(Rewriter& r, bool flat_path) {
  r.record(1003, [&] {
    r.put(0);
    r.copy_words(3);  // own, source's and its peer's AS
    if (flat_path) {
      r.put(1);
      r.put(2);  // an ordered sequence
      r.copy_list();
      r.put(0);
      r.put(0);
      return;
    }
    const std::uint32_t segments = r.copy_word();
    for (std::uint32_t i = 0; i < segments && r.ok(); ++i) {
      r.copy_word();
      r.copy_list();
    }
    r.copy_list();
    r.copy_word();
  });
}

void rewrite_extended_data(Rewriter& r, bool flat_path) {
  switch (r.word()) {
    case 1:
      return r.record(1001, [&] { r.copy_words(4); });
    case 2:
      return r.record(1002, [&] {
        r.copy_address();
        r.copy_words(2);
      });
    case 3:
      return rewrite_gateway(r, flat_path);
    case 4:
      return r.record(1004, [&] {
        for (int side = 0; side < 2; ++side) {
          r.put(0);  // the character set is not told
          r.copy_opaque();
        }
      });
    case 5:
      return r.record(1005, [&] {
        r.copy_word();
        r.copy_opaque();
        r.put(0);  // no host
      });
    default:
      return r.fail();
  }
}

void set_source(std::uint32_t word, SflowSample& sample) noexcept {
  sample.source_id_type = word >> 24;
  sample.source_id_index = word & 0x00ff'ffffu;
}

void rewrite_flow_sample(Rewriter& r, bool flat_path, SflowSample& sample) {
  sample.kind = SflowSampleKind::flow;
  sample.sequence = r.word();
  set_source(r.word(), sample);
  sample.sampling_rate = r.word();
  sample.sample_pool = r.word();
  sample.drops = r.word();
  compact_interface(r.word(), sample.input_format, sample.input_value);
  compact_interface(r.word(), sample.output_format, sample.output_value);
  rewrite_packet_data(r);
  const std::uint32_t extended = r.ok() ? r.word() : 0;
  for (std::uint32_t i = 0; i < extended && r.ok(); ++i) rewrite_extended_data(r, flat_path);
}

/// Every kind but VLANs begins with the interface's counters.
void rewrite_counters_sample(Rewriter& r, SflowSample& sample) {
  sample.kind = SflowSampleKind::counters;
  sample.sequence = r.word();
  set_source(r.word(), sample);
  r.word();  // the interval
  const std::uint32_t kind = r.word();
  if (kind == 0 || kind > 7) return r.fail();
  if (kind != 7) r.record(1, [&] { r.copy_words(22); });
  switch (kind) {
    case 2:
      return r.record(2, [&] { r.copy_words(13); });
    case 3:
      return r.record(3, [&] { r.copy_words(18); });
    case 5:
      return r.record(4, [&] { r.copy_words(20); });
    case 7:
      return r.record(5, [&] { r.copy_words(7); });
    default:
      return;
  }
}

/// \return false if the sample cannot be read; then the next one cannot be found.
bool rewrite_sample(wire::ByteReader& in, bool flat_path, std::vector<std::byte>& out,
                    SflowSample& sample, DiagnosticCode& why) {
  Rewriter r{in, out};
  why = DiagnosticCode::sample_unknown;
  switch (r.word()) {
    case 1:
      rewrite_flow_sample(r, flat_path, sample);
      break;
    case 2:
      rewrite_counters_sample(r, sample);
      break;
    default:
      r.fail();
      break;
  }
  if (!in.ok()) why = DiagnosticCode::sample_truncated;
  sample.record_count = r.records();
  return r.ok();
}

}  // namespace

void read_samples_v4(Walk& walk, wire::ByteReader& in, std::uint32_t samples) noexcept {
  const bool flat_path = walk.message.protocol == ExportProtocol::sflow_v2;
  std::vector<std::byte>& out = walk.parser.rewritten;
  for (std::uint32_t i = 0; i < samples; ++i) {
    const std::size_t at = in.offset();
    const std::size_t left = in.remaining();
    if (left == 0) {
      walk.remark(DiagnosticCode::bad_count, at, samples);
      return;
    }
    SflowSample sample;
    sample.message = &walk.message;
    sample.session = &walk.session;
    sample.received = walk.received;
    sample.offset = static_cast<std::uint32_t>(at + kSampleTag);
    DiagnosticCode why = DiagnosticCode::none;
    bool is_read = false;
    try {
      out.clear();
      if (out.capacity() < kMaxRewritten) out.reserve(kMaxRewritten);
      is_read = rewrite_sample(in, flat_path, out, sample, why);
    } catch (const std::bad_alloc&) {
      why = DiagnosticCode::out_of_memory;
    }
    if (!is_read) {
      ++walk.result.sets_skipped;
      walk.skip(why, left, at);
      return;
    }
    walk.parser.octets.header += kSampleTag;
    walk.parser.octets.decoded += in.offset() - at - kSampleTag;
    sample.records = out;
    sample.is_counters() ? give_sample<true>(walk, sample) : give_sample<false>(walk, sample);
  }
  if (const std::size_t rest = in.remaining(); rest != 0) {
    walk.skip(DiagnosticCode::trailing_octets, rest, in.offset(), static_cast<std::uint32_t>(rest));
  }
}

}  // namespace flowlens::parse
