/// \file
/// graph: the structure of the map at one moment, for analysis and drawing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Position of an asset in a Snapshot; valid within that one.
struct AssetIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(AssetIndex, AssetIndex) noexcept = default;
};

/// Compressed sparse rows both ways. Immutable: share freely.
///
/// Assets and edges are in the order of their ids, so equal maps give equal snapshots.
struct Snapshot {
  struct Edge {
    AssetIndex client;
    AssetIndex server;
    std::uint32_t dependency = 0;  ///< position in `dependencies`
    std::uint32_t last_hour = 0;   ///< hours since 1970-01-01 UTC of the last traffic
    float confidence = 0;          ///< of the direction
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
  };
  std::uint64_t revision = 0;
  std::vector<Id> assets;        ///< by AssetIndex
  std::vector<Id> dependencies;  ///< ids of the edges
  std::vector<Edge> edges;       ///< by client, then server
  std::vector<std::uint32_t>
      out_offsets;                        ///< edges of client i: [out_offsets[i], out_offsets[i+1])
  std::vector<std::uint32_t> in_offsets;  ///< entries of in_edges of server i
  std::vector<std::uint32_t> in_edges;    ///< positions in `edges`, by server
};

}  // namespace flowlens
