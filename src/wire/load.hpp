/// \file
/// wire: loads for hot loops. The caller has checked that the octets are there; everything else
/// reads through ByteReader.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "flowlens/ip_address.hpp"

namespace flowlens::wire {

inline std::uint8_t load8(const std::byte* p) noexcept { return std::to_integer<std::uint8_t>(*p); }

inline std::uint16_t load16(const std::byte* p) noexcept {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::little) v = __builtin_bswap16(v);
  return v;
}

inline std::uint32_t load32(const std::byte* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::little) v = __builtin_bswap32(v);
  return v;
}

inline std::uint64_t load64(const std::byte* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::little) v = __builtin_bswap64(v);
  return v;
}

/// \param width  1 to 8
inline std::uint64_t load_unsigned(const std::byte* p, std::size_t width) noexcept {
  switch (width) {
    case 1:
      return load8(p);
    case 2:
      return load16(p);
    case 4:
      return load32(p);
    case 8:
      return load64(p);
    default:
      break;
  }
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < width; ++i) v = v << 8 | load8(p + i);
  return v;
}

/// 4 octets. Put together in a register: who copies the address reads all of it, and would wait for
/// parts that were just stored.
inline IpAddress load_v4(const std::byte* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  std::array<std::uint64_t, 2> words{};
  if constexpr (std::endian::native == std::endian::little) {
    words[1] = std::uint64_t{v} << 32 | 0xffff'0000u;
  } else {
    words[1] = std::uint64_t{0xffff} << 32 | v;
  }
  return IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(words));
}
/// 16 octets.
inline IpAddress load_v6(const std::byte* p) noexcept {
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), p, 16);
  return IpAddress::v6(octets);
}

}  // namespace flowlens::wire
