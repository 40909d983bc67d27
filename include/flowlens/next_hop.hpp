/// \file
/// aggregate: by which next hop exporters sent traffic on, window by window.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowlens/enricher.hpp"
#include "flowlens/flow_record.hpp"

namespace flowlens {

/// One exporter's way to one network.
struct RouteKey {
  IpAddress exporter;
  SiteId site;  ///< of the destination
  /// As the exporter tells it by a mask length; else the /24 or /64. A host route tells no network, nor
  /// does a default route to an internal address. All that is outside is one: 0.0.0.0/0 or ::/0.
  IpPrefix destination;
  friend constexpr auto operator<=>(const RouteKey&, const RouteKey&) noexcept = default;
  friend constexpr bool operator==(const RouteKey&, const RouteKey&) noexcept = default;
};

/// What went one way in one window.
struct NextHopSighting {
  RouteKey route;
  IpAddress next_hop;  ///< 0.0.0.0: none, the destination is directly attached
  Timestamp window_start;
  Timestamp last;                      ///< end of the latest flow
  std::uint32_t egress_interface = 0;  ///< of that flow; 0: not told
  std::uint64_t flows = 0;             ///< as exported
  std::uint64_t octets = 0;            ///< with sampling undone
  std::uint64_t pairs = 0;  ///< one of 64 bits for each pair of addresses that talked (by hash)
};

struct NextHopCounterOptions {
  std::chrono::seconds window{300};           ///< the Aggregator's, as all times here
  std::chrono::seconds allowed_lateness{60};  ///< a window is over so long after its end
  std::chrono::seconds max_past{3'600};
  std::chrono::seconds max_future{60};
  std::size_t max_sightings = 32'768;  ///< in open windows; past it flows are not looked at
  std::uint64_t hash_seed = 0;         ///< against chosen collisions; never changes a result
};

/// Counts flows by exporter, destination and next hop. Flows that tell no next hop cost a look at one
/// bit. Passed over are denied connections, destinations that are no host's, next hops that no router
/// has, and what left by no interface.
///
/// The order of flows within the lateness allowed does not matter. Thread-compatible.
class NextHopCounter {
 public:
  /// \throws ConfigError for a window or a limit of 0.
  explicit NextHopCounter(const NextHopCounterOptions& options = {});
  ~NextHopCounter();
  NextHopCounter(NextHopCounter&&) noexcept;
  NextHopCounter& operator=(NextHopCounter&&) noexcept;

  /// \param labels  of `flows`, one each.
  void add(std::span<const FlowRecord> flows, std::span<const FlowLabels> labels);
  /// Takes out what was seen in windows that are over at `now`. A flow of one of these that comes later
  /// counts in the oldest that is not.
  /// \param out  added to, ascending by window, route and next hop.
  void take_closed(Timestamp now, std::vector<NextHopSighting>& out);
  /// Takes out everything.
  void take_all(std::vector<NextHopSighting>& out);

  /// Flows that found no room.
  [[nodiscard]] std::uint64_t refused_flows() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
