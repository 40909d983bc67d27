#include "collect/udp_payload.hpp"

#include "wire/byte_reader.hpp"

namespace flowlens::collect {
namespace {

using wire::ByteReader;

constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr std::uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8, kOldServiceVlan = 0x9100;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestinationOptions = 60;

std::uint16_t skip_vlan_tags(ByteReader& in, std::uint16_t ether_type) noexcept {
  while (in.ok() &&
         (ether_type == kVlan || ether_type == kServiceVlan || ether_type == kOldServiceVlan)) {
    in.skip(2);
    ether_type = in.u16();
  }
  return ether_type;
}

/// The EtherType, or 0 where the IP header tells its version itself.
std::uint16_t skip_link_header(LinkType link, ByteReader& in) noexcept {
  switch (link) {
    case LinkType::ethernet:
      in.skip(12);
      return skip_vlan_tags(in, in.u16());
    case LinkType::linux_sll:
      in.skip(14);
      return skip_vlan_tags(in, in.u16());
    case LinkType::linux_sll2: {
      const std::uint16_t ether_type = in.u16();
      in.skip(18);
      return skip_vlan_tags(in, ether_type);
    }
    case LinkType::loopback:
      // An address family whose number depends on the system that captured: the IP version is surer.
      in.skip(4);
      return 0;
    default:
      return 0;
  }
}

FrameContent read_udp(std::span<const std::byte> octets, UdpPayload& payload) noexcept {
  ByteReader in{octets};
  payload.source_port = in.u16();
  payload.destination_port = in.u16();
  const std::uint16_t length = in.u16();
  in.skip(2);
  if (!in.ok() || length < 8) return FrameContent::other;
  payload.octets = in.take(length - 8u);
  return in.ok() ? FrameContent::udp : FrameContent::other;
}

/// RFC 791 §3.1.
FrameContent read_ipv4(std::span<const std::byte> packet, UdpPayload& payload) noexcept {
  ByteReader in{packet};
  const std::size_t header_octets = (in.u8() & 0x0fu) * 4u;
  in.skip(1);
  const std::uint16_t total_length = in.u16();
  in.skip(2);
  const std::uint16_t fragment = in.u16();
  in.skip(1);
  const std::uint8_t protocol = in.u8();
  in.skip(2);
  payload.source = IpAddress::v4(in.u32());
  in.skip(4);
  if (!in.ok() || header_octets < 20 || protocol != kUdp) return FrameContent::other;
  if ((fragment & 0x3fff) != 0) return FrameContent::fragment;
  // 0: a packet captured before the network card cut it up (segmentation offload).
  const std::size_t end = total_length == 0 ? packet.size() : total_length;
  if (end > packet.size() || end < header_octets) return FrameContent::other;
  return read_udp(packet.subspan(header_octets, end - header_octets), payload);
}

/// RFC 8200 §3, §4: walks the extension headers.
FrameContent read_ipv6(std::span<const std::byte> packet, UdpPayload& payload) noexcept {
  ByteReader fixed{packet};
  fixed.skip(4);
  const std::uint16_t payload_length = fixed.u16();
  std::uint8_t next = fixed.u8();
  fixed.skip(1);
  const auto source = IpAddress::from_octets(fixed.take(16));
  fixed.skip(16);
  const auto body = fixed.take(payload_length);
  if (!fixed.ok() || !source) return FrameContent::other;
  payload.source = *source;

  ByteReader in{body};
  while (in.ok() && next != kUdp) {
    if (next == kFragment) {
      next = in.u8();
      in.skip(1);
      if ((in.u16() & 0xfff9) != 0) return FrameContent::fragment;
      in.skip(4);
    } else if (next == kHopByHop || next == kRouting || next == kDestinationOptions) {
      next = in.u8();
      in.skip(in.u8() * 8u + 6u);
    } else {
      return FrameContent::other;
    }
  }
  return in.ok() ? read_udp(in.rest(), payload) : FrameContent::other;
}

}  // namespace

FrameContent find_udp_payload(LinkType link, std::span<const std::byte> frame,
                              UdpPayload& payload) noexcept {
  ByteReader in{frame};
  const std::uint16_t ether_type = skip_link_header(link, in);
  const auto packet = in.rest();
  if (!in.ok() || packet.empty()) return FrameContent::other;
  const unsigned version = std::to_integer<unsigned>(packet[0]) >> 4;
  if (version == 4 && (ether_type == kIpv4 || ether_type == 0)) return read_ipv4(packet, payload);
  if (version == 6 && (ether_type == kIpv6 || ether_type == 0)) return read_ipv6(packet, payload);
  return FrameContent::other;
}

}  // namespace flowlens::collect
