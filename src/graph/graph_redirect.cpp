// A dependency that turned out to be another: its closed windows move, its id stays an alias.
#include <algorithm>

#include "flowlens/enricher.hpp"
#include "graph/derived_ids.hpp"
#include "graph/graph_state.hpp"

namespace flowlens {

using namespace graph;

namespace graph {

namespace {

std::string text_of(const DependencyKey& key) {
  return key.client.address.to_string() + " → " + key.server.address.to_string() + ":" +
         std::to_string(key.port);
}

}  // namespace

DependencyKey State::key_of(std::uint32_t dependency) const noexcept {
  const DependencyKeyPositions& key = dependencies[dependency].key;
  return {endpoints[key.client].key, endpoints[key.server].key, key.port, key.protocol};
}

std::uint32_t State::said_to_be(const DependencyKey& key) const {
  if (!has_turned) return kNoPosition;
  const Id id = dependency_id(sites, key);
  const std::uint32_t alias = aliases.find(id);
  if (alias == kNoPosition || !aliases[alias].value.is_for_ever()) return kNoPosition;
  return find_alias_or_dependency(id);
}

std::uint32_t State::turn(std::uint32_t from, std::uint16_t port, Timestamp at,
                          const std::string& who) {
  const DependencyKey old = key_of(from);
  const DependencyKey said{old.server, old.client, port, old.protocol};
  const bool has_alias = aliases.find(dependencies[from].value.id) != kNoPosition;
  if (said == old || (aliases.full() && !has_alias)) return kNoPosition;
  std::uint32_t to = find_dependency(said);
  const bool is_new = to == kNoPosition;
  if (is_new) to = make_dependency(said);
  if (to == kNoPosition) return kNoPosition;

  const DependencyState& a = dependencies[from].value;
  DependencyState& b = dependencies[to].value;
  if (is_new) b.service = find_service(said.protocol, said.port);
  const TrafficCounts moved = a.totals.turned();
  b.totals += moved;
  totals += moved;
  Description all = shown(a);
  all.direction = Direction::client_server;
  all.rung = DirectionRung::declared;
  all.reasons = {};
  all.reasons.add(DirectionRung::declared, true);
  merge(all, b.closed());
  b.close_with(all);
  hours[to].merge(shown_hours(from));
  count_hours(to);
  b.provisional = 0;
  b.flips = std::min<unsigned>(kMaxFlips, b.flips + a.flips + 1u) & kMaxFlips;
  mark_dependency(to);

  const Alias alias{a.id, b.id, Timestamp::max(), true};
  add_alias(alias);
  new_aliases.push_back(alias);
  move_annotation(alias.id, alias.target);
  raise(ChangeType::dependency_redirected, alias.id, alias.target, at,
        text_of(old) + " is " + text_of(said) + ": " + who + " says so");
  for (const std::uint32_t d : {from, to}) {
    mark_stale(client_asset(d));
    mark_stale(server_asset(d));
  }
  remove_dependency(from);
  return to;
}

/// What is counted and when is final at once; who serves is no question any more.
void State::take_turned(const ConnectionSummary& s, std::uint32_t dependency) {
  DependencyState& d = dependencies[dependency].value;
  const TrafficCounts added =
      key_of(dependency).client == s.key.server ? s.added.turned() : s.added;
  d.totals += added;
  totals += added;
  if (!s.counts.is_zero()) {
    const TimeRange seen{s.first, s.last};
    Description said = d.closed();
    said.seen.include(seen);
    for (std::size_t i = 0; i < s.observer_count; ++i) {
      const std::uint16_t exporter = exporter_position(s.observers[i]);
      if (exporter != 0xffff) add_observer(said, exporter);
    }
    d.close_with(said);
    if (hours[dependency].set(hours_of(seen))) count_hours(dependency);
    newest_hour = std::max(newest_hour, hour_of(s.last));
  }
  mark_dependency(dependency);
  // The assets' times are worked out again: this is rare.
  mark_stale(client_asset(dependency));
  mark_stale(server_asset(dependency));
}

bool State::redirect(const Redirection& redirection) {
  const std::uint32_t from = find_dependency(redirection.from);
  if (from == kNoPosition || redirection.from == redirection.to) return false;
  std::uint32_t to = find_dependency(redirection.to);
  if (to == kNoPosition) to = said_to_be(redirection.to);
  if (to == from) return false;  // people have said that it is the other way round
  const bool is_new = to == kNoPosition;
  if (is_new) to = make_dependency(redirection.to);
  if (to == kNoPosition) return false;

  DependencyState& a = dependencies[from].value;
  DependencyState& b = dependencies[to].value;
  if (is_new) b.service = find_service(redirection.to.protocol, redirection.to.port);
  TrafficCounts moved = a.totals;
  for (std::uint32_t i = a.open_head; i != kNoPosition; i = open_windows[i].next) {
    moved -= open_windows[i].counts;
  }
  const bool is_turned = dependencies[from].key.client == dependencies[to].key.server;
  a.totals -= moved;
  totals -= moved;
  if (is_turned) moved = moved.turned();
  b.totals += moved;
  totals += moved;

  Description said = a.closed();
  said.direction = Direction::client_server;
  said.rung = redirection.why;
  said.reasons = {};  // what spoke for one way round spoke against the other
  said.reasons.add(redirection.why, true);
  Description other = b.closed();
  merge(other, said);
  b.close_with(other);
  hours[to].merge(hours[from]);
  count_hours(to);
  if (a.provisional == 0) b.provisional = 0;
  b.flips = std::min<unsigned>(kMaxFlips, b.flips + a.flips + 1u) & kMaxFlips;
  a.close_with({});
  hours[from] = {};
  count_hours(from);
  a.provisional = 1;
  mark_dependency(from);
  mark_dependency(to);

  const Alias alias{a.id, b.id, redirection.at, is_turned};
  add_alias(alias);
  move_annotation(a.id, b.id);
  new_aliases.push_back(alias);
  raise(ChangeType::dependency_redirected, a.id, b.id, redirection.at,
        text_of(redirection.from) + " is " + text_of(redirection.to) + ": " +
            std::string(describe(redirection.why)));
  for (const std::uint32_t d : {from, to}) {
    mark_stale(client_asset(d));
    mark_stale(server_asset(d));
  }
  if (a.totals.is_zero() && a.open_head == kNoPosition) remove_dependency(from);
  return true;
}

}  // namespace graph

std::optional<Id> DependencyGraph::turn_dependency(const Id& id, std::uint16_t port, Timestamp at,
                                                   const std::string& who) {
  const std::unique_lock lock{impl_->mutex};
  const std::uint32_t from = impl_->find_alias_or_dependency(id);
  if (from == kNoPosition) return std::nullopt;
  const std::uint32_t to = impl_->turn(from, port, at, who);
  if (to == kNoPosition) return std::nullopt;
  impl_->refresh_stale_assets();
  ++impl_->said;
  return impl_->dependencies[to].value.id;
}

bool DependencyGraph::apply(const Redirection& redirection) {
  const std::unique_lock lock{impl_->mutex};
  const bool is_done = impl_->redirect(redirection);
  impl_->refresh_stale_assets();
  return is_done;
}

std::uint64_t DependencyGraph::apply(std::span<const ConnectionSummary> summaries,
                                     std::span<const Redirection> redirections,
                                     std::vector<Id>* ids, std::vector<RecordedAs>* recorded) {
  if (redirections.empty()) return apply(summaries, ids, recorded);
  if (ids) ids->clear();
  if (recorded) recorded->clear();
  std::uint64_t refused = 0;
  std::size_t done = 0;
  std::vector<Id> part_ids;
  std::vector<RecordedAs> part_recorded;
  const auto apply_up_to = [&](std::size_t end) {
    refused += apply(summaries.subspan(done, end - done), &part_ids, &part_recorded);
    if (ids) ids->insert(ids->end(), part_ids.begin(), part_ids.end());
    for (const auto& [index, id] : part_recorded) {
      if (recorded) recorded->push_back({done + index, id});
    }
    done = end;
  };
  for (const Redirection& redirection : redirections) {
    apply_up_to(std::clamp(redirection.before_row, done, summaries.size()));
    apply(redirection);
  }
  apply_up_to(summaries.size());
  return refused;
}

}  // namespace flowlens
