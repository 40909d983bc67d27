#include "flowlens/baseline.hpp"

#include <algorithm>
#include <utility>

#include "analyze/baseline_order.hpp"

namespace flowlens {

using analyze::is_before, analyze::order;

namespace {

std::uint32_t hours_between(Timestamp first, Timestamp last) {
  return std::max(hour_of(last), hour_of(first)) - hour_of(first) + 1;
}

BaselineEdge edge_of(const DependencyRow& d) {
  BaselineEdge e;
  e.client = d.client_asset;
  e.server = d.server_asset;
  e.port = d.key.port;
  e.protocol = d.key.protocol;
  e.active_hours = d.hours.count();
  e.hours = hours_between(d.first_seen, d.last_seen);
  e.last_hour = hour_of(d.last_seen);
  e.octets = d.totals.estimated_octets_to_server + d.totals.estimated_octets_to_client;
  return e;
}

/// Edges of one key become one.
void join(std::vector<BaselineEdge>& edges) {
  std::sort(edges.begin(), edges.end(), is_before);
  std::size_t kept = 0;
  for (const BaselineEdge& e : edges) {
    if (kept == 0 || order(edges[kept - 1]) != order(e)) {
      edges[kept++] = e;
      continue;
    }
    BaselineEdge& same = edges[kept - 1];
    same.active_hours = std::max(same.active_hours, e.active_hours);
    same.hours = std::max(same.hours, e.hours);
    same.octets += e.octets;
    same.last_hour = std::max(same.last_hour, e.last_hour);
  }
  edges.resize(kept);
}

std::string label_of(const AssetRow& a) {
  if (!a.name.empty() || a.endpoints.empty()) return a.name;
  return a.endpoints.front().endpoint.address.to_string();
}

std::vector<Id> ends_of(const std::vector<BaselineEdge>& edges) {
  std::vector<Id> ends;
  for (const BaselineEdge& e : edges) {
    ends.push_back(e.client);
    ends.push_back(e.server);
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

}  // namespace

Baseline take_baseline(const Revision& rows, const BaselineOptions& options) {
  Baseline taken;
  taken.name = options.name;
  taken.at = options.at;
  taken.revision = rows.number;
  for (const DependencyRow& d : rows.dependencies) {
    taken.counted_until = std::max(taken.counted_until, d.last_seen);
  }
  taken.scope = options.assets;
  std::sort(taken.scope.begin(), taken.scope.end());
  taken.scope.erase(std::unique(taken.scope.begin(), taken.scope.end()), taken.scope.end());
  const auto is_in = [&](const Id& id) {
    return taken.scope.empty() || std::binary_search(taken.scope.begin(), taken.scope.end(), id);
  };
  for (const DependencyRow& d : rows.dependencies) {
    if (is_in(d.client_asset) || is_in(d.server_asset)) taken.edges.push_back(edge_of(d));
  }
  join(taken.edges);
  if (taken.edges.size() > options.max_edges) {
    taken.left_out = taken.edges.size() - options.max_edges;
    taken.edges.resize(options.max_edges);
  }
  const std::vector<Id> ends = ends_of(taken.edges);
  for (const AssetRow& a : rows.assets) {
    if (!std::binary_search(ends.begin(), ends.end(), a.id)) continue;
    taken.assets.push_back({a.id, label_of(a)});
  }
  std::sort(taken.assets.begin(), taken.assets.end(),
            [](const BaselineAsset& a, const BaselineAsset& b) { return a.id < b.id; });
  return taken;
}

bool accept(Baseline& baseline, const BaselineEdge& edge) {
  const auto at = std::lower_bound(baseline.edges.begin(), baseline.edges.end(), edge, is_before);
  if (at == baseline.edges.end() || order(*at) != order(edge)) {
    baseline.edges.insert(at, edge);
    return true;
  }
  if (*at == edge) return false;
  *at = edge;
  return true;
}

bool remove(Baseline& baseline, const BaselineEdge& edge) {
  const auto at = std::lower_bound(baseline.edges.begin(), baseline.edges.end(), edge, is_before);
  if (at == baseline.edges.end() || order(*at) != order(edge)) return false;
  baseline.edges.erase(at);
  return true;
}

}  // namespace flowlens
