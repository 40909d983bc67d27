// The map as a drawing: nodes and edges, groups, differences, exports.
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

#include "flowlens/application_view.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/snapshot_filter.hpp"
#include "http/analysis.hpp"
#include "http/api.hpp"
#include "http/caching.hpp"
#include "http/parameters.hpp"
#include "http/topology.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kDefaultEdges = 500;
constexpr std::uint64_t kMostEdges = 10'000;
constexpr std::uint64_t kMostDepth = 10;

/// Going through a large map costs; every client that asks the same in between gets the same text.
class TopologyCache {
 public:
  template <typename Make>
  std::string get(const std::string& target, const std::string& etag, const Make& make) {
    const std::lock_guard lock(mutex_);
    const auto found = texts_.find(target);
    if (found != texts_.end() && found->second.etag == etag) return found->second.body;
    if (texts_.size() >= kMostTexts) texts_.clear();
    Text& text = texts_[target] = {etag, make()};
    return text.body;
  }

 private:
  static constexpr std::size_t kMostTexts = 8;
  struct Text {
    std::string etag;
    std::string body;
  };
  std::mutex mutex_;
  std::map<std::string, Text> texts_;  ///< by target
};

std::optional<GroupBy> group_by_of(const Request& request) {
  const auto given = request.query.find("group_by");
  if (given == request.query.end()) return std::nullopt;
  constexpr std::pair<std::string_view, GroupBy> kNames[] = {
      {"type", GroupBy::type},       {"site", GroupBy::site},
      {"network", GroupBy::network}, {"application", GroupBy::application},
      {"owner", GroupBy::owner},     {"tag", GroupBy::tag}};
  for (const auto& [name, by] : kNames) {
    if (given->second == name) return by;
  }
  throw Problem{400, "Bad query parameter",
                "group_by: `" + given->second +
                    "` is not valid; give type, site, network, application, owner or tag"};
}

bool flag_parameter(const Request& request, std::string_view name) {
  const auto given = request.query.find(std::string(name));
  if (given == request.query.end() || given->second == "false") return false;
  if (given->second == "true") return true;
  throw Problem{400, "Bad query parameter", std::string(name) + ": give true or false"};
}

std::optional<Id> focus_of(const Request& request) {
  const auto given = request.query.find("focus");
  if (given == request.query.end()) return std::nullopt;
  const auto id = Id::parse(given->second);
  if (!id) {
    throw Problem{400, "Bad query parameter",
                  "focus: `" + given->second + "` is no id of an asset"};
  }
  return id;
}

TopologyQuery query_of(const Request& request) {
  TopologyQuery q;
  q.limit = number_parameter(request, "limit", kDefaultEdges, 1, kMostEdges);
  q.as_of = as_of_parameter(request);
  q.as_applications = wants_applications(request);
  q.filter = filter_parameter(request, dependency_fields());
  q.focus = focus_of(request);
  q.depth = static_cast<std::uint32_t>(number_parameter(request, "depth", 1, 1, kMostDepth));
  q.with_positions = flag_parameter(request, "positions");
  if (q.focus && q.as_applications) {
    throw Problem{400, "Bad query", "focus goes with view=network"};
  }
  if (!q.focus && request.query.contains("depth")) {
    throw Problem{400, "Bad query", "depth: goes with focus"};
  }
  return q;
}

/// What groups are counted on; of now, some seconds old.
std::shared_ptr<const Snapshot> snapshot_of(const Service& s, const TopologyQuery& q,
                                            AnalysisCache& analyses) {
  const auto analysis = q.as_of ? nullptr : analyses.newest();
  const auto all = analysis ? std::shared_ptr<const Snapshot>(analysis, &analysis->snapshot())
                            : s.graph.snapshot(*q.as_of);
  return q.filter ? filter_snapshot(s.graph, *all, q.filter) : all;
}

Response get_topology(const Request& request, const Service& s, AnalysisCache& analyses,
                      TopologyCache& cache) {
  const TopologyQuery q = query_of(request);
  const auto by = group_by_of(request);
  if (by && (q.focus || q.as_applications || q.with_positions)) {
    throw Problem{400, "Bad query", "group_by goes with filter, as_of and limit only"};
  }
  const auto snapshot = by ? snapshot_of(s, q, analyses) : nullptr;
  const std::string etag = snapshot && !q.as_of ? etag_of(s, snapshot->revision) : etag_of(s);
  // The ages in a filter count back from now, so what it lets through changes without the map.
  if (auto same = not_modified(request, etag); same && !q.filter) return *same;
  const auto make = [&] {
    return text_of(by ? grouped_topology_json(s, *snapshot, q.limit, *by) : topology_json(s, q));
  };
  return cached_text(q.filter ? make() : cache.get(request.target, etag, make), etag);
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
  return cached_json({{"from", to_string(*from)},
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
  for (const DependencyRow& row : all.dependencies) view.append(row, rows);
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

void add_topology_routes(Router& router, const Service& s,
                         const std::shared_ptr<AnalysisCache>& analyses) {
  const auto cache = std::make_shared<TopologyCache>();  // lives as long as the route
  router.add(
      {"/api/v1/topology",
       [&s, analyses, cache](const Request& r) { return get_topology(r, s, *analyses, *cache); },
       {"limit", "as_of", "hours", "view", "filter", "focus", "depth", "group_by", "positions"}});
  router.add({"/api/v1/topology/diff",
              [&s](const Request& r) { return diff_topology(r, s); },
              {"from", "to", "hours", "limit"}});
  router.add({"/api/v1/topology/export",
              [&s](const Request& r) { return export_topology(r, s); },
              {"format", "as_of", "hours", "view"}});
}

}  // namespace flowlensd::http
