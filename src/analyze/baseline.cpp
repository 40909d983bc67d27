#include "flowlens/baseline.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlens {

namespace {

auto order(const BaselineEdge& e) { return std::tie(e.client, e.server, e.protocol, e.port); }
bool is_before(const BaselineEdge& a, const BaselineEdge& b) { return order(a) < order(b); }

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

/// Rates of an edge that both have, if there is time between them to tell.
class Rates {
 public:
  Rates(const Baseline& before, const Baseline& after, const BaselineCompareOptions& options)
      : options_(options),
        hours_(hour_of(std::max(before.counted_until, after.counted_until)) -
               hour_of(before.counted_until)) {}

  /// \return whether `change`, of which both edges are set, is one.
  bool judge(BaselineChange& change) const {
    if (hours_ < options_.min_hours || hours_ == 0) return false;
    const auto before = static_cast<double>(change.before.octets);
    const auto after = static_cast<double>(change.after.octets);
    change.octets_per_hour_before = before / std::max(1u, change.before.hours);
    change.octets_per_hour_after = std::max(0.0, after - before) / hours_;
    const auto [low, high] =
        std::minmax(change.octets_per_hour_before, change.octets_per_hour_after);
    return high >= static_cast<double>(options_.min_octets_per_hour) &&
           high >= options_.min_factor * low && high > low;
  }

 private:
  const BaselineCompareOptions& options_;
  Hour hours_;
};

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

double BaselineDifference::drift() const noexcept {
  const std::uint64_t different = appeared_count + gone_count + changed_count;
  const std::uint64_t all = different + unchanged_count;
  return all == 0 ? 0 : static_cast<double>(different) / static_cast<double>(all);
}

BaselineDifference compare_baselines(const Baseline& before, const Baseline& after,
                                     const BaselineCompareOptions& options) {
  if (!(options.min_factor >= 1)) throw ConfigError("min_factor: give 1 or more");
  const Rates rates{before, after, options};
  BaselineDifference d;
  const auto add = [&](auto& list, const auto& item, std::uint64_t& count) {
    ++count;
    if (list.size() < options.max_listed) list.push_back(item);
  };
  auto old = before.edges.begin();
  auto now = after.edges.begin();
  while (old != before.edges.end() || now != after.edges.end()) {
    if (now == after.edges.end() || (old != before.edges.end() && is_before(*old, *now))) {
      add(d.gone, *old++, d.gone_count);
    } else if (old == before.edges.end() || is_before(*now, *old)) {
      add(d.appeared, *now++, d.appeared_count);
    } else {
      BaselineChange change{*old++, *now++, 0, 0};
      if (rates.judge(change)) {
        add(d.changed, change, d.changed_count);
      } else {
        ++d.unchanged_count;
      }
    }
  }
  return d;
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
