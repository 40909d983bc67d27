/// \file
/// aggregate: one open window: its endpoints, conversations and what they add up to.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "aggregate/direction.hpp"
#include "aggregate/observers.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/aggregator.hpp"

namespace flowlens::aggregate {

/// Times within a window are microseconds after Window::base(), which lies an hour and more before
/// the window starts, since late shares begin there.
using WindowTime = std::uint32_t;
inline constexpr std::uint32_t kNoPosition = 0xffff'ffffu;

/// What all windows of an Aggregator have in common.
struct Shared {
  explicit Shared(const AggregatorOptions& o);

  AggregatorOptions options;
  Observers observers;
  FlowLedger ledger;
  std::uint64_t conversations = 0;  ///< held by all windows
  std::uint64_t rows = 0;           ///< of summaries, held by all windows
  std::uint64_t observations_refused = 0;
  std::chrono::nanoseconds tick;  ///< of WindowTime
};

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
  std::uint8_t tcp_flags = 0;  ///< of all observers; kept in the best one
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
};
struct ConversationHash {
  std::uint64_t operator()(const ConversationKey& k, std::uint64_t seed) const noexcept {
    return base::mix(
        (std::uint64_t{k.low} << 32 | k.high) ^ seed,
        std::uint64_t{k.low_port} << 32 | std::uint64_t{k.high_port} << 16 | k.protocol);
  }
};

/// Half 0 is sent by the low side.
struct Conversation {
  std::array<Observation, 2> half;
  std::uint32_t row = kNoPosition;
  std::array<ServiceId, 2> service;  ///< of the low and the high port
  Answer answer;
};

struct RowKey {
  std::uint32_t client = 0;
  std::uint32_t server = 0;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend constexpr bool operator==(const RowKey&, const RowKey&) noexcept = default;
};
struct RowHash {
  std::uint64_t operator()(const RowKey& k, std::uint64_t seed) const noexcept {
    return base::mix((std::uint64_t{k.client} << 32 | k.server) ^ seed,
                     std::uint64_t{k.port} << 8 | k.protocol);
  }
};

/// What the conversations of one dependency add up to.
struct Row {
  TrafficCounts counts;
  TrafficCounts reported;
  WindowTime first = 0xffff'ffffu;
  WindowTime last = 0;
  std::array<ObserverIndex, kMaxObservers> observers{};
  std::uint8_t observer_count = 0;
  Direction direction = Direction::unknown;
  DirectionRung rung = DirectionRung::none;
  ServiceId service;
  bool dirty = false;
  bool tainted = false;  ///< a conversation has left: times, rung and observers may say too much
};

struct EndpointState {
  bool is_internal = false;
  bool is_group = false;  ///< multicast or broadcast
};
struct EndpointHash {
  std::uint64_t operator()(const Endpoint& e, std::uint64_t seed) const noexcept {
    return base::hash_of(e, seed);
  }
};

/// Thread-compatible. Reused for one window after another; keeps its memory.
class Window {
 public:
  explicit Window(Shared& shared);

  void begin(std::int64_t number) noexcept;
  [[nodiscard]] std::int64_t number() const noexcept { return number_; }
  [[nodiscard]] Timestamp start() const noexcept;
  [[nodiscard]] Timestamp end() const noexcept;
  /// `t` in this window's time, held to what it can express.
  [[nodiscard]] WindowTime time_of(Timestamp t) const noexcept;

  using Endpoints = base::BoundedTable<Endpoint, EndpointState, EndpointHash>;
  using Conversations = base::BoundedTable<ConversationKey, Conversation, ConversationHash>;
  using Rows = base::BoundedTable<RowKey, Row, RowHash>;

  /// For those who look up in steps, to have memory come in time.
  [[nodiscard]] const Endpoints& endpoints() const noexcept { return endpoints_; }
  [[nodiscard]] const Conversations& conversations() const noexcept { return conversations_; }
  [[nodiscard]] const Rows& rows() const noexcept { return rows_; }
  /// \return the position, or Endpoints::kNone at the bound.
  std::uint32_t add_endpoint(const Endpoint& endpoint, std::uint64_t hash, bool is_internal);

  /// Adds a share to the half that `side` sends. There must be room for one more conversation.
  /// \param services  of the low and the high port.
  void add(const ConversationKey& key, std::uint64_t hash, std::size_t side, const Share& share,
           const std::array<ServiceId, 2>& services);

  /// Lets go of all conversations; what they added up to stays. \return how many.
  std::uint64_t fold();
  /// Appends the rows that changed since the last call.
  void report_changed(std::vector<ConnectionSummary>& out);
  /// Appends every row, as final, and forgets everything.
  void close(std::vector<ConnectionSummary>& out);

 private:
  void add_slowly(const ConversationKey& key, Conversation& c, std::size_t side,
                  const Share& share);
  bool observe(Observation& half, const Share& share);
  bool promote(Observation& half, std::uint32_t other);
  [[nodiscard]] bool better(const Observation& a, const Observation& b) const noexcept;
  [[nodiscard]] Evidence evidence(const ConversationKey& key, const Conversation& c) const noexcept;

  void settle(const ConversationKey& key, Conversation& c, const Answer& answer);
  void enter(Conversation& c);
  void leave(const Conversation& c);
  void describe(Row& row, const Conversation& c);
  void add_observer(Row& row, ObserverIndex observer) const noexcept;
  void rebuild_tainted();
  void touch(std::uint32_t row);

  void report(std::uint32_t row, bool is_final, std::vector<ConnectionSummary>& out);

  Shared& shared_;
  std::int64_t number_ = 0;
  Timestamp base_;
  Endpoints endpoints_;
  Conversations conversations_;
  Rows rows_;
  std::vector<Observation> pool_;  ///< observers that are not the best one
  std::vector<std::uint32_t> dirty_;
  bool any_tainted_ = false;
  bool folded_ = false;
};

}  // namespace flowlens::aggregate
