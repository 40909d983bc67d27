#include "collect/protocol_names.hpp"

#include <algorithm>

#include "collect/log_text.hpp"

namespace flowlens::collect {
namespace {

struct Name {
  std::string_view name;
  std::uint8_t number;
};
constexpr Name kNames[] = {{"tcp", 6},     {"udp", 17},   {"icmp", 1},        {"ipv6-icmp", 58},
                           {"icmpv6", 58}, {"icmp6", 58}, {"sctp", 132},      {"gre", 47},
                           {"esp", 50},    {"ah", 51},    {"igmp", 2},        {"ipv4", 4},
                           {"ipip", 4},    {"ipv6", 41},  {"ospf", 89},       {"pim", 103},
                           {"vrrp", 112},  {"l2tp", 115}, {"dccp", 33},       {"udplite", 136},
                           {"eigrp", 88},  {"rsvp", 46},  {"ipv6-route", 43}, {"ipv6-frag", 44}};

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<std::uint8_t> protocol_number(std::string_view name) noexcept {
  for (const Name& n : kNames) {
    if (std::equal(name.begin(), name.end(), n.name.begin(), n.name.end(),
                   [](char a, char b) { return lower(a) == b; })) {
      return n.number;
    }
  }
  const auto number = read_number(name);
  if (!number || *number > 0xff) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

}  // namespace flowlens::collect
