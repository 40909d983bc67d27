#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <sstream>
#include <utility>

#include "flowlens/application_view.hpp"
#include "flowlens/graph_export.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kDefaultEdges = 500;
constexpr std::uint64_t kMostEdges = 10'000;
constexpr std::size_t kRowsAtOnce = 1'000;  // how long the graph's lock is held

/// A list is the same as long as the map's revision is.
std::string etag_of(const Service& s) {
  return "\"" + std::to_string(to_unix_ns(s.life.begun())) + "-" +
         std::to_string(s.writer.view().epoch) + "-" + std::to_string(s.graph.counters().revision) +
         "\"";
}

/// \return an answer without a body if the client has this state already.
std::optional<Response> not_modified(const Request& request, const std::string& etag) {
  if (request.header("if-none-match").find(etag) == std::string::npos) return std::nullopt;
  Response r;
  r.status = 304;
  r.headers.emplace_back("ETag", etag);
  return r;
}

Response json_response(const Json& body, const std::string& etag) {
  Response r;
  r.body = text_of(body);
  r.headers.emplace_back("ETag", etag);
  r.headers.emplace_back("Cache-Control", "no-cache");
  return r;
}

template <typename Row, typename ToJson>
Json page_json(const Page<Row>& page, const ToJson& to_json) {
  Json items = Json::array();
  for (const Row& row : page.rows) items.push_back(to_json(row));
  return {{"items", std::move(items)},
          {"total", page.total},
          {"next_cursor", page.has_more ? Json(std::to_string(page.next)) : Json(nullptr)}};
}

std::size_t page_size(const Request& request, const Service& s) {
  return number_parameter(request, "page_size", s.settings.default_page_size, 1,
                          s.settings.max_page_size);
}

Json located_asset_json(const AssetRow& row, const Service& s) {
  Json json = asset_json(row, s.graph.sites());
  json["origin"] = origin_json(row, s.geo);
  return json;
}

// The ages in a filter count back from now, so what it lets through changes without the map.

Response list_assets(const Request& request, const Service& s) {
  AssetQuery query;
  query.limit = page_size(request, s);
  query.after = cursor_parameter(request);
  query.as_of = as_of_parameter(request);
  query.filter = filter_parameter(request, asset_fields());
  const std::string etag = etag_of(s);
  if (auto same = not_modified(request, etag); same && !query.filter) return *same;
  const auto to_json = [&](const AssetRow& a) { return located_asset_json(a, s); };
  return json_response(page_json(s.graph.assets(query), to_json), etag);
}

/// As it passes the network, or from who asks to who answers in the end.
bool wants_applications(const Request& request) {
  const auto found = request.query.find("view");
  if (found == request.query.end() || found->second == "network") return false;
  if (found->second == "application") return true;
  throw Problem{400, "Bad query parameter",
                "view: `" + found->second + "` is not valid; give network or application"};
}

/// Pages follow the network view, so one may be shorter or longer here.
Json application_page_json(const Page<DependencyRow>& page, const DependencyGraph& graph) {
  const ApplicationView view{graph};
  std::vector<ApplicationRow> rows;
  for (const DependencyRow& row : page.rows) view.append(row, rows);
  Json items = Json::array();
  for (const ApplicationRow& row : rows) items.push_back(application_json(row, graph));
  return {{"items", std::move(items)},
          {"total", view.total(page.total)},
          {"next_cursor", page.has_more ? Json(std::to_string(page.next)) : Json(nullptr)}};
}

Response list_dependencies(const Request& request, const Service& s, std::optional<Id> asset) {
  DependencyQuery query;
  query.asset = asset;
  query.limit = page_size(request, s);
  query.after = cursor_parameter(request);
  query.as_of = as_of_parameter(request);
  query.filter = filter_parameter(request, dependency_fields());
  const std::string etag = etag_of(s);
  if (auto same = not_modified(request, etag); same && !query.filter) return *same;
  if (wants_applications(request)) {
    return json_response(application_page_json(s.graph.dependencies(query), s.graph), etag);
  }
  const auto to_json = [&](const DependencyRow& d) { return dependency_json(d, s.graph.sites()); };
  return json_response(page_json(s.graph.dependencies(query), to_json), etag);
}

[[noreturn]] void unknown(std::string_view what, const Id& id) {
  throw Problem{404, "Not found", "there is no " + std::string(what) + " " + id.to_string()};
}

Response get_asset(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.asset(id);
  if (!row) unknown("asset", id);
  return json_response(located_asset_json(*row, s), etag_of(s));
}

Response list_dependencies_of_asset(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  if (!s.graph.asset(id)) unknown("asset", id);
  return list_dependencies(request, s, id);
}

Response get_dependency(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.dependency(id);
  if (!row) unknown("dependency", id);
  Json body = dependency_json(*row, s.graph.sites());
  body["history"] = history_json(*row);
  if (s.gateways != nullptr) body["ways"] = ways_json(*row, s.graph, *s.gateways);
  return json_response(body, etag_of(s));
}

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

/// The heaviest `limit` dependencies, the heaviest first.
std::vector<ApplicationRow> heaviest(const DependencyGraph& graph, std::size_t limit,
                                     const ApplicationView* view) {
  std::vector<ApplicationRow> best;
  DependencyQuery query;
  query.limit = kRowsAtOnce;
  while (true) {
    auto page = graph.dependencies(query);
    add_rows(page.rows, view, best);
    if (best.size() > 4 * limit + kRowsAtOnce || !page.has_more) {
      const auto kept = best.begin() + static_cast<std::ptrdiff_t>(std::min(limit, best.size()));
      std::partial_sort(best.begin(), kept, best.end(), is_heavier);
      best.erase(kept, best.end());
    }
    if (!page.has_more) return best;
    query.after = page.next;
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

/// A map, or as much of it as the limit lets through.
struct Shown {
  std::uint64_t revision = 0;
  std::vector<ApplicationRow> edges;
  std::vector<AssetRow> nodes;
  std::uint64_t total_nodes = 0;
  std::uint64_t total_edges = 0;
};

Json topology_json(const Shown& map) {
  Json edges = Json::array();
  for (const ApplicationRow& d : map.edges) edges.push_back(edge_json(d));
  Json nodes = Json::array();
  for (const AssetRow& a : map.nodes) nodes.push_back(node_json(a));
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

std::vector<Id> ends_of(const std::vector<ApplicationRow>& rows) {
  std::vector<Id> ends;
  for (const ApplicationRow& d : rows) {
    ends.push_back(d.row.client_asset);
    ends.push_back(d.row.server_asset);
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

Shown shown_now(const DependencyGraph& graph, std::size_t limit, const ApplicationView* view) {
  const GraphCounters counters = graph.counters();
  const std::uint64_t edges = view ? view->total(counters.dependencies) : counters.dependencies;
  Shown map{counters.revision, heaviest(graph, limit, view), {}, counters.assets, edges};
  for (const Id& id : ends_of(map.edges)) {
    if (auto asset = graph.asset(id)) map.nodes.push_back(std::move(*asset));
  }
  return map;
}

Shown shown_at(const DependencyGraph& graph, std::size_t limit, const AsOf& as_of,
               const ApplicationView* view) {
  Revision all = graph.copy(as_of);
  Shown map{graph.counters().revision, {}, std::move(all.assets), 0, 0};
  add_rows(all.dependencies, view, map.edges);
  map.total_nodes = map.nodes.size();
  map.total_edges = map.edges.size();
  std::sort(map.edges.begin(), map.edges.end(), is_heavier);
  if (map.edges.size() <= limit) return map;
  map.edges.resize(limit);
  const std::vector<Id> ends = ends_of(map.edges);
  std::erase_if(map.nodes, [&](const AssetRow& a) {
    return !std::binary_search(ends.begin(), ends.end(), a.id);
  });
  return map;
}

/// Going through a large map costs; every client that asks in between gets the same text.
class TopologyCache {
 public:
  std::string get(const DependencyGraph& graph, std::size_t limit, const ApplicationView* view,
                  const std::string& etag) {
    const std::lock_guard lock(mutex_);
    if (etag != etag_) texts_.clear();
    etag_ = etag;
    const std::pair key{limit, view != nullptr};
    const auto found = texts_.find(key);
    if (found != texts_.end()) return found->second;
    if (texts_.size() >= kMostTexts) texts_.clear();
    return texts_[key] = text_of(topology_json(shown_now(graph, limit, view)));
  }

 private:
  static constexpr std::size_t kMostTexts = 4;
  std::mutex mutex_;
  std::string etag_;
  std::map<std::pair<std::size_t, bool>, std::string> texts_;
};

Response get_topology(const Request& request, const Service& s, TopologyCache& cache) {
  const auto limit = number_parameter(request, "limit", kDefaultEdges, 1, kMostEdges);
  const std::string etag = etag_of(s);
  const auto as_of = as_of_parameter(request);
  if (auto same = not_modified(request, etag)) return *same;
  std::optional<ApplicationView> view;
  if (wants_applications(request)) view.emplace(s.graph);
  const ApplicationView* shown = view ? &*view : nullptr;
  if (as_of) return json_response(topology_json(shown_at(s.graph, limit, *as_of, shown)), etag);
  Response r;
  r.body = cache.get(s.graph, limit, shown, etag);
  r.headers.emplace_back("ETag", etag);
  r.headers.emplace_back("Cache-Control", "no-cache");
  return r;
}

template <typename Row, typename ToJson>
Json rows_json(const std::vector<Row>& rows, std::size_t limit, const ToJson& to_json) {
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i) items.push_back(to_json(rows[i]));
  return {{"items", std::move(items)}, {"total", rows.size()}};
}

Response diff_topology(const Request& request, const Service& s) {
  const auto from = time_parameter(request, "from"), to = time_parameter(request, "to");
  if (!from || !to) {
    throw Problem{400, "Bad query", "give both times, from and to, like 2026-11-21T10:09:00Z"};
  }
  const auto hours =
      static_cast<Hour>(number_parameter(request, "hours", 1, 1, HourBitmap::kHours));
  const auto limit = number_parameter(request, "limit", kDefaultEdges, 1, kMostEdges);
  const std::string etag = etag_of(s);
  if (auto same = not_modified(request, etag)) return *same;
  const MapDifference d = s.graph.diff({*from, hours}, {*to, hours});
  const auto asset = [&](const AssetRow& a) { return asset_json(a, s.graph.sites()); };
  const auto dependency = [&](const DependencyRow& row) {
    return dependency_json(row, s.graph.sites());
  };
  return json_response({{"from", to_string(*from)},
                        {"to", to_string(*to)},
                        {"hours", hours},
                        {"added_assets", rows_json(d.added_assets, limit, asset)},
                        {"removed_assets", rows_json(d.removed_assets, limit, asset)},
                        {"added", rows_json(d.added, limit, dependency)},
                        {"removed", rows_json(d.removed, limit, dependency)},
                        {"moved", rows_json(d.moved, limit, dependency)},
                        {"unchanged", d.unchanged}},
                       etag);
}

/// The rows that the view has in place of the dependencies.
Revision seen_by(const ApplicationView& view, Revision all) {
  std::vector<ApplicationRow> rows;
  add_rows(all.dependencies, &view, rows);
  all.dependencies.clear();
  for (ApplicationRow& row : rows) all.dependencies.push_back(std::move(row.row));
  return all;
}

Response export_topology(const Request& request, const Service& s) {
  const auto given = request.query.find("format");
  const std::string name = given == request.query.end() ? "json" : given->second;
  const auto format = parse_export_format(name);
  if (!format) {
    throw Problem{400, "Bad query parameter",
                  "format: `" + name + "` is not valid; give json, graphml, dot, mermaid or csv"};
  }
  const auto as_of = as_of_parameter(request);
  Revision map = as_of ? s.graph.copy(*as_of) : s.graph.copy();
  if (wants_applications(request)) map = seen_by(ApplicationView{s.graph}, std::move(map));
  std::ostringstream out;
  write_map(std::move(map), s.graph.sites(), *format, out);
  Response r;
  r.body = std::move(out).str();
  r.content_type = std::string(media_type(*format));
  r.headers.emplace_back("Content-Disposition",
                         "attachment; filename=\"flowlens-map." + name + "\"");
  return r;
}

}  // namespace

void add_map_routes(Router& router, const Service& s) {
  const std::vector<std::string> paging{"page_size", "cursor", "as_of", "hours", "filter"};
  std::vector<std::string> viewed = paging;
  viewed.push_back("view");
  router.add({"/api/v1/assets", [&s](const Request& r) { return list_assets(r, s); }, paging});
  router.add({"/api/v1/assets/{id}", [&s](const Request& r) { return get_asset(r, s); }, {}});
  router.add({"/api/v1/assets/{id}/dependencies",
              [&s](const Request& r) { return list_dependencies_of_asset(r, s); }, viewed});
  router.add({"/api/v1/dependencies",
              [&s](const Request& r) { return list_dependencies(r, s, std::nullopt); }, viewed});
  router.add(
      {"/api/v1/dependencies/{id}", [&s](const Request& r) { return get_dependency(r, s); }, {}});
  const auto cache = std::make_shared<TopologyCache>();  // lives as long as the route
  router.add({"/api/v1/topology",
              [&s, cache](const Request& r) { return get_topology(r, s, *cache); },
              {"limit", "as_of", "hours", "view"}});
  router.add({"/api/v1/topology/diff",
              [&s](const Request& r) { return diff_topology(r, s); },
              {"from", "to", "hours", "limit"}});
  router.add({"/api/v1/topology/export",
              [&s](const Request& r) { return export_topology(r, s); },
              {"format", "as_of", "hours", "view"}});
}

}  // namespace flowlensd::http
