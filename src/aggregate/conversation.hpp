/// \file
/// aggregate: one conversation within a window: what each observer counted of its halves.
#pragma once

#include <array>
#include <cstdint>

#include "aggregate/direction.hpp"
#include "aggregate/observers.hpp"
#include "base/hash.hpp"

namespace flowlens::aggregate {

/// Times within a window are microseconds after Window::base(), which lies an hour and more before
/// the window starts, since late shares begin there.
using WindowTime = std::uint32_t;
inline constexpr std::uint32_t kNoPosition = 0xffff'ffffu;

/// A flow's part in one window.
struct Share {
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
  WindowTime first = 0;
  WindowTime last = 0;
  std::uint32_t rate = 1;
  ObserverIndex observer = kNoObserver;
  bool counts_flow = false;  ///< the flow as such is counted here, not in another window
  std::uint8_t tcp_flags = 0;
  std::uint8_t bits = 0;  ///< HalfBit
};

/// What one observer counted of one half of a conversation.
struct Observation {
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
  std::uint64_t estimated_octets = 0;
  WindowTime first = 0;
  WindowTime last = 0;
  std::uint32_t flows = 0;
  std::uint32_t rate = 0;            ///< the highest: an observer is as good as its worst record
  std::uint32_t next = kNoPosition;  ///< a further observer, in the pool
  ObserverIndex observer = kNoObserver;
  std::uint8_t tcp_flags = 0;  ///< of all observers; kept in the first one
  std::uint8_t bits = 0;       ///< as above

  [[nodiscard]] bool seen() const noexcept { return observer != kNoObserver; }
};
static_assert(sizeof(Observation) == 48);

/// Endpoints are positions in the window's table; which of two is "low" depends on who came first,
/// so no result may depend on it.
struct ConversationKey {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  std::uint16_t low_port = 0;
  std::uint16_t high_port = 0;
  std::uint8_t protocol = 0;
  friend constexpr bool operator==(const ConversationKey&,
                                   const ConversationKey&) noexcept = default;

  [[nodiscard]] std::uint32_t end(std::size_t side) const noexcept { return side ? high : low; }
  [[nodiscard]] std::uint16_t port(std::size_t side) const noexcept {
    return side ? high_port : low_port;
  }
};
struct ConversationHash {
  std::uint64_t operator()(const ConversationKey& k, std::uint64_t seed) const noexcept {
    return base::mix(
        (std::uint64_t{k.low} << 32 | k.high) ^ seed,
        std::uint64_t{k.low_port} << 32 | std::uint64_t{k.high_port} << 16 | k.protocol);
  }
};

/// Half 0 is sent by the low side. In each half the best observer comes first, but for records since
/// the conversation was settled last.
struct Conversation {
  std::array<Observation, 2> half;
  std::uint32_t row = kNoPosition;
  std::array<ServiceId, 2> service;  ///< of the low and the high port
  Answer answer;
  bool is_noted : 1 = false;        ///< to be settled
  bool is_unsure : 1 = false;       ///< something came that may change the answer
  std::uint8_t discounted : 2 = 0;  ///< halves that the window before has counted, as bits

  /// False of one that was attributed to another (Window::translate()).
  [[nodiscard]] bool is_seen() const noexcept { return half[0].seen() || half[1].seen(); }
};
static_assert(sizeof(Conversation) == 112);

}  // namespace flowlens::aggregate
