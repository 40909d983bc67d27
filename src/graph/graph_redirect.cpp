// A dependency that turned out to be another: its closed windows move, its id stays an alias.
#include <algorithm>

#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

std::string text_of(const DependencyKey& key) {
  return key.client.address.to_string() + " → " + key.server.address.to_string() + ":" +
         std::to_string(key.port);
}

}  // namespace

bool State::redirect(const Redirection& redirection) {
  const std::uint32_t from = find_dependency(redirection.from);
  if (from == kNoPosition || redirection.from == redirection.to) return false;
  std::uint32_t to = find_dependency(redirection.to);
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
  a.totals -= moved;
  b.totals += moved;

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

  const Alias alias{a.id, b.id, redirection.at};
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

bool DependencyGraph::apply(const Redirection& redirection) {
  const std::unique_lock lock{impl_->mutex};
  const bool is_done = impl_->redirect(redirection);
  impl_->refresh_stale_assets();
  return is_done;
}

}  // namespace flowlens
