#include "flowlens/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/masked.hpp"

namespace flowlens {
namespace {

constexpr std::uint8_t kV4Offset = 96;  // bits before the IPv4 address in the v4-mapped form

bool v4_in(const IpAddress& a, std::uint32_t network, unsigned length) noexcept {
  return a.is_v4() && (a.to_v4() ^ network) >> (32 - length) == 0;
}

}  // namespace

std::optional<IpAddress> IpAddress::from_octets(std::span<const std::byte> octets) noexcept {
  std::array<std::uint8_t, 16> raw{};
  if (octets.size() == 16) {
    std::memcpy(raw.data(), octets.data(), 16);
    return v6(raw);
  }
  if (octets.size() != 4) return std::nullopt;
  std::uint32_t address = 0;
  for (const std::byte b : octets) address = address << 8 | std::to_integer<std::uint32_t>(b);
  return v4(address);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<std::byte, 16> octets{};
  if (inet_pton(AF_INET, terminated.data(), octets.data()) == 1) {
    return from_octets(std::span{octets}.first(4));
  }
  if (inet_pton(AF_INET6, terminated.data(), octets.data()) == 1) return from_octets(octets);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const noexcept {
  return *this == IpAddress{} || (is_v4() && to_v4() == 0);
}
bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return v4_in(*this, 0x7f000000, 8);
  std::array<std::uint8_t, 16> one{};
  one[15] = 1;
  return octets_ == one;
}
bool IpAddress::is_link_local() const noexcept {
  return v4_in(*this, 0xa9fe0000, 16) || (octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80);
}
bool IpAddress::is_private() const noexcept {
  if (is_v4()) {
    return v4_in(*this, 0x0a000000, 8) || v4_in(*this, 0xac100000, 12) ||
           v4_in(*this, 0xc0a80000, 16) || v4_in(*this, 0x64400000, 10) || is_link_local() ||
           is_loopback();
  }
  return (octets_[0] & 0xfe) == 0xfc || is_link_local() || is_loopback();
}
bool IpAddress::is_multicast() const noexcept {
  return is_v4() ? v4_in(*this, 0xe0000000, 4) : octets_[0] == 0xff;
}
bool IpAddress::is_limited_broadcast() const noexcept { return is_v4() && to_v4() == 0xffffffff; }

std::string IpAddress::to_string() const {
  if (!is_v4()) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
  }
  // inet_ntop goes through printf, and every new row of the map asks for its addresses' text.
  std::string text;
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) text += '.';
    text += std::to_string(octets_[i]);
  }
  return text;
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned family_bits = address->is_v4() ? 32 : 128;
  unsigned length = family_bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (length > family_bits) return std::nullopt;
  }
  if (address->is_v4()) length += kV4Offset;
  if (base::masked(*address, length) != *address) return std::nullopt;
  return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

bool IpPrefix::contains(const IpAddress& a) const noexcept {
  return base::masked(a, length) == address;
}

std::string IpPrefix::to_string() const {
  const bool v4 = address.is_v4() && length >= kV4Offset;
  return address.to_string() + '/' + std::to_string(v4 ? length - kV4Offset : length);
}

}  // namespace flowlens
