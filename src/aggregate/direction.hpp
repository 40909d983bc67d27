/// \file
/// aggregate: who serves: the ordered evidence of one conversation (notes/mapping.md 1.1).
#pragma once

#include <array>
#include <cstdint>

#include "flowlens/connection_summary.hpp"

namespace flowlens::aggregate {

/// What was learned from the records of one half. Bits, so that records can come in any order.
enum HalfBit : std::uint8_t {
  kSynRecord = 1u << 0,     ///< a record whose or-ed flags have SYN and no ACK
  kSynPacket = 1u << 1,     ///< a single packet with SYN and no ACK
  kSynAckPacket = 1u << 2,  ///< a single packet with SYN and ACK
  kSourceBegan = 1u << 3,   ///< the exporter says so
  kDestinationBegan = 1u << 4,
  kFlagsMissing = 1u << 5,  ///< a record without TCP flags
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
  std::array<Half, 2> half;
  std::array<std::uint16_t, 2> port{};
  std::array<bool, 2> known_service{};  ///< the side's port
  std::array<bool, 2> group{};          ///< the side is a multicast or broadcast address
  std::uint8_t protocol = 0;
  std::uint8_t lower_side = 0;  ///< whose endpoint sorts first
};

/// What becomes of the flows of a conversation.
enum class Outcome : std::uint8_t {
  none,     ///< nothing decided yet
  applied,  ///< a dependency
  attempt,  ///< unanswered or refused
  dropped,  ///< no room for its dependency
};

struct Answer {
  Direction direction = Direction::unknown;
  DirectionRung rung = DirectionRung::none;
  Outcome outcome = Outcome::none;
  std::uint8_t client_side = 0;
  friend bool operator==(const Answer&, const Answer&) noexcept = default;
};

/// Whether the protocol has ports as TCP has.
[[nodiscard]] bool has_ports(std::uint8_t protocol) noexcept;

/// The first rung that speaks decides. A pure function: the same evidence, the same answer.
[[nodiscard]] Answer decide(const Evidence& evidence) noexcept;

}  // namespace flowlens::aggregate
