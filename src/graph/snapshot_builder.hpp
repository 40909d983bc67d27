/// \file
/// graph: sorting what was read out of the map into compressed sparse rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "flowlens/snapshot.hpp"

namespace flowlens::graph {

/// Edges in buckets, in one piece of memory: the system gets it back at once, where small pieces would
/// stay with the process.
class EdgeBuckets {
 public:
  static constexpr std::size_t kBuckets = 1'024;

  /// Before the first edge; more than `edges` only take more steps.
  void reserve(std::size_t edges) {
    room_ = edges / kBuckets * 5 / 4;
    memory_ =
        std::make_unique_for_overwrite<std::byte[]>(kBuckets * room_ * sizeof(Snapshot::Edge));
  }
  void add(std::size_t bucket, const Snapshot::Edge& edge) {
    if (sizes_[bucket] == room_) {
      more_[bucket].push_back(edge);
    } else {
      std::memcpy(begin(bucket) + sizes_[bucket]++ * sizeof edge, &edge, sizeof edge);
    }
  }
  void copy(std::size_t bucket, std::vector<Snapshot::Edge>& to) const {
    to.resize(sizes_[bucket]);
    if (!to.empty()) std::memcpy(to.data(), begin(bucket), to.size() * sizeof to[0]);
    to.insert(to.end(), more_[bucket].begin(), more_[bucket].end());
  }
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) sum += sizes_[i] + more_[i].size();
    return sum;
  }

 private:
  [[nodiscard]] std::byte* begin(std::size_t bucket) const noexcept {
    return memory_.get() + bucket * room_ * sizeof(Snapshot::Edge);
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t room_ = 0;  ///< edges, of each bucket
  std::array<std::size_t, kBuckets> sizes_{};
  std::array<std::vector<Snapshot::Edge>, kBuckets> more_;  ///< what found no room
};

/// What was read. Edges name their assets by position, until they are sorted; they are kept in buckets
/// by the first bits of the client's id, which is the order they will be in.
struct SnapshotInput {
  /// An edge whose client came after the assets were read is left out: what is new is read again.
  void add(const Snapshot::Edge& edge) {
    if (edge.client.value >= assets.size()) return;
    edges.add(bucket_of(assets[edge.client.value]), edge);
  }
  [[nodiscard]] static std::size_t bucket_of(const Id& id) noexcept {
    return std::size_t{id.octets[0]} << 2 | id.octets[1] >> 6;
  }

  std::uint64_t revision = 0;
  std::vector<Id> assets;  ///< by position; none where there is no asset
  EdgeBuckets edges;
  /// Positions of dependencies that were read again, with what was found in the end: nothing where
  /// there is none any more. What `edges` says of them does not count.
  std::unordered_map<std::uint32_t, std::optional<Snapshot::Edge>> read_again;
};

[[nodiscard]] std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input);

}  // namespace flowlens::graph
