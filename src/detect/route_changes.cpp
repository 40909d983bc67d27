// How the next hops of a route are judged, and what is told of it.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "detect/routes.hpp"

namespace flowlens::detect {

namespace {

/// Chance that is none.
const double kNoChance = std::log(1e-6);  // not constexpr before C++26
/// Flows that must go over others: were these members from now on, so few might go over them alone.
constexpr std::uint32_t kEnoughFlows = 12;
constexpr std::chrono::hours kOneDay{24};

void count_up(std::uint8_t& count, std::uint8_t most) noexcept {
  if (count < most) ++count;
}

/// Changes of the route that have not been forgiven.
std::uint8_t changes_of_late(const Route& route, Timestamp now) noexcept {
  const auto days = now > route.changed_at ? (now - route.changed_at) / kOneDay : 0;
  return static_cast<std::uint8_t>(std::max<std::int64_t>(route.changes - days, 0));
}

/// The logarithm of the chance that so many flows in a row go over the others, if the past says all that
/// is known of their share (beta-binomial, all shares alike likely at first).
double log_chance(double others, double past, std::uint32_t in_a_row) noexcept {
  double sum = 0;
  for (std::uint32_t i = 0; i < in_a_row; ++i) sum += std::log((others + 1 + i) / (past + 2 + i));
  return sum;
}

std::string names_of(const HopSet& hops) {
  std::string text;
  for (const IpAddress& hop : hops) {
    if (!text.empty()) text += ", ";
    text += hop.is_unspecified() ? "directly attached" : hop.to_string();
  }
  return text;
}

/// `over 10.0.0.1 and 10.0.0.2`, `directly`
std::string way_over(const HopSet& hops) {
  std::string text;
  for (std::size_t i = 0; i < hops.size(); ++i) {
    if (i > 0) text += i + 1 < hops.size() ? ", " : " and ";
    if (hops[i].is_unspecified()) {
      text += "directly";
    } else {
      text += (i == 0 || hops[i - 1].is_unspecified() ? "over " : "") + hops[i].to_string();
    }
  }
  return text;
}

std::string name_of(const IpPrefix& network) {
  const unsigned outside = network.address.is_v4() ? 96 : 0;
  return network.length == outside ? "what is outside" : network.to_string();
}

std::string reason_of(std::span<const RouteChange> group) {
  const RouteChange& first = group.front();
  std::string text =
      first.route.exporter.to_string() + " reaches " + name_of(first.route.destination);
  if (group.size() > 1) text += " and " + std::to_string(group.size() - 1) + " more networks";
  return text + " " + way_over(first.after) + "; before, " + way_over(first.before);
}

/// \param what  within this exporter and change; empty for the whole.
ChangeEvent event_of(std::span<const RouteChange> group, Timestamp now, const std::string& what) {
  const RouteChange& first = group.front();
  ChangeEvent event;
  event.type = ChangeType::gateway_changed;
  event.severity = Severity::warning;
  event.subject = derive_id(asset_namespace(), "exporter/" + first.route.exporter.to_string());
  event.endpoint = {first.route.site, first.route.exporter};
  event.at = now;
  event.before = names_of(first.before);
  event.after = names_of(first.after);
  event.reason = reason_of(group);
  event.object = derive_id(event.subject, std::to_string(first.route.site.value) + "/" +
                                              event.before + ">" + event.after + "/" + what);
  Timestamp since = first.since;
  for (const RouteChange& c : group) since = std::min(since, c.since);
  event.id = change_id(event.type, event.subject, event.object, since);
  return event;
}

auto kind_of(const RouteChange& c) {
  return std::tie(c.route.exporter, c.route.site, c.before, c.after);
}

}  // namespace

Hop* RouteState::hop_of(Route& route, const NextHopSighting& sighting) {
  auto& hops = route.hops;
  auto place = std::find_if(hops.begin(), hops.end(),
                            [&](const Hop& h) { return h.address == sighting.next_hop; });
  if (place != hops.end()) return &*place;
  if (hops.size() < kMaxNextHops) {
    place = hops.insert(hops.end(), Hop{});
  } else {
    ++counters.evicted_next_hops;
    place = std::min_element(hops.begin(), hops.end(), [](const Hop& a, const Hop& b) {
      return std::tie(a.is_member, a.last) < std::tie(b.is_member, b.last);
    });
    if (place->is_member) return nullptr;
    *place = Hop{};
  }
  place->address = sighting.next_hop;
  place->first = sighting.window_start;
  return &*place;
}

/// Takes up one window of a route.
void RouteState::see(Route& route, std::span<const NextHopSighting> sightings) {
  std::uint64_t flows = 0;
  for (const NextHopSighting& s : sightings) flows += s.flows;
  if (flows == 0) return;
  order.remove(route);
  route.last = now;
  count_up(route.windows, kEnoughWindows);
  route.is_proven = route.windows >= kEnoughWindows;
  order.add(route);
  std::erase_if(route.hops,
                [&](const Hop& h) { return !h.is_member && h.last < now - options.forget_after; });
  bool has_members = false;
  const double worth = std::min<double>(kWindowWeight, static_cast<double>(flows) * kFlowWeight);
  for (const NextHopSighting& s : sightings) {
    Hop* hop = hop_of(route, s);
    if (hop == nullptr) continue;
    if (s.last >= hop->last) hop->egress_interface = s.egress_interface;
    hop->last = std::max(hop->last, s.last);
    hop->flows += s.flows;
    hop->octets += s.octets;
    const double share = static_cast<double>(s.flows) / static_cast<double>(flows);
    hop->waiting += static_cast<std::uint32_t>(share * worth);
    hop->pairs_waiting |= s.pairs;
    if (!hop->is_member) count_up(hop->beside, kEnoughBeside);
    has_members |= hop->is_member;
  }
  if (has_members || !route.has_members()) return go_on(route);
  if (route.silent_windows++ == 0) route.silent_since = now;
  if (has_changed(route)) return change(route);
  // Much that never talked over the members: two halves of a network, rather, with a way each.
  if (route.waiting() >= kRouteWeight) settle(route);
}

/// What waits counts as the rest does.
void RouteState::go_on(Route& route) {
  route.silent_windows = 0;
  for (Hop& hop : route.hops) {
    hop.weight += std::exchange(hop.waiting, 0);
    hop.pairs |= std::exchange(hop.pairs_waiting, 0);
  }
  const std::uint32_t whole = route.weight();
  const bool is_new = !route.has_members();
  for (Hop& hop : route.hops) {
    const bool is_enough = is_new || hop.beside >= kEnoughBeside;
    hop.is_member |= is_enough && is_fair(hop.weight, whole);
    if (is_idle(hop.weight, whole)) {
      hop.is_member = false;
      hop.beside = 0;
    }
  }
  if (whole <= kRouteWeight) return;
  for (Hop& hop : route.hops) {
    hop.weight /= 2;
    hop.pairs_before = std::exchange(hop.pairs, 0);
  }
}

/// Those that carry what waits are members from now on.
void RouteState::settle(Route& route) {
  const std::uint32_t waiting = route.waiting();
  for (Hop& hop : route.hops) hop.is_member |= is_fair(hop.waiting, waiting);
  go_on(route);
}

bool RouteState::has_changed(const Route& route) const {
  const std::uint64_t needed = std::uint64_t{options.silent_windows} << changes_of_late(route, now);
  if (route.silent_windows < needed || route.windows < kEnoughWindows) return false;
  std::uint64_t talked = 0, talks = 0;
  double others = 0;
  for (const Hop& hop : route.hops) {
    if (hop.is_member) talked |= hop.pairs | hop.pairs_before;
    if (!hop.is_member) others += hop.weight;
    talks |= hop.pairs_waiting;
  }
  if ((talked & talks) == 0) return false;
  const std::uint32_t flows = route.waiting() / kFlowWeight;
  return flows >= kEnoughFlows &&
         log_chance(others / kFlowWeight, route.weight() / double{kFlowWeight}, flows) <= kNoChance;
}

void RouteState::change(Route& route) {
  RouteChange found{route.key, {}, {}, route.silent_since};
  const std::uint32_t waiting = route.waiting();
  for (Hop& hop : route.hops) {
    if (hop.is_member) found.before.push_back(hop.address);
    hop.is_member = is_fair(hop.waiting, waiting);
    if (hop.is_member) found.after.push_back(hop.address);
    hop.weight = 0;
    hop.pairs = hop.pairs_before = 0;
    if (!hop.is_member) hop.beside = 0;
  }
  std::sort(found.before.begin(), found.before.end());
  std::sort(found.after.begin(), found.after.end());
  route.changes = changes_of_late(route, now);
  count_up(route.changes, kMostChanges);
  route.changed_at = now;
  go_on(route);
  if (options.is_watching) changed.push_back(std::move(found));
}

/// The changes of one window: alike ones of one exporter together.
void RouteState::tell(std::vector<ChangeEvent>& out) {
  std::sort(changed.begin(), changed.end(), [](const RouteChange& a, const RouteChange& b) {
    return kind_of(a) != kind_of(b) ? kind_of(a) < kind_of(b) : a.route < b.route;
  });
  std::erase_if(told, [&](const ToldChange& t) { return t.at < now - kOneDay; });
  const std::span<const RouteChange> all{changed};
  for (std::size_t first = 0; first < all.size();) {
    std::size_t end = first + 1;
    while (end < all.size() && kind_of(all[end]) == kind_of(all[first])) ++end;
    tell_group(all.subspan(first, end - first), out);
    first = end;
  }
  changed.clear();
}

void RouteState::tell_group(std::span<const RouteChange> group, std::vector<ChangeEvent>& out) {
  const RouteChange& c = group.front();
  const auto is_of_this = [&](const ToldChange& t) {
    return t.exporter == c.route.exporter && t.site == c.route.site;
  };
  // Back to what was left: the next time it is left is another change.
  std::erase_if(told, [&](const ToldChange& t) { return is_of_this(t) && t.before == c.after; });
  auto root = std::find_if(told.begin(), told.end(), [&](const ToldChange& t) {
    return is_of_this(t) && t.before == c.before && t.after == c.after;
  });
  const bool is_late = root != told.end();
  if (!is_late) {
    if (told_now >= options.max_events) {
      counters.left_out += group.size();
      return;
    }
    ++told_now;
    out.push_back(event_of(group, now, {}));
    ++counters.changes;
    if (told.size() >= kMostTold) told.erase(told.begin());
    told.push_back({c.route.exporter, c.route.site, c.before, c.after, out.back().id, now, 0});
    root = told.end() - 1;
  }
  if (!is_late && group.size() == 1) return;
  for (const RouteChange& part : group) {
    if (root->parts >= options.max_parts) {
      ++counters.left_out;
      continue;
    }
    ++root->parts;
    out.push_back(event_of({&part, 1}, now, part.route.destination.to_string()));
    out.back().cause = root->event;
    ++counters.changes;
  }
}

}  // namespace flowlens::detect
