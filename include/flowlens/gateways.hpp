/// \file
/// detect: which routers lead where, as the next hops of flows tell, and when that changes.
/// docs/network.md says for people what is known, docs/changes.md when `gateway_changed` is raised.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "flowlens/change_event.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/diagnostic.hpp"
#include "flowlens/next_hop.hpp"

namespace flowlens {

struct GatewaysOptions {
  bool is_watching = true;                                    ///< off: no events
  std::chrono::nanoseconds window = std::chrono::minutes{5};  ///< the NextHopCounter's
  std::size_t max_routes = 65'536;  ///< past it the one silent longest goes, and is counted
  /// So many windows with traffic must pass without any of the next hops known; each change within a
  /// day doubles it for that route.
  std::uint32_t silent_windows = 2;
  std::chrono::hours forget_after{28 * 24};  ///< of silence, next hops and routes
  std::size_t max_events = 100;  ///< of one look(), without their parts; the rest counted
  std::size_t max_parts = 50;    ///< events beneath one cause; the rest counted
  std::uint64_t hash_seed = 0;   ///< against chosen collisions; never changes a result
};

/// At most so many next hops are kept of one route.
inline constexpr std::size_t kMaxNextHops = 8;

struct GatewayCounters {
  std::uint64_t routes = 0;             ///< known now
  std::uint64_t evicted_routes = 0;     ///< to make room
  std::uint64_t evicted_next_hops = 0;  ///< the same, past kMaxNextHops of one route
  std::uint64_t changes = 0;            ///< events raised, parts included
  std::uint64_t left_out = 0;           ///< events past max_events and max_parts
};

/// One of the ways by which an exporter reaches a network.
struct NextHopRow {
  IpAddress address;                   ///< unspecified: directly attached
  std::uint32_t egress_interface = 0;  ///< of its latest flow; 0: not told
  bool is_used = false;                ///< now; there may be several (ECMP)
  float share = 0;                     ///< of the route's recent flows, 0 to 1
  std::uint64_t flows = 0;
  std::uint64_t octets = 0;  ///< with sampling undone
  Timestamp first_seen;      ///< start of the first window
  Timestamp last_seen;       ///< end of the latest flow
};
struct RouteRow {
  RouteKey route;
  std::vector<NextHopRow> next_hops;  ///< by share, the largest first
};

/// A network that a gateway leads to, for one exporter.
struct GatewayRoute {
  RouteKey route;
  NextHopRow next_hop;
};
/// A router, and what lies behind it: another's next hop, or an exporter for what is attached to it.
struct GatewayRow {
  Endpoint gateway;
  std::vector<GatewayRoute> routes;  ///< ascending; at most `max_routes` of the query
  std::uint64_t route_count = 0;     ///< all
  bool is_used = false;              ///< by one of them, now
  std::uint64_t flows = 0;           ///< over all
  std::uint64_t octets = 0;          ///< the same, with sampling undone
  Timestamp first_seen;
  Timestamp last_seen;
};
struct GatewayQuery {
  std::uint32_t after = 0;  ///< `next` of the page before
  std::size_t limit = 50;
  std::size_t max_routes = 100;         ///< named of one gateway
  std::optional<IpAddress> gateway{};   ///< only this address
  std::optional<IpAddress> exporter{};  ///< only what this one tells
};

/// Learns routes from the sightings of windows that are over.
///
/// An exporter's 0.0.0.0 says that a network is directly attached, but only of an exporter that tells
/// other next hops too: many fill the field with zeros.
///
/// A route has a set of next hops: those that carry a tenth of its recent flows and do so beside each
/// other. It has changed when none of them carried anything in `silent_windows` windows with traffic,
/// and others did: for addresses that talked over the old ones before, and in a dozen flows or more
/// that chance does not explain (one in a million). So a set that loses or gains a member has not
/// changed, and silence says nothing.
///
/// Thread-safe for one writer thread and any number of readers: look() and load() are the writer's.
class Gateways {
 public:
  /// \throws ConfigError for a window or a limit of 0.
  explicit Gateways(const GatewaysOptions& options = {});
  ~Gateways();

  /// \param sightings  of whole windows, as NextHopCounter gives them.
  /// \param out  overwritten: causes before their parts.
  void look(std::span<const NextHopSighting> sightings, std::vector<ChangeEvent>& out);

  /// Ascending by site and address.
  [[nodiscard]] Page<GatewayRow> gateways(const GatewayQuery& query) const;
  /// How an exporter reaches an endpoint: the longest prefix it is known to have a route for.
  /// \param is_internal  what is outside has one route for all.
  [[nodiscard]] std::optional<RouteRow> route(const IpAddress& exporter,
                                              const Endpoint& destination, bool is_internal) const;
  /// Next hops in use, ascending, each once: for the Classifier.
  [[nodiscard]] std::vector<Endpoint> in_use() const;
  [[nodiscard]] GatewayCounters counters() const;

  /// All that was learned. Format of this release; a CRC-32 guards it.
  [[nodiscard]] std::vector<std::byte> save() const;
  /// Replaces all that was learned. What is beyond the bounds is left out.
  /// \return `none`, or what is wrong; then nothing has changed.
  [[nodiscard]] Diagnostic load(std::span<const std::byte> state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
