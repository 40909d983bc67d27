/// \file
/// detect: what Gateways keeps of each route, and how it judges a window.
#pragma once

#include <cstdint>
#include <map>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "base/use_order.hpp"
#include "flowlens/gateways.hpp"

namespace flowlens::detect {

// Flows weigh alike, but a busy window is worth no more than so many, or its next hops would be all
// that is remembered. Past the most that is remembered of a route, all weights halve.
inline constexpr std::uint32_t kFlowWeight = 1'024;
inline constexpr std::uint32_t kWindowWeight = 8 * kFlowWeight;
inline constexpr std::uint32_t kRouteWeight = 64 * kFlowWeight;
/// Windows in which a route must have been seen before it can change.
inline constexpr std::uint8_t kEnoughWindows = 3;
/// Windows in which a next hop must have carried beside members before it is one: more than caches of
/// routers keep a flow, and with it the next hop that it began with.
inline constexpr std::uint8_t kEnoughBeside = 12;
inline constexpr std::uint8_t kMostChanges = 16;  ///< counted
inline constexpr std::size_t kMostTold = 256;     ///< changes remembered

/// A tenth or more: enough to become a member.
constexpr bool is_fair(std::uint32_t part, std::uint32_t whole) noexcept {
  return part > 0 && std::uint64_t{part} * 10 >= whole;
}
/// Too little to stay one. So that chance does not have members come and go, far less than that.
constexpr bool is_idle(std::uint32_t part, std::uint32_t whole) noexcept {
  return std::uint64_t{part} * 32 < whole;
}

struct Hop {
  IpAddress address;  ///< unspecified: directly attached
  std::uint32_t egress_interface = 0;
  std::uint32_t weight = 0;
  std::uint32_t waiting = 0;        ///< the weight since all members are silent
  std::uint64_t pairs = 0;          ///< see NextHopSighting
  std::uint64_t pairs_before = 0;   ///< until weights halved last
  std::uint64_t pairs_waiting = 0;  ///< since all members are silent
  std::uint64_t flows = 0;
  std::uint64_t octets = 0;
  Timestamp first;
  Timestamp last;
  std::uint8_t beside =
      0;  ///< windows in which it carried as members did; counted up to what counts
  bool is_member = false;  ///< of the set in use

  [[nodiscard]] std::uint32_t recent() const noexcept { return weight + waiting; }
};

struct Route {
  RouteKey key;
  std::vector<Hop> hops;
  std::uint8_t windows = 0;          ///< with traffic; counted up to what counts
  std::uint8_t changes = 0;          ///< of late: one is forgiven each day
  std::uint32_t silent_windows = 0;  ///< with traffic, without any member
  Timestamp silent_since;
  Timestamp changed_at;
  Timestamp last;          ///< start of the latest window
  bool is_proven = false;  ///< seen in windows enough: newcomers go first
  base::Link<Route> link;

  [[nodiscard]] bool has_members() const noexcept;
  [[nodiscard]] std::uint32_t weight() const noexcept;
  [[nodiscard]] std::uint32_t waiting() const noexcept;
  /// Whether it has a share of what passes, member or not yet.
  [[nodiscard]] bool uses(const Hop& hop) const noexcept;
};

struct RouteKeyHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const RouteKey& k) const noexcept {
    const std::uint64_t h = base::hash_of(k.exporter, seed);
    return base::hash_of(k.destination.address,
                         h + (std::uint64_t{k.site.value} << 8 | k.destination.length));
  }
};

/// Ascending addresses.
using HopSet = std::vector<IpAddress>;

/// The set of one route became another.
struct RouteChange {
  RouteKey route;
  HopSet before;
  HopSet after;
  Timestamp since;
};

/// A change that was told: routes that show it later are parts of it.
struct ToldChange {
  IpAddress exporter;
  SiteId site;
  HopSet before;
  HopSet after;
  Id event;
  Timestamp at;
  std::uint32_t parts = 0;
};

struct RouteState {
  using Order = base::UseOrder<Route, &Route::link>;

  explicit RouteState(const GatewaysOptions& o);
  RouteState(const RouteState&) = delete;  // routes are linked
  RouteState& operator=(const RouteState&) = delete;

  // gateways.cpp
  void look(std::span<const NextHopSighting> sightings, std::vector<ChangeEvent>& out);
  void look_at_window(std::span<const NextHopSighting> sightings);
  void note_telling(const IpAddress& exporter);
  Route& add(const RouteKey& key, bool is_proven);
  void drop(Route& route);
  void forget_silent();

  // route_changes.cpp
  void see(Route& route, std::span<const NextHopSighting> sightings);
  Hop* hop_of(Route& route, const NextHopSighting& sighting);
  void go_on(Route& route);
  void settle(Route& route);
  [[nodiscard]] bool has_changed(const Route& route) const;
  void change(Route& route);
  void tell(std::vector<ChangeEvent>& out);
  void tell_group(std::span<const RouteChange> group, std::vector<ChangeEvent>& out);

  GatewaysOptions options;
  std::unordered_map<RouteKey, Route, RouteKeyHash> routes;
  Order order;
  /// Exporters that tell next hops, and when they last told one that was not 0.
  std::map<IpAddress, Timestamp> telling;
  std::vector<ToldChange> told;  ///< the oldest first
  Timestamp now;                 ///< start of the latest window
  GatewayCounters counters;

  // Of the look at hand.
  std::vector<RouteChange> changed;
  std::size_t told_now = 0;
};

}  // namespace flowlens::detect

namespace flowlens {

struct Gateways::Impl {
  explicit Impl(const GatewaysOptions& options)
      : state(std::make_unique<detect::RouteState>(options)) {}

  mutable std::shared_mutex mutex;
  std::unique_ptr<detect::RouteState> state;
};

}  // namespace flowlens
