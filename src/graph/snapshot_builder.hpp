/// \file
/// graph: sorting what was read out of the map into compressed sparse rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "flowlens/snapshot.hpp"

namespace flowlens::graph {

/// What was read. Edges name their assets by position, until they are sorted; they are kept in buckets
/// by the first bits of the client's id, which is the order they will be in.
struct SnapshotInput {
  static constexpr std::size_t kBuckets = 1'024;

  /// An edge whose client came after the assets were read is left out: what is new is read again.
  void add(const Snapshot::Edge& edge) {
    if (edge.client.value >= assets.size()) return;
    edges[bucket_of(assets[edge.client.value])].push_back(edge);
  }
  [[nodiscard]] static std::size_t bucket_of(const Id& id) noexcept {
    return std::size_t{id.octets[0]} << 2 | id.octets[1] >> 6;
  }

  std::uint64_t revision = 0;
  std::vector<Id> assets;  ///< by position; none where there is no asset
  std::array<std::vector<Snapshot::Edge>, kBuckets> edges;
  /// Positions of dependencies that were read again, with what was found in the end: nothing where
  /// there is none any more. What `edges` says of them does not count.
  std::unordered_map<std::uint32_t, std::optional<Snapshot::Edge>> read_again;
};

[[nodiscard]] std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input);

}  // namespace flowlens::graph
