// Sampled packets: sFlow samples, and the headers that any protocol may carry.
#include <algorithm>

#include "normalize/normalizer_state.hpp"
#include "wire/byte_reader.hpp"
#include "wire/load.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint32_t bits(FlowField f) noexcept { return static_cast<std::uint32_t>(f); }

/// Header protocols of sFlow v5 (enum header_protocol).
bool link_of(std::uint32_t header_protocol, LinkType& link) noexcept {
  switch (header_protocol) {
    case 1:
      link = LinkType::ethernet;
      return true;
    case 7:   // PPP
    case 14:  // packet over SONET
      link = LinkType::ppp;
      return true;
    case 10:  // AAL5 without LLC
    case 11:
    case 12:
      link = LinkType::ip;
      return true;
    case 13:
      link = LinkType::mpls;
      return true;
    default:
      return false;
  }
}

bool read_sampled_header(NormalizerState& state, const SflowRecord& record,
                         FlowRecord& flow) noexcept {
  constexpr std::size_t kHeader = 16;
  if (record.octets.size() < kHeader) return false;
  const std::byte* at = record.octets.data();
  LinkType link;
  if (!link_of(wire::load32(at), link)) return false;
  const std::uint32_t frame_octets = wire::load32(at + 4);
  // At 8: octets removed before sampling, counted in frame_octets.
  const std::size_t length =
      std::min<std::size_t>(wire::load32(at + 12), record.octets.size() - kHeader);
  dissect(record.octets.subspan(kHeader, length), link, state.dissection);
  return apply_dissection(state, frame_octets, flow);
}

/// sampled_ipv4 and sampled_ipv6 hold the same members, the addresses apart.
bool read_sampled_ip(const SflowRecord& record, bool is_v6, FlowRecord& flow) noexcept {
  wire::ByteReader in{record.octets};
  flow.octet_count = in.u32();
  flow.protocol = static_cast<std::uint8_t>(in.u32());
  const std::size_t width = is_v6 ? 16 : 4;
  const auto source = in.take(width);
  const auto destination = in.take(width);
  flow.source_port = static_cast<std::uint16_t>(in.u32());
  flow.destination_port = static_cast<std::uint16_t>(in.u32());
  flow.tcp_flags = static_cast<std::uint8_t>(in.u32());
  flow.tos = static_cast<std::uint8_t>(in.u32());
  if (!in.ok()) return false;
  flow.source_address = *IpAddress::from_octets(source);
  flow.destination_address = *IpAddress::from_octets(destination);
  flow.present |= bits(FlowField::source_address) | bits(FlowField::destination_address) |
                  bits(FlowField::protocol) | bits(FlowField::octet_count) | bits(FlowField::tos);
  if (flow.protocol == 1 || flow.protocol == 58) {
    flow.icmp_type_code =
        static_cast<std::uint16_t>(flow.source_port << 8 | (flow.destination_port & 0xffu));
    flow.source_port = flow.destination_port = 0;
    flow.present |= bits(FlowField::icmp_type_code);
    return true;
  }
  flow.present |= bits(FlowField::source_port) | bits(FlowField::destination_port);
  if (flow.protocol == 6) flow.present |= bits(FlowField::tcp_flags);
  return true;
}

void read_switch(const SflowRecord& record, FlowRecord& flow) noexcept {
  wire::ByteReader in{record.octets};
  const std::uint32_t vlan = in.u32();
  if (!in.ok() || vlan == 0 || vlan > 4095 || flow.has(FlowField::vlan_id)) return;
  flow.vlan_id = static_cast<std::uint16_t>(vlan);
  flow.present |= bits(FlowField::vlan_id);
}

void read_next_hop(wire::ByteReader& in, FlowRecord& flow) noexcept {
  const std::uint32_t type = in.u32();
  if (type != 1 && type != 2) return;
  const auto octets = in.take(type == 1 ? 4 : 16);
  if (!in.ok()) return;
  flow.next_hop = *IpAddress::from_octets(octets);
  flow.present |= bits(FlowField::next_hop);
}

void read_router(const SflowRecord& record, FlowRecord& flow) noexcept {
  wire::ByteReader in{record.octets};
  read_next_hop(in, flow);
  const std::uint32_t source = in.u32();
  const std::uint32_t destination = in.u32();
  if (!in.ok()) return;
  flow.source_prefix_length = static_cast<std::uint8_t>(source);
  flow.destination_prefix_length = static_cast<std::uint8_t>(destination);
  flow.present |=
      bits(FlowField::source_prefix_length) | bits(FlowField::destination_prefix_length);
}

/// The last AS of the path is the destination's.
void read_gateway(const SflowRecord& record, FlowRecord& flow) noexcept {
  wire::ByteReader in{record.octets};
  FlowRecord ignored;
  read_next_hop(in, ignored);
  const std::uint32_t own_as = in.u32();
  const std::uint32_t source_as = in.u32();
  in.skip(4);  // the source's peer
  std::uint32_t destination_as = own_as;
  const std::uint32_t segments = in.u32();
  for (std::uint32_t i = 0; i < segments && in.ok(); ++i) {
    in.skip(4);
    const std::size_t length = in.u32();
    const auto path = in.take(length * 4);
    if (in.ok() && length != 0) destination_as = wire::load32(path.data() + path.size() - 4);
  }
  if (!in.ok()) return;
  flow.source_as = source_as;
  flow.destination_as = destination_as;
  flow.present |= bits(FlowField::source_as) | bits(FlowField::destination_as);
}

/// Both names for "no interface": the packet began or ended in the device itself, or it does not
/// know; some agents write all ones.
bool is_interface(std::uint32_t format, std::uint32_t value) noexcept {
  return format == 0 && value != 0 && value != 0x3fff'ffffu && value != 0xffff'ffffu;
}

/// What the sample says of the packet, and of itself. \param flow  a new one.
void apply_sample(const SflowSample& sample, FlowRecord& flow) noexcept {
  const IpAddress& agent = sample.message->agent;
  flow.exporter = agent.is_unspecified() ? sample.session->exporter : agent;
  flow.observation_domain = sample.message->observation_domain;
  flow.received = flow.start = flow.end = sample.received;
  flow.export_protocol = sample.message->protocol;
  flow.kind = FlowKind::sampled_packet;
  flow.packet_count = 1;
  flow.present = bits(FlowField::packet_count);
  if (sample.sampling_rate != 0) {
    flow.sampling_rate = sample.sampling_rate;
    flow.sampling_source = SamplingSource::record;
  }
  if (is_interface(sample.input_format, sample.input_value)) {
    flow.ingress_interface = sample.input_value;
    flow.present |= bits(FlowField::ingress_interface);
  }
  if (is_interface(sample.output_format, sample.output_value)) {
    flow.egress_interface = sample.output_value;
    flow.present |= bits(FlowField::egress_interface);
  }
}

/// The tag of the packet itself or, in a tunnel, of the nearest packet around it that has one.
void apply_vlan(const Dissection& d, std::size_t layer, FlowRecord& flow) noexcept {
  for (std::size_t i = layer + 1; i-- > 0;) {
    if (!d.layers[i].has(PacketField::vlan)) continue;
    flow.vlan_id = d.layers[i].vlan_id;
    flow.present |= bits(FlowField::vlan_id);
    return;
  }
}

void apply_packet(const Packet& packet, std::uint64_t frame_octets, FlowRecord& flow) noexcept {
  flow.source_address = packet.source;
  // A source route changes the destination on the way; transport checksums cover the last one.
  flow.destination_address =
      packet.has(PacketField::final_destination) ? packet.final_destination : packet.destination;
  flow.protocol = packet.protocol;
  flow.tos = packet.tos;
  flow.packet_count = 1;
  flow.present |= bits(FlowField::source_address) | bits(FlowField::destination_address) |
                  bits(FlowField::protocol) | bits(FlowField::tos) | bits(FlowField::packet_count) |
                  bits(FlowField::octet_count);
  flow.octet_count = packet.ip_length;
  // A length of 0 comes from network cards that cut large segments themselves.
  if (packet.ip_length == 0 && frame_octets > packet.ip_offset) {
    flow.octet_count = frame_octets - packet.ip_offset;
  }
  if (packet.has(PacketField::source_port) && packet.has(PacketField::destination_port)) {
    flow.source_port = packet.source_port;
    flow.destination_port = packet.destination_port;
    flow.present |= bits(FlowField::source_port) | bits(FlowField::destination_port);
  }
  if (packet.has(PacketField::tcp_flags)) {
    flow.tcp_flags = packet.tcp_flags;
    flow.present |= bits(FlowField::tcp_flags);
  }
  if (packet.has(PacketField::icmp)) {
    flow.icmp_type_code = static_cast<std::uint16_t>(packet.icmp_type << 8 | packet.icmp_code);
    flow.present |= bits(FlowField::icmp_type_code);
  }
  flow.is_fragment_tail = packet.is_fragment_tail();
}

}  // namespace

bool apply_dissection(NormalizerState& state, std::uint64_t frame_octets,
                      FlowRecord& flow) noexcept {
  const Dissection& d = state.dissection;
  const std::size_t layer =
      state.options.tunnel_view == TunnelView::innermost ? d.innermost() : d.outermost();
  if (!d.layers[layer].is_conversation()) return false;
  apply_packet(d.layers[layer], frame_octets, flow);
  apply_vlan(d, layer, flow);
  return true;
}

void give_layers(const NormalizerState& state) {
  const Dissection& d = state.dissection;
  if (d.count == 1) return;
  FlowBatch& out = *state.out;
  const auto index = static_cast<std::uint32_t>(out.flows.size() - 1);
  for (std::uint8_t i = 0; i < d.count; ++i) out.layers.push_back({index, i, d.layers[i]});
}

namespace {

/// Reads the records of a sample into its flow. \return false if they tell of none.
bool read_records(NormalizerState& state, const SflowSample& sample, FlowRecord& flow) noexcept {
  // Packets that a device dropped did not pass: they are no traffic.
  if (sample.kind == SflowSampleKind::discarded) return false;
  // Some agents tell one packet in all forms: the header says most.
  bool from_header = false;
  SflowRecord decoded;
  sample.for_each([&](const SflowRecord& record) {
    if (record.enterprise != 0) return;
    switch (record.format) {
      case 1:
        from_header = from_header || read_sampled_header(state, record, flow);
        break;
      case 3:
      case 4:
        if (decoded.format == 0) decoded = record;
        break;
      case 1001:
        read_switch(record, flow);
        break;
      case 1002:
        read_router(record, flow);
        break;
      case 1003:
        read_gateway(record, flow);
        break;
      default:
        break;
    }
  });
  if (from_header) return true;
  state.dissection.count = 1;
  return decoded.format != 0 && read_sampled_ip(decoded, decoded.format == 4, flow);
}

}  // namespace

void normalize_sample(NormalizerState& state, const SflowSample& sample) {
  NormalizerCounters& counters = state.counters;
  if (sample.is_counters()) {
    ++counters.counter_samples;
    return;
  }
  ++counters.records;
  if (state.out == nullptr) {
    ++counters.records_without_flow;
    return;
  }
  // Made where it will stay: copying it costs as much as filling it.
  FlowRecord& flow = state.out->flows.emplace_back();
  apply_sample(sample, flow);
  if (!read_records(state, sample, flow)) {
    state.out->flows.pop_back();
    ++counters.records_without_flow;
    return;
  }
  complete_sample(state, flow);
  give_layers(state);
}

void normalize_packet(NormalizerState& state, const CapturedPacket& packet) {
  ++state.counters.records;
  FlowRecord flow;
  flow.observation_domain = packet.observation_point;
  flow.received = flow.start = flow.end = packet.captured;
  flow.export_protocol = ExportProtocol::packet_capture;
  flow.kind = FlowKind::sampled_packet;
  flow.sampling_source = SamplingSource::record;  // every packet is there
  flow.present = bits(FlowField::start) | bits(FlowField::end);
  dissect(packet.frame, packet.link, state.dissection);
  if (state.out == nullptr || !apply_dissection(state, packet.frame_octets, flow)) {
    ++state.counters.records_without_flow;
    return;
  }
  state.out->flows.push_back(flow);
  give_layers(state);
}

}  // namespace flowlens::normalize
