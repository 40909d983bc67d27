#include "analyze/failure.hpp"

#include <algorithm>

namespace flowlens::analyze {

Failure::Failure(const ServiceGraph& graph)
    : graph_(graph),
      asset_run_(graph.asset_count()),
      gone_run_(graph.asset_count()),
      cluster_run_(graph.clusters().size()),
      members_lost_(graph.clusters().size()),
      need_run_(graph.needs().size()),
      used_lost_(graph.needs().size()) {}

void Failure::next_run() {
  hits_.clear();
  clusters_hit_.clear();
  depth_reached_ = false;
  ++run_;  // 2^32 runs of one object do not happen
}

void Failure::hit(AssetIndex asset, std::uint32_t need, AssetIndex because, std::uint32_t hops) {
  if (is_hit(asset)) return;
  asset_run_[asset.value] = run_;
  hits_.push_back({asset, need, because, hops});
}

std::uint32_t& Failure::lost_of(ClusterIndex cluster) {
  if (cluster_run_[cluster.value] != run_) {
    cluster_run_[cluster.value] = run_;
    members_lost_[cluster.value] = 0;
    clusters_hit_.push_back(cluster);
  }
  return members_lost_[cluster.value];
}

/// Of the replicas added for what-if, those that still stand.
std::uint32_t Failure::added_left(ClusterIndex cluster) const {
  return static_cast<std::uint32_t>(
      std::count_if(replicas_.begin(), replicas_.end(), [&](const AddedReplica& r) {
        return graph_[r.service].cluster == cluster && !(r.on && is_gone(*r.on));
      }));
}

void Failure::lose_all(ClusterIndex cluster, AssetIndex because, std::uint32_t hops,
                       const Rules& rules) {
  for (const Need& n : graph_.needs_of(cluster)) {
    if (n.weight_percent < rules.least_weight || graph_.is_watcher(n.client)) continue;
    hit(n.client, static_cast<std::uint32_t>(&n - graph_.needs().data()), because, hops + 1);
  }
}

/// Clients that have used none of the members left.
void Failure::lose_used(const ServedPort& service, std::uint32_t hops) {
  for (const AssetIndex client : graph_.clients_of(graph_.index_of(service))) {
    if (is_hit(client) || graph_.is_watcher(client)) continue;
    const Need* need = graph_.find_need(client, service.cluster);
    const auto position = static_cast<std::uint32_t>(need - graph_.needs().data());
    if (need_run_[position] != run_) {
      need_run_[position] = run_;
      used_lost_[position] = 0;
    }
    if (++used_lost_[position] == need->members_used) {
      hit(client, position, service.server, hops + 1);
    }
  }
}

void Failure::lose(const ServedPort& service, std::uint32_t hops, const Rules& rules) {
  const ClusterIndex cluster = service.cluster;
  const std::uint32_t lost = ++lost_of(cluster);
  if (graph_[cluster].is_shared) return;
  const std::uint32_t left =
      static_cast<std::uint32_t>(graph_.members_of(cluster).size()) - lost + added_left(cluster);
  if (left == 0 || rules.any_member) {
    lose_all(cluster, service.server, hops, rules);
  } else if (rules.used_members_only && added_left(cluster) == 0) {
    lose_used(service, hops);
  }
}

/// The replicas that stood on this asset, as what-if has it. Until the last one of a cluster goes, no
/// client has counted what it lost there.
void Failure::lose_added(AssetIndex asset, std::uint32_t hops, const Rules& rules) {
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const ClusterIndex cluster = graph_[replicas_[i].service].cluster;
    const auto is_same = [&](const AddedReplica& r) {
      return r.on == asset && graph_[r.service].cluster == cluster;
    };
    if (!is_same(replicas_[i]) || graph_[cluster].is_shared || added_left(cluster) > 0) continue;
    const auto before = replicas_.first(i);
    if (std::any_of(before.begin(), before.end(), is_same)) continue;
    const std::uint32_t lost = members_lost(cluster);
    if (lost > 0 && (lost == graph_.members_of(cluster).size() || rules.any_member)) {
      lose_all(cluster, asset, hops, rules);
    } else if (rules.used_members_only) {
      for (const ServiceIndex s : graph_.members_of(cluster)) {
        const AssetIndex server = graph_[s].server;
        if (is_gone(server) && server != asset) lose_used(graph_[s], hops);
      }
    }
  }
}

void Failure::run(std::span<const AssetIndex> assets, std::span<const AddedReplica> replicas,
                  const Rules& rules, std::uint32_t depth) {
  next_run();
  replicas_ = replicas;
  for (const AssetIndex a : assets) hit(a, kNotHit, a, 0);
  for (std::size_t next = 0; next < hits_.size(); ++next) {
    const Hit now = hits_[next];
    const auto services = graph_.services_of(now.asset);
    if (now.hops >= depth) {
      depth_reached_ = depth_reached_ || !services.empty();
      continue;
    }
    gone_run_[now.asset.value] = run_;
    for (const ServedPort& s : services) lose(s, now.hops, rules);
    if (!replicas_.empty()) lose_added(now.asset, now.hops, rules);
  }
}

}  // namespace flowlens::analyze
