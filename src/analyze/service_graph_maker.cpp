// Services and needs from edges, and what stands apart.
#include "analyze/service_graph_maker.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace flowlens {

namespace {

/// DNS, DHCP, NTP, Kerberos, directories, NetBIOS names, mDNS, syslog, SNMP, DNS over TLS.
constexpr std::array<std::uint16_t, 18> kInfrastructurePorts{
    53, 67, 68, 88, 123, 137, 161, 162, 319, 389, 464, 514, 547, 636, 853, 3268, 3269, 6514};

bool is_infrastructure_port(std::uint16_t port) noexcept {
  return std::binary_search(kInfrastructurePorts.begin(), kInfrastructurePorts.end(), port);
}

constexpr std::uint32_t kStaleHours = 7 * 24;

void sum_up(std::vector<std::uint32_t>& counts) {
  for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
}

}  // namespace

void ServiceGraph::Maker::add_use(const Snapshot::Edge& e, std::uint32_t position) {
  const ServedPort& last = to.services_.back();
  const ServiceIndex service = to.index_of(last);
  if (!uses.empty() && uses.back().service == service && uses.back().client == e.client) {
    Use& use = uses.back();  // between other endpoints of the same two
    use.last_hour = std::max(use.last_hour, e.last_hour);
    use.active_hours = std::max(use.active_hours, e.active_hours);
    use.sampling_rate = std::min(use.sampling_rate, e.sampling_rate);
    use.confidence_percent = std::max(use.confidence_percent, e.confidence_percent);
    return;
  }
  uses.push_back({service, e.client, position, e.last_hour, e.active_hours, e.sampling_rate,
                  e.confidence_percent});
  to.clients_.push_back(e.client);
  ++to.services_.back().clients;
}

void ServiceGraph::Maker::add_server(AssetIndex server, std::vector<std::uint32_t>& positions) {
  const auto key = [&](std::uint32_t p) {
    const Snapshot::Edge& e = snapshot.edges[p];
    return std::tuple{e.protocol, e.port, p};
  };
  const auto before = [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); };
  if (!std::is_sorted(positions.begin(), positions.end(), before)) {
    std::sort(positions.begin(), positions.end(), before);
  }
  bool is_first = true;
  for (const std::uint32_t p : positions) {
    const Snapshot::Edge& e = snapshot.edges[p];
    if (is_first || to.services_.back().protocol != e.protocol ||
        to.services_.back().port != e.port) {
      to.client_offsets_.push_back(static_cast<std::uint32_t>(to.clients_.size()));
      to.services_.push_back({server, {}, 0, e.port, e.protocol});
    }
    is_first = false;
    add_use(e, p);
  }
}

void ServiceGraph::Maker::services() {
  const auto assets = static_cast<std::uint32_t>(snapshot.assets.size());
  uses.reserve(snapshot.edges.size());
  to.clients_.reserve(snapshot.edges.size());
  to.service_offsets_.reserve(assets + 1);
  std::vector<std::uint32_t> positions;
  for (std::uint32_t server = 0; server < assets; ++server) {
    to.service_offsets_.push_back(static_cast<std::uint32_t>(to.services_.size()));
    positions.clear();
    for (std::uint32_t i = snapshot.in_offsets[server]; i < snapshot.in_offsets[server + 1]; ++i) {
      const std::uint32_t p = snapshot.in_edges[i];
      const bool counts = mask.empty() || mask[p];
      if (counts && snapshot.edges[p].client.value != server) positions.push_back(p);
    }
    add_server({server}, positions);
  }
  to.service_offsets_.push_back(static_cast<std::uint32_t>(to.services_.size()));
  to.client_offsets_.push_back(static_cast<std::uint32_t>(to.clients_.size()));
  index_uses();
}

void ServiceGraph::Maker::index_uses() {
  const std::size_t assets = snapshot.assets.size();
  client_use_offsets.assign(assets + 1, 0);
  busiest_hours.assign(assets, 0);
  newest_hour.assign(assets, 0);
  for (const Use& use : uses) {
    const std::uint32_t client = use.client.value;
    ++client_use_offsets[client + 1];
    busiest_hours[client] = std::max(busiest_hours[client], use.active_hours);
    newest_hour[client] = std::max(newest_hour[client], use.last_hour);
  }
  sum_up(client_use_offsets);
  client_uses.resize(uses.size());
  std::vector<std::uint32_t> next(client_use_offsets.begin(), client_use_offsets.end() - 1);
  for (std::uint32_t i = 0; i < uses.size(); ++i) client_uses[next[uses[i].client.value]++] = i;
}

Need ServiceGraph::Maker::need_of(const Use& all, ClusterIndex cluster,
                                  std::size_t members_used) const {
  const double hours = std::max<double>(all.active_hours, 1);
  const double busiest = std::max<double>(busiest_hours[all.client.value], 1);
  const double steadiness = std::min(1.0, hours / busiest);
  const double support = 1 - std::exp2(-hours);
  double weight = steadiness * support * all.confidence_percent;
  if (newest_hour[all.client.value] >= all.last_hour + kStaleHours) {
    weight = std::min<double>(weight, kPossiblePercent);
  }
  Need need;
  need.client = all.client;
  need.cluster = cluster;
  need.last_hour = all.last_hour;
  need.members_used = static_cast<std::uint16_t>(std::min<std::size_t>(members_used, 65'535));
  need.sampling_rate = all.sampling_rate;
  need.weight_percent = static_cast<std::uint8_t>(std::max(std::lround(weight), 1l));
  need.steadiness_percent = static_cast<std::uint8_t>(std::lround(100 * steadiness));
  return need;
}

void ServiceGraph::Maker::add_needs(ClusterIndex cluster, std::vector<Use>& of_members) {
  std::sort(of_members.begin(), of_members.end(), [](const Use& a, const Use& b) {
    return std::pair{a.client, a.service} < std::pair{b.client, b.service};
  });
  for (std::size_t i = 0; i < of_members.size();) {
    Use all = of_members[i];
    std::uint32_t hours = all.active_hours;
    std::size_t k = i + 1;
    for (; k < of_members.size() && of_members[k].client == all.client; ++k) {
      const Use& use = of_members[k];
      hours += use.active_hours;
      all.last_hour = std::max(all.last_hour, use.last_hour);
      all.sampling_rate = std::min(all.sampling_rate, use.sampling_rate);
      all.confidence_percent = std::max(all.confidence_percent, use.confidence_percent);
    }
    all.active_hours = static_cast<std::uint16_t>(std::min<std::uint32_t>(hours, 65'535));
    to.needs_.push_back(need_of(all, cluster, k - i));
    i = k;
  }
}

void ServiceGraph::Maker::needs() {
  to.needs_.reserve(uses.size());
  std::vector<Use> of_members;
  for (std::uint32_t c = 0; c < to.clusters_.size(); ++c) {
    to.need_offsets_.push_back(static_cast<std::uint32_t>(to.needs_.size()));
    const auto members = to.members_of({c});
    of_members.clear();
    for (const ServiceIndex s : members) {
      for (std::uint32_t i = to.client_offsets_[s.value]; i < to.client_offsets_[s.value + 1];
           ++i) {
        if (members.size() > 1) {
          of_members.push_back(uses[i]);
        } else {
          to.needs_.push_back(need_of(uses[i], {c}, 1));  // these are in order
        }
      }
    }
    add_needs({c}, of_members);
  }
  to.need_offsets_.push_back(static_cast<std::uint32_t>(to.needs_.size()));
  to.client_need_offsets_.assign(snapshot.assets.size() + 1, 0);
  for (const Need& n : to.needs_) ++to.client_need_offsets_[n.client.value + 1];
  sum_up(to.client_need_offsets_);
  to.client_needs_.resize(to.needs_.size());
  std::vector<std::uint32_t> next(to.client_need_offsets_.begin(),
                                  to.client_need_offsets_.end() - 1);
  for (std::uint32_t i = 0; i < to.needs_.size(); ++i) {
    to.client_needs_[next[to.needs_[i].client.value]++] = i;
  }
}

void ServiceGraph::Maker::apart() {
  const std::uint32_t assets = to.asset_count();
  std::uint32_t servers = 0;
  const auto serves = [&](AssetIndex a) { return !to.services_of(a).empty(); };
  for (std::uint32_t a = 0; a < assets; ++a) servers += serves({a}) ? 1 : 0;
  const auto at_least = [&](double share, std::uint32_t least) {
    return std::max<double>(share * servers, least);
  };
  to.watchers_.assign(assets, false);
  for (std::uint32_t a = 0; a < assets; ++a) {
    std::uint32_t used = 0, last = assets;
    for (std::uint32_t i = client_use_offsets[a]; i < client_use_offsets[a + 1]; ++i) {
      const std::uint32_t server = to[uses[client_uses[i]].service].server.value;
      used += server != last ? 1 : 0;
      last = server;
    }
    to.watchers_[a] = used >= at_least(options.watcher_share, options.watcher_servers);
  }
  for (std::uint32_t c = 0; c < to.clusters_.size(); ++c) {
    std::uint32_t using_servers = 0;
    for (const Need& n : to.needs_of({c})) {
      using_servers += serves(n.client) ? 1 : 0;
      to.clusters_[c].bound_clients += to.binds(n) ? 1 : 0;
    }
    const bool is_known = is_infrastructure_port(to[to.members_of({c}).front()].port);
    to.clusters_[c].is_shared =
        using_servers >=
        (is_known ? at_least(options.shared_share_known_port, options.shared_servers_known_port)
                  : at_least(options.shared_share, options.shared_servers));
  }
  for (std::uint32_t a = 0; a < assets; ++a) {
    const auto list = to.needs_by({a});
    const bool depends = std::any_of(list.begin(), list.end(),
                                     [&](std::uint32_t n) { return !to.is_apart(to.needs_[n]); });
    to.dependants_ += depends ? 1 : 0;
  }
}

}  // namespace flowlens
