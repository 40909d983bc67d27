// How much went over a dependency, window by window, hour by hour or day by day.
#include <chrono>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

Period step_parameter(const Request& request) {
  const auto found = request.query.find("step");
  if (found == request.query.end() || found->second == "window") return Period::window;
  if (found->second == "hour") return Period::hour;
  if (found->second == "day") return Period::day;
  throw Problem{400, "Bad parameter", "step: `" + found->second + "` is not window, hour or day"};
}

/// What the store says of its trouble names hosts and statements: that is for the log.
std::vector<WindowRow> rows_of(const TrafficArchive& archive, const WindowScan& what,
                               std::size_t most) {
  try {
    return archive.rows(what, most);
  } catch (const IoError& e) {
    log::warning("api", "traffic could not be read", {{"reason", e.what()}});
    throw Problem{503, "Not available", "the store cannot be asked now; /health says how it is"};
  }
}

Response get_traffic(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto row = s.graph.dependency(id);
  if (!row) throw Problem{404, "Not found", "there is no dependency " + id.to_string()};
  if (s.traffic == nullptr) {
    throw Problem{409, "Conflict", "the map lives in memory only; start flowlensd with a data_dir"};
  }
  WindowScan what;
  what.dependency = row->id;
  what.period = step_parameter(request);
  what.to = time_parameter(request, "to").value_or(Timestamp::max());
  what.from = time_parameter(request, "from").value_or(Timestamp{});
  const std::size_t limit =
      number_parameter(request, "limit", s.settings.max_page_size, 1, s.settings.max_page_size);
  std::vector<WindowRow> rows = rows_of(*s.traffic, what, limit + 1);
  Json next = nullptr;
  if (rows.size() > limit) {
    next = to_string(rows.back().window_start);
    rows.pop_back();
  }
  Json items = Json::array();
  for (const WindowRow& r : rows) items.push_back(traffic_json(r));
  return fresh({{"dependency_id", row->id.to_string()},
                {"items", std::move(items)},
                {"next_from", std::move(next)}});
}

}  // namespace

void add_traffic_routes(Router& router, const Service& s) {
  router.add({"/api/v1/dependencies/{id}/traffic",
              [&s](const Request& r) { return get_traffic(r, s); },
              {"step", "from", "to", "limit"}});
}

}  // namespace flowlensd::http
