/// \file
/// wire: packets taken apart, Ethernet to transport and through tunnels, as sampled headers, packet
/// sections and captures carry them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// What the first octets of a frame are.
enum class LinkType : std::uint8_t {
  ethernet,    ///< Ethernet II, or IEEE 802.3 with LLC and SNAP
  ip,          ///< IPv4 or IPv6, told by the version
  mpls,        ///< a label stack (RFC 3032)
  ppp,         ///< PPP, with or without HDLC's address and control octets (RFC 1661, RFC 1662)
  linux_sll,   ///< Linux cooked capture
  linux_sll2,  ///< Linux cooked capture, version 2
  loopback     ///< BSD loopback: 4 octets of address family
};
inline constexpr std::size_t kLinkTypeCount = 7;

/// One packet as it was captured. A view.
struct CapturedPacket {
  std::span<const std::byte> frame;  ///< as far as it was captured
  LinkType link = LinkType::ethernet;
  std::uint32_t frame_octets = 0;  ///< of the whole packet on the wire; 0 if not known
  Timestamp captured;
  std::uint32_t observation_point = 0;  ///< which capture; tells points of one network apart
};

/// Which members of a Packet the octets really held.
enum class PacketField : std::uint32_t {
  mac_addresses = 1u << 0,
  ether_type = 1u << 1,
  vlan = 1u << 2,
  customer_vlan = 1u << 3,
  mpls = 1u << 4,
  ip = 1u << 5,  ///< version, tos, ttl, ip_length
  addresses = 1u << 6,
  protocol = 1u << 7,
  source_port = 1u << 8,
  destination_port = 1u << 9,
  tcp_flags = 1u << 10,
  icmp = 1u << 11,
  fragment = 1u << 12,           ///< fragment_offset and fragment_id
  final_destination = 1u << 13,  ///< and segments_left
  tunnel_id = 1u << 14,
  pppoe = 1u << 15,  ///< pppoe_session
};

/// What carries a packet within the packet around it.
enum class Encapsulation : std::uint8_t {
  none,             ///< the outermost packet
  ip_in_ip,         ///< IPv4 in IPv4 (RFC 2003), IPv6 in IPv6 (RFC 2473)
  ipv6_in_ipv4,     ///< 6in4 and 6to4 (RFC 4213)
  ipv4_in_ipv6,     ///< RFC 2473; DS-Lite
  srv6,             ///< behind a segment routing header (RFC 8754)
  gre,              ///< RFC 2784, RFC 2890; tunnel_id: the key
  pptp,             ///< PPP in enhanced GRE (RFC 2637); tunnel_id: the call
  nvgre,            ///< RFC 7637; tunnel_id: the VSID
  erspan,           ///< types I to III; tunnel_id: the session
  ether_ip,         ///< RFC 3378
  vxlan,            ///< RFC 7348, GPE too; tunnel_id: the VNI
  geneve,           ///< RFC 8926; tunnel_id: the VNI
  gtp_u,            ///< 3GPP TS 29.281; tunnel_id: the TEID
  teredo,           ///< RFC 4380
  pbb,              ///< MAC in MAC (IEEE 802.1ah); tunnel_id: the I-SID
  mpls_pseudowire,  ///< Ethernet in MPLS (RFC 4448); tunnel_id: the innermost label
  mpls_in_ip,       ///< RFC 4023
  mpls_in_udp,      ///< RFC 7510
};

/// `vxlan`
[[nodiscard]] const char* name_of(Encapsulation encapsulation) noexcept;

/// The headers of one packet, up to its transport. Members whose PacketField is missing are 0: the
/// frame was cut before them, or has none.
struct Packet {
  IpAddress source;
  IpAddress destination;        ///< of the IP header; see final_destination
  IpAddress final_destination;  ///< where a routing header still leads (RFC 8754 §2, RFC 6275 §6.4)
  std::array<std::uint8_t, 6> source_mac{};
  std::array<std::uint8_t, 6> destination_mac{};
  static constexpr std::size_t kMaxMplsLabels = 10;
  std::array<std::uint32_t, kMaxMplsLabels> mpls_labels{};  ///< outermost first; 20 bits each
  std::uint32_t present = 0;                                ///< PacketField bits
  std::uint32_t ip_offset = 0;   ///< of the IP header in the whole frame, with PacketField::ip
  std::uint32_t ip_length = 0;   ///< what the IP header says, its own octets included
  std::uint32_t flow_label = 0;  ///< IPv6
  std::uint32_t fragment_id = 0;
  std::uint32_t tunnel_id = 0;         ///< of what carries this packet; see Encapsulation
  std::uint16_t ether_type = 0;        ///< behind all VLAN tags
  std::uint16_t vlan_id = 0;           ///< outermost tag
  std::uint16_t customer_vlan_id = 0;  ///< second tag
  std::uint16_t pppoe_session = 0;
  std::uint16_t fragment_offset = 0;  ///< in units of 8 octets
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t vlan_count = 0;  ///< tags, however many
  std::uint8_t vlan_priority = 0;
  std::uint8_t customer_vlan_priority = 0;
  std::uint8_t mpls_label_count = 0;  ///< entries of mpls_labels
  std::uint8_t ip_version = 0;
  std::uint8_t tos = 0;
  std::uint8_t ttl = 0;
  std::uint8_t protocol = 0;   ///< IPv6: the next header of the last extension header
  std::uint8_t tcp_flags = 0;  ///< low octet
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint8_t segments_left = 0;
  Encapsulation encapsulation = Encapsulation::none;

  [[nodiscard]] bool has(PacketField f) const noexcept {
    return (present & static_cast<std::uint32_t>(f)) != 0;
  }
  void set(PacketField f) noexcept { present |= static_cast<std::uint32_t>(f); }
  /// Not the first fragment: no ports are there to be read.
  [[nodiscard]] bool is_fragment_tail() const noexcept { return fragment_offset != 0; }
  /// Names both ends and what they speak: enough for a flow.
  [[nodiscard]] bool is_conversation() const noexcept {
    return has(PacketField::addresses) && has(PacketField::protocol);
  }
};

/// A packet and those it carries, outermost first. Reuse one for many frames.
struct Dissection {
  /// A packet and 4 tunnels within it.
  static constexpr std::size_t kMaxLayers = 5;
  std::array<Packet, kMaxLayers> layers;
  std::uint8_t count = 0;  ///< layers that are filled, at least 1 after dissect()
  bool has_more = false;   ///< a further tunnel was left closed

  /// The conversation furthest out, or the outermost packet if there is none.
  [[nodiscard]] std::size_t outermost() const noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (layers[i].is_conversation()) return i;
    }
    return 0;
  }
  /// The conversation furthest in, or the outermost packet if there is none.
  [[nodiscard]] std::size_t innermost() const noexcept {
    for (std::size_t i = count; i-- > 0;) {
      if (layers[i].is_conversation()) return i;
    }
    return 0;
  }
};

/// Reads as far as the octets go, through tunnels too. Never fails: what is cut or makes no sense
/// is absent. The work is bounded by the octets of the frame; nothing is allocated.
/// \param frame  not kept.
/// \param out  overwritten.
void dissect(std::span<const std::byte> frame, LinkType link, Dissection& out) noexcept;

}  // namespace flowlens
