/// \file
/// base: CRC-32 (IEEE 802.3, as zlib's), to tell a damaged state file from a good one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace flowlens::base {

constexpr std::array<std::uint32_t, 256> crc32_table() noexcept {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1u) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}

inline std::uint32_t crc32(std::span<const std::byte> octets) noexcept {
  static constexpr auto kTable = crc32_table();
  std::uint32_t c = 0xffff'ffffu;
  for (const std::byte b : octets) {
    c = kTable[(c ^ std::to_integer<std::uint32_t>(b)) & 0xffu] ^ (c >> 8);
  }
  return c ^ 0xffff'ffffu;
}

}  // namespace flowlens::base
