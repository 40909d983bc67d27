/// \file
/// analyze: an undirected graph with weights, and its merging by a partition.
#pragma once

#include <cstdint>
#include <vector>

#include "flowlens/asset_graph.hpp"

namespace flowlens::analyze {

/// Each arc stands with both its ends; parallel ones are allowed. Loops are in `loop` only.
struct WeightedGraph {
  struct Arc {
    std::uint32_t to = 0;
    float weight = 0;
  };
  std::vector<std::uint32_t> offsets;
  std::vector<Arc> arcs;
  std::vector<double> loop;    ///< weight within the node, counted twice
  std::vector<double> degree;  ///< of all arcs at the node, loops counted twice
  double total = 0;            ///< sum of degrees

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(degree.size());
  }
};

[[nodiscard]] WeightedGraph weighted_graph(const Snapshot& snapshot, const EdgeMask& mask,
                                           const std::vector<float>& weights);
/// One node for each of the `count` parts.
[[nodiscard]] WeightedGraph merged(const WeightedGraph& graph,
                                   const std::vector<std::uint32_t>& part_of, std::uint32_t count);

/// Numbers parts anew, from 0 in the order of their first node. \return how many there are.
std::uint32_t renumber(std::vector<std::uint32_t>& part_of);

}  // namespace flowlens::analyze
