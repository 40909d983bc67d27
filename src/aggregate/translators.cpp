#include "aggregate/translators.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace flowlens::aggregate {

namespace {

constexpr std::uint32_t kEnoughAlike = 5, kEnoughSizes = 3;
constexpr std::uint32_t kEnoughAlikeOfKnown = 2, kEnoughSizesOfKnown = 2;
/// Conversations alike for each one that is known to be two.
constexpr std::uint32_t kMostByOne = 20;

}  // namespace

void Translators::note(const End& a, const End& b, std::uint64_t size, bool by_one,
                       std::int64_t window) {
  const bool in_order = a.endpoint < b.endpoint;
  const Key key{in_order ? a.endpoint : b.endpoint, in_order ? b.endpoint : a.endpoint};
  const auto [position, is_new] = pairs_.insert(key);
  if (position == pairs_.kNone) {
    ++refused_;
    return;
  }
  if (is_new) {
    add_to(a);
    add_to(b);
  }
  Pair& pair = pairs_[position].value;
  pair.is_used = true;
  pair.last_window = std::max(pair.last_window, window);
  ++(by_one ? pair.by_one : pair.alike);
  if (!by_one) pair.sizes |= std::uint64_t{1} << (size & 63u);
}

void Translators::add_to(const End& end) {
  Address& a = addresses_[addresses_.insert(end.endpoint).first].value;
  ++a.pairs;
  a.is_internal = end.is_internal;
}

void Translators::leave(const Endpoint& e) {
  const std::uint32_t position = addresses_.find(e);
  Address& a = addresses_[position].value;
  if (--a.pairs > 0) return;
  a = {};
  addresses_.erase(position);
}

void Translators::note(const Endpoint& e, bool has_twin) {
  const std::uint32_t position = addresses_.find(e);
  if (position == addresses_.kNone) return;
  Address& a = addresses_[position].value;
  ++a.seen;
  a.twins += has_twin ? 1 : 0;
}

bool Translators::speaks_of(const Endpoint& e) const noexcept {
  return addresses_.find(e) != addresses_.kNone;
}

void Translators::forget(std::int64_t before) {
  for (std::uint32_t i = 0; i < pairs_.positions(); ++i) {
    Pair& pair = pairs_[i].value;
    if (!pair.is_used || pair.last_window >= before) continue;
    const Key key = pairs_[i].key;
    pair = {};
    pairs_.erase(i);
    leave(key.low);
    leave(key.high);
  }
}

/// What was long ago counts half, so that an address may become another's.
void Translators::fade() {
  for (std::uint32_t i = 0; i < pairs_.positions(); ++i) {
    pairs_[i].value.alike /= 2;
    pairs_[i].value.by_one /= 2;
  }
  for (std::uint32_t i = 0; i < addresses_.positions(); ++i) {
    addresses_[i].value.seen /= 2;
    addresses_[i].value.twins /= 2;
  }
}

bool Translators::is_well_founded(const Pair& pair) noexcept {
  return pair.alike >= kEnoughAlike && pair.by_one <= pair.alike / kMostByOne &&
         std::popcount(pair.sizes) >= static_cast<int>(kEnoughSizes);
}

Translators::Outer Translators::outer_of(const Address& low, const Address& high) noexcept {
  if (low.is_internal != high.is_internal) return low.is_internal ? Outer::high : Outer::low;
  if (low.partners > 1 && high.partners == 1) return Outer::low;
  if (high.partners > 1 && low.partners == 1) return Outer::high;
  return Outer::neither;
}

void Translators::believe(const Key& key, Pair& pair, Outer outer) {
  pair.outer = outer;
  ++believed_;
  address(key.low).part = outer == Outer::low ? Part::outside : Part::inside;
  address(key.high).part = outer == Outer::high ? Part::outside : Part::inside;
}

void Translators::conclude(std::int64_t window, std::int64_t kept) {
  if (empty()) return;
  if (faded_ == INT64_MIN) faded_ = window;
  if (window - faded_ >= kept) {
    fade();
    faded_ = window;
  }
  forget(window - kept);
  believed_ = 0;
  for (std::uint32_t i = 0; i < addresses_.positions(); ++i) {
    Address& a = addresses_[i].value;
    a.partners = 0;
    a.part = Part::none;
    a.translates = false;
  }
  const auto each_pair = [this](const auto& take) {
    for (std::uint32_t i = 0; i < pairs_.positions(); ++i) {
      auto& [key, pair] = pairs_[i];
      if (pair.is_used) take(key, pair);
    }
  };
  each_pair([this](const Key& key, Pair& pair) {
    pair.outer = Outer::neither;
    if (!is_well_founded(pair)) return;
    ++address(key.low).partners;
    ++address(key.high).partners;
  });
  each_pair([this](const Key& key, Pair& pair) {
    if (!is_well_founded(pair)) return;
    const Outer outer = outer_of(address(key.low), address(key.high));
    if (outer == Outer::neither) return;
    Address& outside = address(outer == Outer::low ? key.low : key.high);
    if (outside.twins < outside.seen - outside.seen / 2) return;
    outside.translates = true;
    believe(key, pair, outer);
  });
  each_pair([this](const Key& key, Pair& pair) {
    if (pair.outer != Outer::neither || pair.by_one > 0) return;
    if (pair.alike < kEnoughAlikeOfKnown) return;
    if (std::popcount(pair.sizes) < static_cast<int>(kEnoughSizesOfKnown)) return;
    const bool low = address(key.low).translates, high = address(key.high).translates;
    if (low == high || address(low ? key.high : key.low).partners > 0) return;
    believe(key, pair, low ? Outer::low : Outer::high);
  });
}

Translators::Part Translators::part_of(const Endpoint& e) const noexcept {
  const std::uint32_t position = addresses_.find(e);
  return position == addresses_.kNone ? Part::none : addresses_[position].value.part;
}

bool Translators::stands_for(const Endpoint& outer, const Endpoint& inner) const noexcept {
  const bool in_order = outer < inner;
  const std::uint32_t position = pairs_.find({in_order ? outer : inner, in_order ? inner : outer});
  if (position == pairs_.kNone) return false;
  return pairs_[position].value.outer == (in_order ? Outer::low : Outer::high);
}

}  // namespace flowlens::aggregate
