#include "flowlens/single_points.hpp"

#include <algorithm>
#include <tuple>

namespace flowlens {

namespace {

/// Clients that cannot do without this service, and have nowhere else to go.
std::uint32_t bound_clients(const ServiceGraph& graph, const ServedPort& s) {
  if (graph.members_of(s.cluster).size() > 1 || graph[s.cluster].is_shared) return 0;
  const auto needs = graph.needs_of(s.cluster);
  return static_cast<std::uint32_t>(std::count_if(needs.begin(), needs.end(), [&](const Need& n) {
    return n.weight_percent >= ServiceGraph::kProbablePercent && !graph.is_watcher(n.client);
  }));
}

struct Unreplicated {
  std::uint32_t clients = 0;
  ServiceIndex service;
};

void add_services(const ServiceGraph& graph, const SinglePointOptions& options,
                  SinglePoint& point) {
  std::vector<Unreplicated> found;
  for (const ServedPort& s : graph.services_of(point.asset)) {
    const ServiceIndex index = graph.index_of(s);
    if (std::find(options.replicated.begin(), options.replicated.end(), index) !=
        options.replicated.end()) {
      continue;
    }
    const std::uint32_t clients = bound_clients(graph, s);
    if (clients > 0) found.push_back({clients, index});
  }
  std::sort(found.begin(), found.end(), [](const Unreplicated& a, const Unreplicated& b) {
    return a.clients != b.clients ? a.clients > b.clients : a.service < b.service;
  });
  std::vector<AssetIndex> clients;
  for (const Unreplicated& u : found) {
    for (const Need& n : graph.needs_of(graph[u.service].cluster)) {
      if (n.weight_percent >= ServiceGraph::kProbablePercent && !graph.is_watcher(n.client)) {
        clients.push_back(n.client);
      }
    }
    if (point.services.size() < SinglePoint::kMaxServices) point.services.push_back(u.service);
  }
  std::sort(clients.begin(), clients.end());
  point.clients =
      static_cast<std::uint32_t>(std::unique(clients.begin(), clients.end()) - clients.begin());
  point.service_count = static_cast<std::uint32_t>(found.size());
}

}  // namespace

std::string remedy(const ServiceGraph& graph, const SinglePoint& point) {
  if (point.services.empty()) {
    return "A second way to the " + std::to_string(std::max(point.cut_off, point.dominated)) +
           " assets that it alone connects.";
  }
  std::string text = "A second server for ";
  for (std::size_t i = 0; i < point.services.size(); ++i) {
    const ServedPort& s = graph[point.services[i]];
    const std::string clients = std::to_string(bound_clients(graph, s));
    const bool is_last = i + 1 == point.services.size() && point.service_count == i + 1;
    if (i > 0) text += is_last ? " and " : ", ";
    text += s.port_text() + " (" + clients + (i == 0 ? " clients)" : ")");
  }
  const std::size_t others = point.service_count - point.services.size();
  if (others > 0) text += " and " + std::to_string(others) + " more";
  return text + ".";
}

SinglePoints find_single_points(const ServiceGraph& services, const AssetGraph& assets,
                                const SinglePointOptions& options) {
  const CutPoints cuts = find_cut_points(assets);
  const Dominators dominators = find_dominators(assets);
  SinglePoints found;
  found.unreached = dominators.unreached;
  for (std::uint32_t a = 0; a < assets.asset_count(); ++a) {
    SinglePoint point{{a}, cuts.cut_off[a], dominators.dominated[a], 0, {}, 0};
    found.cut_points += point.cut_off > 0 ? 1 : 0;
    add_services(services, options, point);
    if (point.clients < options.min_clients && point.cut_off < options.min_cut_off &&
        point.dominated < options.min_cut_off) {
      continue;
    }
    ++found.total;
    found.points.push_back(std::move(point));
  }
  const auto loss = [](const SinglePoint& p) {
    return std::max({p.clients, p.cut_off, p.dominated});
  };
  const auto before = [&](const SinglePoint& a, const SinglePoint& b) {
    return loss(a) != loss(b) ? loss(a) > loss(b) : a.asset < b.asset;
  };
  const std::size_t kept = std::min(options.limit, found.points.size());
  std::partial_sort(found.points.begin(), found.points.begin() + static_cast<std::ptrdiff_t>(kept),
                    found.points.end(), before);
  found.points.resize(kept);
  return found;
}

}  // namespace flowlens
