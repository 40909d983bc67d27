/// \file
/// pipeline: hashing with a key, so that a sender cannot choose collisions.
#pragma once

#include <cstdint>
#include <cstring>

#include "library.hpp"

namespace flowlensd {

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xe7037ed1a0b428dbu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t keyed_hash(const IpAddress& a, std::uint64_t key) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, a.octets().data(), sizeof words);
  return mix(words[0] ^ key, words[1]);
}

}  // namespace flowlensd
