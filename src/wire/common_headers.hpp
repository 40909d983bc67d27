/// \file
/// wire: the headers that nearly every packet has, Ethernet with tags to transport, read once for
/// two readers: a Dissector keeps all they say, a PlainReader what a flow needs of a packet that
/// carries no other. What lies beside this way each of them reads by functions of its own:
/// keep_mac_addresses(), read_llc(), read_other_ether_type(), read_extension_headers(),
/// read_ip_tunnel() and read_udp_tunnel().
/// `Headers` is a Packet or a PlainPacket, whose members have the same names.
#pragma once

#include "flowlens/packet.hpp"
#include "wire/load.hpp"

namespace flowlens::wire {

inline constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd;
inline constexpr std::uint8_t kIcmp = 1, kIpv4 = 4, kTcp = 6, kUdp = 17, kDccp = 33, kIpv6 = 41,
                              kGre = 47, kIcmpV6 = 58, kEtherIp = 97, kSctp = 132, kUdpLite = 136,
                              kMplsInIp = 137, kEthernet = 143;
inline constexpr std::uint16_t kLongestLlc = 1'500;  ///< below, an EtherType is a length
inline constexpr std::size_t kUdpHeader = 8;

/// What is left of the frame.
struct Rest {
  const std::byte* at;
  std::size_t size;
  void skip(std::size_t n) noexcept {
    at += n;
    size -= n;
  }
};

constexpr bool is_vlan_tag(std::uint16_t ether_type) noexcept {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100 ||
         ether_type == 0x9200;
}
constexpr bool is_extension_header(std::uint8_t next) noexcept {
  return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 ||
         next == 139 || next == 140;
}
/// Whether UDP to or from these ports may carry a packet.
[[nodiscard]] constexpr bool may_tunnel(std::uint16_t source, std::uint16_t destination) noexcept {
  switch (destination) {
    case 2152:
    case 3544:
    case 4789:
    case 4790:
    case 6081:
    case 6635:
    case 8472:
      return true;
    default:
      return source == 3544;
  }
}

template <typename Headers>
void take_tag(Headers& p, std::uint16_t tag) noexcept {
  const auto id = static_cast<std::uint16_t>(tag & 0x0fffu);
  const auto priority = static_cast<std::uint8_t>(tag >> 13);
  if (p.vlan_count == 0) {
    p.vlan_id = id;
    p.vlan_priority = priority;
    p.set(PacketField::vlan);
  } else if (p.vlan_count == 1) {
    p.customer_vlan_id = id;
    p.customer_vlan_priority = priority;
    p.set(PacketField::customer_vlan);
  }
  ++p.vlan_count;
}

template <typename Reader>
void read_ports(Reader& d, Rest in) noexcept {
  auto& p = *d.packet;
  if (in.size < 2) return;
  p.source_port = load16(in.at);
  p.set(PacketField::source_port);
  if (in.size < 4) return;
  p.destination_port = load16(in.at + 2);
  p.set(PacketField::destination_port);
  if (p.protocol == kTcp && in.size >= 14) {
    p.tcp_flags = load8(in.at + 13);
    p.set(PacketField::tcp_flags);
  }
  if (p.protocol == kUdp && in.size > kUdpHeader && may_tunnel(p.source_port, p.destination_port)) {
    in.skip(kUdpHeader);
    read_udp_tunnel(d, in);
  }
}

template <typename Reader>
void read_transport(Reader& d, bool behind_segments, Rest in) noexcept {
  auto& p = *d.packet;
  switch (p.protocol) {
    case kTcp:
    case kUdp:
    case kDccp:
    case kSctp:
    case kUdpLite:
      return read_ports(d, in);
    case kIcmp:
    case kIcmpV6:
      if (in.size < 2) return;
      p.icmp_type = load8(in.at);
      p.icmp_code = load8(in.at + 1);
      p.set(PacketField::icmp);
      return;
    case kIpv4:
    case kIpv6:
    case kGre:
    case kEtherIp:
    case kMplsInIp:
    case kEthernet:
      return read_ip_tunnel(d, p.protocol, behind_segments, in);
    default:
      return;
  }
}

/// RFC 791 §3.1. \return whether the payload follows, at `in` then.
template <typename Reader>
bool take_ipv4(Reader& d, Rest& in) noexcept {
  auto& p = *d.packet;
  const std::size_t header = std::size_t{load8(in.at) & 0x0fu} * 4;
  if (header < 20) return false;
  p.ip_version = 4;
  if (in.size >= 9) {
    p.tos = load8(in.at + 1);
    p.ip_length = load16(in.at + 2);
    p.fragment_id = load16(in.at + 4);
    p.fragment_offset = load16(in.at + 6) & 0x1fffu;
    p.ttl = load8(in.at + 8);
    p.set(PacketField::ip);
    p.set(PacketField::fragment);
  }
  if (in.size >= 10) {
    p.protocol = load8(in.at + 9);
    p.set(PacketField::protocol);
  }
  if (in.size < 20) return false;
  p.source = load_v4(in.at + 12);
  p.destination = load_v4(in.at + 16);
  p.set(PacketField::addresses);
  if (in.size < header || p.is_fragment_tail()) return false;
  in.skip(header);
  return true;
}

/// RFC 8200 §3. \return whether the payload follows, at `in` then.
template <typename Reader>
bool take_ipv6(Reader& d, Rest& in, bool& behind_segments) noexcept {
  auto& p = *d.packet;
  p.ip_version = 6;
  if (in.size < 8) return false;
  p.tos = static_cast<std::uint8_t>(load16(in.at) >> 4);
  p.flow_label = load32(in.at) & 0xf'ffffu;
  p.ip_length = 40u + load16(in.at + 4);
  p.ttl = load8(in.at + 7);
  p.set(PacketField::ip);
  if (in.size < 40) return false;
  p.source = load_v6(in.at + 8);
  p.destination = load_v6(in.at + 24);
  p.set(PacketField::addresses);
  std::uint8_t next = load8(in.at + 6);
  in.skip(40);
  if (is_extension_header(next) && !read_extension_headers(d, in, next, behind_segments)) {
    return false;
  }
  p.protocol = next;
  p.set(PacketField::protocol);
  return !p.is_fragment_tail();
}

/// By its version.
template <typename Reader>
void read_ip(Reader& d, Rest in) noexcept {
  if (in.size == 0) return;
  d.packet->ip_offset = static_cast<std::uint32_t>(in.at - d.frame);
  const unsigned version = load8(in.at) >> 4;
  bool behind_segments = false;
  if (version == 4 ? take_ipv4(d, in) : version == 6 && take_ipv6(d, in, behind_segments)) {
    read_transport(d, behind_segments, in);
  }
}

/// An EtherType, tags before it. \return whether IP follows, at `in` then.
template <typename Reader>
bool take_tagged(Reader& d, Rest& in) noexcept {
  auto& p = *d.packet;
  if (in.size < 2) return false;
  std::uint16_t type = load16(in.at);
  while (is_vlan_tag(type)) {
    if (in.size < 4) return false;
    take_tag(p, load16(in.at + 2));
    in.skip(4);
    if (in.size < 2) return false;
    type = load16(in.at);
  }
  p.ether_type = type;
  p.set(PacketField::ether_type);
  in.skip(2);
  if (type == kEtherIpv4 || type == kEtherIpv6) return true;
  type <= kLongestLlc ? read_llc(d, in) : read_other_ether_type(d, type, in);
  return false;
}

/// \return whether IP follows, at `in` then.
template <typename Reader>
bool take_ethernet(Reader& d, Rest& in) noexcept {
  if (in.size < 12) return false;
  keep_mac_addresses(d, in.at);
  in.skip(12);
  return take_tagged(d, in);
}

}  // namespace flowlens::wire
