#include "address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

namespace simnet {

Address Address::ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Address address;
  address.octets = {a, b, c, d};
  return address;
}

Address Address::ipv6(std::uint16_t net, std::uint16_t host) {
  Address address;
  address.is_ipv6 = true;
  address.octets = {0x20, 0x01, 0x0d, 0xb8};
  address.octets[4] = static_cast<std::uint8_t>(net >> 8);
  address.octets[5] = static_cast<std::uint8_t>(net);
  address.octets[14] = static_cast<std::uint8_t>(host >> 8);
  address.octets[15] = static_cast<std::uint8_t>(host);
  return address;
}

Address Address::parse_ipv4(const std::string& text) {
  Address address;
  if (inet_pton(AF_INET, text.c_str(), address.octets.data()) != 1) {
    throw std::invalid_argument("'" + text + "' is not an IPv4 address such as 127.0.0.1");
  }
  return address;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, octets.data(), buffer, sizeof buffer);
  return buffer;
}

}  // namespace simnet
