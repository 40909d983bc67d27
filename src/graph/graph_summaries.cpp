#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "graph/derived_ids.hpp"
#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

/// Where the window that starts at `start` hangs in the list of `d`: the link that leads to it.
std::uint32_t* find_open_window(State& graph, DependencyState& d, Timestamp start) {
  std::uint32_t* link = &d.open_head;
  while (*link != kNoPosition && graph.open_windows[*link].start != start) {
    link = &graph.open_windows[*link].next;
  }
  return link;
}

std::uint32_t take_open_window(State& graph) {
  if (graph.free_open_window == kNoPosition) {
    graph.open_windows.push_back({});
    return static_cast<std::uint32_t>(graph.open_windows.size() - 1);
  }
  const std::uint32_t position = graph.free_open_window;
  graph.free_open_window = graph.open_windows[position].next;
  graph.open_windows[position] = {};
  return position;
}

void drop_open_window(State& graph, std::uint32_t* link) {
  const std::uint32_t position = *link;
  if (position == kNoPosition) return;
  *link = graph.open_windows[position].next;
  graph.open_windows[position].next = graph.free_open_window;
  graph.free_open_window = position;
}

Description description_of(const ConnectionSummary& s, State& graph) {
  Description said;
  said.seen = {s.first, s.last};
  said.direction = s.direction;
  said.rung = s.rung;
  said.reasons = s.reasons;
  for (std::size_t i = 0; i < s.observer_count; ++i) {
    const std::uint16_t exporter = graph.exporter_position(s.observers[i]);
    if (exporter != 0xffff) graph.add_observer(said, exporter);
  }
  return said;
}

/// Puts what the summary says where it belongs: to what is final, or to its open window.
void take_description(State& graph, std::uint32_t dependency, const ConnectionSummary& s) {
  DependencyState& d = graph.dependencies[dependency].value;
  std::uint32_t* link = find_open_window(graph, d, s.window_start);
  if (s.counts.is_zero()) {
    drop_open_window(graph, link);
  } else if (!s.provisional) {
    drop_open_window(graph, link);
    const Description said = description_of(s, graph);
    Description closed = d.closed();
    graph.merge(closed, said);
    d.close_with(closed);
    if (graph.hours[dependency].set(hours_of(said.seen))) graph.count_hours(dependency);
    d.provisional = 0;
    d.flips = std::min<unsigned>(kMaxFlips, d.flips + s.flips) & kMaxFlips;
  } else {
    std::uint32_t position = *link;
    if (position == kNoPosition) {
      position = take_open_window(graph);
      graph.open_windows[position].start = s.window_start;
      graph.open_windows[position].next = d.open_head;
      d.open_head = position;
    }
    graph.open_windows[position].said = description_of(s, graph);
    graph.open_windows[position].counts = s.counts;
  }
}

/// Brings the times of an endpoint's asset in line with a dependency that said `before` and now says
/// `after`.
void widen(State& graph, std::uint32_t endpoint, const TimeRange& before, const TimeRange& after,
           bool is_internal) {
  const EndpointState& e = graph.endpoints[endpoint].value;
  AssetState& a = graph.assets[e.asset].value;
  const bool set_an_end =
      !before.is_empty() && ((before.first == a.seen.first && after.first > before.first) ||
                             (before.last == a.seen.last && after.last < before.last));
  // What an asset saw of an endpoint that changed hands is worked out with care.
  if (set_an_end || (e.has_past && before != after)) graph.mark_stale(e.asset);
  TimeRange seen = a.seen;
  if (!e.has_past) {
    seen.include(after);
    for (Held& held : a.held()) {
      const bool is_earlier = held.endpoint == endpoint && after.first < held.from;
      if (is_earlier && !is_claim(held)) held.from = after.first;
    }
  }
  if (seen == a.seen && (a.is_internal || !is_internal) && a.published) return;
  a.seen = seen;
  a.is_internal = a.is_internal || is_internal;
  graph.mark_asset(e.asset);
}

}  // namespace

/// Each step finds in the cache what the one before asked for.
void State::look_up(std::span<const ConnectionSummary> summaries,
                    std::span<Whereabouts> found) const noexcept {
  std::array<std::uint64_t, kAhead> client_hash, server_hash;
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    client_hash[i] = endpoints.hash(summaries[i].key.client);
    server_hash[i] = endpoints.hash(summaries[i].key.server);
    endpoints.prefetch_slot(client_hash[i]);
    endpoints.prefetch_slot(server_hash[i]);
  }
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    endpoints.prefetch_entry(client_hash[i]);
    endpoints.prefetch_entry(server_hash[i]);
  }
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const DependencyKey& key = summaries[i].key;
    Whereabouts& w = found[i];
    w.client = endpoints.find(key.client, client_hash[i]);
    w.server = endpoints.find(key.server, server_hash[i]);
    w.dependency_hash = dependencies.hash({w.client, w.server, key.port, key.protocol});
  }
  found = found.first(summaries.size());
  for (const Whereabouts& w : found) dependencies.prefetch_slot(w.dependency_hash);
  for (const Whereabouts& w : found) {
    for (const std::uint32_t end : {w.client, w.server}) {
      if (end != kNoPosition) assets.prefetch_at(endpoints[end].value.asset);
    }
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::uint32_t position = dependencies.prefetch_entry(found[i].dependency_hash);
    if (!summaries[i].provisional) prefetch_hours(position);
  }
}

std::uint32_t State::apply(const ConnectionSummary& s, const Whereabouts& where) {
  // An end that was not there at the look-up may have come with a summary before this one.
  const bool ends_known = where.client != kNoPosition && where.server != kNoPosition;
  std::uint32_t position =
      ends_known ? dependencies.find({where.client, where.server, s.key.port, s.key.protocol},
                                     where.dependency_hash)
                 : find_dependency(s.key);
  if (position == kNoPosition) {
    if (const std::uint32_t turned = said_to_be(s.key); turned != kNoPosition) {
      take_turned(s, turned);
      return turned;
    }
  }
  const bool is_first_report = s.added == s.counts;
  // What was refused when it was first reported stays refused, or sums would come out wrong.
  if (!is_first_report &&
      (position == kNoPosition ||
       *find_open_window(*this, dependencies[position].value, s.window_start) == kNoPosition)) {
    return kNoPosition;
  }
  if (position == kNoPosition) {
    position = make_dependency(s.key);
    if (position == kNoPosition) return kNoPosition;
    dependencies[position].value.service = s.service;
  }
  DependencyState& d = dependencies[position].value;
  const Description before = shown(d);
  const std::uint64_t was_provisional = d.provisional;
  d.totals += s.added;
  totals += s.added;
  newest_hour = std::max(newest_hour, hour_of(s.last));
  take_description(*this, position, s);
  if (s.client_count > 1) {
    std::uint32_t& count = client_counts[position];
    count = std::max(count, s.client_count);
  }
  const bool tells_via = !s.via.address.is_unspecified() && vias[position] != s.via;
  if (tells_via) vias[position] = s.via;

  const Description after = shown(d);
  const DependencyKeyPositions ends = dependencies[position].key;
  widen(*this, ends.client, before.seen, after.seen, s.client_internal);
  widen(*this, ends.server, before.seen, after.seen, s.server_internal);
  if (!s.added.is_zero() || after != before || tells_via || d.provisional != was_provisional ||
      !d.published) {
    mark_dependency(position);
  }
  return position;
}

/// After dependencies took times back or went away: works out the assets' times again from those
/// that are left, and removes assets that have none.
void State::refresh_stale_assets() {
  for (std::size_t i = 0; i < stale_assets.size(); ++i) {
    const std::uint32_t asset = stale_assets[i];
    AssetState& a = assets[asset].value;
    if (!a.alive || !a.times_stale) continue;
    a.times_stale = false;
    if (is_idle(a)) {
      remove_asset(asset);
      continue;
    }
    const TimeRange seen = seen_of(asset);
    if (seen.is_empty()) continue;
    const bool has_moved = trim_first_sightings(asset);
    if (seen == a.seen && !has_moved) continue;
    a.seen = seen;
    mark_asset(asset);
  }
  stale_assets.clear();
}

/// Whether nothing speaks for the asset: no traffic, no name, and nobody said what it holds.
bool State::is_idle(const AssetState& a) const noexcept {
  if (!a.dependencies.empty() || a.is_named()) return false;
  for (const Held& held : a.held()) {
    const EndpointState& e = endpoints[held.endpoint].value;
    if (!held.is_open() || e.has_past || e.held_says != FactSource::observed) return false;
  }
  return true;
}

}  // namespace graph

using namespace graph;

std::uint64_t DependencyGraph::apply(std::span<const ConnectionSummary> summaries,
                                     std::vector<Id>* ids, std::vector<RecordedAs>* recorded) {
  const std::unique_lock lock{impl_->mutex};
  std::uint64_t refused = 0;
  std::vector<std::uint32_t> emptied;
  // While one group is applied, what the next one touches is on its way.
  std::array<State::Whereabouts, 2 * kAhead> where;
  const auto look_up = [&](std::size_t from) {
    if (from >= summaries.size()) return;
    impl_->look_up(summaries.subspan(from, std::min(kAhead, summaries.size() - from)),
                   std::span{where}.subspan(from % where.size(), kAhead));
  };
  if (ids) ids->clear();
  if (recorded) recorded->clear();
  look_up(0);
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const ConnectionSummary& s = summaries[i];
    if (i % kAhead == 0) look_up(i + kAhead);
    const std::uint32_t position = impl_->apply(s, where[i % where.size()]);
    if (position == kNoPosition) refused += s.added.flows;
    const bool fits = position != kNoPosition;
    if (ids) ids->push_back(fits ? impl_->dependencies[position].value.id : Id{});
    // What people have turned round stays, even if all its traffic is taken back for a moment.
    const bool is_turned = fits && impl_->has_turned && impl_->key_of(position) != s.key;
    if (is_turned && recorded) recorded->push_back({i, dependency_id(impl_->sites, s.key)});
    const bool is_empty = fits && impl_->dependencies[position].value.totals.is_zero();
    if (is_empty && !is_turned) emptied.push_back(position);
  }
  for (const std::uint32_t position : emptied) {
    const DependencyState& d = impl_->dependencies[position].value;
    if (d.alive && d.totals.is_zero() && !impl_->is_declared(d.id)) {
      impl_->remove_dependency(position);
    }
  }
  impl_->welcome();
  impl_->refresh_stale_assets();
  impl_->refused_flows += refused;
  return refused;
}

}  // namespace flowlens
