/// \file
/// base: a hash table with a bound. Whatever grows has a limit (DESIGN section 4).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/blocks.hpp"
#include "base/huge_pages.hpp"

namespace flowlens::base {

/// Maps keys to dense positions 0, 1, 2, … in the order of arrival, up to a bound. Entries lie side
/// by side and are reached by position; only the small slot array is searched.
///
/// Keys hash by `Hash{}(key, seed)`. An erased position is taken again by a later key; until then
/// its entry stays behind with stale values, so an owner that erases marks its rows.
/// `kFullPercent` says how full the slots may get: fuller costs steps, emptier costs memory.
/// Thread-compatible.
template <typename Key, typename Value, typename Hash, std::size_t kFullPercent = 50>
class BoundedTable {
 public:
  struct Entry {
    Key key;
    Value value;
  };
  static constexpr std::uint32_t kNone = 0xffff'ffffu;

  static_assert(kFullPercent > 0 && kFullPercent < 90);

  explicit BoundedTable(std::size_t max_entries, std::uint64_t seed = 0)
      : max_entries_(max_entries < kNone ? max_entries : kNone - 1), seed_(seed) {}

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size() - free_.size(); }
  /// Every position in use is below it.
  [[nodiscard]] std::uint32_t positions() const noexcept {
    return static_cast<std::uint32_t>(entries_.size());
  }
  [[nodiscard]] bool full() const noexcept { return size() >= max_entries_; }
  [[nodiscard]] Entry& operator[](std::uint32_t position) noexcept { return entries_[position]; }
  [[nodiscard]] const Entry& operator[](std::uint32_t position) const noexcept {
    return entries_[position];
  }

  /// For callers that hash once and look up in several steps.
  [[nodiscard]] std::uint64_t hash(const Key& key) const noexcept { return Hash{}(key, seed_); }

  /// \return the position of `key`, or kNone.
  [[nodiscard]] std::uint32_t find(const Key& key) const noexcept { return find(key, hash(key)); }
  [[nodiscard]] std::uint32_t find(const Key& key, std::uint64_t hash) const noexcept {
    if (slots_.empty()) return kNone;
    for (std::size_t i = low_half(hash) & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.position == kNone) return kNone;
      if (slot.hash == low_half(hash) && entries_[slot.position].key == key) return slot.position;
    }
  }

  /// \return false if no key with this hash is there: tells most keys that are not there without a look
  /// at any entry, nor at the key.
  [[nodiscard]] bool may_hold(std::uint64_t hash) const noexcept {
    if (slots_.empty()) return false;
    for (std::size_t i = low_half(hash) & mask_;; i = (i + 1) & mask_) {
      if (slots_[i].position == kNone) return false;
      if (slots_[i].hash == low_half(hash)) return true;
    }
  }

  /// Finds `key`, or adds it with a default value.
  /// \return its position and whether it is new; kNone if the table is full.
  std::pair<std::uint32_t, bool> insert(const Key& key) { return insert(key, hash(key)); }
  std::pair<std::uint32_t, bool> insert(const Key& key, std::uint64_t hash) {
    if (100 * (size() + 1) > kFullPercent * slots_.size()) grow();
    std::size_t i = low_half(hash) & mask_;
    for (;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.position == kNone) break;
      if (slot.hash == low_half(hash) && entries_[slot.position].key == key) {
        return {slot.position, false};
      }
    }
    if (full()) return {kNone, false};
    const std::uint32_t position = place(key);
    slots_[i] = Slot{position, low_half(hash)};
    return {position, true};
  }

  /// Forgets the key at `position`, which must be in use.
  void erase(std::uint32_t position) {
    free_.push_back(position);
    std::size_t hole = low_half(hash(entries_[position].key)) & mask_;
    while (slots_[hole].position != position) hole = (hole + 1) & mask_;
    // What lies behind the hole moves up, unless it already is where its search begins.
    for (std::size_t i = (hole + 1) & mask_; slots_[i].position != kNone; i = (i + 1) & mask_) {
      const std::size_t home = slots_[i].hash & mask_;
      if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole] = Slot{};
  }

  /// Brings the slot of `key` into the cache, ahead of a find() or insert(); best for some keys in a
  /// row, whose slots then come together.
  void prefetch(const Key& key) const noexcept { prefetch_slot(hash(key)); }
  void prefetch_slot(std::uint64_t hash) const noexcept {
    if (!slots_.empty()) bring_in(&slots_[low_half(hash) & mask_], sizeof(Slot));
  }
  /// Brings the entry that `hash` most likely leads to into the cache; its slot should be there.
  /// \return its position, or kNone.
  std::uint32_t prefetch_entry(std::uint64_t hash) const noexcept {
    if (slots_.empty()) return kNone;
    std::size_t i = low_half(hash) & mask_;
    while (slots_[i].position != kNone && slots_[i].hash != low_half(hash)) i = (i + 1) & mask_;
    prefetch_at(slots_[i].position);
    return slots_[i].position;
  }
  /// Brings the entry at `position` into the cache; positions not in use are passed over.
  void prefetch_at(std::uint32_t position) const noexcept {
    if (position < entries_.size()) bring_in(&entries_[position], sizeof(Entry));
  }

  /// Forgets all entries and keeps the memory.
  void clear() noexcept {
    entries_.clear();
    free_.clear();
    for (Slot& slot : slots_) slot = Slot{};
  }

 private:
  struct Slot {
    std::uint32_t position = kNone;
    std::uint32_t hash = 0;  ///< lower half; says where the search for it begins, too
  };
  using Slots = std::vector<Slot, HugePageAllocator<Slot>>;

  static constexpr std::uint32_t low_half(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash);
  }

  std::uint32_t place(const Key& key) {
    if (free_.empty()) {
      entries_.push_back(Entry{key, Value{}});
      return static_cast<std::uint32_t>(entries_.size() - 1);
    }
    const std::uint32_t position = free_.back();
    free_.pop_back();
    entries_[position] = Entry{key, Value{}};
    return position;
  }

  void grow() {
    const std::size_t size = slots_.empty() ? 16 : 2 * slots_.size();
    Slots slots(size);
    const std::size_t mask = size - 1;
    for (const Slot& slot : slots_) {
      if (slot.position == kNone) continue;
      std::size_t i = slot.hash & mask;
      while (slots[i].position != kNone) i = (i + 1) & mask;
      slots[i] = slot;
    }
    slots_ = std::move(slots);
    mask_ = mask;
  }

  Blocks<Entry> entries_;
  Slots slots_;
  std::vector<std::uint32_t> free_;  ///< erased positions
  std::size_t mask_ = 0;
  std::size_t max_entries_;
  std::uint64_t seed_;
};

}  // namespace flowlens::base
