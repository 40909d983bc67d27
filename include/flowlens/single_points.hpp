/// \file
/// analyze: single points of failure, exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "flowlens/asset_graph.hpp"
#include "flowlens/service_graph.hpp"

namespace flowlens {

/// What the loss of each asset takes apart, by position of the asset. Assets nobody loses have 0.
struct CutPoints {
  /// Assets that are cut off from the largest part left of what hung together, direction aside: more
  /// than 0 exactly where the asset is an articulation point.
  std::vector<std::uint32_t> cut_off;
  std::vector<std::uint32_t> parts;  ///< that what hung together falls into; 0 or 1: it holds
};
/// Hopcroft and Tarjan, linear, not recursive.
[[nodiscard]] CutPoints find_cut_points(const AssetGraph& graph);

/// Who must be passed. An entry is an asset that nobody uses: a chain of uses begins there.
struct Dominators {
  static constexpr std::uint32_t kNone = 0xffff'ffffu;
  /// The last asset that every chain from an entry passes before this one; kNone: chains have none in
  /// common, or the asset is an entry, or no entry reaches it.
  std::vector<std::uint32_t> immediate;
  std::vector<std::uint32_t> dominated;  ///< assets that chains reach over this one only
  std::uint32_t entries = 0;
  std::uint32_t unreached = 0;  ///< assets in rings that no entry leads to: nothing is said of them
};
/// Semi-NCA (Georgiadis, 2005): in practice linear; not recursive.
[[nodiscard]] Dominators find_dominators(const AssetGraph& graph);

/// An asset whose loss nothing makes up for.
struct SinglePoint {
  static constexpr std::size_t kMaxServices = 8;
  AssetIndex asset;
  std::uint32_t cut_off = 0;    ///< assets it alone connects (CutPoints)
  std::uint32_t dominated = 0;  ///< assets that are reached over it only (Dominators)
  std::uint32_t clients = 0;    ///< that need a service which no other server gives
  /// These services, most clients first, at most kMaxServices: a second server for each of them
  /// would remove what `clients` counts.
  std::vector<ServiceIndex> services;
  std::uint32_t service_count = 0;  ///< those not listed included
};

/// What would remove it: `A second server for tcp/443 (3 clients) and tcp/5432 (2).`, or, where no
/// service lacks one, `A second way to the 4 assets that it alone connects.`
[[nodiscard]] std::string remedy(const ServiceGraph& graph, const SinglePoint& point);

struct SinglePointOptions {
  std::uint32_t min_clients = 2;  ///< of services without a replica
  std::uint32_t min_cut_off = 2;  ///< assets cut off, and dominated, to be worth a line
  std::size_t limit = 100;        ///< points named
  /// Services that what-if gives a second server.
  std::vector<ServiceIndex> replicated;
};

struct SinglePoints {
  std::vector<SinglePoint> points;  ///< the one that loses most first
  std::uint64_t total = 0;          ///< those not named included
  std::uint64_t cut_points = 0;     ///< articulation points, those below min_cut_off included
  std::uint32_t unreached = 0;      ///< as Dominators
};

/// \param assets  of the same snapshot, without what stands apart: ServiceGraph::own_edges().
/// Needs count from ServiceGraph::kProbablePercent on.
[[nodiscard]] SinglePoints find_single_points(const ServiceGraph& services,
                                              const AssetGraph& assets,
                                              const SinglePointOptions& options = {});

}  // namespace flowlens
