// Routes and their next hops: what is kept, and what can be asked.
#include "flowlens/gateways.hpp"

#include <algorithm>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/masked.hpp"
#include "detect/routes.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace detect {

namespace {

void check(const GatewaysOptions& o) {
  const auto least = [](auto value, const char* name) {
    if (value <= decltype(value){}) {
      throw ConfigError("GatewaysOptions: " + std::string{name} + " must be more than 0");
    }
  };
  least(o.window, "window");
  least(o.max_routes, "max_routes");
  least(o.silent_windows, "silent_windows");
  least(o.forget_after, "forget_after");
  least(o.max_events, "max_events");
  least(o.max_parts, "max_parts");
}

NextHopRow row_of(const Route& route, const Hop& hop) {
  NextHopRow row;
  row.address = hop.address;
  row.egress_interface = hop.egress_interface;
  row.is_used = route.uses(hop);
  const std::uint32_t whole = route.weight() + route.waiting();
  if (whole > 0) row.share = static_cast<float>(hop.recent()) / static_cast<float>(whole);
  row.flows = hop.flows;
  row.octets = hop.octets;
  row.first_seen = hop.first;
  row.last_seen = hop.last;
  return row;
}

/// Who stands before a network: what is attached to an exporter lies behind it.
Endpoint gateway_of(const Route& route, const Hop& hop) noexcept {
  return {route.key.site, hop.address.is_unspecified() ? route.key.exporter : hop.address};
}

struct Lead {
  Endpoint gateway;
  const Route* route = nullptr;
  const Hop* hop = nullptr;
};

/// Ascending by gateway, then by route.
std::vector<Lead> leads_of(const RouteState& state, const GatewayQuery& query) {
  std::vector<Lead> leads;
  for (const auto& [key, route] : state.routes) {
    if (query.exporter && *query.exporter != key.exporter) continue;
    for (const Hop& hop : route.hops) {
      const Endpoint gateway = gateway_of(route, hop);
      if (query.gateway && *query.gateway != gateway.address) continue;
      leads.push_back({gateway, &route, &hop});
    }
  }
  std::sort(leads.begin(), leads.end(), [](const Lead& a, const Lead& b) {
    return std::tie(a.gateway, a.route->key, a.hop->address) <
           std::tie(b.gateway, b.route->key, b.hop->address);
  });
  return leads;
}

void add(const Lead& lead, std::size_t max_routes, GatewayRow& row) {
  const Hop& hop = *lead.hop;
  row.first_seen = row.route_count == 0 ? hop.first : std::min(row.first_seen, hop.first);
  row.last_seen = row.route_count == 0 ? hop.last : std::max(row.last_seen, hop.last);
  ++row.route_count;
  row.is_used |= lead.route->uses(hop);
  row.flows += hop.flows;
  row.octets += hop.octets;
  if (row.routes.size() < max_routes) {
    row.routes.push_back({lead.route->key, row_of(*lead.route, hop)});
  }
}

}  // namespace

bool Route::has_members() const noexcept {
  return std::any_of(hops.begin(), hops.end(), [](const Hop& h) { return h.is_member; });
}
std::uint32_t Route::weight() const noexcept {
  std::uint32_t sum = 0;
  for (const Hop& hop : hops) sum += hop.weight;
  return sum;
}
std::uint32_t Route::waiting() const noexcept {
  std::uint32_t sum = 0;
  for (const Hop& hop : hops) sum += hop.waiting;
  return sum;
}
bool Route::uses(const Hop& hop) const noexcept {
  return is_fair(hop.recent(), weight() + waiting());
}

RouteState::RouteState(const GatewaysOptions& o)
    : options((check(o), o)), routes(0, RouteKeyHash{o.hash_seed}) {}

void RouteState::look(std::span<const NextHopSighting> sightings, std::vector<ChangeEvent>& out) {
  told_now = 0;
  for (std::size_t first = 0; first < sightings.size();) {
    std::size_t end = first + 1;
    while (end < sightings.size() && sightings[end].window_start == sightings[first].window_start) {
      ++end;
    }
    look_at_window(sightings.subspan(first, end - first));
    tell(out);
    first = end;
  }
  forget_silent();
}

void RouteState::look_at_window(std::span<const NextHopSighting> sightings) {
  now = std::max(now, sightings.front().window_start);
  for (const NextHopSighting& s : sightings) {
    if (!s.next_hop.is_unspecified()) note_telling(s.route.exporter);
  }
  for (std::size_t first = 0; first < sightings.size();) {
    const RouteKey& key = sightings[first].route;
    std::size_t end = first + 1;
    while (end < sightings.size() && sightings[end].route == key) ++end;
    if (telling.contains(key.exporter)) {
      const auto known = routes.find(key);
      Route& route = known != routes.end() ? known->second : add(key, false);
      see(route, sightings.subspan(first, end - first));
    }
    first = end;
  }
}

void RouteState::note_telling(const IpAddress& exporter) {
  if (telling.size() < options.max_routes || telling.contains(exporter)) {
    telling.insert_or_assign(exporter, now);
  }
}

Route& RouteState::add(const RouteKey& key, bool is_proven) {
  if (routes.size() >= options.max_routes) {
    drop(*order.first_to_go());
    ++counters.evicted_routes;
  }
  Route& route = routes[key];
  route.key = key;
  route.is_proven = is_proven;
  order.add(route);
  return route;
}

void RouteState::drop(Route& route) {
  order.remove(route);
  routes.erase(RouteKey{route.key});
}

void RouteState::forget_silent() {
  const Timestamp oldest = now - options.forget_after;
  for (const auto* list : {&order.newcomers(), &order.proven()}) {
    while (!list->empty() && list->oldest()->last < oldest) drop(*list->oldest());
  }
  std::erase_if(telling, [&](const auto& entry) { return entry.second < oldest; });
}

}  // namespace detect

Gateways::Gateways(const GatewaysOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Gateways::~Gateways() = default;

void Gateways::look(std::span<const NextHopSighting> sightings, std::vector<ChangeEvent>& out) {
  out.clear();
  if (sightings.empty()) return;
  const std::lock_guard lock(impl_->mutex);
  impl_->state->look(sightings, out);
}

Page<GatewayRow> Gateways::gateways(const GatewayQuery& query) const {
  const std::shared_lock lock(impl_->mutex);
  const auto leads = detect::leads_of(*impl_->state, query);
  Page<GatewayRow> page;
  GatewayRow* row = nullptr;
  for (std::size_t i = 0; i < leads.size(); ++i) {
    if (i == 0 || leads[i].gateway != leads[i - 1].gateway) {
      const std::uint64_t place = page.total++;
      const bool is_shown = place >= query.after && page.rows.size() < query.limit;
      row = is_shown ? &page.rows.emplace_back() : nullptr;
      if (row != nullptr) row->gateway = leads[i].gateway;
    }
    if (row != nullptr) detect::add(leads[i], query.max_routes, *row);
  }
  const std::uint64_t shown = query.after + page.rows.size();
  page.has_more = !page.rows.empty() && shown < page.total;
  page.next = static_cast<std::uint32_t>(shown);
  return page;
}

std::optional<RouteRow> Gateways::route(const IpAddress& exporter, const Endpoint& destination,
                                        bool is_internal) const {
  const unsigned shortest = destination.address.is_v4() ? 96 : 0;
  const std::shared_lock lock(impl_->mutex);
  const auto& routes = impl_->state->routes;
  for (unsigned length = is_internal ? 127 : shortest; length >= shortest; --length) {
    if (is_internal && length == shortest) break;
    const IpPrefix prefix{base::masked(destination.address, length),
                          static_cast<std::uint8_t>(length)};
    const auto found = routes.find({exporter, destination.site, prefix});
    if (found != routes.end()) {
      RouteRow row{found->first, {}};
      for (const detect::Hop& hop : found->second.hops) {
        row.next_hops.push_back(detect::row_of(found->second, hop));
      }
      std::stable_sort(row.next_hops.begin(), row.next_hops.end(),
                       [](const NextHopRow& a, const NextHopRow& b) { return a.share > b.share; });
      return row;
    }
    if (length == 0) break;
  }
  return std::nullopt;
}

std::vector<Endpoint> Gateways::in_use() const {
  std::vector<Endpoint> used;
  {
    const std::shared_lock lock(impl_->mutex);
    for (const auto& [key, route] : impl_->state->routes) {
      for (const detect::Hop& hop : route.hops) {
        if (hop.address.is_unspecified() || !route.uses(hop)) continue;
        used.push_back({key.site, hop.address});
      }
    }
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return used;
}

GatewayCounters Gateways::counters() const {
  const std::shared_lock lock(impl_->mutex);
  GatewayCounters counters = impl_->state->counters;
  counters.routes = impl_->state->routes.size();
  return counters;
}

}  // namespace flowlens
