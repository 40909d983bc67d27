#include "flowlens/single_point_watch.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "flowlens/asset_graph.hpp"
#include "flowlens/error.hpp"
#include "flowlens/service_graph.hpp"
#include "flowlens/single_points.hpp"

namespace flowlens {

namespace {

using std::chrono::hours;

constexpr hours kDay{24};

void check(bool is_good, const char* what) {
  if (!is_good) throw ConfigError(std::string("SinglePointWatchOptions::") + what);
}

}  // namespace

SinglePointWatch::SinglePointWatch(const SinglePointWatchOptions& options) : options_(options) {
  check(options.min_clients > 0, "min_clients is 0; it must be at least 1");
  check(options.hours > 0 && options.hours <= 24, "hours must be from 1 to 24");
  check(options.days > 0 && options.days <= 27, "days must be from 1 to 27");
  check(options.max_points > 0, "max_points is 0; it must be at least 1");
}

std::vector<ChangeEvent> SinglePointWatch::look(const DependencyGraph& graph, Timestamp now) {
  if (!is_old_enough(graph, now)) return {};
  if (!std::exchange(has_looked_back_, true)) {
    for (std::uint32_t day = options_.days; day > 0; --day) {
      remember(points_at(graph, now - day * kDay), now - day * kDay);
    }
    // What an earlier process has told of just now.
    remember(points_at(graph, now - hours{1}), now - hours{1});
  }
  std::erase_if(known_, [&](const auto& k) { return k.second + options_.days * kDay < now; });
  const std::vector<ChangeEvent> points = points_at(graph, now);
  std::vector<ChangeEvent> fresh;
  for (const ChangeEvent& point : points) {
    const bool has_room = known_.size() + fresh.size() < options_.max_known;
    if (has_room && !known_.contains(point.subject)) fresh.push_back(point);
  }
  remember(points, now);
  return fresh;
}

/// Whether it had traffic so long ago: before that everything would be new.
bool SinglePointWatch::is_old_enough(const DependencyGraph& graph, Timestamp now) {
  if (!is_old_enough_) {
    const AsOf then{now - options_.days * kDay, options_.hours};
    is_old_enough_ = !graph.snapshot(then)->edges.empty();
  }
  return is_old_enough_;
}

void SinglePointWatch::remember(const std::vector<ChangeEvent>& points, Timestamp at) {
  for (const ChangeEvent& point : points) {
    if (known_.size() < options_.max_known || known_.contains(point.subject)) {
      known_[point.subject] = at;
    }
  }
}

/// An event for each asset that was one then, by id.
std::vector<ChangeEvent> SinglePointWatch::points_at(const DependencyGraph& graph,
                                                     Timestamp at) const {
  const auto snapshot = graph.snapshot(AsOf{at, options_.hours});
  const ServiceGraph services{*snapshot, {}, {}, replica_hints(graph, *snapshot)};
  const AssetGraph assets{*snapshot, services.own_edges(*snapshot)};
  SinglePointOptions wanted;
  wanted.min_clients = options_.min_clients;
  wanted.limit = options_.max_points;
  std::vector<ChangeEvent> events;
  for (const SinglePoint& point : find_single_points(services, assets, wanted).points) {
    if (point.clients < options_.min_clients) continue;
    const auto row = graph.asset(snapshot->assets[point.asset.value]);
    if (!row || !row->is_internal || row->endpoints.empty()) continue;
    ChangeEvent& event = events.emplace_back();
    event.type = ChangeType::new_single_point_of_failure;
    event.subject = row->id;
    event.at = at;
    event.id = change_id(event.type, row->id, {}, std::chrono::floor<std::chrono::days>(at));
    event.severity = Severity::warning;
    event.endpoint = row->endpoints.front().endpoint;
    event.seen = point.clients;
    const std::string name = row->name.empty() ? event.endpoint.address.to_string() : row->name;
    event.reason = std::to_string(point.clients) + " clients find what they need of " + name +
                   " nowhere else. What would help: " + remedy(services, point);
  }
  std::sort(events.begin(), events.end(),
            [](const ChangeEvent& a, const ChangeEvent& b) { return a.subject < b.subject; });
  return events;
}

}  // namespace flowlens
