// What is watched: taken up when seen, let go after long silence.
#include <algorithm>

#include "detect/watch.hpp"

namespace flowlens::detect {

namespace {

/// A service whose clients have been so few for so long is said to have settled.
constexpr std::uint32_t kFewClients = 20;

void widen(Rhythm& to, const Rhythm& by) noexcept {
  to.begun = std::min(to.begun, by.begun);
  to.last = std::max(to.last, by.last);
}

}  // namespace

std::uint32_t State::watch_asset(const Id& id, Tick first, Tick last, bool* is_new) {
  const auto [position, is_added] = assets.insert(id);
  if (position == kNone) {
    ++counters.unwatched;
    return kNone;
  }
  AssetWatch& a = assets[position].value;
  if (is_added || !a.alive) {
    a = {};
    a.alive = true;
    a.rhythm.begin(first);
    a.rhythm.last = std::max(first, last);
    if (const auto row = graph->asset(id)) {
      a.endpoint = row->endpoints.empty() ? Endpoint{} : row->endpoints.front().endpoint;
      a.is_internal = row->is_internal;
    }
    if (is_new != nullptr) *is_new = true;
  }
  a.rhythm.begun = std::min(a.rhythm.begun, first);
  return position;
}

/// \param found  null, or what is new with it is said there.
std::uint32_t State::watch(const DependencyRow& row, Tick first, Tick last, Appearance* found) {
  if (dependencies.full()) {
    ++counters.unwatched;
    return kNone;
  }
  Appearance unused;
  Appearance& a = found != nullptr ? *found : unused;
  const std::uint32_t client = watch_asset(row.client_asset, first, last, &a.is_new_client);
  const std::uint32_t server = watch_asset(row.server_asset, first, last, &a.is_new_server);
  if (client == kNone || server == kNone) return kNone;
  const ServiceKey key{server, row.key.port, row.key.protocol};
  const auto [service, is_added] = services.insert(key);
  if (service == kNone) {
    ++counters.unwatched;
    return kNone;
  }
  ServiceWatch& s = services[service].value;
  if (is_added || !s.alive) {
    s = {};
    s.alive = true;
    s.rhythm.begin(first);
    s.new_clients.fill(first);
    a.is_new_service = true;
    ++assets[server].value.services;
  }
  a.is_settled_service = !a.is_new_service && s.rhythm.is_known(learning) &&
                         s.clients <= kFewClients && first - s.new_clients.front() >= learning;
  std::rotate(s.new_clients.begin(), s.new_clients.begin() + 1, s.new_clients.end());
  s.new_clients.back() = first;

  a.dependency = dependencies.insert(row.id).first;
  DependencyWatch& d = dependencies[a.dependency].value;
  d = {};
  d.alive = true;
  d.client = client;
  d.server = server;
  d.service = service;
  d.direction = row.direction;
  d.rhythm.begin(first);
  d.rhythm.last = std::max(first, last);
  a.is_new_outside = count_in(d) == 1;
  return a.dependency;
}

/// Counts it with its service and its ends.
/// \return how many there are now between its inner end and the outside; 0: it is no such one.
std::uint32_t State::count_in(const DependencyWatch& d) noexcept {
  ++services[d.service].value.clients;
  AssetWatch& client = assets[d.client].value;
  AssetWatch& server = assets[d.server].value;
  ++client.dependencies;
  ++server.dependencies;
  if (client.is_internal == server.is_internal) return 0;
  return ++(client.is_internal ? client : server).externals;
}

void State::forget(std::uint32_t dependency) {
  DependencyWatch& d = dependencies[dependency].value;
  if (d.load.baseline != kNone) drop_baseline(d.load.baseline);
  AssetWatch& client = assets[d.client].value;
  AssetWatch& server = assets[d.server].value;
  if (client.is_internal != server.is_internal) {
    --(client.is_internal ? client : server).externals;
  }
  ServiceWatch& service = services[d.service].value;
  if (--service.clients == 0) {
    --server.services;
    vanished_events.erase(d.service);
    service.alive = false;
    services.erase(d.service);
  }
  for (const std::uint32_t asset : {d.client, d.server}) {
    AssetWatch& a = assets[asset].value;
    if (--a.dependencies > 0) continue;
    if (a.load.baseline != kNone) drop_baseline(a.load.baseline);
    away_events.erase(asset);
    a.alive = false;
    assets.erase(asset);
  }
  d.alive = false;
  dependencies.erase(dependency);
}

/// The pauses between hours with traffic; those shorter than an hour are not known any more.
void State::take_hours(Rhythm& rhythm, const HourBitmap& hours) const {
  const std::uint32_t hour = std::max(day / 24, 1u);
  const auto runs = hours.runs();
  for (std::size_t i = 1; i < runs.size(); ++i) {
    rhythm.note_pause((runs[i].first - runs[i - 1].last) * hour);
  }
  rhythm.note_pause(hour - 1);
}

void State::begin(const DependencyGraph& with) {
  graph = &with;
  const bool has_past = has_begun;  // load() has told of it
  std::unordered_map<std::uint32_t, HourBitmap> asset_hours, service_hours;
  std::uint32_t newest = 0;
  DependencyQuery query;
  query.limit = 10'000;
  for (bool is_end = false; !is_end;) {
    const auto page = with.dependencies(query);
    for (const DependencyRow& row : page.rows) {
      if (row.provisional) continue;  // no window of it has closed: it will be new then
      newest = std::max(newest, index_of(row.last_seen));
      if (dependencies.find(row.id) != kNone) continue;
      const std::uint32_t position =
          watch(row, tick_of(row.first_seen), tick_of(row.last_seen), nullptr);
      if (position == kNone) continue;
      DependencyWatch& d = dependencies[position].value;
      take_hours(d.rhythm, row.hours);
      widen(services[d.service].value.rhythm, d.rhythm);
      service_hours[d.service].merge(row.hours);
      for (const std::uint32_t asset : {d.client, d.server}) {
        widen(assets[asset].value.rhythm, d.rhythm);
        asset_hours[asset].merge(row.hours);
      }
    }
    query.after = page.next;
    is_end = !page.has_more;
  }
  if (newest > current) current = newest;
  if (has_past || newest == 0) return;
  for (const auto& [asset, hours] : asset_hours) take_hours(assets[asset].value.rhythm, hours);
  for (const auto& [service, hours] : service_hours) {
    take_hours(services[service].value.rhythm, hours);
  }
  has_begun = true;
  begun = swept = now();
  for (std::uint32_t i = 0; i < dependencies.positions(); ++i) {
    if (dependencies[i].value.alive) begun = std::min(begun, dependencies[i].value.rhythm.begun);
  }
}

}  // namespace flowlens::detect
