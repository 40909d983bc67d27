/// \file
/// graph: finds rows of a table by a second key that lies in the rows themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace flowlens::graph {

/// A hash table of positions, four octets a slot. It knows no keys: whoever calls gives a key's hash
/// and tells whether a position holds it, and `hash_at(position)` gives the hash of what lies there.
/// Its bound is that of the table it belongs to. Thread-compatible.
///
/// It is in parts by the first bits of the hash, which grow each at its time: to grow means to hash what
/// lies at every position, far apart, and so no insert waits for more than a 256th of them.
class PositionIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffffu;

  template <typename IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt is_it) const noexcept {
    const Part& part = parts_[part_of(hash)];
    if (part.slots.empty()) return kNone;
    for (std::size_t i = hash & part.mask(); part.slots[i] != kNone; i = (i + 1) & part.mask()) {
      if (is_it(part.slots[i])) return part.slots[i];
    }
    return kNone;
  }

  /// Adds a position whose key is not there.
  template <typename HashAt>
  void insert(std::uint64_t hash, std::uint32_t position, HashAt hash_at) {
    Part& part = parts_[part_of(hash)];
    if (4 * (part.size + 1) > 3 * part.slots.size()) part.grow(hash_at);
    part.place(hash, position);
    ++part.size;
  }

  /// Forgets a position that is there.
  template <typename HashAt>
  void erase(std::uint64_t hash, std::uint32_t position, HashAt hash_at) {
    parts_[part_of(hash)].erase(hash, position, hash_at);
  }

 private:
  static constexpr unsigned kPartBits = 8;

  static std::size_t part_of(std::uint64_t hash) noexcept { return hash >> (64 - kPartBits); }

  struct Part {
    std::vector<std::uint32_t> slots;  ///< none, or a power of two
    std::size_t size = 0;

    [[nodiscard]] std::size_t mask() const noexcept { return slots.size() - 1; }

    void place(std::uint64_t hash, std::uint32_t position) noexcept {
      std::size_t i = hash & mask();
      while (slots[i] != kNone) i = (i + 1) & mask();
      slots[i] = position;
    }

    template <typename HashAt>
    void erase(std::uint64_t hash, std::uint32_t position, HashAt hash_at) {
      std::size_t hole = hash & mask();
      while (slots[hole] != position) hole = (hole + 1) & mask();
      // What lies behind the hole moves up, unless it already is where its search begins.
      for (std::size_t i = (hole + 1) & mask(); slots[i] != kNone; i = (i + 1) & mask()) {
        const std::size_t home = hash_at(slots[i]) & mask();
        if (((i - home) & mask()) < ((i - hole) & mask())) continue;
        slots[hole] = slots[i];
        hole = i;
      }
      slots[hole] = kNone;
      --size;
    }

    template <typename HashAt>
    void grow(HashAt hash_at) {
      const std::vector<std::uint32_t> before = std::move(slots);
      slots.assign(before.empty() ? 16 : 2 * before.size(), kNone);
      for (const std::uint32_t position : before) {
        if (position != kNone) place(hash_at(position), position);
      }
    }
  };

  std::array<Part, std::size_t{1} << kPartBits> parts_;
};

}  // namespace flowlens::graph
