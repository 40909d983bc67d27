#include "routing.hpp"

#include <algorithm>

namespace simnet {
namespace {

constexpr std::uint32_t kSegments = 5;
constexpr std::uint8_t kRouters = 250;  // 10.250.0.0/16, 2001:db8:fa::/48

/// From 1; hosts have it in their addresses times ten.
std::uint32_t segment_of(const Address& address) {
  return (address.is_ipv6 ? address.octets[5] : address.octets[1]) / 10U;
}

}  // namespace

Address network_of(const Address& destination) {
  Address network = destination;
  std::fill(network.octets.begin() + (destination.is_ipv6 ? 6 : 2), network.octets.end(),
            std::uint8_t{0});
  return network;
}

Address next_hop(const RoutingOptions& options, std::size_t exporter, const Address& destination,
                 bool is_after_half_time, std::uint64_t flow) {
  const std::uint32_t segment = segment_of(destination);
  if (exporter % kSegments + 1 == segment) {
    Address none;
    none.is_ipv6 = destination.is_ipv6;
    return none;
  }
  std::uint8_t router = 1;
  if (segment <= options.failovers) {
    router = is_after_half_time ? 2 : 1;
  } else if (segment + options.balanced > kSegments) {
    router = static_cast<std::uint8_t>(1 + flow % 2);
  }
  if (destination.is_ipv6) {
    return Address::ipv6(kRouters, static_cast<std::uint16_t>(segment << 8 | router));
  }
  return Address::ipv4(10, kRouters, static_cast<std::uint8_t>(segment), router);
}

}  // namespace simnet
