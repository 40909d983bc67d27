/// \file
/// graph: endpoints, assets, dependencies, in memory: the map itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flowlens/connection_summary.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/snapshot.hpp"

namespace flowlens {

struct DependencyGraphOptions {
  std::size_t max_assets = 4'000'000;  ///< past it, traffic of new endpoints is refused and counted
  std::size_t max_dependencies = 10'000'000;  ///< past it, new dependencies are refused and counted
  std::uint64_t hash_seed = 0;                ///< against chosen collisions; never changes a result
};

struct GraphCounters {
  std::uint64_t assets = 0;
  std::uint64_t dependencies = 0;
  std::uint64_t refused_flows = 0;  ///< of summaries that did not fit
  std::uint64_t revision = 0;       ///< the last one taken or applied
  TrafficCounts totals;             ///< over all dependencies
};

/// A page of a list. Pages follow the order of arrival; a new row may take the place of a removed one.
template <typename Row>
struct Page {
  std::vector<Row> rows;
  std::uint32_t next = 0;  ///< give it as `after` for the next page; meaningful where has_more
  bool has_more = false;
  std::uint64_t total = 0;  ///< rows that match, over all pages
};

/// Which dependencies to list.
struct DependencyQuery {
  std::optional<Id> asset;  ///< only those it uses or serves
  std::uint32_t after = 0;  ///< `next` of the page before
  std::size_t limit = 50;
};
struct AssetQuery {
  std::uint32_t after = 0;
  std::size_t limit = 50;
};

/// The map. Thread-safe for one writer thread and any number of readers: the members marked
/// *writer* are called by one thread at a time, the const ones by anyone; they return copies and
/// hold the lock for one page only.
class DependencyGraph {
 public:
  /// \throws ConfigError if a limit is 0.
  explicit DependencyGraph(const DependencyGraphOptions& options = {}, SiteTable sites = {});
  ~DependencyGraph();

  /// *writer* Adds what is new in each summary to its dependency, makes assets and dependencies not
  /// seen before, removes dependencies whose traffic has all moved elsewhere.
  /// \param ids  null, or set to the dependency of each summary; none for one that did not fit.
  /// \return flows that did not fit (`max_assets`, `max_dependencies`), modulo 2^64: when traffic
  ///   that did not fit turns out to be another dependency's, it is taken back.
  std::uint64_t apply(std::span<const ConnectionSummary> summaries, std::vector<Id>* ids = nullptr);
  /// *writer* A stronger source, or the same one later, replaces the value.
  /// \return false for a subject never seen, an attribute not known, or a weaker source.
  bool apply(const Fact& fact);
  /// *writer* Takes over rows as they are: for loading from a store, and for followers. Rows past the
  /// bounds, and dependencies whose ends no asset holds, are left out.
  void apply(const Revision& revision);
  /// *writer* Everything that changed since the last call, as revision `number`; if nothing did, an
  /// empty one that keeps the number of the one before. `windows` and `flows` are the Resolver's.
  [[nodiscard]] Revision take_revision(std::uint64_t number, Epoch epoch, Timestamp at);

  [[nodiscard]] std::optional<AssetRow> asset(const Id& id) const;
  [[nodiscard]] std::optional<AssetRow> asset_of(const Endpoint& endpoint) const;
  [[nodiscard]] std::optional<DependencyRow> dependency(const Id& id) const;
  [[nodiscard]] Page<AssetRow> assets(const AssetQuery& query) const;
  [[nodiscard]] Page<DependencyRow> dependencies(const DependencyQuery& query) const;
  [[nodiscard]] GraphCounters counters() const;
  [[nodiscard]] const SiteTable& sites() const noexcept;
  /// All rows at one moment, as a revision that an empty graph can apply: for a new follower, and for
  /// exports.
  [[nodiscard]] Revision copy() const;
  /// The structure now; the same object until the structure changes.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
