/// \file
/// analyze: networks as policies name them.
#pragma once

#include <vector>

#include "flowlens/ip_address.hpp"

namespace flowlens::policy {

/// Of IPv4, whose prefixes lie within ::ffff:0:0/96.
[[nodiscard]] bool is_v4(const IpPrefix& p) noexcept;
[[nodiscard]] IpPrefix any_v4() noexcept;
[[nodiscard]] IpPrefix any_v6() noexcept;
/// All addresses of its family.
[[nodiscard]] bool is_any(const IpPrefix& p) noexcept;
/// Both are of one family, and `outer` has all that `inner` has.
[[nodiscard]] bool holds(const IpPrefix& outer, const IpPrefix& inner) noexcept;
/// What an address of the map stands for: itself; of external peers shown together their prefix, or
/// everything.
[[nodiscard]] std::vector<IpPrefix> networks_of(const IpAddress& address);
/// Whether it can be guarded: not multicast, broadcast, unspecified, loopback, nor a group of peers.
[[nodiscard]] bool is_of_host(const IpAddress& address) noexcept;
/// Sorted, none within another, and no more than `most`: past that networks of /24 and /64, then /16
/// and /48, then everything of a family.
[[nodiscard]] std::vector<IpPrefix> widened(std::vector<IpPrefix> list, std::size_t most);

}  // namespace flowlens::policy
