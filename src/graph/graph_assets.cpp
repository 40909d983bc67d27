// Assets and the endpoints that they hold. Recorded traffic is not touched.
#include <algorithm>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

bool touches(const DependencyKeyPositions& key, std::uint32_t endpoint) noexcept {
  return key.client == endpoint || key.server == endpoint;
}

const Held* find_open(const AssetState& asset, std::uint32_t endpoint) noexcept {
  for (const Held& held : asset.held()) {
    if (held.endpoint == endpoint && held.is_open()) return &held;
  }
  return nullptr;
}

}  // namespace

/// What `find` finds for the id, or for the first id in its chain of aliases for which there is
/// something.
template <typename Find>
std::uint32_t find_along(const Aliases& aliases, Id id, Find find) {
  constexpr int kLongestChain = 64;
  for (int i = 0; i < kLongestChain; ++i) {
    const std::uint32_t found = find(id);
    if (found != kNoPosition) return found;
    const std::uint32_t alias = aliases.find(id);
    if (alias == kNoPosition) return kNoPosition;
    id = aliases[alias].value.target;
  }
  return kNoPosition;
}

std::uint32_t State::find_asset(const Id& id) const noexcept {
  return find_along(aliases, id, [this](const Id& i) { return assets.find(i); });
}
std::uint32_t State::find_alias_or_dependency(const Id& id) const noexcept {
  return find_along(aliases, id, [this](const Id& i) { return find_dependency(i); });
}

void State::add_alias(const Alias& alias) {
  const std::uint32_t position = aliases.insert(alias.id).first;
  if (position == kNoPosition) {
    ++refused_aliases;
    return;
  }
  aliases[position].value = alias;
  has_turned = has_turned || alias.is_for_ever();
}

void State::raise(ChangeType type, const Id& subject, const Id& object, Timestamp at,
                  std::string reason, std::string before, std::string after) {
  ChangeEvent event;
  event.id = change_id(type, subject, object, at);
  event.type = type;
  event.subject = subject;
  event.object = object;
  event.at = at;
  event.reason = std::move(reason);
  event.before = std::move(before);
  event.after = std::move(after);
  if (remember(event)) events.push_back(std::move(event));
}

bool State::remember(ChangeEvent event) {
  if (!recent_event_ids.insert(event.id).second) return false;
  if (recent_events.size() >= options.max_events) {
    recent_event_ids.erase(recent_events.front().id);
    recent_events.pop_front();
  }
  recent_events.push_back(std::move(event));
  return true;
}

void State::note_past_holder(std::uint32_t endpoint, std::uint32_t asset) {
  auto& holders = past_holders[endpoint];
  if (std::find(holders.begin(), holders.end(), asset) == holders.end()) holders.push_back(asset);
  endpoints[endpoint].value.has_past = true;
}

std::uint32_t State::holder_at(std::uint32_t endpoint, Timestamp at) const noexcept {
  const EndpointState& e = endpoints[endpoint].value;
  if (!e.has_past) return e.asset;
  std::uint32_t holder = e.asset;
  Timestamp best = Timestamp::max();
  for (const std::uint32_t asset : past_holders.at(endpoint)) {
    for (const Held& held : assets[asset].value.held()) {
      if (held.endpoint != endpoint || held.until <= at || held.until >= best) continue;
      best = held.until;
      holder = asset;
    }
  }
  return holder;
}

Timestamp State::last_held(std::uint32_t endpoint) const noexcept {
  Timestamp last = Timestamp::min();
  for (const std::uint32_t asset : past_holders.at(endpoint)) {
    for (const Held& held : assets[asset].value.held()) {
      if (held.endpoint == endpoint && !held.is_open()) last = std::max(last, held.until);
    }
  }
  return last;
}

TimeRange State::seen_of(std::uint32_t asset) const noexcept {
  TimeRange seen;
  for (const Held& held : assets[asset].value.held()) {
    const EndpointState& e = endpoints[held.endpoint].value;
    if (e.asset == kNoPosition) continue;
    for (const std::uint32_t d : assets[e.asset].value.dependencies) {
      if (!touches(dependencies[d].key, held.endpoint)) continue;
      TimeRange part = shown(dependencies[d].value).seen;
      if (e.has_past) {
        part.first = std::max(part.first, held.from);
        if (!held.is_open()) part.last = std::min(part.last, held.until - Timestamp::duration{1});
      }
      if (!part.is_empty()) seen.include(part);
    }
  }
  if (!seen.is_empty()) return seen;
  // In its time nothing was seen of it: all that is known is since when it holds its addresses.
  for (const Held& held : assets[asset].value.held()) seen.include({held.from, held.from});
  return seen;
}

bool State::trim_first_sightings(std::uint32_t asset) noexcept {
  AssetState& a = assets[asset].value;
  bool has_moved = false;
  for (Held& held : a.held()) {
    if (endpoints[held.endpoint].value.has_past || is_claim(held)) continue;
    Timestamp first = Timestamp::max();
    for (const std::uint32_t d : a.dependencies) {
      if (!touches(dependencies[d].key, held.endpoint)) continue;
      first = std::min(first, shown(dependencies[d].value).seen.first);
    }
    if (first == Timestamp::max() || first == held.from) continue;
    held.from = first;
    has_moved = true;
  }
  return has_moved;
}

void State::hand_over(std::uint32_t endpoint, std::uint32_t to) {
  EndpointState& e = endpoints[endpoint].value;
  const std::uint32_t from = e.asset;
  e.asset = to;
  if (from == kNoPosition || from == to) return;
  std::vector<std::uint32_t> moved, stay;
  for (const std::uint32_t d : assets[from].value.dependencies) {
    const bool moves = touches(dependencies[d].key, endpoint);
    if (moves) {
      moved.push_back(d);
      mark_dependency(d);
      note_structure(d, false);
    }
    if (!moves || client_asset(d) == from || server_asset(d) == from) stay.push_back(d);
  }
  assets[from].value.dependencies = std::move(stay);
  auto& list = assets[to].value.dependencies;
  std::vector<std::uint32_t> all;
  all.reserve(list.size() + moved.size());
  std::set_union(list.begin(), list.end(), moved.begin(), moved.end(), std::back_inserter(all));
  list = std::move(all);
}

}  // namespace graph

using namespace graph;

std::vector<Fact> DependencyGraph::facts_to_merge(const Id& into, const Id& from, Timestamp at,
                                                  std::optional<Timestamp> since) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t a = impl_->find_asset(from), b = impl_->find_asset(into);
  std::vector<Fact> facts;
  if (a == kNoPosition || b == kNoPosition || a == b) return facts;
  for (const Held& held : impl_->assets[a].value.held()) {
    if (!held.is_open()) continue;
    facts.push_back({impl_->endpoints[held.endpoint].key,
                     "asset",
                     impl_->assets[b].key.to_string(),
                     FactSource::declared,
                     at,
                     {},
                     since});
  }
  return facts;
}

std::vector<Fact> DependencyGraph::facts_to_split(const Id& asset,
                                                  std::span<const Endpoint> endpoints, Timestamp at,
                                                  std::optional<Timestamp> since) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t a = impl_->find_asset(asset);
  if (a == kNoPosition || endpoints.empty()) return {};
  const AssetState& from = impl_->assets[a].value;
  const std::string id = impl_->next_asset_id(endpoints.front()).to_string();
  std::vector<Fact> facts;
  for (const Endpoint& e : endpoints) {
    const std::uint32_t position = impl_->endpoints.find(e);
    if (position == kNoPosition || find_open(from, position) == nullptr) return {};
    facts.push_back({e, "asset", id, FactSource::declared, at, {}, since});
  }
  const auto held = from.held();
  const auto open =
      std::count_if(held.begin(), held.end(), [](const Held& h) { return h.is_open(); });
  // Without a time, an asset cannot be split from all it has; with one, its past stays behind.
  if (!since && static_cast<std::size_t>(open) == held.size() && facts.size() >= held.size()) {
    return {};
  }
  return facts;
}

void DependencyGraph::apply(std::span<const ChangeEvent> events) {
  const std::unique_lock lock{impl_->mutex};
  for (const ChangeEvent& event : events) {
    if (impl_->remember(event)) impl_->events.push_back(event);
  }
}

Page<ChangeEvent> DependencyGraph::changes(const ChangeQuery& query) const {
  const std::shared_lock lock{impl_->mutex};
  const auto& events = impl_->recent_events;
  Page<ChangeEvent> page;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const ChangeEvent& event = events[events.size() - 1 - i];
    if (query.filter && !query.filter.matches(event)) continue;
    ++page.total;
    if (i < query.after) continue;
    if (page.rows.size() == query.limit) {
      page.has_more = true;
      continue;
    }
    page.rows.push_back(event);
    page.next = static_cast<std::uint32_t>(i + 1);
  }
  return page;
}

std::optional<ChangeEvent> DependencyGraph::change(const Id& id) const {
  const std::shared_lock lock{impl_->mutex};
  const auto& events = impl_->recent_events;
  const auto found = std::find_if(events.rbegin(), events.rend(),
                                  [&](const ChangeEvent& e) { return e.id == id; });
  if (found == events.rend()) return std::nullopt;
  return *found;
}

}  // namespace flowlens
