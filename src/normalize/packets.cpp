// Sampled packets: sFlow samples, and the headers that any protocol may carry.
#include <algorithm>
#include <cstring>

#include "normalize/normalizer_state.hpp"
#include "normalize/plain_frame.hpp"
#include "wire/byte_reader.hpp"
#include "wire/load.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint32_t bits(FlowField f) noexcept { return static_cast<std::uint32_t>(f); }

/// Header protocols of sFlow v5 (enum header_protocol).
bool link_of(std::uint32_t header_protocol, LinkType& link) noexcept {
  link = LinkType::ethernet;
  if (header_protocol == 1) return true;
  switch (header_protocol) {
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

/// What read_plain_frame() may have left in a flow that it could not read.
void forget_packet(FlowRecord& flow) noexcept {
  flow.source_address = flow.destination_address = IpAddress{};
  flow.octet_count = 0;
  flow.source_port = flow.destination_port = flow.icmp_type_code = 0;
  flow.protocol = flow.tcp_flags = flow.tos = 0;
  flow.is_fragment_tail = false;
}

/// The headers of a packet, those of the layer the options ask for. Then `state.dissection` has all
/// layers, or a count of 1 if the packet has no tunnel. \param flow  as for read_plain_frame().
/// \return false if the headers have no addresses or no protocol: then there is no flow.
bool read_frame(NormalizerState& state, std::span<const std::byte> frame, LinkType link,
                std::uint64_t frame_octets, FlowRecord& flow) noexcept {
  const std::uint16_t vlan_id = flow.vlan_id;
  state.dissection.count = 1;
  const PlainFrame found = read_plain_frame(frame, link, frame_octets, flow);
  if (found == PlainFrame::read) return true;
  forget_packet(flow);
  flow.vlan_id = vlan_id;
  return found == PlainFrame::not_plain && read_dissected(state, frame, link, frame_octets, flow);
}

bool read_sampled_header(NormalizerState& state, std::span<const std::byte> record,
                         FlowRecord& flow) noexcept {
  constexpr std::size_t kHeader = 16;
  if (record.size() < kHeader) return false;
  LinkType link;
  if (!link_of(wire::load32(record.data()), link)) return false;
  const std::uint32_t frame_octets = wire::load32(record.data() + 4);
  // At 8: octets removed before sampling, counted in frame_octets.
  const std::size_t length =
      std::min<std::size_t>(wire::load32(record.data() + 12), record.size() - kHeader);
  return read_frame(state, record.subspan(kHeader, length), link, frame_octets, flow);
}

/// sampled_ipv4 and sampled_ipv6 hold the same members, the addresses apart.
[[gnu::noinline]] bool read_sampled_ip(std::span<const std::byte> record, bool is_v6,
                                       FlowRecord& flow) noexcept {
  wire::ByteReader in{record};
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

void read_switch(std::span<const std::byte> record, FlowRecord& flow) noexcept {
  if (record.size() < 4) return;
  const std::uint32_t vlan = wire::load32(record.data());
  if (vlan == 0 || vlan > 4095 || flow.has(FlowField::vlan_id)) return;
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

[[gnu::noinline]] void read_router(std::span<const std::byte> record, FlowRecord& flow) noexcept {
  wire::ByteReader in{record};
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
[[gnu::noinline]] void read_gateway(std::span<const std::byte> record, FlowRecord& flow) noexcept {
  wire::ByteReader in{record};
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
  return format == 0 && value + 1 > 1 && value != 0x3fff'ffffu;
}

/// By the last 4 octets, mostly.
bool is_specified(const IpAddress& address) noexcept {
  std::uint32_t last;
  std::memcpy(&last, address.octets().data() + 12, sizeof last);
  return last != 0 || !address.is_unspecified();
}

/// What the sample says of the packet, and of itself. \param flow  a new one.
void apply_sample(const SflowSample& sample, FlowRecord& flow) noexcept {
  const IpAddress& agent = sample.message->agent;
  flow.exporter = is_specified(agent) ? agent : sample.session->exporter;
  flow.observation_domain = sample.message->observation_domain;
  flow.received = flow.start = flow.end = sample.received;
  flow.export_protocol = sample.message->protocol;
  flow.kind = FlowKind::sampled_packet;
  flow.counter_source = CounterSource::packet;
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

/// Reads the records of a sample into its flow. \return false if they tell of none.
bool read_records(NormalizerState& state, const SflowSample& sample, FlowRecord& flow) noexcept {
  // Packets that a device dropped did not pass: they are no traffic.
  if (sample.kind == SflowSampleKind::discarded) return false;
  // Some agents tell one packet in all forms: the header says most.
  bool from_header = false;
  std::span<const std::byte> decoded;
  std::uint32_t decoded_format = 0;
  sample.for_each([&](const SflowRecord& record) {
    if (record.enterprise != 0) return;
    if (record.format == 1) {
      from_header = from_header || read_sampled_header(state, record.octets, flow);
    } else if (record.format == 1001) {
      read_switch(record.octets, flow);
    } else if (record.format == 1002) {
      read_router(record.octets, flow);
    } else if (record.format == 1003) {
      read_gateway(record.octets, flow);
    } else if ((record.format == 3 || record.format == 4) && decoded_format == 0) {
      decoded_format = record.format;
      decoded = record.octets;
    }
  });
  if (from_header) return true;
  state.dissection.count = 1;
  return decoded_format != 0 && read_sampled_ip(decoded, decoded_format == 4, flow);
}

}  // namespace

[[gnu::flatten]] bool normalize_sample(NormalizerState& state, const SflowSample& sample) {
  NormalizerCounters& counters = state.counters;
  if (sample.is_counters()) {
    ++counters.counter_samples;
    return false;
  }
  ++counters.records;
  if (state.out == nullptr) {
    ++counters.records_without_flow;
    return false;
  }
  // Made where it will stay: copying it costs as much as filling it.
  FlowRecord& flow = state.out->flows.emplace_back();
  apply_sample(sample, flow);
  if (!read_records(state, sample, flow)) {
    state.out->flows.pop_back();
    ++counters.records_without_flow;
    return false;
  }
  complete_sample(state, flow);
  if (state.dissection.count != 1) give_layers(state);
  return true;
}

void normalize_packet(NormalizerState& state, const CapturedPacket& packet) {
  ++state.counters.records;
  FlowRecord flow;
  flow.observation_domain = packet.observation_point;
  flow.received = flow.start = flow.end = packet.captured;
  flow.export_protocol = ExportProtocol::packet_capture;
  flow.kind = FlowKind::sampled_packet;
  flow.sampling_source = SamplingSource::record;  // every packet is there
  flow.packet_count = 1;
  flow.present = bits(FlowField::start) | bits(FlowField::end) | bits(FlowField::packet_count);
  if (state.out == nullptr ||
      !read_frame(state, packet.frame, packet.link, packet.frame_octets, flow)) {
    ++state.counters.records_without_flow;
    return;
  }
  state.out->flows.push_back(flow);
  if (state.dissection.count != 1) give_layers(state);
}

}  // namespace flowlens::normalize
