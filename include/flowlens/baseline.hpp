/// \file
/// analyze: what uses what at one moment, kept to be compared with later: baselines and drift.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/snapshot.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// What one asset uses of another: all dependencies between them at one port.
struct BaselineEdge {
  Id client;
  Id server;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  std::uint32_t active_hours = 0;  ///< with traffic, of the last 28 days; of several the most
  std::uint32_t hours = 0;         ///< from its first traffic to its last, at least 1
  std::uint64_t octets = 0;        ///< estimated, both ways, in all
  std::uint32_t last_hour = 0;     ///< of its last traffic, since 1970; 0: not known
  friend bool operator==(const BaselineEdge&, const BaselineEdge&) noexcept = default;
};

struct BaselineAsset {
  Id id;
  std::string name;  ///< its name then, or its first address
  friend bool operator==(const BaselineAsset&, const BaselineAsset&) = default;
};

struct BaselineOptions {
  std::string name;
  Timestamp at;                       ///< the moment that the rows tell of
  std::vector<Id> assets;             ///< only what one of these uses or serves; empty: everything
  std::size_t max_edges = 1'000'000;  ///< past it, the last in order are left out and counted
};

/// A value: keep it, save it, compare it.
struct Baseline {
  std::string name;
  Timestamp at;                       ///< the moment that it tells of
  std::uint64_t revision = 0;         ///< of the map it was taken from
  Timestamp counted_until;            ///< the newest traffic in it: octets are those up to then
  std::vector<Id> scope;              ///< ascending; empty: everything
  std::vector<BaselineAsset> assets;  ///< by id, those of `edges`
  std::vector<BaselineEdge> edges;    ///< by client, server, protocol, port
  std::uint64_t left_out = 0;         ///< edges past max_edges
  friend bool operator==(const Baseline&, const Baseline&) = default;
};

/// \param rows  as DependencyGraph::copy() gives them: now, or of a time.
[[nodiscard]] Baseline take_baseline(const Revision& rows, const BaselineOptions& options);

/// JSON, in one form: equal baselines give equal texts.
[[nodiscard]] std::string to_json(const Baseline& baseline);
/// \throws ConfigError that names the member and what it should be; for more than `max_edges`, too.
[[nodiscard]] Baseline parse_baseline(std::string_view json, std::size_t max_edges = 1'000'000);

struct BaselineCompareOptions {
  double min_factor =
      4;  ///< octets an hour so many times as much or as little: changed; at least 1
  std::uint32_t min_hours = 24;  ///< counted between the two; of fewer nothing is called changed
  std::uint64_t min_octets_per_hour = 100'000;  ///< the greater one must have, to be called changed
  std::size_t max_listed = 10'000;              ///< of each list; all are counted
  /// Not 0: an edge is there while it had traffic within so many hours before the newest traffic, and
  /// is gone only if it had traffic within them then, once a day or more often. 0: once seen, there.
  std::uint32_t recent_hours = 0;
  std::uint32_t min_new_hours = 0;  ///< with traffic, for an edge to have appeared
};
struct BaselineChange {
  BaselineEdge before;
  BaselineEdge after;
  double octets_per_hour_before = 0;  ///< until the first was taken
  double octets_per_hour_after = 0;   ///< since then
};
struct BaselineDifference {
  std::vector<BaselineEdge> appeared;  ///< in the order of Baseline::edges, as the others
  std::vector<BaselineEdge> gone;
  std::vector<BaselineChange> changed;
  std::uint64_t appeared_count = 0;
  std::uint64_t gone_count = 0;
  std::uint64_t changed_count = 0;
  std::uint64_t unchanged_count = 0;
  std::uint64_t passed_over_count = 0;  ///< by recent_hours and min_new_hours: neither gone nor new
  /// What appeared, went or changed, as a share of all edges of either that were not passed over; 0
  /// where there are none.
  [[nodiscard]] double drift() const noexcept;
};
/// Of a baseline that was cut (`left_out`) only what comes before the cut is compared.
/// \throws ConfigError for a factor below 1.
[[nodiscard]] BaselineDifference compare_baselines(const Baseline& before, const Baseline& after,
                                                   const BaselineCompareOptions& options = {});
/// The same with the map as a snapshot has it, without a copy of it. Octets are rounded as its weights
/// are; of the edges that a snapshot knows, `hours` is 0.
[[nodiscard]] BaselineDifference compare_with_snapshot(const Baseline& before, const Snapshot& now,
                                                       const BaselineCompareOptions& options = {});

/// Takes an edge over from what is now: it counts as known from here on. \return false if it is so
/// already.
bool accept(Baseline& baseline, const BaselineEdge& edge);
/// Takes an edge out: where it is still used, it shows as appeared. \return false if it has none.
bool remove(Baseline& baseline, const BaselineEdge& edge);

}  // namespace flowlens
