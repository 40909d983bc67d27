/// \file
/// graph: sorting what was copied out of the map into compressed sparse rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flowlens/connection_summary.hpp"
#include "flowlens/snapshot.hpp"

namespace flowlens::graph {

struct SnapshotInput {
  struct Asset {
    Id id;
    std::uint32_t position = 0;  ///< as `Edge` names it
  };
  struct Edge {
    Id id;
    std::uint32_t client = 0;
    std::uint32_t server = 0;
    Timestamp last;
    DirectionRung rung = DirectionRung::none;
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
  };
  std::uint64_t revision = 0;
  std::vector<Asset> assets;
  std::vector<Edge> edges;
};

[[nodiscard]] std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input);

}  // namespace flowlens::graph
