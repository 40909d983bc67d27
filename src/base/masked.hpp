/// \file
/// base: the network that an address lies in.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "flowlens/ip_address.hpp"

namespace flowlens::base {

/// The address with all bits past `length` cleared. \param length  0 to 128, over the v4-mapped form.
inline IpAddress masked(const IpAddress& address, unsigned length) noexcept {
  const auto leading = [](unsigned bits) noexcept {
    const std::uint64_t ones = bits == 0 ? 0 : ~std::uint64_t{0} << (64 - bits);
    return std::endian::native == std::endian::little ? __builtin_bswap64(ones) : ones;
  };
  auto words = std::bit_cast<std::array<std::uint64_t, 2>>(address.octets());
  words[0] &= leading(length < 64 ? length : 64);
  words[1] &= leading(length < 64 ? 0 : length - 64);
  return IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(words));
}

}  // namespace flowlens::base
