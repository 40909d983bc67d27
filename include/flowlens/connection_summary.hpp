/// \file
/// aggregate: what happened between a client and a service within one window.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "flowlens/endpoint.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Who serves.
enum class Direction : std::uint8_t {
  client_server,
  peer,  ///< both ends alike (BGP, NTP among servers): no side serves; the lower endpoint stands as client
  unknown,  ///< nothing spoke; the lower endpoint stands as client
};
[[nodiscard]] std::string_view to_string(Direction d) noexcept;

/// The rungs of evidence, strongest first; the first that speaks decides.
enum class DirectionRung : std::uint8_t {
  stated_initiator,  ///< the exporter says who began (RFC 5103, initiator counters)
  handshake_packet,  ///< a sampled SYN or SYN+ACK
  multicast,         ///< sent to a multicast or broadcast address
  protocol_rule,     ///< ICMP echo, DHCP and the like; both ends on one port
  tcp_flags,         ///< or-ed flags that allow one answer only
  first_start,       ///< one half began clearly earlier, same exporter, unsampled
  service_list,      ///< one port is a known service, the other is not
  port_range,        ///< well-known against registered or ephemeral range
  one_way,           ///< UDP without an answer, unsampled: the sender stands as client
  lower_port,
  none,
};
inline constexpr std::size_t kDirectionRungCount = 11;
/// `service_list`
[[nodiscard]] std::string_view to_string(DirectionRung r) noexcept;
/// One sentence for people: why this rung decides.
[[nodiscard]] std::string_view describe(DirectionRung r) noexcept;
/// 0 to 1: how often an answer of this rung is right, by its nature.
[[nodiscard]] float confidence(DirectionRung r) noexcept;

/// Traffic of one dependency. Also used for differences: the arithmetic is modulo 2^64, so a
/// difference may be "negative" and the sums still come out right.
struct TrafficCounts {
  std::uint64_t flows = 0;
  std::uint64_t octets_to_server = 0;  ///< as exported, best single observer
  std::uint64_t octets_to_client = 0;
  std::uint64_t packets_to_server = 0;
  std::uint64_t packets_to_client = 0;
  std::uint64_t estimated_octets_to_server = 0;  ///< with sampling undone
  std::uint64_t estimated_octets_to_client = 0;

  TrafficCounts& operator+=(const TrafficCounts& o) noexcept;
  TrafficCounts& operator-=(const TrafficCounts& o) noexcept;
  [[nodiscard]] bool is_zero() const noexcept { return *this == TrafficCounts{}; }
  friend bool operator==(const TrafficCounts&, const TrafficCounts&) noexcept = default;
};

/// What identifies a dependency: who uses what where.
struct DependencyKey {
  Endpoint client;
  Endpoint server;
  std::uint16_t port = 0;     ///< of the service; 0 for protocols without ports
  std::uint8_t protocol = 0;  ///< IANA protocol number
  friend constexpr auto operator<=>(const DependencyKey&, const DependencyKey&) noexcept = default;
};

/// At most so many observers are named; more are counted only.
inline constexpr std::size_t kMaxObservers = 4;

/// One dependency in one window: the cumulative values of this epoch, and what is new.
struct ConnectionSummary {
  DependencyKey key;
  Timestamp window_start;
  Timestamp first;  ///< of the traffic counted, to the microsecond
  Timestamp last;
  TrafficCounts counts;                              ///< cumulative in this window, this epoch
  TrafficCounts added;                               ///< since the last report of this row
  std::array<IpAddress, kMaxObservers> observers{};  ///< exporters that saw it, ascending
  std::uint8_t observer_count = 0;                   ///< entries of `observers`
  ServiceId service;
  Direction direction = Direction::client_server;
  DirectionRung rung = DirectionRung::none;  ///< the strongest among its conversations
  bool client_internal = false;
  bool server_internal = false;
  bool provisional = true;  ///< the window is still open: the answer may change at its close
};

}  // namespace flowlens
