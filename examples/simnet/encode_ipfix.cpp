// IPFIX, RFC 7011.
#include "template_fields.hpp"

namespace simnet {
namespace {

constexpr std::size_t kHeaderLength = 16;
constexpr std::size_t kDataSetsOverhead = 2 * (4 + 3);
constexpr std::size_t kTemplatesLength = 240;

// octetDeltaCount, packetDeltaCount, protocolIdentifier, ipClassOfService, tcpControlBits,
// sourceTransportPort, sourceIPv4Address, ingressInterface, destinationTransportPort,
// destinationIPv4Address, egressInterface, flowEndReason, flowStartMilliseconds,
// flowEndMilliseconds.
constexpr std::array<Field, 14> kIpv4Fields = {{{1, 8},
                                                {2, 8},
                                                {4, 1},
                                                {5, 1},
                                                {6, 2},
                                                {7, 2},
                                                {8, 4},
                                                {10, 4},
                                                {11, 2},
                                                {12, 4},
                                                {14, 4},
                                                {136, 1},
                                                {152, 8},
                                                {153, 8}}};
// The same with sourceIPv6Address and destinationIPv6Address.
constexpr std::array<Field, 14> kIpv6Fields = {{{1, 8},
                                                {2, 8},
                                                {4, 1},
                                                {5, 1},
                                                {6, 2},
                                                {7, 2},
                                                {27, 16},
                                                {10, 4},
                                                {11, 2},
                                                {28, 16},
                                                {14, 4},
                                                {136, 1},
                                                {152, 8},
                                                {153, 8}}};
// And ipNextHopIPv4Address, ipNextHopIPv6Address where they are told; no mask lengths.
constexpr std::array<Field, 1> kIpv4NextHop = {{{15, 4}}};
constexpr std::array<Field, 1> kIpv6NextHop = {{{62, 16}}};
// And postNATSourceIPv4Address, postNATDestinationIPv4Address, postNAPTSourceTransportPort,
// postNAPTDestinationTransportPort (RFC 8158), where a translator exports.
constexpr std::array<Field, 4> kTranslation = {{{225, 4}, {226, 4}, {227, 2}, {228, 2}}};
// observationDomainId as scope; selectorAlgorithm, samplingPacketInterval, samplingPacketSpace.
constexpr std::array<Field, 1> kScope = {{{149, 4}}};
constexpr std::array<Field, 3> kSampling = {{{304, 2}, {305, 4}, {306, 4}}};
constexpr std::uint8_t kEndOfFlow = 3;

/// A translator meters what comes in, and tells what it makes of it: requests come with the client's
/// address, answers outside with the outer one; past it nothing is translated any more.
Flow at_ingress(Flow flow) {
  if (!flow.translated) return flow;
  Translated& other = *flow.translated;
  if (flow.is_request && flow.is_past_translator) {
    std::swap(flow.source, other.source);
    std::swap(flow.source_port, other.source_port);
    std::swap(flow.destination, other.destination);
    std::swap(flow.destination_port, other.destination_port);
  } else if (!flow.is_request && flow.is_past_translator) {
    flow.translated.reset();
  }
  return flow;
}

class IpfixExporter : public FlowExporter {
 public:
  IpfixExporter(const ExporterOptions& options, DatagramSink& sink)
      : FlowExporter(Protocol::ipfix, options, sink) {}

 private:
  std::size_t record_size(const Flow& flow) const noexcept override {
    const std::size_t next_hop = options_.tells_next_hops ? flow.next_hop.size() : 0;
    if (flow.source.is_ipv6) return record_length(kIpv6Fields) + next_hop;
    return record_length(kIpv4Fields) + next_hop +
           (options_.tells_translations ? record_length(kTranslation) : 0);
  }
  std::size_t overhead() const noexcept override {
    return kHeaderLength + kDataSetsOverhead + (templates_are_due() ? kTemplatesLength : 0);
  }

  Bytes encode(const std::vector<Flow>& flows, Time now) override {
    const bool with_templates = templates_are_due();
    ByteWriter out;
    out.u16(10);
    out.u16(0);
    out.u32(static_cast<std::uint64_t>(to_milliseconds(clock(now)) / 1000));
    out.u32(data_records_);  // data records, the options' too, before this message (RFC 7011 §3.1)
    out.u32(options_.number + 1);
    if (with_templates) write_templates(out);
    const auto record = [&](const Flow& flow) { write(out, flow); };
    write_data_set(out, kTemplateIpv4, flows, false, record);
    write_data_set(out, kTemplateIpv6, flows, true, record);
    out.patch_u16(2, out.size());
    data_records_ += flows.size() + (with_templates ? 1 : 0);
    return out.bytes();
  }

  void write_templates(ByteWriter& out) const {
    write_set(out, 2, [&] {
      out.u16(kTemplateIpv4);
      const bool more = options_.tells_next_hops;
      out.u16(kIpv4Fields.size() + (more ? kIpv4NextHop.size() : 0) +
              (options_.tells_translations ? kTranslation.size() : 0));
      write_fields(out, kIpv4Fields);
      if (more) write_fields(out, kIpv4NextHop);
      if (options_.tells_translations) write_fields(out, kTranslation);
      out.u16(kTemplateIpv6);
      out.u16(kIpv6Fields.size() + (more ? kIpv6NextHop.size() : 0));
      write_fields(out, kIpv6Fields);
      if (more) write_fields(out, kIpv6NextHop);
    });
    write_set(out, 3, [&] {
      out.u16(kTemplateOptions);
      out.u16(kScope.size() + kSampling.size());
      out.u16(kScope.size());
      write_fields(out, kScope);
      write_fields(out, kSampling);
    });
    write_set(out, kTemplateOptions, [&] {
      out.u32(options_.number + 1);
      out.u16(1);                           // systematic count-based sampling
      out.u32(1);                           // one packet taken,
      out.u32(options_.sampling_rate - 1);  // so many left out
    });
  }

  void write(ByteWriter& out, const Flow& seen) const {
    const Flow flow = options_.tells_translations ? at_ingress(seen) : seen;
    out.u64(flow.octets);
    out.u64(flow.packets);
    out.u8(flow.protocol);
    out.u8(0);
    out.u16(flow.tcp_flags);
    out.u16(flow.source_port);
    out.address(flow.source);
    out.u32(flow.input);
    out.u16(flow.destination_port);
    out.address(flow.destination);
    out.u32(flow.output);
    out.u8(kEndOfFlow);
    out.u64(static_cast<std::uint64_t>(to_milliseconds(clock(flow.start))));
    out.u64(static_cast<std::uint64_t>(to_milliseconds(clock(flow.end))));
    if (options_.tells_next_hops) out.address(flow.next_hop);
    if (options_.tells_translations && !flow.source.is_ipv6) write_translation(out, flow);
  }

  /// Where nothing was translated, the addresses stand there once more.
  static void write_translation(ByteWriter& out, const Flow& flow) {
    const Translated other = flow.translated.value_or(
        Translated{flow.source, flow.destination, flow.source_port, flow.destination_port});
    out.address(other.source);
    out.address(other.destination);
    out.u16(other.source_port);
    out.u16(other.destination_port);
  }

  void forget() override { data_records_ = 0; }

  std::uint64_t data_records_ = 0;
};

}  // namespace

std::unique_ptr<Exporter> make_ipfix(const ExporterOptions& options, DatagramSink& sink) {
  return std::make_unique<IpfixExporter>(options, sink);
}

}  // namespace simnet
