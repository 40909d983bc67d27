/// \file
/// normalize: sampling rates as exporters write them.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "wire/load.hpp"

namespace flowlens::normalize {

/// No device looks at fewer packets: what is above is garbage, and no rate.
inline constexpr std::uint64_t kMaxRate = 0xff'ffff;

/// The interval in the header of NetFlow v5; the mode stands above it.
inline constexpr std::uint16_t kV5Interval = 0x3fff;

/// \param width  octets the value had on the wire.
/// \return 0 for no rate or an absurd one.
constexpr std::uint64_t sensible_rate(std::uint64_t rate, std::size_t width) noexcept {
  if (rate <= kMaxRate) return rate;
  // MikroTik RouterOS (seen in 6.49) writes the interval in the order of its own processor.
  if (width == 4) rate = __builtin_bswap32(static_cast<std::uint32_t>(rate));
  return rate <= 0xffff ? rate : 0;
}

/// One packet in so many, by how many are taken and how many of all.
constexpr std::uint32_t rate_of(std::uint64_t taken, std::uint64_t all) noexcept {
  if (taken == 0) return 0;
  const std::uint64_t rate = all < taken ? (all == 0 ? 0 : 1) : (all + taken / 2) / taken;
  return rate <= kMaxRate ? static_cast<std::uint32_t>(rate) : 0;
}

/// samplingProbability, element 311. \return 0 for what is no probability.
inline std::uint32_t rate_of_probability(std::span<const std::byte> octets) noexcept {
  double p = 0;
  if (octets.size() == 8) p = std::bit_cast<double>(wire::load64(octets.data()));
  if (octets.size() == 4) p = std::bit_cast<float>(wire::load32(octets.data()));
  if (!(p > 1.0 / kMaxRate) || p > 1.0) return 0;
  return static_cast<std::uint32_t>(1.0 / p + 0.5);
}

}  // namespace flowlens::normalize
