/// \file
/// By which router an exporter sends on: what exporters tell as the next hop.
#pragma once

#include <cstddef>
#include <cstdint>

#include "address.hpp"

namespace simnet {

/// Behind each segment stands a router, 10.250.<segment>.1, segments counted from 1. Each exporter is
/// itself attached to one of the five: the first to the office, and so on.
struct RoutingOptions {
  bool is_told = false;
  std::uint32_t failovers = 0;  ///< first segments whose router fails at half time: .2 takes over
  std::uint32_t balanced = 0;  ///< last segments behind two routers, .1 and .2, that share the load
};

/// 10.20.0.0 for an address of the second segment: a /16, or an IPv6 /48.
[[nodiscard]] Address network_of(const Address& destination);

/// \param flow  a hash of both ends: the routers share the load flow by flow.
/// \return 0.0.0.0 or :: where the destination is attached to the exporter.
[[nodiscard]] Address next_hop(const RoutingOptions& options, std::size_t exporter,
                               const Address& destination, bool is_after_half_time,
                               std::uint64_t flow);

}  // namespace simnet
