#include "flowlens/single_points.hpp"

#include <algorithm>
#include <tuple>

namespace flowlens {

namespace {

/// Clients that cannot do without this service, and have nowhere else to go.
std::uint32_t bound_clients(const ServiceGraph& graph, const ServedPort& s) {
  if (graph.members_of(s.cluster).size() > 1 || graph[s.cluster].is_shared) return 0;
  return graph[s.cluster].bound_clients;
}

struct Unreplicated {
  std::uint32_t clients = 0;
  ServiceIndex service;
};

/// What the services of an asset that nobody else gives mean to their clients.
class ServiceLoss {
 public:
  ServiceLoss(const ServiceGraph& graph, const SinglePointOptions& options)
      : graph_(graph), options_(options), counted_for_(graph.asset_count(), kNobody) {}

  void tell(SinglePoint& point) {
    found_.clear();
    for (const ServedPort& s : graph_.services_of(point.asset)) {
      const ServiceIndex index = graph_.index_of(s);
      if (std::find(options_.replicated.begin(), options_.replicated.end(), index) !=
          options_.replicated.end()) {
        continue;
      }
      const std::uint32_t clients = bound_clients(graph_, s);
      if (clients > 0) found_.push_back({clients, index});
    }
    std::sort(found_.begin(), found_.end(), [](const Unreplicated& a, const Unreplicated& b) {
      return a.clients != b.clients ? a.clients > b.clients : a.service < b.service;
    });
    for (const Unreplicated& u : found_) {
      if (point.services.size() < SinglePoint::kMaxServices) point.services.push_back(u.service);
    }
    point.service_count = static_cast<std::uint32_t>(found_.size());
    point.clients = found_.size() == 1 ? found_.front().clients : count_clients(point.asset);
  }

 private:
  static constexpr std::uint32_t kNobody = 0xffff'ffffu;

  /// Those of all that was found, each once.
  std::uint32_t count_clients(AssetIndex server) {
    std::uint32_t count = 0;
    for (const Unreplicated& u : found_) {
      for (const Need& n : graph_.needs_of(graph_[u.service].cluster)) {
        if (!graph_.binds(n) || counted_for_[n.client.value] == server.value) continue;
        counted_for_[n.client.value] = server.value;
        ++count;
      }
    }
    return count;
  }

  const ServiceGraph& graph_;
  const SinglePointOptions& options_;
  std::vector<Unreplicated> found_;
  std::vector<std::uint32_t> counted_for_;  ///< by client: the last asset whose clients it is among
};

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
  ServiceLoss services_lost{services, options};
  SinglePoints found;
  found.unreached = dominators.unreached;
  for (std::uint32_t a = 0; a < assets.asset_count(); ++a) {
    SinglePoint point{{a}, cuts.cut_off[a], dominators.dominated[a], 0, {}, 0};
    found.cut_points += point.cut_off > 0 ? 1 : 0;
    services_lost.tell(point);
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
