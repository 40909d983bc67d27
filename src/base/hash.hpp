/// \file
/// base: hashing for tables. Keyed by a seed, so that a sender cannot choose collisions; the seed
/// never changes a result, only where an entry lies.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "flowlens/endpoint.hpp"
#include "flowlens/id.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlens::base {

/// Mixes two words by a full 64×64 multiplication, folding both halves of the product.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The n-th 64-bit word of 16 octets, as they lie in memory.
inline std::uint64_t word(const std::array<std::uint8_t, 16>& octets, std::size_t n) noexcept {
  std::uint64_t w;
  std::memcpy(&w, octets.data() + 8 * n, 8);
  return w;
}

inline std::uint64_t hash_of(const IpAddress& a, std::uint64_t seed) noexcept {
  return mix(word(a.octets(), 0) ^ seed, word(a.octets(), 1));
}
inline std::uint64_t hash_of(const Endpoint& e, std::uint64_t seed) noexcept {
  return hash_of(e.address, seed + e.site.value);
}
inline std::uint64_t hash_of(const Id& id, std::uint64_t seed) noexcept {
  return mix(word(id.octets, 0) ^ seed, word(id.octets, 1));
}
inline std::uint64_t hash_of(std::uint64_t value, std::uint64_t seed) noexcept {
  return mix(value, seed);
}

}  // namespace flowlens::base
