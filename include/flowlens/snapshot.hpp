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

/// Position of a dependency in the DependencyGraph that made the Snapshot; ask it for the row.
struct DependencyIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(DependencyIndex, DependencyIndex) noexcept = default;
};

/// Compressed sparse rows both ways, 32 octets an edge. Immutable: share freely.
///
/// Assets are in the order of their ids, edges by client, server, protocol and port, so equal maps
/// give equal structures; only `Edge::dependency` is the graph's own. Hours and weights are those of
/// the time when the snapshot was made: it is made again when the structure changes, and with the
/// first traffic of a later hour.
struct Snapshot {
  struct Edge {
    AssetIndex client;
    AssetIndex server;
    DependencyIndex dependency;
    std::uint32_t last_hour = 0;  ///< hours since 1970-01-01 UTC of the last traffic
    float weight = 0;             ///< estimated octets, both ways
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
    std::uint8_t confidence_percent = 0;  ///< of the direction
    std::uint16_t active_hours = 0;       ///< with traffic, of its last 28 days
    std::uint16_t sampling_rate = 1;      ///< traffic was seen in 1 of so many packets, on average
  };
  static_assert(sizeof(Edge) == 28);
  std::uint64_t revision = 0;
  std::vector<Id> assets;  ///< by AssetIndex
  std::vector<Edge> edges;
  std::vector<std::uint32_t>
      out_offsets;                        ///< edges of client i: [out_offsets[i], out_offsets[i+1])
  std::vector<std::uint32_t> in_offsets;  ///< entries of in_edges of server i
  std::vector<std::uint32_t> in_edges;    ///< positions in `edges`, by server
};

}  // namespace flowlens
