// Who holds which endpoint: names, merging and splitting. Recorded traffic is not touched.
#include <algorithm>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

bool touches(const DependencyKeyPositions& key, std::uint32_t endpoint) noexcept {
  return key.client == endpoint || key.server == endpoint;
}

Held* find_open(AssetState& asset, std::uint32_t endpoint) noexcept {
  for (Held& held : asset.held()) {
    if (held.endpoint == endpoint && held.is_open()) return &held;
  }
  return nullptr;
}

const Held* find_open(const AssetState& asset, std::uint32_t endpoint) noexcept {
  for (const Held& held : asset.held()) {
    if (held.endpoint == endpoint && held.is_open()) return &held;
  }
  return nullptr;
}

bool held_before(const AssetState& asset, std::uint32_t endpoint) noexcept {
  const auto held = asset.held();
  return std::any_of(held.begin(), held.end(),
                     [&](const Held& h) { return h.endpoint == endpoint && !h.is_open(); });
}

/// Takes the part of what `from` holds that begins at `since` (nothing: all of it) away from it.
Held take_held(AssetState& from, std::uint32_t endpoint, const std::optional<Timestamp>& since) {
  Held* open = find_open(from, endpoint);
  Held taken = *open;
  if (since && *since > open->from) {
    open->until = *since;
    taken.from = *since;
    return taken;
  }
  auto& list = from.held_list();
  std::erase_if(list, [&](const Held& h) { return h.endpoint == endpoint && h.is_open(); });
  return taken;
}

/// What an asset held until the very moment it holds it again is one time, not two.
void give_held(AssetState& to, Held held) {
  auto& list = to.held_list();
  const auto before = std::find_if(list.begin(), list.end(), [&](const Held& h) {
    return h.endpoint == held.endpoint && h.until == held.from;
  });
  if (before != list.end()) {
    before->until = held.until;
    before->says = held.says;
  } else {
    list.push_back(held);
  }
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
  return seen;
}

bool State::trim_first_sightings(std::uint32_t asset) noexcept {
  AssetState& a = assets[asset].value;
  bool has_moved = false;
  for (Held& held : a.held()) {
    if (endpoints[held.endpoint].value.has_past) continue;
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

bool State::apply_holder(const Fact& fact, std::uint32_t endpoint) {
  EndpointState& e = endpoints[endpoint].value;
  const auto id = Id::parse(fact.value);
  if (!id || id->is_none() || fact.source < e.held_says) return false;
  const std::uint32_t from = e.asset;
  const auto [to, is_new] = assets.insert(*id);
  if (to == kNoPosition) return false;
  e.held_says = fact.source;
  AssetState& a = assets[from].value;
  if (to == from) {
    if (Held* held = find_open(a, endpoint)) held->says = fact.source;
    mark_asset(from);
    return true;
  }
  AssetState& b = assets[to].value;
  b.alive = true;
  note_structure(to, true);
  Held moved = take_held(a, endpoint, fact.since);
  moved.says = fact.source;
  give_held(b, moved);
  b.is_internal = b.is_internal || a.is_internal;
  hand_over(endpoint, to);
  if (held_before(a, endpoint)) note_past_holder(endpoint, from);
  if (e.has_past) {
    auto& holders = past_holders[endpoint];
    std::erase_if(holders,
                  [&](std::uint32_t h) { return !held_before(assets[h].value, endpoint); });
    e.has_past = !holders.empty();
    if (!e.has_past) past_holders.erase(endpoint);
  }
  const Id from_id = assets[from].key;
  const bool is_vacated = a.held().empty();
  if (is_vacated && a.is_named() && !b.is_named()) {
    AssetExtra& extra = b.more();
    extra.name = a.extra->name;
    extra.name_source = a.extra->name_source;
    extra.name_at = a.extra->name_at;
  }
  if (is_vacated && a.extra && (!b.extra || a.extra->type_source > b.extra->type_source)) {
    AssetExtra& extra = b.more();
    extra.asset_type = a.extra->asset_type;
    extra.type_source = a.extra->type_source;
    extra.type_confidence = a.extra->type_confidence;
    extra.type_at = a.extra->type_at;
  }
  const std::string what = endpoints[endpoint].key.address.to_string();
  if (is_vacated) {
    const Alias alias{from_id, *id, fact.at};
    add_alias(alias);
    new_aliases.push_back(alias);
    raise(ChangeType::asset_merged, from_id, *id, fact.at,
          "its last endpoint, " + what + ", belongs to the other");
    a.dependencies.clear();
    move_annotation(from_id, *id);
    remove_asset(from);
  } else {
    raise(is_new ? ChangeType::asset_split : ChangeType::endpoint_moved, from_id, *id, fact.at,
          what + " belongs to the other" + (fact.since ? " since " + to_string(*fact.since) : ""));
    mark_asset(from);
    mark_stale(from);
  }
  mark_asset(to);
  mark_stale(to);
  return true;
}

/// \return false if a stronger or later word stands.
bool State::apply_name(const Fact& fact, std::uint32_t asset) {
  AssetState& a = assets[asset].value;
  if (a.is_named() &&
      std::pair{fact.source, fact.at} < std::pair{a.extra->name_source, a.extra->name_at}) {
    return false;
  }
  AssetExtra& extra = a.more();
  extra.name_source = fact.source;
  extra.name_at = fact.at;
  if (extra.name == fact.value) return true;
  if (!extra.name.empty() && !fact.value.empty()) {
    raise(ChangeType::asset_changed, assets[asset].key, {}, fact.at,
          "was " + extra.name + ", is " + fact.value + " (" + std::string(to_string(fact.source)) +
              ")",
          extra.name, fact.value);
  }
  extra.name = fact.value;
  mark_asset(asset);
  return true;
}

}  // namespace graph

using namespace graph;

bool DependencyGraph::apply(const Fact& fact) {
  const std::unique_lock lock{impl_->mutex};
  ++impl_->said;
  if (fact.attribute == "intermediary") return impl_->judge_intermediary(fact);
  const std::uint32_t endpoint = impl_->endpoints.find(fact.subject);
  if (endpoint == kNoPosition) return false;
  const std::uint32_t asset = impl_->endpoints[endpoint].value.asset;
  if (asset == kNoPosition) return false;
  if (fact.attribute == "asset") {
    const bool is_taken = impl_->apply_holder(fact, endpoint);
    impl_->refresh_stale_assets();
    return is_taken;
  }
  if (fact.attribute == "type") return impl_->apply_type(fact, asset);
  return fact.attribute == "name" && impl_->apply_name(fact, asset);
}

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
