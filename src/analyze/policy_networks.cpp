#include "analyze/policy_networks.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "flowlens/external_peers.hpp"

namespace flowlens::policy {

namespace {

constexpr std::uint8_t kV4Bits = 96;  // that come before an IPv4 address

IpPrefix cut(const IpPrefix& p, std::uint8_t length) {
  if (p.length <= length) return p;
  std::array<std::uint8_t, 16> octets = p.address.octets();
  for (std::size_t bit = length; bit < 128; ++bit) {
    octets[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
  }
  return {IpAddress::v6(octets), length};
}

/// By family, those that hold others first.
void tidy(std::vector<IpPrefix>& list) {
  std::sort(list.begin(), list.end(), [](const IpPrefix& a, const IpPrefix& b) {
    return std::tuple{is_v4(b), a.address, a.length} < std::tuple{is_v4(a), b.address, b.length};
  });
  std::size_t kept = 0;
  for (const IpPrefix& p : list) {
    if (kept == 0 || !holds(list[kept - 1], p)) list[kept++] = p;
  }
  list.resize(kept);
}

}  // namespace

bool is_v4(const IpPrefix& p) noexcept { return p.length >= kV4Bits && p.address.is_v4(); }
IpPrefix any_v4() noexcept { return {IpAddress::v4(0), kV4Bits}; }
IpPrefix any_v6() noexcept { return {}; }
bool is_any(const IpPrefix& p) noexcept { return p == any_v4() || p == any_v6(); }

bool holds(const IpPrefix& outer, const IpPrefix& inner) noexcept {
  return is_v4(outer) == is_v4(inner) && outer.length <= inner.length &&
         outer.contains(inner.address);
}

std::vector<IpPrefix> networks_of(const IpAddress& address) {
  const auto group = peer_group(address);
  if (!group) return {{address, 128}};
  if (group->by == PeerGrouping::prefix) {
    if (const auto prefix = IpPrefix::parse(group->to_string())) return {*prefix};
  }
  return {any_v4(), any_v6()};
}

bool is_of_host(const IpAddress& a) noexcept {
  return !a.is_multicast() && !a.is_limited_broadcast() && !a.is_unspecified() &&
         !a.is_loopback() && !peer_group(a);
}

std::vector<IpPrefix> widened(std::vector<IpPrefix> list, std::size_t most) {
  tidy(list);
  constexpr std::pair<std::uint8_t, std::uint8_t> kSteps[] = {{kV4Bits + 24, 64},
                                                              {kV4Bits + 16, 48}};
  for (const auto& [v4, v6] : kSteps) {
    if (list.size() <= most) return list;
    for (IpPrefix& p : list) p = cut(p, is_v4(p) ? v4 : v6);
    tidy(list);
  }
  if (list.size() <= most) return list;
  for (IpPrefix& p : list) p = is_v4(p) ? any_v4() : any_v6();
  tidy(list);
  return list;
}

}  // namespace flowlens::policy
