/// \file
/// graph: how the map lies in memory.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/revision.hpp"

namespace flowlens::graph {

inline constexpr std::uint32_t kNoPosition = 0xffff'ffffu;

/// The earliest and the latest of some times; nothing where first > last.
struct TimeRange {
  Timestamp first = Timestamp::max();
  Timestamp last = Timestamp::min();

  void include(const TimeRange& o) noexcept {
    if (o.first < first) first = o.first;
    if (o.last > last) last = o.last;
  }
  [[nodiscard]] bool is_empty() const noexcept { return first > last; }
  friend bool operator==(const TimeRange&, const TimeRange&) noexcept = default;
};

[[nodiscard]] constexpr HourSpan hours_of(const TimeRange& seen) noexcept {
  return {hour_of(seen.first), hour_of(seen.last)};
}

/// What a dependency says beyond its sums. Values of several windows are merged in any order.
struct Description {
  TimeRange seen;
  std::array<std::uint16_t, kMaxObservers> observers{};  ///< positions of exporters, by address
  std::uint8_t observer_count = 0;
  Direction direction = Direction::unknown;
  DirectionRung rung = DirectionRung::none;
  DirectionReasons reasons;

  friend bool operator==(const Description&, const Description&) noexcept = default;
};

/// A window that is still open, for one dependency: what it says may yet change.
struct OpenWindow {
  Timestamp start;
  Description said;
  TrafficCounts counts;
  std::uint32_t next = kNoPosition;
};

struct DependencyKeyPositions {
  std::uint32_t client = 0;  ///< positions of endpoints
  std::uint32_t server = 0;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend constexpr bool operator==(const DependencyKeyPositions&,
                                   const DependencyKeyPositions&) noexcept = default;
};
struct DependencyHash {
  std::uint64_t operator()(const DependencyKeyPositions& k, std::uint64_t seed) const noexcept {
    return base::mix((std::uint64_t{k.client} << 32 | k.server) ^ seed,
                     std::uint64_t{k.port} << 8 | k.protocol);
  }
};

/// 112 octets: with its key two cache lines, which is what an update touches. Its hours lie apart, in
/// State::hours; with all, its slots and its edge of a snapshot, 10,000,000 take a little over 3 GB.
struct DependencyState {
  Id id;
  TrafficCounts totals;
  // What its final windows say, as in Description.
  TimeRange seen;
  std::array<std::uint16_t, kMaxObservers> observers{};
  std::uint64_t reasons : 2 * kDirectionRungCount = 0;
  std::uint64_t observer_count : 3 = 0;
  std::uint64_t direction : 2 = static_cast<std::uint64_t>(Direction::unknown);
  std::uint64_t rung : 5 = static_cast<std::uint64_t>(DirectionRung::none);

  std::uint64_t flips : 12 = 0;
  std::uint64_t alive : 1 = 0;
  std::uint64_t provisional : 1 = 1;
  std::uint64_t changed : 1 = 0;          ///< since the last revision
  std::uint64_t published : 1 = 0;        ///< was in a revision
  std::uint32_t open_head = kNoPosition;  ///< OpenWindow
  ServiceId service;
  std::uint16_t active_hours = 0;  ///< of its final windows: how many of State::hours are set

  [[nodiscard]] Description closed() const noexcept {
    return {seen,
            observers,
            static_cast<std::uint8_t>(observer_count),
            static_cast<Direction>(direction),
            static_cast<DirectionRung>(rung),
            DirectionReasons::from_bits(reasons)};
  }
  void close_with(const Description& said) noexcept {
    seen = said.seen;
    observers = said.observers;
    observer_count = said.observer_count & 7u;
    direction = static_cast<unsigned>(said.direction) & 3u;
    rung = static_cast<unsigned>(said.rung) & 31u;
    reasons = said.reasons.bits() & ((std::uint64_t{1} << 2 * kDirectionRungCount) - 1);
  }
};
static_assert(kDirectionRungCount <= 18 && kMaxObservers < 8);
static_assert(sizeof(DependencyState) == 112);

/// An endpoint that an asset holds or held.
struct Held {
  Timestamp from;
  Timestamp until = Timestamp::max();  ///< max: still held
  std::uint32_t endpoint = kNoPosition;
  FactSource says = FactSource::observed;

  [[nodiscard]] bool is_open() const noexcept { return until == Timestamp::max(); }
};

/// Whether a source that lists what it knows says who held it: then `from` is its word, too.
[[nodiscard]] inline bool is_claim(const Held& held) noexcept {
  return held.says > FactSource::observed && held.says < FactSource::declared;
}

/// What few assets have.
struct AssetExtra {
  std::string name;
  std::string asset_type = "unknown";
  Timestamp name_at = Timestamp::min();
  Timestamp type_at = Timestamp::min();
  float type_confidence = 0.0f;
  FactSource name_source = FactSource::observed;
  FactSource type_source = FactSource::observed;
  std::vector<Held> held;  ///< where it is not just AssetState::one
};

struct AssetState {
  TimeRange seen;
  Held one;
  std::vector<std::uint32_t> dependencies;  ///< positions, ascending: used and served
  std::unique_ptr<AssetExtra> extra;
  bool alive = false;
  bool is_internal = false;
  bool changed = false;
  bool published = false;
  bool times_stale = false;  ///< a dependency that set first or last has changed or gone

  [[nodiscard]] std::span<const Held> held() const noexcept {
    if (one.endpoint != kNoPosition) return {&one, 1};
    return extra ? std::span<const Held>{extra->held} : std::span<const Held>{};
  }
  [[nodiscard]] std::span<Held> held() noexcept {
    if (one.endpoint != kNoPosition) return {&one, 1};
    return extra ? std::span<Held>{extra->held} : std::span<Held>{};
  }
  /// The list of what is held, to add to or take from.
  [[nodiscard]] std::vector<Held>& held_list() {
    AssetExtra& e = more();
    if (one.endpoint != kNoPosition) e.held.push_back(std::exchange(one, Held{}));
    return e.held;
  }
  [[nodiscard]] AssetExtra& more() {
    if (!extra) extra = std::make_unique<AssetExtra>();
    return *extra;
  }
  [[nodiscard]] bool is_named() const noexcept { return extra && !extra->name.empty(); }
};

struct IdHash {
  std::uint64_t operator()(const Id& id, std::uint64_t seed) const noexcept {
    return base::hash_of(id, seed);
  }
};
struct EndpointHash {
  std::uint64_t operator()(const Endpoint& e, std::uint64_t seed) const noexcept {
    return base::hash_of(e, seed);
  }
};
struct AddressHash {
  std::uint64_t operator()(const IpAddress& a, std::uint64_t seed) const noexcept {
    return base::hash_of(a, seed);
  }
};

struct EndpointState {
  std::uint32_t asset = kNoPosition;            ///< the holder now
  FactSource held_says = FactSource::observed;  ///< who says so
  bool has_past = false;                        ///< other assets held it before
};
struct Nothing {};

/// Tables of the map grow large: slots may fill up further than where speed is all.
inline constexpr std::size_t kFullPercent = 75;
using Endpoints = base::BoundedTable<Endpoint, EndpointState, EndpointHash, kFullPercent>;
using Assets = base::BoundedTable<Id, AssetState, IdHash, kFullPercent>;
using Dependencies =
    base::BoundedTable<DependencyKeyPositions, DependencyState, DependencyHash, kFullPercent>;
static_assert(sizeof(Dependencies::Entry) == 128);
using Exporters = base::BoundedTable<IpAddress, Nothing, AddressHash>;
using Aliases = base::BoundedTable<Id, Alias, IdHash>;

}  // namespace flowlens::graph
