#include "flowlens/impact.hpp"

#include <algorithm>
#include <tuple>

#include "analyze/failure.hpp"

namespace flowlens {

using analyze::Failure;

std::string_view to_string(Certainty c) noexcept {
  switch (c) {
    case Certainty::certain:
      return "certain";
    case Certainty::probable:
      return "probable";
    case Certainty::possible:
      break;
  }
  return "possible";
}

std::string SamplingBlindness::text() const {
  if (sampled_needs == 0) return "Nothing here was sampled.";
  return std::to_string(sampled_needs) + " of " + std::to_string(needs) +
         " dependencies looked at were seen through sampling, at up to 1 in " +
         std::to_string(rate) + ": one of fewer than " + std::to_string(packets_unseen) +
         " packets within 28 days may be missing here.";
}

namespace {

void look_at(SamplingBlindness& s, const Need& need) {
  ++s.needs;
  if (need.sampling_rate <= 1) return;
  ++s.sampled_needs;
  s.rate = std::max<std::uint32_t>(s.rate, need.sampling_rate);
  s.packets_unseen = 3ull * s.rate;  // e^-3 is one in twenty
}

void count(std::vector<AssetIndex>& assets, std::uint64_t& to) {
  std::sort(assets.begin(), assets.end());
  to = static_cast<std::uint64_t>(std::unique(assets.begin(), assets.end()) - assets.begin());
}

std::vector<AssetIndex> each_once(std::vector<AssetIndex> assets) {
  std::sort(assets.begin(), assets.end());
  assets.erase(std::unique(assets.begin(), assets.end()), assets.end());
  return assets;
}

/// The first hits of a world that no world before it had.
void take_hits(const ServiceGraph& graph, const std::vector<Failure::Hit>& hits,
               Certainty certainty, std::vector<bool>& is_known, Impact& to) {
  for (const Failure::Hit& h : hits) {
    if (is_known[h.asset.value]) continue;
    is_known[h.asset.value] = true;
    if (h.need == analyze::kNotHit) continue;  // asked about
    const Need& need = graph.needs()[h.need];
    to.affected.push_back(
        {h.asset, h.because, need.cluster, h.hops, need.last_hour, certainty, need.weight_percent});
    ++to.counts[static_cast<std::size_t>(certainty)];
  }
}

void sort_and_cut(Impact& impact, std::size_t most) {
  const auto key = [](const Affected& a) { return std::tuple{a.certainty, a.hops, a.asset}; };
  const auto before = [&](const Affected& a, const Affected& b) { return key(a) < key(b); };
  if (impact.affected.size() > most) {
    const auto kept = impact.affected.begin() + static_cast<std::ptrdiff_t>(most);
    std::nth_element(impact.affected.begin(), kept, impact.affected.end(), before);
    impact.affected.erase(kept, impact.affected.end());
  }
  std::sort(impact.affected.begin(), impact.affected.end(), before);
}

/// What the possible world shows beyond who is hit.
void look_around(const ServiceGraph& graph, const Failure& failure, Impact& to) {
  std::vector<AssetIndex> kept, watchers;
  for (const ClusterIndex c : failure.clusters_hit()) {
    const auto members = graph.members_of(c);
    const auto needs = graph.needs_of(c);
    if (graph[c].is_shared) {
      to.shared.push_back({c, failure.members_lost(c), static_cast<std::uint32_t>(needs.size())});
      continue;
    }
    for (const Need& n : needs) look_at(to.sampling, n);
    for (const ServiceIndex s : members) {
      if (!failure.is_hit(graph[s].server)) continue;
      for (const AssetIndex client : graph.clients_of(s)) {
        if (graph.is_watcher(client)) {
          watchers.push_back(client);
        } else if (!failure.is_hit(client)) {
          kept.push_back(client);
        }
      }
    }
  }
  count(kept, to.kept_by_replicas);
  count(watchers, to.watchers);
  std::sort(to.shared.begin(), to.shared.end(),
            [](const SharedImpact& a, const SharedImpact& b) { return a.cluster < b.cluster; });
}

Impact find_upstream(const ServiceGraph& graph, const ImpactQuery& query) {
  const std::vector<AssetIndex> failed = each_once(query.assets);
  Impact impact;
  Failure failure{graph};
  std::vector<bool> is_known(graph.asset_count());
  for (std::size_t world = 0; world < kCertaintyCount; ++world) {
    failure.run(failed, query.replicas, analyze::kWorlds[world], query.depth);
    take_hits(graph, failure.hits(), static_cast<Certainty>(world), is_known, impact);
  }
  impact.depth_reached = failure.depth_reached();
  look_around(graph, failure, impact);
  sort_and_cut(impact, query.max_affected);
  return impact;
}

/// Follows needs of at least `least_weight` from the assets on. Shared clusters are named, and asked
/// no further.
struct Needed {
  std::vector<Failure::Hit> hits;
  std::vector<SharedImpact> shared;
  SamplingBlindness sampling;
  bool depth_reached = false;
};
Needed follow_needs(const ServiceGraph& graph, const std::vector<AssetIndex>& assets,
                    std::uint8_t least_weight, std::uint32_t depth) {
  Needed found;
  std::vector<bool> is_hit(graph.asset_count());
  std::vector<std::uint32_t> shared_clients(graph.clusters().size());
  std::vector<ClusterIndex> shared;
  for (const AssetIndex a : assets) {
    is_hit[a.value] = true;
    found.hits.push_back({a, analyze::kNotHit, a, 0});
  }
  for (std::size_t next = 0; next < found.hits.size(); ++next) {
    const Failure::Hit now = found.hits[next];
    const auto needs = graph.needs_by(now.asset);
    if (now.hops >= depth) {
      found.depth_reached = found.depth_reached || !needs.empty();
      continue;
    }
    for (const std::uint32_t position : needs) {
      const Need& n = graph.needs()[position];
      look_at(found.sampling, n);
      if (n.weight_percent < least_weight) continue;
      if (graph[n.cluster].is_shared) {
        if (shared_clients[n.cluster.value]++ == 0) shared.push_back(n.cluster);
        continue;
      }
      for (const ServiceIndex s : graph.members_of(n.cluster)) {
        const AssetIndex server = graph[s].server;
        if (is_hit[server.value]) continue;
        is_hit[server.value] = true;
        found.hits.push_back({server, position, now.asset, now.hops + 1});
      }
    }
  }
  std::sort(shared.begin(), shared.end());
  for (const ClusterIndex c : shared) {
    const auto members = static_cast<std::uint32_t>(graph.members_of(c).size());
    found.shared.push_back({c, members, shared_clients[c.value]});
  }
  return found;
}

Impact find_downstream(const ServiceGraph& graph, const ImpactQuery& query) {
  const std::vector<AssetIndex> assets = each_once(query.assets);
  Impact impact;
  std::vector<bool> is_known(graph.asset_count());
  for (std::size_t world = 0; world < kCertaintyCount; ++world) {
    Needed needed = follow_needs(graph, assets, analyze::kWorlds[world].least_weight, query.depth);
    take_hits(graph, needed.hits, static_cast<Certainty>(world), is_known, impact);
    impact.shared = std::move(needed.shared);
    impact.sampling = needed.sampling;
    impact.depth_reached = needed.depth_reached;
  }
  sort_and_cut(impact, query.max_affected);
  return impact;
}

}  // namespace

Impact find_impact(const ServiceGraph& graph, const ImpactQuery& query) {
  return query.direction == ImpactDirection::upstream ? find_upstream(graph, query)
                                                      : find_downstream(graph, query);
}

std::string reason(const ServiceGraph& graph, const Affected& affected, ImpactDirection direction,
                   const std::function<std::string(AssetIndex)>& name_of) {
  const auto members = graph.members_of(affected.cluster);
  const std::string port = graph[members.front()].port_text();
  const bool is_upstream = direction == ImpactDirection::upstream;
  const Need* need =
      graph.find_need(is_upstream ? affected.asset : affected.because, affected.cluster);
  const std::string hours =
      need == nullptr ? "" : " in " + std::to_string(need->steadiness_percent) + " % of its hours";
  if (!is_upstream) {
    const std::string others =
        members.size() > 1 ? ", one of " + std::to_string(members.size()) + " that serve it" : "";
    return name_of(affected.because) + " needs " + port + " of it" + hours + others;
  }
  std::string text = "needs " + port + " of " + name_of(affected.because) + hours;
  if (members.size() == 1) return text + ", which no other server gives";
  if (affected.certainty == Certainty::possible && need != nullptr &&
      need->members_used < members.size()) {
    return text + ", and has used none of the servers that are left";
  }
  return text + ", the last of " + std::to_string(members.size()) + " that serve it";
}

BlastScale::BlastScale(const ServiceGraph& graph, std::size_t max_samples)
    : assets_(graph.asset_count()) {
  std::vector<AssetIndex> servers;
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    if (!graph.services_of({a}).empty()) servers.push_back({a});
  }
  servers_ = servers.size();
  const std::size_t samples =
      std::min<std::size_t>(std::max<std::size_t>(max_samples, 1), servers.size());
  Failure failure{graph};
  for (std::size_t i = 0; i < samples; ++i) {
    const AssetIndex asset = servers[i * servers.size() / samples];
    failure.run({&asset, 1}, {}, analyze::kWorlds[static_cast<std::size_t>(Certainty::probable)],
                graph.asset_count());
    losses_.push_back(failure.hits().size() - 1);
  }
  std::sort(losses_.begin(), losses_.end());
}

double BlastScale::percentile_of(std::uint64_t lost) const noexcept {
  if (assets_ == 0 || lost == 0) return 0;
  const auto fewer = std::lower_bound(losses_.begin(), losses_.end(), lost) - losses_.begin();
  const double share =
      losses_.empty() ? 0 : static_cast<double>(fewer) / static_cast<double>(losses_.size());
  const auto servers = static_cast<double>(servers_), assets = static_cast<double>(assets_);
  return 100 * (assets - servers + share * servers) / assets;
}

BlastRadius find_blast_radius(const ServiceGraph& graph, const BlastScale& scale,
                              const ImpactQuery& query) {
  const std::vector<AssetIndex> failed = each_once(query.assets);
  BlastRadius radius;
  Failure failure{graph};
  std::uint64_t known = failed.size();
  for (std::size_t world = 0; world < kCertaintyCount; ++world) {
    failure.run(failed, query.replicas, analyze::kWorlds[world], query.depth);
    radius.lost[world] = failure.hits().size() - known;
    known = failure.hits().size();
  }
  failure.run(failed, {}, {1, false, true}, query.depth);
  radius.dependants = failure.hits().size() - failed.size();
  const std::uint64_t lost = radius.lost[0] + radius.lost[1];
  if (graph.dependants() > 0) {
    radius.share = static_cast<double>(lost) / static_cast<double>(graph.dependants());
  }
  radius.percentile = scale.percentile_of(lost);
  return radius;
}

}  // namespace flowlens
