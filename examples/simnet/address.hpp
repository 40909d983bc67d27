/// \file
/// Addresses and times as the simulated network uses them.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace simnet {

using Micros = std::chrono::microseconds;
using Time = std::chrono::sys_time<Micros>;

/// An IPv4 address (the first four octets) or an IPv6 address.
struct Address {
  std::array<std::uint8_t, 16> octets{};
  bool is_ipv6 = false;

  auto operator<=>(const Address&) const = default;

  [[nodiscard]] static Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  /// \return 2001:db8:<net>::<host>, from the documentation prefix (RFC 3849).
  [[nodiscard]] static Address ipv6(std::uint16_t net, std::uint16_t host);
  /// Reads dotted IPv4. \throws std::invalid_argument naming the text.
  [[nodiscard]] static Address parse_ipv4(const std::string& text);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::size_t size() const noexcept { return is_ipv6 ? 16 : 4; }
  [[nodiscard]] bool is_loopback() const noexcept { return !is_ipv6 && octets[0] == 127; }
};

[[nodiscard]] inline std::int64_t to_milliseconds(Time time) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace simnet
