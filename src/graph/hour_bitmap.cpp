#include "flowlens/hour_bitmap.hpp"

#include <algorithm>
#include <bit>

namespace flowlens {

/// Moves the end of the 28 days on; what falls out of them is cleared, as its bits are used again.
void HourBitmap::advance(Hour newest) noexcept {
  if (newest <= newest_) return;
  if (newest - newest_ >= kHours) {
    words_ = {};
  } else {
    for (Hour hour = newest_ + 1; hour <= newest;) {
      const Hour at = hour % kHours;
      const Hour bits = std::min(32 - at % 32, newest - hour + 1);
      const std::uint32_t ones = bits == 32 ? ~0u : (1u << bits) - 1;
      words_[at / 32] &= ~(ones << at % 32);
      hour += bits;
    }
  }
  newest_ = newest;
}

bool HourBitmap::set(HourSpan span) noexcept {
  span.last = std::min(span.last, kNewest);
  bool has_changed = span.last > newest_;
  advance(span.last);
  for (Hour hour = std::max(span.first, oldest()); hour <= span.last; ++hour) {
    const Hour at = hour % kHours;
    const std::uint32_t one = 1u << (at % 32);
    has_changed = has_changed || (words_[at / 32] & one) == 0;
    words_[at / 32] |= one;
  }
  return has_changed;
}

/// Both moved to the same end, the same hour is the same bit.
void HourBitmap::merge(const HourBitmap& other) noexcept {
  advance(other.newest_);
  HourBitmap moved = other;
  moved.advance(newest_);
  for (std::size_t i = 0; i < kWords; ++i) words_[i] |= moved.words_[i];
}

bool HourBitmap::any(HourSpan span) const noexcept {
  const Hour last = std::min(span.last, newest_);
  for (Hour hour = std::max(span.first, oldest()); hour <= last; ++hour) {
    if (bit(hour)) return true;
  }
  return false;
}

unsigned HourBitmap::count() const noexcept {
  // Side by side in words, as the compiler can do several at once: std::popcount is a call where the
  // processor's own instruction may not be taken for granted. Octets hold at most 21 × 8.
  std::uint32_t octets = 0;
  for (std::uint32_t w : words_) {
    w -= w >> 1 & 0x5555'5555u;
    w = (w & 0x3333'3333u) + (w >> 2 & 0x3333'3333u);
    octets += (w + (w >> 4)) & 0x0f0f'0f0fu;
  }
  const std::uint32_t pairs = (octets & 0x00ff'00ffu) + (octets >> 8 & 0x00ff'00ffu);
  return (pairs + (pairs >> 16)) & 0xffffu;
}

std::vector<HourSpan> HourBitmap::runs() const {
  std::vector<HourSpan> runs;
  for (Hour hour = oldest(); hour <= newest_; ++hour) {
    if (hour % 32 == 0 && words_[hour % kHours / 32] == 0) {
      hour += 31;  // most dependencies have few hours
      continue;
    }
    if (!bit(hour)) continue;
    if (!runs.empty() && runs.back().last + 1 == hour) {
      runs.back().last = hour;
    } else {
      runs.push_back({hour, hour});
    }
  }
  return runs;
}

}  // namespace flowlens
