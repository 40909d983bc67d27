/// \file
/// graph: how the map lies in memory.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
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

/// What a dependency says beyond its sums. Values of several windows are merged in any order.
struct Description {
  TimeRange seen;
  std::array<std::uint16_t, kMaxObservers> observers{};  ///< positions of exporters, by address
  std::uint8_t observer_count = 0;
  Direction direction = Direction::unknown;
  DirectionRung rung = DirectionRung::none;

  friend bool operator==(const Description&, const Description&) noexcept = default;
};

/// A window that is still open, for one dependency: what it says may yet change.
struct OpenWindow {
  Timestamp start;
  Description said;
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

struct DependencyState {
  Id id;
  TrafficCounts totals;
  Description closed;                     ///< of windows that are final
  Description shown;                      ///< with the open ones
  std::uint32_t open_head = kNoPosition;  ///< OpenWindow
  ServiceId service;
  bool alive = false;
  bool provisional = true;
  bool changed = false;    ///< since the last revision
  bool published = false;  ///< was in a revision
};

struct AssetState {
  AssetRow row;
  TimeRange anchored;                       ///< as loaded; never narrowed
  std::vector<std::uint32_t> dependencies;  ///< positions, ascending: used and served
  FactSource name_source = FactSource::observed;
  Timestamp name_at = Timestamp::min();
  bool alive = false;
  bool changed = false;
  bool published = false;
  bool times_stale = false;  ///< a dependency that set first or last has changed or gone
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
  std::uint32_t asset = kNoPosition;
};
struct Nothing {};

using Endpoints = base::BoundedTable<Endpoint, EndpointState, EndpointHash>;
using Assets = base::BoundedTable<Id, AssetState, IdHash>;
using Dependencies = base::BoundedTable<DependencyKeyPositions, DependencyState, DependencyHash>;
using DependencyIds = base::BoundedTable<Id, std::uint32_t, IdHash>;
using Exporters = base::BoundedTable<IpAddress, Nothing, AddressHash>;

}  // namespace flowlens::graph
