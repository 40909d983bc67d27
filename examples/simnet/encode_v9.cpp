// NetFlow v9, RFC 3954.
#include "template_fields.hpp"

namespace simnet {
namespace {

constexpr std::size_t kHeaderLength = 20;
constexpr std::size_t kDataSetsOverhead = 2 * (4 + 3);  // two headers, two paddings
constexpr std::size_t kTemplatesLength = 240;           // templates and options, rounded up

// IN_BYTES, IN_PKTS, PROTOCOL, SRC_TOS, TCP_FLAGS, L4_SRC_PORT, IPV4_SRC_ADDR, SRC_MASK,
// INPUT_SNMP, L4_DST_PORT, IPV4_DST_ADDR, DST_MASK, OUTPUT_SNMP, LAST_SWITCHED, FIRST_SWITCHED,
// DIRECTION.
constexpr std::array<Field, 16> kIpv4Fields = {{{1, 4},
                                                {2, 4},
                                                {4, 1},
                                                {5, 1},
                                                {6, 1},
                                                {7, 2},
                                                {8, 4},
                                                {9, 1},
                                                {10, 2},
                                                {11, 2},
                                                {12, 4},
                                                {13, 1},
                                                {14, 2},
                                                {21, 4},
                                                {22, 4},
                                                {61, 1}}};
// The same with IPV6_SRC_ADDR, IPV6_SRC_MASK, IPV6_DST_ADDR, IPV6_DST_MASK.
constexpr std::array<Field, 16> kIpv6Fields = {{{1, 4},
                                                {2, 4},
                                                {4, 1},
                                                {5, 1},
                                                {6, 1},
                                                {7, 2},
                                                {27, 16},
                                                {29, 1},
                                                {10, 2},
                                                {11, 2},
                                                {28, 16},
                                                {30, 1},
                                                {14, 2},
                                                {21, 4},
                                                {22, 4},
                                                {61, 1}}};
// IPV4_NEXT_HOP and IPV6_NEXT_HOP, where they are told.
constexpr std::array<Field, 1> kIpv4NextHop = {{{15, 4}}};
constexpr std::array<Field, 1> kIpv6NextHop = {{{62, 16}}};
constexpr std::array<Field, 1> kScope = {{{1, 4}}};               // System
constexpr std::array<Field, 2> kSampling = {{{34, 4}, {35, 1}}};  // interval, algorithm

class V9Exporter : public FlowExporter {
 public:
  V9Exporter(const ExporterOptions& options, DatagramSink& sink)
      : FlowExporter(Protocol::netflow_v9, options, sink) {}

 private:
  std::size_t record_size(const Flow& flow) const noexcept override {
    const bool is_ipv6 = flow.source.is_ipv6;
    return record_length(is_ipv6 ? std::span<const Field>(kIpv6Fields) : kIpv4Fields) +
           (options_.tells_next_hops ? flow.next_hop.size() : 0);
  }
  std::size_t overhead() const noexcept override {
    return kHeaderLength + kDataSetsOverhead + (templates_are_due() ? kTemplatesLength : 0);
  }

  Bytes encode(const std::vector<Flow>& flows, Time now) override {
    const bool with_templates = templates_are_due();
    ByteWriter out;
    out.u16(9);
    out.u16(flows.size() + (with_templates ? 4 : 0));  // two templates, an options one, its record
    out.u32(uptime_ms(now));
    out.u32(static_cast<std::uint64_t>(to_milliseconds(clock(now)) / 1000));
    out.u32(datagrams_);  // v9 counts datagrams (RFC 3954 §5.1)
    out.u32(options_.number + 1);
    if (with_templates) write_templates(out);
    const auto record = [&](const Flow& flow) { write(out, flow); };
    write_data_set(out, kTemplateIpv4, flows, false, record);
    write_data_set(out, kTemplateIpv6, flows, true, record);
    return out.bytes();
  }

  void write_templates(ByteWriter& out) const {
    write_set(out, 0, [&] {
      out.u16(kTemplateIpv4);
      const bool more = options_.tells_next_hops;
      out.u16(kIpv4Fields.size() + (more ? kIpv4NextHop.size() : 0));
      write_fields(out, kIpv4Fields);
      if (more) write_fields(out, kIpv4NextHop);
      out.u16(kTemplateIpv6);
      out.u16(kIpv6Fields.size() + (more ? kIpv6NextHop.size() : 0));
      write_fields(out, kIpv6Fields);
      if (more) write_fields(out, kIpv6NextHop);
    });
    write_set(out, 1, [&] {
      out.u16(kTemplateOptions);
      out.u16(kScope.size() * 4);  // v9 counts octets here, IPFIX fields (RFC 3954 §6.1)
      out.u16(kSampling.size() * 4);
      write_fields(out, kScope);
      write_fields(out, kSampling);
    });
    write_set(out, kTemplateOptions, [&] {
      out.u32(options_.number + 1);
      out.u32(options_.sampling_rate);
      out.u8(1);  // deterministic
    });
  }

  void write(ByteWriter& out, const Flow& flow) const {
    const unsigned mask = flow.source.is_ipv6 ? 48 : 16;
    out.u32(flow.octets);
    out.u32(flow.packets);
    out.u8(flow.protocol);
    out.u8(0);
    out.u8(flow.tcp_flags);
    out.u16(flow.source_port);
    out.address(flow.source);
    out.u8(mask);
    out.u16(flow.input);
    out.u16(flow.destination_port);
    out.address(flow.destination);
    out.u8(mask);
    out.u16(flow.output);
    out.u32(uptime_ms(flow.end));
    out.u32(uptime_ms(flow.start));
    out.u8(0);  // ingress
    if (options_.tells_next_hops) out.address(flow.next_hop);
  }
};

}  // namespace

std::unique_ptr<Exporter> make_v9(const ExporterOptions& options, DatagramSink& sink) {
  return std::make_unique<V9Exporter>(options, sink);
}

}  // namespace simnet
