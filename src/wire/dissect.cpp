#include "wire/dissect.hpp"

#include <cstring>

#include "wire/load.hpp"

namespace flowlens::wire {
namespace {

constexpr int kMaxVlanTags = 8;
constexpr int kMaxLabels = 32;
constexpr int kMaxExtensionHeaders = 32;

constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd, kEtherMpls = 0x8847,
                        kEtherMplsMulticast = 0x8848;
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kDccp = 33, kIcmpV6 = 58, kSctp = 132,
                       kUdpLite = 136;

constexpr bool is_vlan_tag(std::uint16_t ether_type) noexcept {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

/// What is left of the frame.
struct Rest {
  const std::byte* at;
  std::size_t size;
  void skip(std::size_t n) noexcept {
    at += n;
    size -= n;
  }
};

void transport(Rest in, Packet& p) noexcept {
  switch (p.protocol) {
    case kTcp:
      if (in.size >= 14) {
        p.tcp_flags = load8(in.at + 13);
        p.set(PacketField::tcp_flags);
      }
      [[fallthrough]];
    case kUdp:
    case kDccp:
    case kSctp:
    case kUdpLite:
      if (in.size < 2) return;
      p.source_port = load16(in.at);
      p.set(PacketField::source_port);
      if (in.size < 4) return;
      p.destination_port = load16(in.at + 2);
      p.set(PacketField::destination_port);
      return;
    case kIcmp:
    case kIcmpV6:
      if (in.size < 2) return;
      p.icmp_type = load8(in.at);
      p.icmp_code = load8(in.at + 1);
      p.set(PacketField::icmp);
      return;
    default:
      return;
  }
}

IpAddress v6_at(const std::byte* at) noexcept {
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), at, octets.size());
  return IpAddress::v6(octets);
}

/// RFC 791 §3.1.
void ipv4(Rest in, Packet& p) noexcept {
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
  p.source = IpAddress::v4(load32(in.at + 12));
  p.destination = IpAddress::v4(load32(in.at + 16));
  p.set(PacketField::addresses);
  if (in.size < header || p.is_fragment_tail()) return;
  in.skip(header);
  transport(in, p);
}

constexpr bool is_extension_header(std::uint8_t next) noexcept {
  return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 ||
         next == 139 || next == 140;
}

/// Walks the extension headers (RFC 8200 §4). \return false if the chain is cut or too long.
bool extension_headers(Rest& in, std::uint8_t& next, Packet& p) noexcept {
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
void ipv6(Rest in, Packet& p) noexcept {
  p.ip_version = 6;
  if (in.size < 8) return;
  p.tos = static_cast<std::uint8_t>(load16(in.at) >> 4);
  p.flow_label = load32(in.at) & 0xf'ffffu;
  p.ip_length = 40u + load16(in.at + 4);
  p.ttl = load8(in.at + 7);
  p.set(PacketField::ip);
  if (in.size < 40) return;
  p.source = v6_at(in.at + 8);
  p.destination = v6_at(in.at + 24);
  p.set(PacketField::addresses);
  std::uint8_t next = load8(in.at + 6);
  in.skip(40);
  if (!extension_headers(in, next, p)) return;
  p.protocol = next;
  p.set(PacketField::protocol);
  if (!p.is_fragment_tail()) transport(in, p);
}

void ip(Rest in, std::size_t offset, Packet& p) noexcept {
  if (in.size == 0) return;
  p.ip_offset = static_cast<std::uint32_t>(offset);
  switch (load8(in.at) >> 4) {
    case 4:
      return ipv4(in, p);
    case 6:
      return ipv6(in, p);
    default:
      return;
  }
}

/// RFC 3032 §2.1: labels up to the bottom of the stack; behind it IP, told by its version.
void mpls(Rest in, std::size_t offset, Packet& p) noexcept {
  for (int i = 0; i < kMaxLabels && in.size >= 4; ++i) {
    const std::uint32_t entry = load32(in.at);
    if (p.mpls_label_count < Packet::kMaxMplsLabels) {
      p.mpls_labels[p.mpls_label_count++] = entry >> 12;
      p.set(PacketField::mpls);
    }
    in.skip(4);
    offset += 4;
    if ((entry & 0x100u) != 0) return ip(in, offset, p);
  }
}

void ethernet(Rest in, Packet& p) noexcept {
  if (in.size < 12) return;
  std::memcpy(p.destination_mac.data(), in.at, 6);
  std::memcpy(p.source_mac.data(), in.at + 6, 6);
  p.set(PacketField::mac_addresses);
  in.skip(12);
  std::size_t offset = 12;
  for (int tags = 0;; ++tags) {
    if (in.size < 2) return;
    const std::uint16_t type = load16(in.at);
    if (!is_vlan_tag(type)) {
      p.ether_type = type;
      p.set(PacketField::ether_type);
      break;
    }
    if (in.size < 4 || tags == kMaxVlanTags) return;
    const std::uint16_t tag = load16(in.at + 2);
    if (tags == 0) {
      p.vlan_id = tag & 0x0fffu;
      p.vlan_priority = static_cast<std::uint8_t>(tag >> 13);
      p.set(PacketField::vlan);
    } else if (tags == 1) {
      p.customer_vlan_id = tag & 0x0fffu;
      p.customer_vlan_priority = static_cast<std::uint8_t>(tag >> 13);
      p.set(PacketField::customer_vlan);
    }
    in.skip(4);
    offset += 4;
  }
  in.skip(2);
  offset += 2;
  switch (p.ether_type) {
    case kEtherIpv4:
    case kEtherIpv6:
      return ip(in, offset, p);
    case kEtherMpls:
    case kEtherMplsMulticast:
      return mpls(in, offset, p);
    default:
      return;
  }
}

}  // namespace

Packet dissect(std::span<const std::byte> frame, LinkType link) noexcept {
  Packet p;
  const Rest in{frame.data(), frame.size()};
  switch (link) {
    case LinkType::ethernet:
      ethernet(in, p);
      break;
    case LinkType::ip:
      ip(in, 0, p);
      break;
    case LinkType::mpls:
      mpls(in, 0, p);
      break;
  }
  return p;
}

}  // namespace flowlens::wire
