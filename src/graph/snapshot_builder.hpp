/// \file
/// graph: sorting what was read out of the map into compressed sparse rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flowlens/snapshot.hpp"

namespace flowlens::graph {

/// What was read. Edges name their assets by position, until they are sorted.
struct SnapshotInput {
  std::uint64_t revision = 0;
  std::vector<Id> assets;             ///< by position; none where there is no asset
  std::vector<Snapshot::Edge> edges;  ///< by position of the dependency; protocol and all of a
                                      ///< position without one are left as kNoEdge
};
inline constexpr std::uint32_t kNoEdge = 0xffff'ffffu;  ///< in `client`

[[nodiscard]] std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input);

}  // namespace flowlens::graph
