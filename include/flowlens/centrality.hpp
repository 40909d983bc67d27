/// \file
/// analyze: how much in the middle an asset is: betweenness and cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "flowlens/asset_graph.hpp"

namespace flowlens {

struct Betweenness {
  /// By asset: over all ordered pairs of others, the share of the shortest ways between them that
  /// pass it. Estimated as count / sources times what the sources give.
  std::vector<double> values;
  std::size_t sources = 0;  ///< that shortest ways were looked for from
  bool is_exact = false;    ///< every asset was a source
};
/// Brandes, 2001: a pass over the graph for each source. \param max_sources  at least 1; they lie
/// evenly over the order of ids, among the assets that use others.
[[nodiscard]] Betweenness find_betweenness(const AssetGraph& graph, std::size_t max_sources = 64);

/// By asset: the largest k for which it lies in a part of the map, direction aside, in which everyone
/// has at least k neighbours (Batagelj and Zaveršnik, 2003; linear).
[[nodiscard]] std::vector<std::uint32_t> find_cores(const AssetGraph& graph);

}  // namespace flowlens
