/// \file
/// wire: octets in network byte order into a growing buffer: saved state, and messages in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flowlens::wire {

class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t v) { return number(v, 1); }
  ByteWriter& u16(std::uint16_t v) { return number(v, 2); }
  ByteWriter& u32(std::uint32_t v) { return number(v, 4); }
  ByteWriter& u64(std::uint64_t v) { return number(v, 8); }
  /// \param width  1 to 8 octets
  ByteWriter& number(std::uint64_t v, std::size_t width) {
    for (std::size_t i = width; i-- > 0;) octets_.push_back(static_cast<std::byte>(v >> (8 * i)));
    return *this;
  }
  ByteWriter& append(std::span<const std::byte> octets) {
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    return *this;
  }
  ByteWriter& fill(std::size_t count, std::uint8_t value = 0) {
    octets_.insert(octets_.end(), count, std::byte{value});
    return *this;
  }
  /// Overwrites 2 octets written before.
  void put_u16(std::size_t offset, std::uint16_t v) {
    octets_[offset] = static_cast<std::byte>(v >> 8);
    octets_[offset + 1] = static_cast<std::byte>(v);
  }
  [[nodiscard]] std::size_t size() const noexcept { return octets_.size(); }
  [[nodiscard]] const std::vector<std::byte>& octets() const noexcept { return octets_; }
  [[nodiscard]] std::vector<std::byte> take() noexcept { return std::move(octets_); }

 private:
  std::vector<std::byte> octets_;
};

}  // namespace flowlens::wire
