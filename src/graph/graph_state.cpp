#include "graph/graph_state.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "flowlens/error.hpp"
#include "graph/derived_ids.hpp"

namespace flowlens::graph {

namespace {

constexpr std::size_t kLongText = 160;  // two IPv6 endpoints at sites of usual names, and a port

void append(std::string& to, const SiteTable& sites, const Endpoint& e) {
  to += sites.name(e.site);
  to += '/';
  to += e.address.to_string();
}

const DependencyGraphOptions& checked(const DependencyGraphOptions& o) {
  const auto check = [](const char* name, std::size_t limit) {
    if (limit > 0) return;
    throw ConfigError(std::string("DependencyGraphOptions::") + name +
                      " is 0; it must be at least 1");
  };
  check("max_assets", o.max_assets);
  check("max_dependencies", o.max_dependencies);
  check("max_aliases", o.max_aliases);
  check("max_events", o.max_events);
  check("max_annotations", o.max_annotations);
  check("max_facts", o.max_facts);
  check("max_endpoint_facts", o.max_endpoint_facts);
  return o;
}

}  // namespace

Id asset_id(const SiteTable& sites, const Endpoint& first, std::uint32_t ordinal) {
  std::string text;
  text.reserve(kLongText);
  append(text, sites, first);
  text += '/';
  text += std::to_string(ordinal);
  return derive_id(asset_namespace(), text);
}

Id dependency_id(const SiteTable& sites, const DependencyKey& key) {
  std::string text;
  text.reserve(kLongText);
  append(text, sites, key.client);
  text += '|';
  append(text, sites, key.server);
  text += '|';
  text += std::to_string(key.protocol);
  text += '|';
  text += std::to_string(key.port);
  return derive_id(dependency_namespace(), text);
}

State::State(const DependencyGraphOptions& o, SiteTable site_table)
    : options(checked(o)),
      sites(std::move(site_table)),
      endpoints(2 * o.max_assets, o.hash_seed),
      assets(o.max_assets, o.hash_seed),
      dependencies(o.max_dependencies, o.hash_seed),
      exporters(0xffff, o.hash_seed),
      aliases(o.max_aliases, o.hash_seed),
      facts(o.max_facts, o.max_endpoint_facts, o.hash_seed) {}

std::uint32_t State::find_dependency(const DependencyKey& key) const noexcept {
  const std::uint32_t client = endpoints.find(key.client);
  const std::uint32_t server = endpoints.find(key.server);
  if (client == kNoPosition || server == kNoPosition) return kNoPosition;
  return dependencies.find({client, server, key.port, key.protocol});
}

std::uint32_t State::find_dependency(const Id& id) const noexcept {
  return dependency_ids.find(base::hash_of(id, options.hash_seed),
                             [&](std::uint32_t p) { return dependencies[p].value.id == id; });
}

std::uint32_t State::make_dependency(const DependencyKey& key) {
  const auto is_held = [this](std::uint32_t position) {
    return position != kNoPosition && endpoints[position].value.asset != kNoPosition;
  };
  const auto wants = [&](const Endpoint& e) -> std::size_t {
    return is_held(endpoints.find(e)) ? 0 : 1;
  };
  const std::size_t wanted = wants(key.client) + (key.client == key.server ? 0 : wants(key.server));
  if (assets.size() + wanted > options.max_assets || dependencies.full()) return kNoPosition;
  if (wanted > 0 && !has_room_for_endpoints(wanted)) return kNoPosition;

  const auto position_of = [&](const Endpoint& e) {
    const std::uint32_t position = endpoints.find(e);
    return is_held(position) ? position : make_asset(e);
  };
  const std::uint32_t client = position_of(key.client);
  const std::uint32_t server = position_of(key.server);
  return make_dependency({client, server, key.port, key.protocol}, dependency_id(sites, key));
}

std::uint32_t State::make_dependency(const DependencyKeyPositions& key, const Id& id) {
  if (hours.size() == dependencies.positions()) hours.push_back({});
  const std::uint32_t position = dependencies.insert(key).first;
  hours[position] = {};
  DependencyState& d = dependencies[position].value;
  d.id = id;
  d.alive = 1;
  dependency_ids.insert(base::hash_of(id, options.hash_seed), position, [this](std::uint32_t p) {
    return base::hash_of(dependencies[p].value.id, options.hash_seed);
  });
  add_to_asset(client_asset(position), position);
  if (client_asset(position) != server_asset(position)) {
    add_to_asset(server_asset(position), position);
  }
  note_structure(position, false);
  return position;
}

/// \return the position of the endpoint, which the new asset holds.
std::uint32_t State::make_asset(const Endpoint& endpoint) {
  const std::uint32_t position = endpoints.insert(endpoint).first;
  const std::uint32_t asset = assets.insert(next_asset_id(endpoint)).first;
  AssetState& a = assets[asset].value;
  a.one = {Timestamp::max(), Timestamp::max(), position};
  if (endpoints[position].value.has_past) a.one.from = last_held(position);
  a.alive = true;
  endpoints[position].value.asset = asset;
  note_structure(asset, true);
  if (!facts.empty() && !facts.of(endpoint).empty()) newcomers.push_back(endpoint);
  return position;
}

Id State::next_asset_id(const Endpoint& first) const {
  for (std::uint32_t ordinal = 0;; ++ordinal) {
    const Id id = asset_id(sites, first, ordinal);
    if (assets.find(id) == kNoPosition) return id;
  }
}

void State::remove_dependency(std::uint32_t dependency) {
  DependencyState& d = dependencies[dependency].value;
  const std::uint32_t client = client_asset(dependency), server = server_asset(dependency);
  if (d.published) removed_dependencies.push_back(d.id);
  if (!annotations.empty()) unsay(d.id);
  totals -= d.totals;
  free_open_windows(d);
  vias.erase(dependency);
  client_counts.erase(dependency);
  d.alive = 0;
  dependency_ids.erase(base::hash_of(d.id, options.hash_seed), dependency, [this](std::uint32_t p) {
    return base::hash_of(dependencies[p].value.id, options.hash_seed);
  });
  dependencies.erase(dependency);
  note_structure(dependency, false);
  take_from_asset(client, dependency);
  if (server != client) take_from_asset(server, dependency);
}

void State::remove_asset(std::uint32_t asset) {
  AssetState& a = assets[asset].value;
  if (a.published) removed_assets.push_back(assets[asset].key);
  if (!annotations.empty()) unsay(assets[asset].key);
  for (const Held& held : a.held()) {
    if (!held.is_open()) {
      std::erase(past_holders[held.endpoint], asset);
    } else if (endpoints[held.endpoint].value.asset != asset) {
      continue;
    } else if (endpoints[held.endpoint].value.has_past) {  // others name its position
      endpoints[held.endpoint].value.asset = kNoPosition;
      endpoints[held.endpoint].value.held_says = FactSource::observed;
    } else {
      endpoints.erase(held.endpoint);
    }
  }
  a = {};
  assets.erase(asset);
  note_structure(asset, true);
}

void State::mark_dependency(std::uint32_t dependency) {
  DependencyState& d = dependencies[dependency].value;
  if (d.changed) return;
  d.changed = 1;
  changed_dependencies.push_back(dependency);
}

void State::mark_asset(std::uint32_t asset) {
  AssetState& a = assets[asset].value;
  if (a.changed) return;
  a.changed = true;
  changed_assets.push_back(asset);
}

void State::mark_stale(std::uint32_t asset) {
  AssetState& a = assets[asset].value;
  if (a.times_stale) return;
  a.times_stale = true;
  stale_assets.push_back(asset);
}

void State::add_to_asset(std::uint32_t asset, std::uint32_t dependency) {
  auto& list = assets[asset].value.dependencies;
  // The system's allocator gives 24 octets at the least, and from there on doubles with 8 more.
  if (list.size() == list.capacity()) list.reserve(list.empty() ? 6 : 2 * list.size() + 2);
  if (list.empty() || list.back() < dependency) {
    list.push_back(dependency);
    return;
  }
  // A position taken again goes where it belongs.
  const auto at = std::lower_bound(list.begin(), list.end(), dependency);
  if (at == list.end() || *at != dependency) list.insert(at, dependency);
}

void State::take_from_asset(std::uint32_t asset, std::uint32_t dependency) {
  AssetState& a = assets[asset].value;
  const auto at = std::lower_bound(a.dependencies.begin(), a.dependencies.end(), dependency);
  if (at != a.dependencies.end() && *at == dependency) a.dependencies.erase(at);
  mark_stale(asset);
}

/// Keeps the exporters with the lowest addresses, ascending, each once.
void State::add_observer(Description& to, std::uint16_t exporter) const noexcept {
  const auto address = [this](std::uint16_t i) -> const IpAddress& { return exporters[i].key; };
  std::size_t at = 0;
  while (at < to.observer_count && address(to.observers[at]) < address(exporter)) ++at;
  if (at == kMaxObservers) return;
  if (at < to.observer_count && to.observers[at] == exporter) return;
  if (to.observer_count < kMaxObservers) ++to.observer_count;
  for (std::size_t i = to.observer_count - 1; i > at; --i) to.observers[i] = to.observers[i - 1];
  to.observers[at] = exporter;
}

/// The whole time, all observers, the strongest rung.
void State::merge(Description& to, const Description& from) const noexcept {
  to.seen.include(from.seen);
  for (std::size_t i = 0; i < from.observer_count; ++i) add_observer(to, from.observers[i]);
  to.reasons |= from.reasons;
  if (std::pair{from.rung, from.direction} < std::pair{to.rung, to.direction}) {
    to.rung = from.rung;
    to.direction = from.direction;
  }
}

Description State::shown(const DependencyState& d) const noexcept {
  Description said = d.closed();
  for (std::uint32_t i = d.open_head; i != kNoPosition; i = open_windows[i].next) {
    merge(said, open_windows[i].said);
  }
  return said;
}

HourBitmap State::shown_hours(std::uint32_t dependency) const noexcept {
  HourBitmap shown = hours[dependency];
  const std::uint32_t first = dependencies[dependency].value.open_head;
  for (std::uint32_t i = first; i != kNoPosition; i = open_windows[i].next) {
    shown.set(hours_of(open_windows[i].said.seen));
  }
  return shown;
}

void State::count_hours(std::uint32_t dependency) noexcept {
  dependencies[dependency].value.active_hours =
      static_cast<std::uint16_t>(hours[dependency].count());
}

/// \return 0xffff past the bound: then that exporter is not named.
std::uint16_t State::exporter_position(const IpAddress& exporter) {
  return static_cast<std::uint16_t>(exporters.insert(exporter).first);
}

void State::free_open_windows(DependencyState& d) noexcept {
  while (d.open_head != kNoPosition) {
    OpenWindow& w = open_windows[d.open_head];
    const std::uint32_t next = w.next;
    w.next = free_open_window;
    free_open_window = d.open_head;
    d.open_head = next;
  }
}

}  // namespace flowlens::graph
