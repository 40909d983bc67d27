// Packets whose headers stand in a Dissection: those with tunnels or odd headers, and those that come
// beside other elements of a record.
#include "normalize/normalizer_state.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint32_t bits(FlowField f) noexcept { return static_cast<std::uint32_t>(f); }

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

bool read_dissected(NormalizerState& state, std::span<const std::byte> frame, LinkType link,
                    std::uint64_t frame_octets, FlowRecord& flow) noexcept {
  Dissection& d = state.dissection;
  dissect(frame, link, d);
  const std::size_t layer =
      state.options.tunnel_view == TunnelView::innermost ? d.innermost() : d.outermost();
  if (!d.layers[layer].is_conversation()) return false;
  apply_packet(d.layers[layer], frame_octets, flow);
  apply_vlan(d, layer, flow);
  return true;
}

void give_layers(const NormalizerState& state) {
  const Dissection& d = state.dissection;
  FlowBatch& out = *state.out;
  const auto index = static_cast<std::uint32_t>(out.flows.size() - 1);
  for (std::uint8_t i = 0; i < d.count; ++i) out.layers.push_back({index, i, d.layers[i]});
}

}  // namespace flowlens::normalize
