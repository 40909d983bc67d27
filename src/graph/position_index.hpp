/// \file
/// graph: finds rows of a table by a second key that lies in the rows themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/huge_pages.hpp"

namespace flowlens::graph {

/// A hash table of positions, four octets a slot. It knows no keys: whoever calls gives a key's hash
/// and tells whether a position holds it, and `hash_at(position)` gives the hash of what lies there.
/// Its bound is that of the table it belongs to. Thread-compatible.
class PositionIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffffu;

  template <typename IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt is_it) const noexcept {
    if (slots_.empty()) return kNone;
    for (std::size_t i = hash & mask_; slots_[i] != kNone; i = (i + 1) & mask_) {
      if (is_it(slots_[i])) return slots_[i];
    }
    return kNone;
  }

  /// Adds a position whose key is not there.
  template <typename HashAt>
  void insert(std::uint64_t hash, std::uint32_t position, HashAt hash_at) {
    if (4 * (size_ + 1) > 3 * slots_.size()) grow(hash_at);
    place(hash, position);
    ++size_;
  }

  /// Forgets a position that is there.
  template <typename HashAt>
  void erase(std::uint64_t hash, std::uint32_t position, HashAt hash_at) {
    std::size_t hole = hash & mask_;
    while (slots_[hole] != position) hole = (hole + 1) & mask_;
    // What lies behind the hole moves up, unless it already is where its search begins.
    for (std::size_t i = (hole + 1) & mask_; slots_[i] != kNone; i = (i + 1) & mask_) {
      const std::size_t home = hash_at(slots_[i]) & mask_;
      if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole] = kNone;
    --size_;
  }

 private:
  using Slots = std::vector<std::uint32_t, base::HugePageAllocator<std::uint32_t>>;

  void place(std::uint64_t hash, std::uint32_t position) noexcept {
    std::size_t i = hash & mask_;
    while (slots_[i] != kNone) i = (i + 1) & mask_;
    slots_[i] = position;
  }

  template <typename HashAt>
  void grow(HashAt hash_at) {
    Slots before = std::move(slots_);
    slots_.assign(before.empty() ? 16 : 2 * before.size(), kNone);
    mask_ = slots_.size() - 1;
    for (const std::uint32_t position : before) {
      if (position != kNone) place(hash_at(position), position);
    }
  }

  Slots slots_;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace flowlens::graph
