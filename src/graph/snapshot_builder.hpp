/// \file
/// graph: sorting what was read out of the map into compressed sparse rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/spread_vector.hpp"
#include "flowlens/snapshot.hpp"

namespace flowlens::graph {

/// Edges in buckets, in one piece of memory: the system gets it back at once, where small pieces would
/// stay with the process.
class EdgeBuckets {
 public:
  static constexpr std::size_t kBuckets = 1'024;

  /// Before the first edge; more than `edges` only take more steps. All its pages are there then.
  void reserve(std::size_t edges) {
    room_ = edges / kBuckets * 5 / 4;
    const std::size_t octets = kBuckets * room_ * sizeof(Snapshot::Edge);
    memory_ = std::make_unique_for_overwrite<std::byte[]>(octets);
    base::ask_for_huge_pages(memory_.get(), octets);
    constexpr std::size_t kPage = 4'096;
    for (std::size_t i = 0; i < octets; i += kPage) memory_[i] = std::byte{};
  }
  /// The place of one more edge, to be filled there: putting it together elsewhere costs a wait for
  /// all stores before it.
  [[nodiscard]] Snapshot::Edge& add(std::size_t bucket) {
    if (sizes_[bucket] == room_) return more_[bucket].emplace_back();
    return *::new (begin(bucket) + sizes_[bucket]++ * sizeof(Snapshot::Edge)) Snapshot::Edge;
  }
  /// All of a bucket where it had room for all; else `scratch` takes them.
  [[nodiscard]] std::span<Snapshot::Edge> edges(std::size_t bucket,
                                                std::vector<Snapshot::Edge>& scratch) {
    const std::span<Snapshot::Edge> found{reinterpret_cast<Snapshot::Edge*>(begin(bucket)),
                                          sizes_[bucket]};
    if (more_[bucket].empty()) return found;
    scratch.assign(found.begin(), found.end());
    scratch.insert(scratch.end(), more_[bucket].begin(), more_[bucket].end());
    return scratch;
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
  [[nodiscard]] static std::size_t bucket_of(const Id& id) noexcept {
    return std::size_t{id.octets[0]} << 2 | id.octets[1] >> 6;
  }

  /// The bucket for edges of a client, by its position. kNoBucket if it came after the assets were read:
  /// its edges are left out, as what is new is read again.
  static constexpr std::size_t kNoBucket = EdgeBuckets::kBuckets;
  [[nodiscard]] std::size_t bucket_for(std::uint32_t client) const noexcept {
    return client < assets.size() ? bucket_of(assets[client]) : kNoBucket;
  }

  std::uint64_t revision = 0;
  base::SpreadVector<Id> assets;  ///< by position; none where there is no asset
  EdgeBuckets edges;
  /// Positions of dependencies that were read again, with what was found in the end: nothing where
  /// there is none any more. What `edges` says of them does not count.
  std::unordered_map<std::uint32_t, std::optional<Snapshot::Edge>> read_again;
};

[[nodiscard]] std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input);

}  // namespace flowlens::graph
