/// \file
/// wire: numbers in groups of seven bits, the lowest first: for formats of our own, where most are small.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "wire/byte_reader.hpp"
#include "wire/byte_writer.hpp"

namespace flowlens::wire {

inline void put_varint(ByteWriter& out, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7) out.u8(static_cast<std::uint8_t>(n | 0x80));
  out.u8(static_cast<std::uint8_t>(n));
}

/// \return nothing for more than 64 bits, or more than `most`; past the end of the octets, 0 as the reader
/// has it, which says so itself.
inline std::optional<std::uint64_t> take_varint(
    ByteReader& in, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  std::uint64_t n = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t octet = in.u8();
    const std::uint64_t bits = octet & 0x7f;
    if (shift == 63 && bits > 1) break;
    n |= bits << shift;
    if ((octet & 0x80) != 0) continue;
    if (n > most) break;
    return n;
  }
  return std::nullopt;
}

}  // namespace flowlens::wire
