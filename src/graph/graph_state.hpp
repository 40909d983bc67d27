/// \file
/// graph: the state behind a DependencyGraph and the steps that change it. The caller holds the lock.
#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "graph/tables.hpp"

namespace flowlens::graph {

/// How many rows are asked for ahead of their use: enough to cover a miss, few enough to stay cached.
inline constexpr std::size_t kAhead = 16;

struct State {
  State(const DependencyGraphOptions& options, SiteTable site_table);

  // Summaries (graph_summaries.cpp)
  /// Where the ends of a summary lie, and the hash of its dependency.
  struct Whereabouts {
    std::uint32_t client = kNoPosition;
    std::uint32_t server = kNoPosition;
    std::uint64_t dependency_hash = 0;
  };
  /// \return the dependency's position, or kNoPosition if the summary did not fit.
  std::uint32_t apply(const ConnectionSummary& summary, const Whereabouts& where);
  /// Looks up a few summaries, at most kAhead, and asks for the memory that applying them will touch.
  void look_up(std::span<const ConnectionSummary> summaries,
               std::span<Whereabouts> found) const noexcept;
  void refresh_stale_assets();

  // Structure (graph_state.cpp)
  [[nodiscard]] std::uint32_t find_dependency(const DependencyKey& key) const noexcept;
  /// Makes the dependency, and the assets of its ends if need be. \return kNoPosition at a bound.
  std::uint32_t make_dependency(const DependencyKey& key);
  /// Makes the rows of a dependency whose endpoints exist.
  std::uint32_t make_dependency(const DependencyKeyPositions& key, const Id& id);
  std::uint32_t make_asset(const Endpoint& endpoint);
  void remove_dependency(std::uint32_t dependency);
  void remove_asset(std::uint32_t asset);
  void mark_dependency(std::uint32_t dependency);
  void mark_asset(std::uint32_t asset);
  [[nodiscard]] std::uint32_t client_asset(std::uint32_t dependency) const noexcept;
  [[nodiscard]] std::uint32_t server_asset(std::uint32_t dependency) const noexcept;
  void add_to_asset(std::uint32_t asset, std::uint32_t dependency);
  void take_from_asset(std::uint32_t asset, std::uint32_t dependency);

  // What dependencies say (graph_state.cpp)
  void add_observer(Description& to, std::uint16_t exporter) const noexcept;
  void merge(Description& to, const Description& from) const noexcept;
  std::uint16_t exporter_position(const IpAddress& exporter);
  void free_open_windows(DependencyState& d) noexcept;

  // Rows (graph_rows.cpp)
  [[nodiscard]] DependencyRow row_of(std::uint32_t dependency) const;
  /// Asks for the memory that row_of() of a few dependencies will touch.
  void prefetch(std::span<const std::uint32_t> dependencies_ahead) const noexcept;
  void take_asset(const AssetRow& row);
  void take_dependency(const DependencyRow& row);

  DependencyGraphOptions options;
  SiteTable sites;
  Endpoints endpoints;
  Assets assets;
  Dependencies dependencies;
  DependencyIds dependency_ids;
  Exporters exporters;

  std::vector<OpenWindow> open_windows;  ///< a pool of lists
  std::uint32_t free_open_window = kNoPosition;

  TrafficCounts totals;
  std::uint64_t refused_flows = 0;
  std::uint64_t revision = 0;
  std::uint64_t structure = 0;  ///< goes up with every asset and dependency made or removed

  // For the next revision; positions may be stale or named twice, the rows' flags decide.
  std::vector<std::uint32_t> changed_assets;
  std::vector<std::uint32_t> changed_dependencies;
  std::vector<Id> removed_assets;
  std::vector<Id> removed_dependencies;
  std::vector<std::uint32_t> stale_assets;

  mutable std::shared_mutex mutex;
  mutable std::mutex snapshot_mutex;  ///< one builds, the others wait for it; taken before `mutex`
  mutable std::shared_ptr<const Snapshot> snapshot;
  mutable std::uint64_t snapshot_structure = 0;
};

}  // namespace flowlens::graph

namespace flowlens {

struct DependencyGraph::Impl : graph::State {
  using State::State;
};

}  // namespace flowlens
