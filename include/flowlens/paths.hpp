/// \file
/// analyze: ways from one asset to another, how many share nothing, and what cuts them all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "flowlens/asset_graph.hpp"

namespace flowlens {

/// The assets of a way in order, both ends included; each is a client of the next. No asset twice.
using AssetPath = std::vector<AssetIndex>;

struct PathQuery {
  AssetIndex from;
  AssetIndex to;
  std::size_t k = 1;                    ///< ways wanted
  std::uint32_t max_hops = 16;          ///< longer ways are passed over
  std::uint64_t max_work = 50'000'000;  ///< arcs looked at, about a tenth of a second
};

struct Paths {
  std::vector<AssetPath> paths;  ///< the shortest first; the same ones every time
  /// The work ran out: there may be more ways. Those found are the shortest all the same.
  bool is_cut = false;
};

/// The k shortest ways (Yen, 1971, each search led by the distances to the end). No way from an asset
/// to itself.
[[nodiscard]] Paths find_paths(const AssetGraph& graph, const PathQuery& query);

/// What two ways may not share.
enum class Disjoint : std::uint8_t {
  assets,  ///< no asset between the ends; a direct use, cut or not, is a way of its own
  arcs,    ///< no use of one asset by another
};

struct Connectivity {
  /// As many ways as there are that share nothing; shorter ones are not preferred.
  std::vector<AssetPath> paths;
  /// Disjoint::assets: the fewest assets whose loss cuts every way but the direct one. Ascending, as
  /// close to `from` as any. As many as `paths`, but for the direct one.
  std::vector<AssetIndex> cut_assets;
  bool is_direct = false;  ///< `from` uses `to` itself: no loss of others cuts that
  /// Disjoint::arcs: the fewest uses (client, server) that cut every way. As many as `paths`.
  std::vector<std::pair<AssetIndex, AssetIndex>> cut_arcs;
  /// More than max_paths: there are more ways, and no cut is given.
  bool is_cut = false;
};

/// Augmenting ways (Ford and Fulkerson; Menger): each costs at most one pass over the graph.
[[nodiscard]] Connectivity find_disjoint_paths(const AssetGraph& graph, AssetIndex from,
                                               AssetIndex to, Disjoint disjoint,
                                               std::size_t max_paths = 64);

}  // namespace flowlens
