/// \file
/// aggregate: who serves: the ordered evidence of one conversation (notes/mapping.md 1.1).
#pragma once

#include <array>
#include <cstdint>

#include "flowlens/connection_summary.hpp"

namespace flowlens::aggregate {

/// What was learned from the records of one half. Bits, so that records can come in any order.
enum HalfBit : std::uint8_t {
  kSynRecord = 1u << 0,     ///< a record whose or-ed flags are SYN, or SYN and RST, and no more
  kSynPacket = 1u << 1,     ///< a single packet with SYN and no ACK
  kSynAckPacket = 1u << 2,  ///< a single packet with SYN and ACK
  kSourceBegan = 1u << 3,   ///< the exporter says so
  kDestinationBegan = 1u << 4,
  kFlagsMissing = 1u << 5,  ///< a record without TCP flags
  kEstablished = 1u << 6,   ///< a record with ACK that is not a mere refusal: there is a connection
};

/// ICMP echo has no ports. The side that asks is given this one and the side that answers port 0, so
/// that A asking B and B asking A are two conversations, as they are two dependencies.
inline constexpr std::uint16_t kEchoClientPort = 1;

/// All that a decision may look at. Side 0 sends half 0; the numbers say nothing of who is who.
struct Evidence {
  struct Half {
    bool seen = false;
    std::uint8_t bits = 0;       ///< HalfBit, over all observers
    std::uint8_t tcp_flags = 0;  ///< or-ed over all observers
    std::uint32_t flows = 0;     ///< of the best observer, like the rest
    std::uint32_t rate = 1;
    std::uint64_t first_us = 0;  ///< begin of its first flow
    IpAddress exporter;
  };
  /// What is remembered of the side's address, protocol and port.
  struct Past {
    std::uint32_t served = 0;        ///< windows, by strong evidence, fading
    std::uint32_t used = 0;          ///< windows in which it was the client's end, fading
    std::uint32_t peers = 0;         ///< distinct, with answered traffic
    std::uint32_t client_ports = 0;  ///< distinct ports at the other end
  };
  std::array<Half, 2> half;
  std::array<std::uint16_t, 2> port{};
  std::array<bool, 2> known_service{};  ///< the side's port
  std::array<bool, 2> group{};          ///< the side is a multicast or broadcast address
  /// A user says that the side serves there; of two the more specific, the higher number, wins.
  std::array<std::uint8_t, 2> declared{};
  std::array<bool, 2> listed{};  ///< an inventory says so
  std::array<Past, 2> past;
  std::array<bool, 2> dynamic_port{};  ///< the side's port is one its address draws for clients
  /// The control port by which the side has handed out ports to the other; 0: none.
  std::array<std::uint16_t, 2> control_port{};
  /// The side calls many that do not answer.
  std::array<bool, 2> scans{};
  /// The side is the first to call the other there, where no service is known, and was not answered.
  std::array<bool, 2> tries{};
  bool continues = false;  ///< the conversation was there before this window
  std::uint8_t protocol = 0;
  std::uint8_t lower_side = 0;  ///< whose endpoint sorts first
};

/// What becomes of the flows of a conversation.
enum class Outcome : std::uint8_t {
  none,       ///< nothing decided yet
  applied,    ///< a dependency
  attempt,    ///< unanswered or refused
  dropped,    ///< no room for its dependency
  duplicate,  ///< all of it was counted in the window before, by another clock
};

struct Answer {
  Direction direction = Direction::unknown;
  DirectionRung rung = DirectionRung::none;
  Outcome outcome = Outcome::none;
  std::uint8_t client_side = 0;
  std::uint16_t port = 0;  ///< of the service; 0 where there is none or it is not known
  friend bool operator==(const Answer&, const Answer&) noexcept = default;
};

/// Whether the protocol has ports as TCP has.
[[nodiscard]] bool has_ports(std::uint8_t protocol) noexcept;

/// Whether a stronger rung than memory has spoken.
[[nodiscard]] inline bool is_conclusive(const Answer& answer) noexcept {
  return answer.rung < DirectionRung::endpoint_memory;
}

/// A port of a range that clients draw their ports from, by habit (the one that needs privileges,
/// too, where no service is known) or as learned.
[[nodiscard]] bool looks_ephemeral(const Evidence& e, std::size_t side) noexcept;
/// At least two peers have met the side there, and from at least three ports.
[[nodiscard]] bool is_met_by_many(const Evidence::Past& past) noexcept;
/// The guard of mapping.md: whether even an ephemeral-looking port may be a service. What has one
/// client for good never has two peers, so being met from five ports will do: no client's port is.
[[nodiscard]] bool is_fit_to_serve(const Evidence::Past& past) noexcept;

/// Whether what is remembered of the ends, or which of them is lower, can change the answer.
[[nodiscard]] bool needs_memory(const Evidence& e) noexcept;

/// The first rung that speaks decides. A pure function: the same evidence, the same answer.
[[nodiscard]] Answer decide(const Evidence& evidence) noexcept;
/// What each rung says to `answer`.
[[nodiscard]] DirectionReasons reasons(const Evidence& evidence, const Answer& answer) noexcept;

}  // namespace flowlens::aggregate
