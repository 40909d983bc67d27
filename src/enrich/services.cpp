#include <array>
#include <iterator>

#include "enrich/service_table.hpp"
#include "flowlens/enricher.hpp"

namespace flowlens {

namespace {

using enrich::kServices;

/// The first entry of each port, plus one: one load for a look-up on the way of every flow.
constexpr std::array<std::uint16_t, 65536> make_first_of_port() {
  std::array<std::uint16_t, 65536> first{};
  for (std::size_t i = 0; i < std::size(kServices); ++i) {
    if (first[kServices[i].port] == 0) first[kServices[i].port] = static_cast<std::uint16_t>(i + 1);
  }
  return first;
}
constexpr std::array<std::uint16_t, 65536> kFirstOfPort = make_first_of_port();

constexpr bool is_ascending() {
  for (std::size_t i = 1; i < std::size(kServices); ++i) {
    if (kServices[i].port < kServices[i - 1].port) return false;
  }
  return true;
}
static_assert(is_ascending());

constexpr std::uint8_t transport_of(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case 6:
      return enrich::kTcp;
    case 17:
      return enrich::kUdp;
    case 132:
      return enrich::kSctp;
    default:
      return 0;
  }
}

}  // namespace

ServiceId find_service(std::uint8_t protocol, std::uint16_t port) noexcept {
  const std::uint16_t first = kFirstOfPort[port];
  if (first == 0) return {};
  const std::uint8_t transport = transport_of(protocol);
  for (std::size_t i = first - 1u; i < std::size(kServices) && kServices[i].port == port; ++i) {
    if (kServices[i].transports & transport) return {static_cast<std::uint16_t>(i + 1)};
  }
  return {};
}

std::string_view service_name(ServiceId id) noexcept {
  if (id.value == 0 || id.value > std::size(kServices)) return {};
  return kServices[id.value - 1].name;
}

std::string_view protocol_name(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case 0:
      return "hopopt";
    case 1:
      return "icmp";
    case 2:
      return "igmp";
    case 4:
      return "ipv4";
    case 6:
      return "tcp";
    case 8:
      return "egp";
    case 9:
      return "igp";
    case 17:
      return "udp";
    case 33:
      return "dccp";
    case 41:
      return "ipv6";
    case 46:
      return "rsvp";
    case 47:
      return "gre";
    case 50:
      return "esp";
    case 51:
      return "ah";
    case 58:
      return "ipv6-icmp";
    case 88:
      return "eigrp";
    case 89:
      return "ospf";
    case 94:
      return "ipip";
    case 97:
      return "etherip";
    case 103:
      return "pim";
    case 108:
      return "ipcomp";
    case 112:
      return "vrrp";
    case 115:
      return "l2tp";
    case 124:
      return "isis";
    case 132:
      return "sctp";
    case 136:
      return "udplite";
    case 137:
      return "mpls-in-ip";
    default:
      return {};
  }
}

}  // namespace flowlens
