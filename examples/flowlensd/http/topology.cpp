#include "http/topology.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "flowlens/application_view.hpp"
#include "flowlens/layout.hpp"
#include "flowlens/snapshot_filter.hpp"
#include "http/message.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kRowsAtOnce = 1'000;  // how long the graph's lock is held

std::uint64_t weight(const DependencyRow& d) noexcept {
  return d.totals.estimated_octets_to_server + d.totals.estimated_octets_to_client;
}

bool is_heavier(const ApplicationRow& a, const ApplicationRow& b) noexcept {
  return weight(a.row) != weight(b.row) ? weight(a.row) > weight(b.row) : a.row.id < b.row.id;
}

/// \param view  null: the network view.
void add_rows(const std::vector<DependencyRow>& rows, const ApplicationView* view,
              std::vector<ApplicationRow>& to) {
  for (const DependencyRow& row : rows) {
    view ? view->append(row, to) : to.push_back({row, row.id, std::nullopt});
  }
}

Json node_json(const AssetRow& a) {
  Json addresses = Json::array();
  for (const HeldEndpoint& e : a.endpoints) addresses.push_back(e.endpoint.address.to_string());
  return {{"id", a.id.to_string()},
          {"label", asset_label(a)},
          {"asset_type", a.asset_type},
          {"is_internal", a.is_internal},
          {"addresses", std::move(addresses)}};
}

Json edge_json(const ApplicationRow& edge) {
  const DependencyRow& d = edge.row;
  const std::string_view protocol = protocol_name(d.key.protocol);
  return {
      {"id", d.id.to_string()},
      {"client", d.client_asset.to_string()},
      {"server", d.server_asset.to_string()},
      {"protocol", protocol.empty() ? std::to_string(d.key.protocol) : std::string(protocol)},
      {"port", d.key.port},
      {"service", service_name(d.service)},
      {"direction", to_string(d.direction)},
      {"provisional", d.provisional},
      {"intermediary", edge.intermediary ? Json(edge.intermediary->to_string()) : Json(nullptr)},
      {"flows", d.totals.flows},
      {"estimated_octets", weight(d)}};
}

/// A map, or as much of it as the limit lets through, the heaviest edges first.
struct Shown {
  std::uint64_t revision = 0;
  std::vector<ApplicationRow> edges;
  std::vector<AssetRow> nodes;
  std::uint64_t total_nodes = 0;
  std::uint64_t total_edges = 0;
};

void keep_heaviest(std::vector<ApplicationRow>& rows, std::size_t limit) {
  const auto kept = rows.begin() + static_cast<std::ptrdiff_t>(std::min(limit, rows.size()));
  std::partial_sort(rows.begin(), kept, rows.end(), is_heavier);
  rows.erase(kept, rows.end());
}

void add_ends(const std::vector<DependencyRow>& rows, std::set<Id>& to) {
  for (const DependencyRow& row : rows) {
    to.insert(row.client_asset);
    to.insert(row.server_asset);
  }
}

/// Fills `shown.edges` and the totals, page by page.
void show_now(const Service& s, const TopologyQuery& q, const ApplicationView* view, Shown& shown) {
  const GraphCounters counters = s.graph.counters();
  std::set<Id> ends;  // of what a filter matches
  DependencyQuery query;
  query.limit = kRowsAtOnce;
  query.filter = q.filter;
  bool has_more = true;
  while (has_more) {
    const auto page = s.graph.dependencies(query);
    add_rows(page.rows, view, shown.edges);
    if (q.filter) add_ends(page.rows, ends);
    shown.total_edges = view != nullptr ? view->total(page.total) : page.total;
    has_more = page.has_more;
    query.after = page.next;
    if (shown.edges.size() > 4 * q.limit + kRowsAtOnce) keep_heaviest(shown.edges, q.limit);
  }
  keep_heaviest(shown.edges, q.limit);
  shown.total_nodes = q.filter ? ends.size() : counters.assets;
}

void show_then(const Service& s, const TopologyQuery& q, const ApplicationView* view,
               Shown& shown) {
  Revision all = s.graph.copy(*q.as_of);
  shown.total_nodes = all.assets.size();
  if (q.filter) {
    std::set<Id> ends;
    std::erase_if(all.dependencies,
                  [&](const DependencyRow& row) { return !q.filter.matches(row); });
    add_ends(all.dependencies, ends);
    shown.total_nodes = ends.size();
  }
  add_rows(all.dependencies, view, shown.edges);
  shown.total_edges = shown.edges.size();
  keep_heaviest(shown.edges, q.limit);
  if (!q.filter && shown.total_edges <= q.limit) shown.nodes = std::move(all.assets);
}

/// Edges within `depth` steps of an asset, by positions; further steps end at the bound.
std::vector<std::uint32_t> edges_around(const Snapshot& map, std::uint32_t focus,
                                        std::uint32_t depth) {
  std::vector<bool> is_reached(map.assets.size()), is_taken(map.edges.size());
  std::vector<std::uint32_t> edges, frontier{focus};
  is_reached[focus] = true;
  for (std::uint32_t step = 0; step < depth && !frontier.empty(); ++step) {
    std::vector<std::uint32_t> next;
    const auto take = [&](std::uint32_t edge, std::uint32_t other) {
      if (!is_taken[edge]) edges.push_back(edge);
      is_taken[edge] = true;
      if (!is_reached[other]) next.push_back(other);
      is_reached[other] = true;
    };
    for (const std::uint32_t asset : frontier) {
      for (std::uint32_t e = map.out_offsets[asset]; e < map.out_offsets[asset + 1]; ++e) {
        take(e, map.edges[e].server.value);
      }
      for (std::uint32_t i = map.in_offsets[asset]; i < map.in_offsets[asset + 1]; ++i) {
        take(map.in_edges[i], map.edges[map.in_edges[i]].client.value);
      }
    }
    frontier = std::move(next);
  }
  return edges;
}

void show_around(const Service& s, const TopologyQuery& q, Shown& shown) {
  auto snapshot = q.as_of ? s.graph.snapshot(*q.as_of) : s.graph.snapshot();
  if (q.filter) snapshot = filter_snapshot(s.graph, *snapshot, q.filter);
  const Id focus = s.graph.asset(*q.focus).value_or(AssetRow{}).id;  // an alias names another
  const auto at = std::lower_bound(snapshot->assets.begin(), snapshot->assets.end(), focus);
  if (at == snapshot->assets.end() || *at != focus) {
    throw Problem{404, "Not found", "there is no asset " + q.focus->to_string()};
  }
  const auto position = static_cast<std::uint32_t>(at - snapshot->assets.begin());
  std::vector<std::uint32_t> edges = edges_around(*snapshot, position, q.depth);
  shown.total_edges = edges.size();
  std::set<std::uint32_t> ends{position};
  for (const std::uint32_t e : edges) {
    ends.insert(snapshot->edges[e].client.value);
    ends.insert(snapshot->edges[e].server.value);
  }
  shown.total_nodes = ends.size();
  std::stable_sort(edges.begin(), edges.end(), [&](std::uint32_t a, std::uint32_t b) {
    return snapshot->edges[a].weight > snapshot->edges[b].weight;
  });
  edges.resize(std::min(edges.size(), q.limit));
  for (const std::uint32_t e : edges) {
    const auto row = s.graph.dependency(*snapshot, snapshot->edges[e]);
    if (row) shown.edges.push_back({*row, row->id, std::nullopt});
  }
  if (auto row = s.graph.asset(focus); row && shown.edges.empty()) {
    shown.nodes.push_back(*std::move(row));
  }
}

void add_nodes(const Service& s, Shown& shown) {
  std::set<Id> ends;
  for (const ApplicationRow& edge : shown.edges) {
    ends.insert(edge.row.client_asset);
    ends.insert(edge.row.server_asset);
  }
  for (const Id& id : ends) {
    if (auto asset = s.graph.asset(id)) shown.nodes.push_back(*std::move(asset));
  }
}

/// Three digits are more than a screen shows.
double rounded(float v) { return std::round(static_cast<double>(v) * 1'000) / 1'000; }

void add_positions(const Shown& shown, Json& nodes) {
  std::vector<Id> ids;
  for (const AssetRow& a : shown.nodes) ids.push_back(a.id);
  std::vector<std::size_t> order(ids.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
  const auto position_of = [&](const Id& id) {
    const auto at =
        std::lower_bound(order.begin(), order.end(), id,
                         [&](std::size_t i, const Id& wanted) { return ids[i] < wanted; });
    const bool is_there = at != order.end() && ids[*at] == id;
    return static_cast<std::uint32_t>(is_there ? *at : ids.size());
  };
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  for (const ApplicationRow& edge : shown.edges) {
    edges.emplace_back(position_of(edge.row.client_asset), position_of(edge.row.server_asset));
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  const auto places = lay_out(ids, edges);
  for (std::size_t i = 0; i < places.size(); ++i) {
    nodes[i]["x"] = rounded(places[i].x);
    nodes[i]["y"] = rounded(places[i].y);
  }
}

}  // namespace

Json topology_json(const Service& s, const TopologyQuery& q) {
  std::optional<ApplicationView> view;
  if (q.as_applications) view.emplace(s.graph);
  const ApplicationView* shown_view = view ? &*view : nullptr;
  Shown map;
  map.revision = s.graph.counters().revision;
  if (q.focus) {
    show_around(s, q, map);
  } else if (q.as_of) {
    show_then(s, q, shown_view, map);
  } else {
    show_now(s, q, shown_view, map);
  }
  if (map.nodes.empty()) add_nodes(s, map);
  Json edges = Json::array();
  for (const ApplicationRow& d : map.edges) edges.push_back(edge_json(d));
  Json nodes = Json::array();
  for (const AssetRow& a : map.nodes) nodes.push_back(node_json(a));
  if (q.with_positions) add_positions(map, nodes);
  const bool is_cut = map.edges.size() < map.total_edges;
  Json out{{"revision", map.revision},       {"nodes", std::move(nodes)},
           {"edges", std::move(edges)},      {"total_nodes", map.total_nodes},
           {"total_edges", map.total_edges}, {"truncated", is_cut},
           {"truncation", nullptr}};
  if (is_cut) {
    out["truncation"] = "showing the " + std::to_string(map.edges.size()) + " of " +
                        std::to_string(map.total_edges) +
                        " dependencies with the most octets; raise `limit` for more";
  }
  return out;
}

}  // namespace flowlensd::http
