/// \file
/// aggregate: what happened between a client and a service within one window.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/endpoint.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Who serves.
enum class Direction : std::uint8_t {
  client_server,
  peer,  ///< both ends alike (BGP, NTP among servers): no side serves; the lower endpoint stands as client
  unknown,  ///< nothing spoke, or only for a port that clients draw; where nothing is known of the
            ///< ends the lower endpoint stands as client, and the port is 0
};
[[nodiscard]] std::string_view to_string(Direction d) noexcept;

/// The rungs of evidence, strongest first; the first that speaks decides. D1 to D22 are the heuristics
/// of the design notes.
enum class DirectionRung : std::uint8_t {
  declared,          ///< a user says which address and port serves (D6)
  stated_initiator,  ///< the exporter says who began (D1: RFC 5103, initiator counters)
  inventory,         ///< an inventory lists the listener, and has not expired (D6)
  handshake_packet,  ///< a sampled SYN or SYN+ACK (D3)
  multicast,         ///< sent to a multicast or broadcast address (D8)
  protocol_rule,     ///< ICMP echo, DHCP and the like; both ends on one port (D19, D22)
  control_child,     ///< follows a flow to a port that hands out others: MS-RPC, FTP (D19)
  tcp_flags,         ///< or-ed flags that allow one answer only (D4, D5)
  endpoint_memory,   ///< this address and port has served before (D15)
  fan_in,            ///< many peers at one end, few at the other (D13)
  client_ports,      ///< many ports of others at one end, few at the other (D14)
  first_start,       ///< one half began clearly earlier, same exporter, unsampled (D7)
  service_list,      ///< one port is a known service, the other is not (D9, D10)
  dynamic_range,     ///< one port lies where its address draws its client ports from
  port_range,        ///< well-known against registered or ephemeral range (D11)
  one_way,           ///< UDP without an answer, unsampled: the sender stands as client
  lower_port,        ///< (D12)
  none,
};
inline constexpr std::size_t kDirectionRungCount = 18;
/// `service_list`
[[nodiscard]] std::string_view to_string(DirectionRung r) noexcept;
/// One sentence for people: why this rung decides.
[[nodiscard]] std::string_view describe(DirectionRung r) noexcept;
/// 0 to 1: how often an answer of this rung is right, by its nature.
[[nodiscard]] float confidence(DirectionRung r) noexcept;

/// Which rungs spoke for the direction of a dependency and which against it, over its conversations.
/// Two sets of one dependency add up in any order. A value.
class DirectionReasons {
 public:
  void add(DirectionRung rung, bool agrees) noexcept {
    (agrees ? agreeing_ : disagreeing_) |= 1u << static_cast<unsigned>(rung);
  }
  DirectionReasons& operator|=(const DirectionReasons& o) noexcept {
    agreeing_ |= o.agreeing_;
    disagreeing_ |= o.disagreeing_;
    return *this;
  }
  [[nodiscard]] bool agrees(DirectionRung rung) const noexcept {
    return (agreeing_ >> static_cast<unsigned>(rung) & 1u) != 0;
  }
  [[nodiscard]] bool disagrees(DirectionRung rung) const noexcept {
    return (disagreeing_ >> static_cast<unsigned>(rung) & 1u) != 0;
  }
  [[nodiscard]] bool empty() const noexcept { return (agreeing_ | disagreeing_) == 0; }
  /// To keep them in little room: a bit for each rung that agrees, above them one for each that does not.
  [[nodiscard]] std::uint64_t bits() const noexcept {
    return agreeing_ | std::uint64_t{disagreeing_} << kDirectionRungCount;
  }
  [[nodiscard]] static DirectionReasons from_bits(std::uint64_t bits) noexcept {
    constexpr std::uint64_t kEach = (1u << kDirectionRungCount) - 1;
    DirectionReasons reasons;
    reasons.agreeing_ = static_cast<std::uint32_t>(bits & kEach);
    reasons.disagreeing_ = static_cast<std::uint32_t>(bits >> kDirectionRungCount & kEach);
    return reasons;
  }
  friend bool operator==(const DirectionReasons&, const DirectionReasons&) noexcept = default;

 private:
  std::uint32_t agreeing_ = 0;  ///< bits by DirectionRung
  std::uint32_t disagreeing_ = 0;
};

/// 1 − Π(1 − evidence) over the rungs that agree, against the same over those that disagree. Rungs
/// that look at the same thing (the port numbers, say) count as one, the strongest.
/// \return 0 to 1.
[[nodiscard]] float confidence(const DirectionReasons& reasons) noexcept;

/// One reason to show.
struct DirectionReason {
  DirectionRung rung = DirectionRung::none;
  bool agrees = true;
  /// `For: The lower port is more often the service.`
  [[nodiscard]] std::string text() const;
};
inline constexpr std::size_t kMaxReasons = 3;
/// The strongest reasons, for and against, strongest first; at most kMaxReasons.
[[nodiscard]] std::vector<DirectionReason> strongest(const DirectionReasons& reasons);

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
  /// The same with client and server changed over.
  [[nodiscard]] TrafficCounts turned() const noexcept {
    return {flows,
            octets_to_client,
            octets_to_server,
            packets_to_client,
            packets_to_server,
            estimated_octets_to_client,
            estimated_octets_to_server};
  }
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
  bool provisional = true;   ///< the window is still open: the answer may change at its close
  DirectionReasons reasons;  ///< over its conversations; complete once the window is closed
  /// How the observers lie on the way from the client to the server: indexes into `observers`. Told
  /// by who saw requests early and answers late, which no clock skew changes.
  std::array<std::uint8_t, kMaxObservers> hops{};
  std::uint8_t hop_count = 0;      ///< entries of `hops`; 0: not known. Set at the window's close
  std::uint16_t flips = 0;         ///< times stronger evidence turned it round, in this window
  std::uint32_t client_count = 1;  ///< clients it stands for: more than 1 where they were collapsed
  /// What stands for one of the ends elsewhere, as a translator told: the lowest such address.
  /// Unspecified: nothing was told. Set at the window's close.
  Endpoint via{};
};

}  // namespace flowlens
