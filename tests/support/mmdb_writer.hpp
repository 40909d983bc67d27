/// \file
/// Small files in MaxMind's DB format, version 2.0, made by hand: IPv4 networks, records of 24 bits.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/ip_address.hpp"

namespace flowlens::test {

/// Values of the data section, encoded.
namespace mmdb {

enum class Type : std::uint8_t {
  text = 2,
  real = 3,
  u16 = 5,
  u32 = 6,
  map = 7,
  u64 = 9,
  array = 11
};

inline std::string value(Type type, std::size_t size, const std::string& octets) {
  const auto number = static_cast<unsigned>(type);
  std::string out;
  const bool is_long = size >= 29;
  out += static_cast<char>((number > 7 ? 0 : number) << 5 | (is_long ? 29 : size));
  if (number > 7) out += static_cast<char>(number - 7);
  if (is_long) out += static_cast<char>(size - 29);
  return out + octets;
}
inline std::string text(std::string_view s) { return value(Type::text, s.size(), std::string(s)); }
inline std::string number(Type type, std::uint64_t n, std::size_t octets) {
  std::string out;
  for (std::size_t i = octets; i-- > 0;) out += static_cast<char>(n >> 8 * i);
  return value(type, octets, out);
}
inline std::string u16(std::uint64_t n) { return number(Type::u16, n, 2); }
inline std::string u32(std::uint64_t n) { return number(Type::u32, n, 4); }
inline std::string real(double d) { return number(Type::real, std::bit_cast<std::uint64_t>(d), 8); }
inline std::string map(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out;
  for (const auto& [key, encoded] : entries) out += text(key) + encoded;
  return value(Type::map, entries.size(), out);
}
inline std::string array(const std::vector<std::string>& entries) {
  std::string out;
  for (const std::string& encoded : entries) out += encoded;
  return value(Type::array, entries.size(), out);
}

/// \param records  networks that do not overlap, each with an encoded map.
inline std::string file(const std::vector<std::pair<IpPrefix, std::string>>& records,
                        std::string_view type = "Test-City") {
  constexpr std::uint32_t kNothing = 0xffff'ffff;
  constexpr std::uint32_t kData = 0x8000'0000;  ///< and the offset
  std::vector<std::array<std::uint32_t, 2>> nodes = {{kNothing, kNothing}};
  std::string data;
  for (const auto& [network, encoded] : records) {
    std::size_t node = 0;
    for (unsigned bit = 96; bit < network.length; ++bit) {
      const std::size_t side = network.address.octets()[bit / 8] >> (7 - bit % 8) & 1u;
      if (bit + 1 == network.length) {
        nodes[node][side] = kData | static_cast<std::uint32_t>(data.size());
      } else {
        if (nodes[node][side] == kNothing) {
          nodes[node][side] = static_cast<std::uint32_t>(nodes.size());
          nodes.push_back({kNothing, kNothing});
        }
        node = nodes[node][side];
      }
    }
    data += encoded;
  }
  std::string out;
  for (const auto& node : nodes) {
    for (std::uint32_t to : node) {
      const auto count = static_cast<std::uint32_t>(nodes.size());
      if (to == kNothing) to = count;
      if ((to & kData) != 0) to = count + 16 + (to & ~kData);
      for (const int shift : {16, 8, 0}) out += static_cast<char>(to >> shift);
    }
  }
  out += std::string(16, '\0') + data + "\xab\xcd\xefMaxMind.com";
  return out + map({{"node_count", u32(nodes.size())},
                    {"record_size", u16(24)},
                    {"ip_version", u16(4)},
                    {"database_type", text(type)},
                    {"languages", array({text("en")})},
                    {"binary_format_major_version", u16(2)},
                    {"binary_format_minor_version", u16(0)},
                    {"build_epoch", number(Type::u64, 1'700'000'000, 8)},
                    {"description", map({})}});
}

/// The record of a country.
inline std::string country(std::string_view code, std::string_view key = "country") {
  return map({{std::string(key), map({{"iso_code", text(code)}})}});
}
inline std::string as(std::uint32_t number, std::string_view name) {
  return map(
      {{"autonomous_system_number", u32(number)}, {"autonomous_system_organization", text(name)}});
}

}  // namespace mmdb

}  // namespace flowlens::test
