/// \file
/// base: a table with a bound that lets go of what was used longest ago.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

namespace flowlens::base {

/// For state learned from exporters (templates, samplers), not for per-flow look-ups.
/// `Hash` is a std::hash-like type. Thread-compatible.
template <typename Key, typename Value, typename Hash>
class LruTable {
 public:
  using Entry = std::pair<const Key, Value>;

  explicit LruTable(std::size_t max_entries, const Hash& hash = {})
      : by_key_(0, hash), max_entries_(max_entries) {}

  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  /// From the one used last to the one used longest ago.
  [[nodiscard]] auto begin() noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() noexcept { return entries_.end(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }

  /// Finds and marks as used. \return null if there is none. Valid until erased or evicted.
  [[nodiscard]] Value* find(const Key& key) noexcept {
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it->second);
    return &it->second->second;
  }

  /// Finds without marking as used.
  [[nodiscard]] const Value* peek(const Key& key) const noexcept {
    const auto it = by_key_.find(key);
    return it == by_key_.end() ? nullptr : &it->second->second;
  }

  /// Adds or replaces; at the bound the entry used longest ago goes.
  Value& put(const Key& key, Value value) {
    if (Value* known = find(key)) {
      *known = std::move(value);
      return *known;
    }
    if (by_key_.size() >= max_entries_) evict_oldest();
    entries_.emplace_front(key, std::move(value));
    try {
      by_key_.emplace(key, entries_.begin());
    } catch (...) {
      entries_.pop_front();
      throw;
    }
    return entries_.front().second;
  }

  bool erase(const Key& key) noexcept {
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return false;
    entries_.erase(it->second);
    by_key_.erase(it);
    return true;
  }

  void evict_oldest() noexcept {
    if (entries_.empty()) return;
    by_key_.erase(entries_.back().first);
    entries_.pop_back();
    ++evicted_;
  }

 private:
  std::list<Entry> entries_;
  std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> by_key_;
  std::size_t max_entries_;
  std::uint64_t evicted_ = 0;
};

}  // namespace flowlens::base
