/// \file
/// base: a long array that grows without moving what it holds.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/huge_pages.hpp"

namespace flowlens::base {

/// An array in blocks of some megabytes. Growing moves at most the first block, while it is being
/// filled; so no addition waits for millions of elements to move, and memory is never held twice.
template <typename T>
class Blocks {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return blocks_[i / kBlock][i % kBlock]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    return blocks_[i / kBlock][i % kBlock];
  }

  /// \throws std::bad_alloc; then nothing has changed.
  void push_back(T element) {
    const std::size_t block = size_ / kBlock;
    if (block == blocks_.size()) blocks_.emplace_back();
    if (block > 0 && blocks_[block].capacity() == 0) blocks_[block].reserve(kBlock);
    blocks_[block].push_back(std::move(element));
    ++size_;
  }

  /// Forgets all elements and keeps the memory.
  void clear() noexcept {
    for (Block& block : blocks_) block.clear();
    size_ = 0;
  }

 private:
  using Block = std::vector<T, HugePageAllocator<T>>;
  /// The least power of two, for the sake of operator[], that fills huge pages to the last octet: what
  /// a block leaves of its last one nobody else gets.
  static constexpr std::size_t kBlock =
      std::max(kHugePageOctets >> std::countr_zero(sizeof(T)), std::size_t{1});

  static_assert(kBlock * sizeof(T) % kHugePageOctets == 0);

  std::vector<Block> blocks_;
  std::size_t size_ = 0;
};

}  // namespace flowlens::base
