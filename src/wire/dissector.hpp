/// \file
/// wire: the inside of dissect(), shared by the files of link layers, IP and tunnels. Whatever
/// opens a layer may call back to the link layers; there are at most Dissection::kMaxLayers of them,
/// and within one the headers only go up, so the recursion ends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flowlens/packet.hpp"
#include "wire/common_headers.hpp"
#include "wire/load.hpp"

namespace flowlens::wire {

inline constexpr std::uint16_t kEtherMpls = 0x8847, kEtherMplsMulticast = 0x8848,
                               kEtherPppoe = 0x8864, kEtherPbb = 0x88e7, kEtherBridged = 0x6558;

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
void keep_mac_addresses(Dissector& d, const std::byte* at) noexcept;
void read_ethernet(Dissector& d, Rest in) noexcept;
/// IEEE 802.2 with SNAP (RFC 1042).
void read_llc(Dissector& d, Rest in) noexcept;
/// What an EtherType but those of IP announces.
void read_other_ether_type(Dissector& d, std::uint16_t type, Rest in) noexcept;
void read_ppp(Dissector& d, Rest in) noexcept;
/// What an EtherType announces, IP, MPLS, PPPoE or PBB.
void read_ether_type(Dissector& d, std::uint16_t type, Rest in) noexcept;
void read_mpls(Dissector& d, Rest in) noexcept;

// IP.
void read_ip(Dissector& d, Rest in) noexcept;
/// Walks the extension headers (RFC 8200 §4). \param next  what the first is, set to what the last
/// announces. \return false if the chain is cut or too long.
bool read_extension_headers(Dissector& d, Rest& in, std::uint8_t& next,
                            bool& behind_segments) noexcept;

// Tunnels.
/// What an IP protocol carries that is no transport: another packet.
/// \param behind_segments  there was a segment routing header.
void read_ip_tunnel(Dissector& d, std::uint8_t protocol, bool behind_segments, Rest in) noexcept;
/// \param in  behind the UDP header
void read_udp_tunnel(Dissector& d, Rest in) noexcept;

}  // namespace flowlens::wire
