/// \file
/// graph: in which of the last 28 days' hours something was active.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flowlens/time.hpp"

namespace flowlens {

/// Hours since 1970-01-01 UTC.
using Hour = std::uint32_t;

/// The hour that holds `t`; times before 1970 count as hour 0.
constexpr Hour hour_of(Timestamp t) noexcept {
  const auto hours = std::chrono::floor<std::chrono::hours>(t).time_since_epoch().count();
  return hours < 0 ? 0 : static_cast<Hour>(hours);
}
constexpr Timestamp begin_of(Hour hour) noexcept { return Timestamp{std::chrono::hours{hour}}; }

/// Some hours on end, both ends included.
struct HourSpan {
  Hour first = 0;
  Hour last = 0;
  friend constexpr bool operator==(const HourSpan&, const HourSpan&) noexcept = default;
};
/// The hour of `t`, and those before it. \param hours  how many in all, at least 1.
constexpr HourSpan hours_up_to(Timestamp t, Hour hours = 1) noexcept {
  const Hour last = hour_of(t);
  return {last >= hours - 1 ? last - (hours - 1) : 0, last};
}

/// One bit an hour over 28 days that end with the newest hour ever set; what is older has dropped
/// out. A value: 88 octets, no allocation.
class HourBitmap {
 public:
  static constexpr Hour kHours = 28 * 24;
  static constexpr Hour kNewest = 0x7fff'ffff;  ///< hours after it count as it
  static constexpr std::size_t kWords = kHours / 32;
  using Words = std::array<std::uint32_t, kWords>;

  HourBitmap() noexcept = default;
  /// As words() and newest() gave it.
  HourBitmap(const Words& words, Hour newest) noexcept
      : words_(words), newest_(newest < kNewest ? newest : kNewest) {}

  /// Hours that lie before the 28 days are passed over.
  /// \return whether that changed anything.
  bool set(HourSpan span) noexcept;
  void merge(const HourBitmap& other) noexcept;

  [[nodiscard]] bool any(HourSpan span) const noexcept;
  [[nodiscard]] bool test(Hour hour) const noexcept { return any({hour, hour}); }
  [[nodiscard]] unsigned count() const noexcept;  ///< hours set
  [[nodiscard]] bool empty() const noexcept { return count() == 0; }
  /// The newest hour ever set; 0 if none was. Says nothing of hours after it.
  [[nodiscard]] Hour newest() const noexcept { return newest_; }
  /// The oldest hour that could be set: what lies before it is not known any more.
  [[nodiscard]] Hour oldest() const noexcept {
    return newest_ >= kHours ? newest_ - kHours + 1 : 0;
  }
  /// The hours set, in runs, ascending.
  [[nodiscard]] std::vector<HourSpan> runs() const;
  /// Hour h is bit h modulo kHours, lowest bit first.
  [[nodiscard]] const Words& words() const noexcept { return words_; }

  friend bool operator==(const HourBitmap&, const HourBitmap&) noexcept = default;

 private:
  void advance(Hour newest) noexcept;
  [[nodiscard]] bool bit(Hour hour) const noexcept {
    const Hour at = hour % kHours;
    return (words_[at / 32] >> (at % 32) & 1) != 0;
  }

  Words words_{};
  Hour newest_ = 0;
};

}  // namespace flowlens
