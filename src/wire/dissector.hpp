/// \file
/// wire: the inside of dissect(), shared by the files of link layers, IP and tunnels. Whatever
/// opens a layer may call back to the link layers; there are at most Dissection::kMaxLayers of them,
/// and within one the headers only go up, so the recursion ends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flowlens/packet.hpp"
#include "wire/load.hpp"

namespace flowlens::wire {

inline constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd, kEtherMpls = 0x8847,
                               kEtherMplsMulticast = 0x8848, kEtherPppoe = 0x8864,
                               kEtherPbb = 0x88e7, kEtherBridged = 0x6558;
inline constexpr std::uint8_t kIcmp = 1, kIpv4 = 4, kTcp = 6, kUdp = 17, kDccp = 33, kIpv6 = 41,
                              kGre = 47, kIcmpV6 = 58, kEtherIp = 97, kSctp = 132, kUdpLite = 136,
                              kMplsInIp = 137, kEthernet = 143;

/// What is left of the frame.
struct Rest {
  const std::byte* at;
  std::size_t size;
  void skip(std::size_t n) noexcept {
    at += n;
    size -= n;
  }
};

/// A frame on its way through the dissector.
struct Dissector {
  const std::byte* frame;
  Dissection& out;
  Packet* packet;  ///< the layer being read

  /// Goes on with the packet carried in this one. \return false if there are too many already.
  bool open(Encapsulation encapsulation) noexcept {
    if (out.count == Dissection::kMaxLayers) {
      out.has_more = true;
      return false;
    }
    packet = &out.layers[out.count++];
    *packet = Packet{};
    packet->encapsulation = encapsulation;
    return true;
  }
  bool open(Encapsulation encapsulation, std::uint32_t tunnel_id) noexcept {
    if (!open(encapsulation)) return false;
    packet->tunnel_id = tunnel_id;
    packet->set(PacketField::tunnel_id);
    return true;
  }
};

// Link layers.
void read_ethernet(Dissector& d, Rest in) noexcept;
void read_ppp(Dissector& d, Rest in) noexcept;
/// What an EtherType announces, IP, MPLS, PPPoE or PBB.
void read_ether_type(Dissector& d, std::uint16_t type, Rest in) noexcept;
void read_mpls(Dissector& d, Rest in) noexcept;

// IP.
/// By its version.
void read_ip(Dissector& d, Rest in) noexcept;

// Tunnels.
/// What an IP protocol carries that is no transport: another packet.
/// \param behind_segments  there was a segment routing header.
void read_ip_tunnel(Dissector& d, std::uint8_t protocol, bool behind_segments, Rest in) noexcept;
/// \param in  behind the UDP header
void read_udp_tunnel(Dissector& d, Rest in) noexcept;
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

}  // namespace flowlens::wire
