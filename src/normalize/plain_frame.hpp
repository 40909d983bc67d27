/// \file
/// normalize: plain packets, Ethernet to transport with nothing carried in them, straight into their
/// flows. They are nearly all there are; of the rest a Dissection tells, and by the same walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "flowlens/flow_record.hpp"
#include "wire/common_headers.hpp"

namespace flowlens::normalize {

/// In place of a member of Packet that no flow has.
struct NotKept {
  template <typename T>
  constexpr const NotKept& operator=(const T&) const noexcept {
    return *this;
  }
};

/// Takes the headers of one packet as a Packet does; what set() names goes into the flow.
class FlowHeaders {
 public:
  explicit FlowHeaders(FlowRecord& flow) noexcept : present(flow.present), flow_(flow) {}

  void set(PacketField field) noexcept {
    switch (field) {
      case PacketField::vlan:
        flow_.vlan_id = vlan_id;
        return tell(FlowField::vlan_id);
      case PacketField::ip:
        flow_.tos = tos;
        flow_.octet_count = ip_length;
        tell(FlowField::tos);
        return tell(FlowField::octet_count);
      case PacketField::fragment:
        flow_.is_fragment_tail = is_fragment_tail();
        return;
      case PacketField::protocol:
        flow_.protocol = protocol;
        return tell(FlowField::protocol);
      case PacketField::addresses:
        flow_.source_address = source;
        flow_.destination_address = destination;
        tell(FlowField::source_address);
        return tell(FlowField::destination_address);
      case PacketField::destination_port:  // the source's is there then
        flow_.source_port = source_port;
        flow_.destination_port = destination_port;
        tell(FlowField::source_port);
        return tell(FlowField::destination_port);
      case PacketField::tcp_flags:
        flow_.tcp_flags = tcp_flags;
        return tell(FlowField::tcp_flags);
      case PacketField::icmp:
        flow_.icmp_type_code = static_cast<std::uint16_t>(icmp_type << 8 | icmp_code);
        return tell(FlowField::icmp_type_code);
      default:
        return;
    }
  }
  [[nodiscard]] bool is_fragment_tail() const noexcept { return fragment_offset != 0; }
  [[nodiscard]] bool is_conversation() const noexcept {
    constexpr std::uint32_t kBoth = static_cast<std::uint32_t>(FlowField::source_address) |
                                    static_cast<std::uint32_t>(FlowField::protocol);
    return (present & kBoth) == kBoth;
  }

  IpAddress source;
  IpAddress destination;
  std::uint32_t present;  ///< FlowField bits
  std::uint32_t ip_offset = 0;
  std::uint32_t ip_length = 0;
  std::uint16_t vlan_id = 0;
  std::uint16_t vlan_count = 0;
  std::uint16_t fragment_offset = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t tos = 0;
  std::uint8_t protocol = 0;
  std::uint8_t tcp_flags = 0;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  static constexpr NotKept flow_label{}, fragment_id{}, ether_type{}, customer_vlan_id{},
      vlan_priority{}, customer_vlan_priority{}, ip_version{}, ttl{};

 private:
  void tell(FlowField field) noexcept { present |= static_cast<std::uint32_t>(field); }

  FlowRecord& flow_;
};

/// Reads a frame until it turns out not to be plain.
struct FlowReader {
  const std::byte* frame;
  FlowHeaders* packet;
  bool is_plain = true;
};

inline void keep_mac_addresses(FlowReader&, const std::byte*) noexcept {}
inline void read_llc(FlowReader& d, wire::Rest) noexcept { d.is_plain = false; }
inline void read_other_ether_type(FlowReader& d, std::uint16_t, wire::Rest) noexcept {
  d.is_plain = false;
}
inline bool read_extension_headers(FlowReader& d, wire::Rest&, std::uint8_t&, bool&) noexcept {
  d.is_plain = false;
  return false;
}
inline void read_ip_tunnel(FlowReader& d, std::uint8_t, bool, wire::Rest) noexcept {
  d.is_plain = false;
}
inline void read_udp_tunnel(FlowReader& d, wire::Rest) noexcept { d.is_plain = false; }

enum class PlainFrame : std::uint8_t {
  read,      ///< the flow says what the packet does
  no_flow,   ///< the headers have no addresses or no protocol
  not_plain  ///< only a Dissection tells
};

/// \param frame_octets  of the whole packet, the link layer included; 0 if not known.
/// \param flow  says nothing of a packet yet, but may have a VLAN. Unless the frame was read, its
/// members named in FlowHeaders::set() but those in `present` are of no use.
inline PlainFrame read_plain_frame(std::span<const std::byte> frame, LinkType link,
                                   std::uint64_t frame_octets, FlowRecord& flow) noexcept {
  if (link != LinkType::ethernet && link != LinkType::ip) return PlainFrame::not_plain;
  FlowHeaders headers{flow};
  FlowReader d{frame.data(), &headers};
  wire::Rest in{frame.data(), frame.size()};
  if (link == LinkType::ip || wire::take_ethernet(d, in)) wire::read_ip(d, in);
  if (!d.is_plain) return PlainFrame::not_plain;
  if (!headers.is_conversation()) return PlainFrame::no_flow;
  flow.present = headers.present;
  // A length of 0 comes from network cards that cut large segments themselves.
  if (headers.ip_length == 0 && frame_octets > headers.ip_offset) {
    flow.octet_count = frame_octets - headers.ip_offset;
  }
  return PlainFrame::read;
}

}  // namespace flowlens::normalize
