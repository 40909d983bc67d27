#include "exporter.hpp"

#include <array>

namespace simnet {
namespace {

constexpr std::array<std::string_view, 4> kProtocolNames = {"v5", "v9", "ipfix", "sflow"};
constexpr Micros kLongestWait = std::chrono::milliseconds{500};
constexpr Micros kLongestWithoutTemplates = std::chrono::minutes{10};

}  // namespace

std::string_view name_of(Protocol protocol) noexcept {
  return kProtocolNames[static_cast<std::size_t>(protocol)];
}

std::optional<Protocol> protocol_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kProtocolNames.size(); ++i) {
    if (kProtocolNames[i] == name) return static_cast<Protocol>(i);
  }
  return std::nullopt;
}

void Exporter::add(const Flow&, Time) {}
void Exporter::add(const SampledPacket&, Time) {}
void Exporter::account(std::uint64_t, std::uint64_t) {}
void Exporter::tick(Time) {}

void Exporter::send(const Bytes& datagram, Time now) {
  sink_.send(options_.number, protocol_, datagram, now);
  ++datagrams_;
}

std::uint32_t Exporter::uptime_ms(Time at) const noexcept {
  return static_cast<std::uint32_t>(to_milliseconds(at) - to_milliseconds(options_.boot));
}

void Exporter::restart(Time now) {
  flush(now);
  before_restart_.datagrams += datagrams_;
  before_restart_.records += records_;
  datagrams_ = records_ = 0;
  // In whole milliseconds, as all uptimes.
  options_.boot = std::chrono::floor<std::chrono::milliseconds>(now);
  forget();
}

void FlowExporter::add(const Flow& flow, Time now) {
  now_ = now;
  const std::size_t size = record_size(flow);
  if (!waiting_.empty() && overhead() + waiting_octets_ + size > limit()) flush(now);
  if (waiting_.empty()) waiting_since_ = now;
  waiting_.push_back(flow);
  waiting_octets_ += size;
}

void FlowExporter::tick(Time now) {
  if (now - waiting_since_ >= kLongestWait) flush(now);
}

void FlowExporter::flush(Time now) {
  if (waiting_.empty()) return;
  now_ = now;
  const bool with_templates = templates_are_due();
  send(encode(waiting_, now), now);
  records_ += waiting_.size();
  waiting_.clear();
  waiting_octets_ = 0;
  if (with_templates) templates_sent_ = now;
}

bool FlowExporter::templates_are_due() const noexcept {
  if (options_.template_every == 0 || datagrams_ == 0) return datagrams_ == 0;
  return datagrams_ % options_.template_every == 0 ||
         now_ - templates_sent_ >= kLongestWithoutTemplates;
}

std::unique_ptr<Exporter> make_exporter(Protocol protocol, const ExporterOptions& options,
                                        DatagramSink& sink) {
  switch (protocol) {
    case Protocol::netflow_v5:
      return make_v5(options, sink);
    case Protocol::netflow_v9:
      return make_v9(options, sink);
    case Protocol::ipfix:
      return make_ipfix(options, sink);
    case Protocol::sflow:
      break;
  }
  return make_sflow(options, sink);
}

}  // namespace simnet
