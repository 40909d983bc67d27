/// \file
/// analyze: failures spreading over a ServiceGraph: the least set of assets that contains those that
/// failed and obeys the rules of one world.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "flowlens/impact.hpp"

namespace flowlens::analyze {

inline constexpr std::uint32_t kNotHit = 0xffff'ffffu;

/// Rules of a run. `any_member`: every need counts, and losing one member is losing it.
struct Rules {
  std::uint8_t least_weight = 1;
  bool used_members_only = false;
  bool any_member = false;
};
/// By Certainty.
inline constexpr std::array<Rules, kCertaintyCount> kWorlds{
    Rules{ServiceGraph::kCertainPercent, false, false},
    Rules{ServiceGraph::kProbablePercent, false, false}, Rules{1, true, false}};

/// One run after another in the same memory: a run costs what it reaches.
class Failure {
 public:
  struct Hit {
    AssetIndex asset;
    std::uint32_t need = kNotHit;  ///< position in needs(): what it lost; none: failed itself
    AssetIndex because;
    std::uint32_t hops = 0;
  };
  explicit Failure(const ServiceGraph& graph);

  /// Fails `assets`, and what must fail with them, up to `depth` hops. The replicas stay as long as
  /// the object: give the same ones to all runs.
  void run(std::span<const AssetIndex> assets, std::span<const AddedReplica> replicas,
           const Rules& rules, std::uint32_t depth);

  /// In the order of hops. Valid until the next run.
  [[nodiscard]] const std::vector<Hit>& hits() const noexcept { return hits_; }
  [[nodiscard]] bool is_hit(AssetIndex a) const noexcept { return asset_run_[a.value] == run_; }
  /// Members of the cluster that have failed, those added for what-if not counted.
  [[nodiscard]] std::uint32_t members_lost(ClusterIndex c) const noexcept {
    return cluster_run_[c.value] == run_ ? members_lost_[c.value] : 0;
  }
  /// Clusters with members lost, in the order of the loss.
  [[nodiscard]] const std::vector<ClusterIndex>& clusters_hit() const noexcept {
    return clusters_hit_;
  }
  [[nodiscard]] bool depth_reached() const noexcept { return depth_reached_; }

 private:
  void hit(AssetIndex asset, std::uint32_t need, AssetIndex because, std::uint32_t hops);
  void lose(const ServedPort& service, std::uint32_t hops, const Rules& rules);
  void lose_all(ClusterIndex cluster, AssetIndex because, std::uint32_t hops, const Rules& rules);
  void lose_used(const ServedPort& service, std::uint32_t hops);
  void lose_added(AssetIndex asset, std::uint32_t hops, const Rules& rules);
  std::uint32_t& lost_of(ClusterIndex cluster);
  [[nodiscard]] bool is_gone(AssetIndex a) const noexcept { return gone_run_[a.value] == run_; }
  [[nodiscard]] std::uint32_t added_left(ClusterIndex cluster) const;
  void next_run();

  const ServiceGraph& graph_;
  std::span<const AddedReplica> replicas_;
  std::uint32_t run_ = 0;
  std::vector<std::uint32_t> asset_run_;    ///< the last run that hit it
  std::vector<std::uint32_t> gone_run_;     ///< the last run in which its services were lost
  std::vector<std::uint32_t> cluster_run_;  ///< the last run in which a member was lost
  std::vector<std::uint32_t> members_lost_;
  std::vector<std::uint32_t> need_run_;  ///< the last run in which a used member was lost
  std::vector<std::uint16_t> used_lost_;
  std::vector<Hit> hits_;
  std::vector<ClusterIndex> clusters_hit_;
  bool depth_reached_ = false;
};

}  // namespace flowlens::analyze
