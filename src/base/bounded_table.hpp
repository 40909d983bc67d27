/// \file
/// base: a hash table with a bound. Whatever grows has a limit (DESIGN section 4).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace flowlens::base {

/// Maps keys to dense positions 0, 1, 2, … in the order of arrival, up to a bound. Entries lie side
/// by side in one vector and are reached by position; only the small slot array is searched.
///
/// Keys hash by `Hash{}(key, seed)`. There is no erase(): tables here are cleared whole, or use
/// LruTable. Thread-compatible.
template <typename Key, typename Value, typename Hash>
class BoundedTable {
 public:
  struct Entry {
    Key key;
    Value value;
  };
  static constexpr std::uint32_t kNone = 0xffff'ffffu;

  explicit BoundedTable(std::size_t max_entries, std::uint64_t seed = 0)
      : max_entries_(max_entries < kNone ? max_entries : kNone - 1), seed_(seed) {}

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool full() const noexcept { return entries_.size() >= max_entries_; }
  [[nodiscard]] Entry& operator[](std::uint32_t position) noexcept { return entries_[position]; }
  [[nodiscard]] const Entry& operator[](std::uint32_t position) const noexcept {
    return entries_[position];
  }
  [[nodiscard]] auto begin() noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() noexcept { return entries_.end(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }

  /// \return the position of `key`, or kNone.
  [[nodiscard]] std::uint32_t find(const Key& key) const noexcept {
    if (slots_.empty()) return kNone;
    const std::uint64_t hash = Hash{}(key, seed_);
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.position == kNone) return kNone;
      if (slot.tag == tag_of(hash) && entries_[slot.position].key == key) return slot.position;
    }
  }

  /// Finds `key`, or adds it with a default value.
  /// \return its position and whether it is new; kNone if the table is full.
  std::pair<std::uint32_t, bool> insert(const Key& key) {
    if (2 * (entries_.size() + 1) > slots_.size()) grow();
    const std::uint64_t hash = Hash{}(key, seed_);
    std::size_t i = hash & mask_;
    for (;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.position == kNone) break;
      if (slot.tag == tag_of(hash) && entries_[slot.position].key == key) {
        return {slot.position, false};
      }
    }
    if (full()) return {kNone, false};
    const auto position = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(Entry{key, Value{}});
    slots_[i] = Slot{position, tag_of(hash)};
    return {position, true};
  }

  /// Brings the slot of `key` into the cache, ahead of a find() or insert().
  void prefetch(const Key& key) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(&slots_[Hash{}(key, seed_) & mask_]);
  }

  /// Forgets all entries and keeps the memory.
  void clear() noexcept {
    entries_.clear();
    for (Slot& slot : slots_) slot = Slot{};
  }

 private:
  struct Slot {
    std::uint32_t position = kNone;
    std::uint32_t tag = 0;
  };
  static constexpr std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32);
  }

  void grow() {
    const std::size_t size = slots_.empty() ? 16 : 2 * slots_.size();
    std::vector<Slot> slots(size);
    const std::size_t mask = size - 1;
    for (std::size_t n = 0; n < entries_.size(); ++n) {
      const std::uint64_t hash = Hash{}(entries_[n].key, seed_);
      std::size_t i = hash & mask;
      while (slots[i].position != kNone) i = (i + 1) & mask;
      slots[i] = Slot{static_cast<std::uint32_t>(n), tag_of(hash)};
    }
    slots_ = std::move(slots);
    mask_ = mask;
  }

  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t max_entries_;
  std::uint64_t seed_;
};

}  // namespace flowlens::base
