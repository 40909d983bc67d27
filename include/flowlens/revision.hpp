/// \file
/// graph: rows of the map, and revisions, the unit of its state (DESIGN section 2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flowlens/connection_summary.hpp"
#include "flowlens/id.hpp"
#include "flowlens/ledger.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// One term of one Resolver as the only writer; the store gives them out, ascending from 1.
struct Epoch {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Epoch, Epoch) noexcept = default;
};

/// An endpoint held by an asset for a time.
struct HeldEndpoint {
  Endpoint endpoint;
  Timestamp from;
  std::optional<Timestamp> until;  ///< nothing: still held
};

/// An asset: a named set of endpoints.
struct AssetRow {
  Id id;
  std::string name;                     ///< empty: none known, show the first address
  std::vector<HeldEndpoint> endpoints;  ///< at least one
  std::string asset_type = "unknown";
  bool is_internal = false;
  Timestamp first_seen;
  Timestamp last_seen;
};

/// A dependency with its totals.
struct DependencyRow {
  Id id;
  Id client_asset;
  Id server_asset;
  DependencyKey key;
  ServiceId service;
  Direction direction = Direction::client_server;
  DirectionRung rung = DirectionRung::none;
  bool provisional = true;  ///< no window of it has closed since it was found
  Timestamp first_seen;
  Timestamp last_seen;
  TrafficCounts totals;
  std::array<IpAddress, kMaxObservers> observers{};
  std::uint8_t observer_count = 0;
};

/// Traffic of one dependency in one window of one epoch: cumulative, so writing it twice is the same
/// as writing it once.
struct WindowRow {
  Timestamp window_start;
  Id dependency;
  TrafficCounts counts;
};

/// What changed: new absolute values of every row that changed, and rows removed.
struct Revision {
  std::uint64_t number = 0;  ///< ascending by one over all epochs
  Epoch epoch;
  Timestamp at;
  std::vector<AssetRow> assets;
  std::vector<DependencyRow> dependencies;
  std::vector<WindowRow> windows;
  std::vector<Id> removed_assets;
  std::vector<Id> removed_dependencies;  ///< provisional ones that turned out otherwise
  FlowLedger flows;                      ///< of this epoch so far; in memory, applied = totals

  [[nodiscard]] bool empty() const noexcept {
    return assets.empty() && dependencies.empty() && windows.empty() && removed_assets.empty() &&
           removed_dependencies.empty();
  }
};

}  // namespace flowlens
