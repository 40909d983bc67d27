/// \file
/// wire: the only way to read a datagram's octets. Network byte order, no alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "wire/load.hpp"

namespace flowlens::wire {

/// Reads forward through octets that may end at any point. A failed read gives zeros and leaves the
/// reader failed, so code reads like the RFC's diagram and checks once at the end.
class ByteReader {
 public:
  explicit constexpr ByteReader(std::span<const std::byte> octets) noexcept : octets_(octets) {}

  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  [[nodiscard]] constexpr std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept {
    return octets_.size() - offset_;
  }

  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number<1>()); }
  constexpr std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number<2>()); }
  constexpr std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number<4>()); }
  constexpr std::uint64_t u64() noexcept { return number<8>(); }

  /// The next `count` octets; empty, and the reader failed, if there are not so many.
  constexpr std::span<const std::byte> take(std::size_t count) noexcept {
    if (!has(count)) return {};
    const auto taken = octets_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }
  constexpr void skip(std::size_t count) noexcept { (void)take(count); }
  /// All that is left.
  constexpr std::span<const std::byte> rest() noexcept { return take(remaining()); }

 private:
  constexpr bool has(std::size_t count) noexcept {
    if (ok_ && count <= remaining()) return true;
    ok_ = false;
    offset_ = octets_.size();
    return false;
  }
  template <std::size_t N>
  constexpr std::uint64_t number() noexcept {
    if (!has(N)) return 0;
    const std::byte* at = octets_.data() + offset_;
    offset_ += N;
    // The loop below takes GCC three instructions an octet.
    if (!std::is_constant_evaluated()) return load_unsigned(at, N);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < N; ++i) {
      value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
    }
    return value;
  }

  std::span<const std::byte> octets_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace flowlens::wire
