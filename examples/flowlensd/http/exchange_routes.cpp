// Assets out and in again: CSV and JSON.
#include <chrono>
#include <memory>
#include <stdexcept>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/asset_exchange.hpp"
#include "http/asset_words.hpp"
#include "http/parameters.hpp"
#include "http/tasks.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostWaiting = 4;  // imports, each with its body

bool wants_csv(const Request& request) {
  const auto found = request.query.find("format");
  if (found == request.query.end() || found->second == "json") return false;
  if (found->second == "csv") return true;
  throw Problem{400, "Bad query parameter",
                "format: `" + found->second + "` is not valid; give json or csv"};
}

bool is_dry_run(const Request& request) {
  const auto found = request.query.find("dry_run");
  if (found == request.query.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  throw Problem{400, "Bad query parameter",
                "dry_run: `" + found->second + "` is not valid; give true or false"};
}

Response export_assets(const Request& request, const Service& s) {
  const bool as_csv = wants_csv(request);
  AssetQuery query;
  query.limit = kMostExported;
  query.filter = filter_parameter(request, asset_fields());
  const Page<AssetRow> page = s.graph.assets(query);
  if (page.has_more) {
    throw Problem{400, "Too many assets",
                  std::to_string(page.total) + " match; at most " + std::to_string(kMostExported) +
                      " go out at once: narrow them by filter"};
  }
  Response r;
  r.body = as_csv ? assets_as_csv(page.rows, s.graph.sites())
                  : assets_as_json(page.rows, s.graph.sites());
  if (as_csv) r.content_type = "text/csv; charset=utf-8";
  r.headers.emplace_back("Cache-Control", "no-cache");
  r.headers.emplace_back("Content-Disposition", as_csv ? "attachment; filename=\"assets.csv\""
                                                       : "attachment; filename=\"assets.json\"");
  return r;
}

[[noreturn]] void refused(const AssetWordsRefused& why, const AssetImport& import) {
  using Why = AssetWordsRefused::Why;
  if (why.why == Why::no_room) no_room();
  throw Problem{409, "Conflict",
                import.places[why.index] + "the map has changed meanwhile; nothing was taken"};
}

/// All of it, or nothing.
Json taken(const Request& request, const Service& s) {
  const std::lock_guard lock(*s.edits);
  const AssetImport import = read_assets(request, s);
  const bool is_dry = is_dry_run(request);
  if (!is_dry) {
    if (const auto why = map_of(s).apply(import.words)) refused(*why, import);
  }
  return {{"assets", import.words.size()},
          {"made", import.made},
          {"changed", import.words.size() - import.made},
          {"dry_run", is_dry}};
}

/// The same in the background.
Response ordered(const Request& request, const Service& s) {
  TaskOrder order;
  order.kind = "import";
  order.by = request.caller.name;
  order.total = 1;
  order.most_waiting = kMostWaiting;
  order.work = [&s, request = std::make_shared<const Request>(request)](TaskRun& run) {
    if (run.is_cancelled()) return;
    try {
      run.set_result(taken(*request, s).dump());
    } catch (const Problem& p) {
      throw std::runtime_error(p.detail);
    }
    run.step();
  };
  const auto task = tasks_of(s).add(std::move(order));
  if (!task) throw Problem{429, "Too many imports", "others wait already: let them end"};
  Response r = fresh(task_json(*task), 202);
  r.headers.emplace_back("Location", "/api/v1/tasks/" + task->id.to_string());
  r.headers.emplace_back("Preference-Applied", "respond-async");
  return r;
}

Response import_assets(const Request& request, const Service& s) {
  static_cast<void>(map_of(s));
  static_cast<void>(is_dry_run(request));
  const bool is_async = request.header("prefer").find("respond-async") != std::string_view::npos;
  return is_async ? ordered(request, s) : fresh(taken(request, s));
}

}  // namespace

void add_exchange_routes(Router& router, const Service& s) {
  router.add({"/api/v1/assets/export",
              [&s](const Request& r) { return export_assets(r, s); },
              {"format", "filter"}});
  Route route{"/api/v1/assets/import",
              [&s](const Request& r) { return import_assets(r, s); },
              {"dry_run"},
              "POST"};
  route.takes_csv = true;
  router.add(std::move(route));
}

}  // namespace flowlensd::http
