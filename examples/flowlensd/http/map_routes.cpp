#include <chrono>
#include <optional>
#include <utility>

#include "flowlens/application_view.hpp"
#include "http/api.hpp"
#include "http/caching.hpp"
#include "http/lists.hpp"
#include "http/parameters.hpp"
#include "http/preconditions.hpp"
#include "http/rows.hpp"
#include "http/view.hpp"

namespace flowlensd::http {
namespace {

/// How rows are shown to this request.
struct Shown {
  const Service& s;
  Timestamp now = std::chrono::system_clock::now();
  std::shared_ptr<const Settings> settings = s.current_settings();
  Staleness staleness{*settings, now};

  [[nodiscard]] Json asset(const AssetRow& row) const {
    Json json = asset_json(row, s.graph.sites());
    json["origin"] = origin_json(row, s.geo);
    json["stale"] = staleness.is_stale(row.last_seen);
    return json;
  }
  [[nodiscard]] Json dependency(const DependencyRow& row) const {
    Json json = dependency_json(row, s.graph.sites());
    json["stale"] = staleness.is_stale(row.last_seen);
    return json;
  }
  [[nodiscard]] Json application(const ApplicationRow& row) const {
    Json json = application_json(row, s.graph);
    json["stale"] = staleness.is_stale(row.row.last_seen);
    return json;
  }
  /// Of a list: also what views show is in it, and what is stale.
  [[nodiscard]] std::string etag() const {
    std::string tag = etag_of(s);
    tag.insert(tag.size() - 1, "-" + view_tag(*settings, now));
    return tag;
  }
};

/// Text is made of each row before the next one: twice as fast as of the whole page at once, whose
/// thousands of values leave the processor's cache.
template <typename Row, typename ToJson>
std::string items_text(const std::vector<Row>& rows, const ToJson& to_json) {
  std::string text = R"({"items":[)";
  for (const Row& row : rows) {
    if (text.back() == '}') text += ',';
    text += text_of(to_json(row));
    text.pop_back();  // the end of the line
  }
  return text + "],";
}

/// The ages in a filter count back from now, so what it lets through changes without the map.
std::optional<Response> same_list(const Request& request, const std::string& etag) {
  return request.query.contains("filter") ? std::nullopt : not_modified(request, etag);
}

Filter<AssetRow> asset_filter(const Request& request, const Settings& settings) {
  const auto found = request.query.find("filter");
  const auto asked = found == request.query.end() ? std::nullopt : std::optional(found->second);
  return compiled_filter(asked, shown_assets(settings), asset_fields());
}

Response list_assets(const Request& request, const Service& s) {
  const Shown shown{s};
  const ListPlace place = list_place(request, s);
  const ShownFields fields{request, [&] { return shown.asset({}); }};
  AssetQuery query;
  query.limit = place.limit;
  query.after = place.after;
  query.skip = place.skip;
  query.as_of = as_of_parameter(request);
  query.filter = asset_filter(request, *shown.settings);
  query.min_flows = least_asset_flows(*shown.settings);
  const auto sort =
      sort_parameter(request, {"arrival", "name", "asset_type", "first_seen", "last_seen"});
  if (sort) query.order = static_cast<AssetOrder>(sort->first);
  query.is_descending = sort && sort->second;
  const std::string etag = shown.etag();
  if (auto same = same_list(request, etag)) return *same;
  const Page<AssetRow> page = s.graph.assets(query);
  return cached_text(
      items_text(page.rows, [&](const AssetRow& row) { return fields.of(shown.asset(row)); }) +
          list_end(page, page.total, place, sort.has_value()) + "}\n",
      etag);
}

/// Pages follow the network view, so one may be shorter or longer here.
std::string applications_text(const Page<DependencyRow>& page, const Shown& shown,
                              const ShownFields& fields, const ListPlace& place, bool is_sorted) {
  const ApplicationView view{shown.s.graph};
  std::vector<ApplicationRow> rows;
  for (const DependencyRow& row : page.rows) view.append(row, rows);
  return items_text(rows,
                    [&](const ApplicationRow& row) { return fields.of(shown.application(row)); }) +
         list_end(page, view.total(page.total), place, is_sorted) + "}\n";
}

Response list_dependencies(const Request& request, const Service& s, std::optional<Id> asset) {
  const Shown shown{s};
  const bool as_applications = wants_applications(request);
  const ListPlace place = list_place(request, s);
  const ShownFields fields{request, [&] {
                             Json example = shown.dependency({});
                             if (!as_applications) return example;
                             example["dependency_id"] = example["intermediary"] = nullptr;
                             return example;
                           }};
  DependencyQuery query;
  query.asset = asset;
  query.limit = place.limit;
  query.after = place.after;
  query.skip = place.skip;
  query.as_of = as_of_parameter(request);
  query.filter = filter_parameter(request, dependency_fields());
  const auto sort =
      sort_parameter(request, {"arrival", "bytes", "flows", "port", "first_seen", "last_seen"});
  if (sort) query.order = static_cast<DependencyOrder>(sort->first);
  query.is_descending = sort && sort->second;
  const std::string etag = shown.etag();
  if (auto same = same_list(request, etag)) return *same;
  const Page<DependencyRow> page = s.graph.dependencies(query);
  if (as_applications) {
    return cached_text(applications_text(page, shown, fields, place, sort.has_value()), etag);
  }
  return cached_text(
      items_text(page.rows,
                 [&](const DependencyRow& row) { return fields.of(shown.dependency(row)); }) +
          list_end(page, page.total, place, sort.has_value()) + "}\n",
      etag);
}

[[noreturn]] void unknown(std::string_view what, const Id& id) {
  throw Problem{404, "Not found", "there is no " + std::string(what) + " " + id.to_string()};
}

Response get_asset(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.asset(id);
  if (!row) unknown("asset", id);
  const Shown shown{s};
  const ShownFields fields{request, [&] { return shown.asset({}); }};
  const std::string etag = row_etag(*row, shown.etag());
  if (auto same = not_modified(request, etag)) return *same;
  return cached_json(fields.of(shown.asset(*row)), etag);
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
  const Shown shown{s};
  const ShownFields fields{request, [&] {
                             Json example = shown.dependency({});
                             example["history"] = example["ways"] = nullptr;
                             return example;
                           }};
  const std::string etag = row_etag(*row, shown.etag());
  if (auto same = not_modified(request, etag)) return *same;
  Json body = shown.dependency(*row);
  body["history"] = history_json(*row);
  if (s.gateways != nullptr) body["ways"] = ways_json(*row, s.graph, *s.gateways);
  return cached_json(fields.of(std::move(body)), etag);
}

}  // namespace

void add_map_routes(Router& router, const Service& s) {
  const std::vector<std::string> list{"page_size", "cursor", "page",  "sort",
                                      "fields",    "as_of",  "hours", "filter"};
  std::vector<std::string> viewed = list;
  viewed.push_back("view");
  const std::vector<std::string> one{"fields"};
  router.add({"/api/v1/assets", [&s](const Request& r) { return list_assets(r, s); }, list});
  router.add({"/api/v1/assets/{id}", [&s](const Request& r) { return get_asset(r, s); }, one});
  router.add({"/api/v1/assets/{id}/dependencies",
              [&s](const Request& r) { return list_dependencies_of_asset(r, s); }, viewed});
  router.add({"/api/v1/dependencies",
              [&s](const Request& r) { return list_dependencies(r, s, std::nullopt); }, viewed});
  router.add(
      {"/api/v1/dependencies/{id}", [&s](const Request& r) { return get_dependency(r, s); }, one});
}

}  // namespace flowlensd::http
