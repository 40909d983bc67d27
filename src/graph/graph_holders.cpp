// Who holds which endpoint, as somebody says: merging, splitting, and addresses used again.
#include <algorithm>
#include <utility>
#include <vector>

#include "graph/graph_state.hpp"

namespace flowlens::graph {

namespace {

/// A time of one holder.
struct Tenure {
  std::uint32_t asset = kNoPosition;
  Held held;
};

Held* find_open(AssetState& asset, std::uint32_t endpoint) noexcept {
  for (Held& held : asset.held()) {
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

/// All that have held the endpoint, in their order.
std::vector<Tenure> tenures_of(const State& graph, std::uint32_t endpoint) {
  std::vector<Tenure> all;
  const auto add = [&](std::uint32_t asset, bool is_open) {
    for (const Held& held : graph.assets[asset].value.held()) {
      if (held.endpoint == endpoint && held.is_open() == is_open) all.push_back({asset, held});
    }
  };
  if (const auto past = graph.past_holders.find(endpoint); past != graph.past_holders.end()) {
    for (const std::uint32_t asset : past->second) add(asset, false);
  }
  add(graph.endpoints[endpoint].value.asset, true);
  std::sort(all.begin(), all.end(),
            [](const Tenure& a, const Tenure& b) { return a.held.until < b.held.until; });
  return all;
}

/// The first holder of all held it all along, unless a source says since when.
Timestamp start_of(const std::vector<Tenure>& all, std::size_t i) noexcept {
  if (is_claim(all[i].held)) return all[i].held.from;
  return i == 0 ? Timestamp::min() : all[i - 1].held.until;
}

/// Puts a new tenure where it belongs: from its start to the next that a source as strong says of.
/// \return false if a stronger word stands at its start.
bool put_in(std::vector<Tenure>& all, Tenure tenure) {
  const Timestamp since = tenure.held.from;
  std::size_t begin = 0;
  while (begin < all.size() && start_of(all, begin) <= since) ++begin;
  std::size_t end = begin;
  while (end < all.size() &&
         (all[end].held.says < tenure.held.says || all[end].held.says == FactSource::observed)) {
    ++end;
  }
  if (end < all.size()) tenure.held.until = start_of(all, end);
  if (begin > 0) {
    Held& before = all[begin - 1].held;
    if (before.says > tenure.held.says) return false;
    if (before.from < since) {
      before.until = std::min(before.until, since);
    } else {
      --begin;
    }
  }
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(begin),
            all.begin() + static_cast<std::ptrdiff_t>(end));
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(begin), tenure);
  return true;
}

}  // namespace

void State::tidy_past_holders(std::uint32_t endpoint) {
  EndpointState& e = endpoints[endpoint].value;
  if (!e.has_past) return;
  auto& holders = past_holders[endpoint];
  std::erase_if(holders, [&](std::uint32_t h) { return !held_before(assets[h].value, endpoint); });
  e.has_past = !holders.empty();
  if (!e.has_past) past_holders.erase(endpoint);
}

void State::after_move(const Fact& fact, std::uint32_t endpoint, std::uint32_t from,
                       std::uint32_t to, bool is_new) {
  AssetState &a = assets[from].value, &b = assets[to].value;
  const Id from_id = assets[from].key, to_id = assets[to].key;
  b.is_internal = b.is_internal || a.is_internal;
  sort_out_words(endpoints[endpoint].key, from, to);
  unsettle(to, fact.at);
  mark_asset(to);
  mark_stale(to);
  const std::string what = endpoints[endpoint].key.address.to_string();
  if (!a.held().empty()) {
    raise(is_new ? ChangeType::asset_split : ChangeType::endpoint_moved, from_id, to_id, fact.at,
          what + " belongs to the other" + (fact.since ? " since " + to_string(*fact.since) : ""));
    unsettle(from, fact.at);
    mark_asset(from);
    mark_stale(from);
    return;
  }
  if (a.extra && a.extra->type_source == FactSource::inferred &&
      (!b.extra || b.extra->type_source == FactSource::observed)) {
    AssetExtra& extra = b.more();
    extra.asset_type = a.extra->asset_type;
    extra.type_source = a.extra->type_source;
    extra.type_confidence = a.extra->type_confidence;
    extra.type_at = a.extra->type_at;
  }
  // One that nobody has heard of yet was never another.
  if (a.published || fact.source == FactSource::declared) {
    const Alias alias{from_id, to_id, fact.at};
    add_alias(alias);
    new_aliases.push_back(alias);
    raise(ChangeType::asset_merged, from_id, to_id, fact.at,
          "its last endpoint, " + what + ", belongs to the other");
  }
  a.dependencies.clear();
  move_annotation(from_id, to_id);
  remove_asset(from);
}

bool State::apply_holder(const Fact& fact, std::uint32_t endpoint) {
  EndpointState& e = endpoints[endpoint].value;
  const auto id = Id::parse(fact.value);
  if (!id || id->is_none()) return false;
  // To people an id that has gone is free for a new asset; a source means what it has become.
  const bool is_by_people = fact.source == FactSource::declared;
  std::uint32_t to = is_by_people ? kNoPosition : find_asset(*id);
  const bool is_timed = fact.since && !is_by_people;
  if (!is_timed && fact.source < e.held_says) return false;
  bool is_new = false;
  if (to == kNoPosition) {
    const auto [position, is_inserted] = assets.insert(*id);
    if (position == kNoPosition) return false;
    to = position;
    is_new = is_inserted;
  }
  AssetState& b = assets[to].value;
  b.alive = true;
  note_structure(to, true);
  if (is_timed) {
    if (claim(fact, endpoint, to)) return true;
    if (is_new) remove_asset(to);
    return false;
  }
  const std::uint32_t from = e.asset;
  AssetState& a = assets[from].value;
  e.held_says = fact.source;
  if (to == from) {
    if (Held* held = find_open(a, endpoint)) held->says = fact.source;
    mark_asset(from);
    return true;
  }
  Held moved = take_held(a, endpoint, fact.since);
  moved.says = fact.source;
  give_held(b, moved);
  hand_over(endpoint, to);
  if (held_before(a, endpoint)) note_past_holder(endpoint, from);
  tidy_past_holders(endpoint);
  after_move(fact, endpoint, from, to, is_new);
  return true;
}

/// A source says since when `to` holds the endpoint. Others may have been told of already, before and
/// after that time, whatever came first.
bool State::claim(const Fact& fact, std::uint32_t endpoint, std::uint32_t to) {
  const std::vector<Tenure> before = tenures_of(*this, endpoint);
  std::vector<Tenure> after = before;
  if (!put_in(after, {to, {*fact.since, Timestamp::max(), endpoint, fact.source}})) return false;
  const bool is_new = assets[to].value.held().empty();
  for (const Tenure& tenure : before) {
    std::erase_if(assets[tenure.asset].value.held_list(),
                  [&](const Held& h) { return h.endpoint == endpoint; });
  }
  for (const Tenure& tenure : after) {
    give_held(assets[tenure.asset].value, tenure.held);
    if (!tenure.held.is_open()) note_past_holder(endpoint, tenure.asset);
  }
  const std::uint32_t holder = after.back().asset;
  const std::uint32_t from = endpoints[endpoint].value.asset;
  hand_over(endpoint, holder);
  endpoints[endpoint].value.held_says = after.back().held.says;
  tidy_past_holders(endpoint);
  std::vector<std::uint32_t> others;
  for (const Tenure& tenure : before) {
    if (tenure.asset != to) others.push_back(tenure.asset);
  }
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  unsettle(to, fact.at);
  mark_asset(to);
  mark_stale(to);
  for (const std::uint32_t other : others) {
    const bool has_lost = other == from && holder == to;
    if (has_lost || assets[other].value.held().empty()) {
      after_move(fact, endpoint, other, to, is_new);
    } else {
      mark_asset(other);
      mark_stale(other);
    }
  }
  return true;
}

}  // namespace flowlens::graph
