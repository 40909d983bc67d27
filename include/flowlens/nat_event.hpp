/// \file
/// normalize: address translation: of flows (what they looked like on the other side of a NAT), and
/// the events in which a NAT tells of its bindings (RFC 8158).
#pragma once

#include <cstdint>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// A flow's addresses behind translation (elements 225 to 228, 281, 282). What was not translated,
/// or not told, is as in the flow.
struct Translation {
  std::uint32_t flow = 0;  ///< index into FlowBatch::flows
  IpAddress source_address;
  IpAddress destination_address;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  friend bool operator==(const Translation&, const Translation&) = default;
};

/// Which values of a NatEvent were exported.
enum class NatField : std::uint16_t {
  source_address = 1u << 0,
  destination_address = 1u << 1,
  post_source_address = 1u << 2,
  post_destination_address = 1u << 3,
  source_port = 1u << 4,
  destination_port = 1u << 5,
  post_source_port = 1u << 6,
  post_destination_port = 1u << 7,
  protocol = 1u << 8,
  port_block = 1u << 9,
  vrf = 1u << 10,
  pool = 1u << 11,
  time = 1u << 12
};

/// One event of a NAT: a session, a binding, a block of ports made or taken down, a limit met.
struct NatEvent {
  IpAddress exporter;
  IpAddress source_address;
  IpAddress destination_address;
  IpAddress post_source_address;
  IpAddress post_destination_address;
  Timestamp time;  ///< of the event (elements 322 to 325); `received` where it was not exported
  Timestamp received;
  std::uint64_t vrf_name = 0;  ///< see Vrf::name
  std::uint32_t observation_domain = 0;
  std::uint32_t vrf = 0;      ///< element 234, of the addresses before translation
  std::uint32_t pool = 0;     ///< element 283
  std::uint16_t present = 0;  ///< NatField bits
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t post_source_port = 0;
  std::uint16_t post_destination_port = 0;
  std::uint16_t port_block_start = 0;  ///< element 361
  std::uint16_t port_block_end = 0;    ///< element 362, or from the size (363, 364): the last port
  std::uint8_t protocol = 0;
  /// natEvent (element 230, RFC 8158 §4.3): 1 and 2 a translation made and deleted (historic), 3 no
  /// addresses left, 4 and 5 a NAT44 session, 6 and 7 NAT64, 8 to 11 their BIB entries, 12 no ports
  /// left, 13 a quota met, 14 and 15 an address binding, 16 and 17 a port block, 18 a threshold.
  std::uint8_t event = 0;

  [[nodiscard]] bool has(NatField f) const noexcept {
    return (present & static_cast<std::uint16_t>(f)) != 0;
  }
  friend bool operator==(const NatEvent&, const NatEvent&) = default;
};

}  // namespace flowlens
