#include <optional>
#include <utility>

#include "flowlens/application_view.hpp"
#include "http/api.hpp"
#include "http/caching.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

/// Text is made of each row before the next one: twice as fast as of the whole page at once, whose
/// thousands of values leave the processor's cache.
template <typename Row, typename ToJson>
std::string page_text(const Page<Row>& page, const ToJson& to_json) {
  std::string text = R"({"items":[)";
  for (const Row& row : page.rows) {
    if (text.back() == '}') text += ',';
    text += text_of(to_json(row));
    text.pop_back();  // the end of the line
  }
  return text + "],\"total\":" + std::to_string(page.total) + ",\"next_cursor\":" +
         (page.has_more ? '"' + std::to_string(page.next) + '"' : "null") + "}\n";
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
  return cached_text(page_text(s.graph.assets(query), to_json), etag);
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
    return cached_json(application_page_json(s.graph.dependencies(query), s.graph), etag);
  }
  const auto to_json = [&](const DependencyRow& d) { return dependency_json(d, s.graph.sites()); };
  return cached_text(page_text(s.graph.dependencies(query), to_json), etag);
}

[[noreturn]] void unknown(std::string_view what, const Id& id) {
  throw Problem{404, "Not found", "there is no " + std::string(what) + " " + id.to_string()};
}

Response get_asset(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.asset(id);
  if (!row) unknown("asset", id);
  return cached_json(located_asset_json(*row, s), etag_of(s));
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
  return cached_json(body, etag_of(s));
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
}

}  // namespace flowlensd::http
