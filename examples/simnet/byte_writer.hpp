/// \file
/// Writes numbers in network byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "address.hpp"

namespace simnet {

using Bytes = std::vector<std::uint8_t>;

/// Appends to a buffer of its own. Thread-compatible.
class ByteWriter {
 public:
  void u8(std::uint64_t value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(std::uint64_t value) { number(value, 2); }
  void u32(std::uint64_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void zeros(std::size_t count) { bytes_.resize(bytes_.size() + count); }
  void append(std::span<const std::uint8_t> octets) {
    bytes_.insert(bytes_.end(), octets.begin(), octets.end());
  }
  void address(const Address& address) { append(std::span(address.octets).first(address.size())); }
  void pad_to_multiple_of(std::size_t unit) {
    while (bytes_.size() % unit != 0) u8(0);
  }
  /// Writes over two octets written before.
  void patch_u16(std::size_t at, std::uint64_t value) {
    bytes_[at] = static_cast<std::uint8_t>(value >> 8);
    bytes_[at + 1] = static_cast<std::uint8_t>(value);
  }
  void clear() noexcept { bytes_.clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }

 private:
  void number(std::uint64_t value, int octets) {
    for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8) u8(value >> shift);
  }

  Bytes bytes_;
};

}  // namespace simnet
