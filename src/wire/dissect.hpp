/// \file
/// wire: packet headers, Ethernet to transport, as samples and captures carry them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "flowlens/ip_address.hpp"

namespace flowlens::wire {

/// What the first octets of a frame are.
enum class LinkType : std::uint8_t { ethernet, ip, mpls };

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
  fragment = 1u << 12,  ///< fragment_offset and fragment_id
};

/// The first headers of a packet. Members whose PacketField is missing are 0: the frame was cut
/// before them, or has none.
struct Packet {
  IpAddress source;
  IpAddress destination;
  std::array<std::uint8_t, 6> source_mac{};
  std::array<std::uint8_t, 6> destination_mac{};
  static constexpr std::size_t kMaxMplsLabels = 10;
  std::array<std::uint32_t, kMaxMplsLabels> mpls_labels{};  ///< outermost first; 20 bits each
  std::uint32_t present = 0;                                ///< PacketField bits
  std::uint32_t ip_offset = 0;   ///< of the IP header in the frame, with PacketField::ip
  std::uint32_t ip_length = 0;   ///< what the IP header says, its own octets included
  std::uint32_t flow_label = 0;  ///< IPv6
  std::uint32_t fragment_id = 0;
  std::uint16_t ether_type = 0;        ///< behind all VLAN tags
  std::uint16_t vlan_id = 0;           ///< outermost tag
  std::uint16_t customer_vlan_id = 0;  ///< second tag
  std::uint16_t fragment_offset = 0;   ///< in units of 8 octets
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
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

  [[nodiscard]] bool has(PacketField f) const noexcept {
    return (present & static_cast<std::uint32_t>(f)) != 0;
  }
  void set(PacketField f) noexcept { present |= static_cast<std::uint32_t>(f); }
  /// Not the first fragment: no ports are there to be read.
  [[nodiscard]] bool is_fragment_tail() const noexcept { return fragment_offset != 0; }
};

/// Reads as far as the octets go. Never fails: what is cut or makes no sense is absent. The work is
/// bounded by a fixed number of headers.
[[nodiscard]] Packet dissect(std::span<const std::byte> frame, LinkType link) noexcept;

}  // namespace flowlens::wire
