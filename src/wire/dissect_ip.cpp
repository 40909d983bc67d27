// IPv4, IPv6 with its extension headers, and transport.
#include "wire/dissector.hpp"

namespace flowlens::wire {
namespace {

constexpr int kMaxExtensionHeaders = 32;
constexpr std::size_t kUdpHeader = 8;

void read_ports(Dissector& d, Rest in) noexcept {
  Packet& p = *d.packet;
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

void read_transport(Dissector& d, bool behind_segments, Rest in) noexcept {
  Packet& p = *d.packet;
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

/// RFC 791 §3.1.
void read_ipv4(Dissector& d, Rest in) noexcept {
  Packet& p = *d.packet;
  const std::size_t header = std::size_t{load8(in.at) & 0x0fu} * 4;
  if (header < 20) return;
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
  if (in.size < 20) return;
  p.source = load_v4(in.at + 12);
  p.destination = load_v4(in.at + 16);
  p.set(PacketField::addresses);
  if (in.size < header || p.is_fragment_tail()) return;
  in.skip(header);
  read_transport(d, false, in);
}

constexpr bool is_extension_header(std::uint8_t next) noexcept {
  return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 ||
         next == 139 || next == 140;
}

/// Where a routing header leads in the end: segment routing (RFC 8754 §2) names it first, the old
/// source route (RFC 2460 §4.4) last, mobile IPv6 (RFC 6275 §6.4) alone.
void read_routing(Packet& p, const Rest& in, std::size_t length) noexcept {
  constexpr std::size_t kHeader = 8, kAddress = 16;
  if (in.size < kHeader + kAddress || length < kHeader + kAddress) return;
  const unsigned type = load8(in.at + 2);
  const std::uint8_t left = load8(in.at + 3);
  if (left == 0 || (type != 0 && type != 2 && type != 4)) return;
  const std::size_t at = type == 0 ? length - kAddress : kHeader;
  if (in.size < at + kAddress) return;
  p.segments_left = left;
  p.final_destination = load_v6(in.at + at);
  p.set(PacketField::final_destination);
}

/// Walks the extension headers (RFC 8200 §4). \return false if the chain is cut or too long.
bool extension_headers(Rest& in, std::uint8_t& next, bool& behind_segments, Packet& p) noexcept {
  for (int i = 0; i < kMaxExtensionHeaders; ++i) {
    std::size_t length = 0;
    switch (next) {
      case 0:    // hop-by-hop options
      case 43:   // routing
      case 60:   // destination options
      case 135:  // mobility
      case 139:  // host identity
      case 140:  // shim6
        if (in.size < 2) return false;
        length = (std::size_t{load8(in.at + 1)} + 1) * 8;
        break;
      case 51:  // authentication, RFC 4302 §2.2
        if (in.size < 2) return false;
        length = (std::size_t{load8(in.at + 1)} + 2) * 4;
        break;
      case 44:  // fragment
        if (in.size < 8) return false;
        length = 8;
        p.fragment_offset = static_cast<std::uint16_t>(load16(in.at + 2) >> 3);
        p.fragment_id = load32(in.at + 4);
        p.set(PacketField::fragment);
        break;
      default:
        return true;
    }
    if (next == 43) {
      read_routing(p, in, length);
      behind_segments = behind_segments || (in.size > 2 && load8(in.at + 2) == 4);
    }
    next = load8(in.at);
    if (p.is_fragment_tail()) return true;
    if (in.size < length) {  // cut within it: what it says is next is the end only if it looks so
      in.skip(in.size);
      return !is_extension_header(next);
    }
    in.skip(length);
  }
  return false;
}

/// RFC 8200 §3.
void read_ipv6(Dissector& d, Rest in) noexcept {
  Packet& p = *d.packet;
  p.ip_version = 6;
  if (in.size < 8) return;
  p.tos = static_cast<std::uint8_t>(load16(in.at) >> 4);
  p.flow_label = load32(in.at) & 0xf'ffffu;
  p.ip_length = 40u + load16(in.at + 4);
  p.ttl = load8(in.at + 7);
  p.set(PacketField::ip);
  if (in.size < 40) return;
  p.source = load_v6(in.at + 8);
  p.destination = load_v6(in.at + 24);
  p.set(PacketField::addresses);
  std::uint8_t next = load8(in.at + 6);
  in.skip(40);
  bool behind_segments = false;
  if (!extension_headers(in, next, behind_segments, p)) return;
  p.protocol = next;
  p.set(PacketField::protocol);
  if (!p.is_fragment_tail()) read_transport(d, behind_segments, in);
}

}  // namespace

void read_ip(Dissector& d, Rest in) noexcept {
  if (in.size == 0) return;
  d.packet->ip_offset = static_cast<std::uint32_t>(in.at - d.frame);
  switch (load8(in.at) >> 4) {
    case 4:
      return read_ipv4(d, in);
    case 6:
      return read_ipv6(d, in);
    default:
      return;
  }
}

}  // namespace flowlens::wire
