/// \file
/// detect: how long something usually rests, and traffic by the hour of the week.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace flowlens::detect {

/// Counts windows seen, from 1970 at a start without a past; pauses of FlowLens itself are left out.
using Tick = std::uint32_t;

/// When something was active: what its longest pauses were. 32 octets.
struct Rhythm {
  Tick begun = 0;             ///< first seen
  Tick last = 0;              ///< last seen
  Tick period = 0;            ///< since when `longest` counts
  std::uint32_t longest = 0;  ///< pauses of this period: ticks without traffic
  std::uint32_t second = 0;
  std::uint32_t older = 0;      ///< the longest of the period before
  std::uint32_t last_long = 0;  ///< the last pause of `kLong` and more
  std::uint16_t alike = 0;      ///< long pauses in a row of about its length

  static constexpr std::uint32_t kLong = 12;
  static constexpr std::uint16_t kJobPauses = 4;

  void begin(Tick at) noexcept { begun = last = period = at; }

  /// \param period_ticks  how long a pause counts, at least.
  void see(Tick at, std::uint32_t period_ticks) noexcept {
    if (at <= last) return;
    if (at - period > period_ticks) {
      older = longest;
      longest = second = 0;
      period = at;
    }
    note_pause(at - last - 1);
    last = at;
  }

  void note_pause(std::uint32_t pause) noexcept {
    if (pause > longest) {
      second = longest;
      longest = pause;
    } else if (pause > second) {
      second = pause;
    }
    if (pause < kLong) return;
    const bool is_alike = std::max(pause, last_long) - std::min(pause, last_long) <= last_long / 8;
    alike = is_alike ? static_cast<std::uint16_t>(std::min(alike + 1, 1'000)) : std::uint16_t{1};
    last_long = pause;
  }

  [[nodiscard]] std::uint32_t most() const noexcept { return std::max(longest, older); }
  /// The pause from which on it is silent: twice the longest it takes; where its longest pauses are
  /// alike and take a day, as those of jobs and weekends, an eighth more than the longest.
  [[nodiscard]] std::uint32_t allowed(std::uint32_t floor, std::uint32_t day) const noexcept {
    const std::uint32_t next = std::max(std::min(longest, older), second);
    const bool is_regular = most() >= day && next >= most() - most() / 8;
    return std::max(floor, is_regular ? most() + most() / 8 : 2 * most());
  }
  /// Seen over `span` at least: a shorter past says nothing of pauses to come.
  [[nodiscard]] bool is_known(std::uint32_t span) const noexcept { return last - begun >= span; }
  /// It comes at equal distances.
  [[nodiscard]] bool is_job() const noexcept { return alike >= kJobPauses && last_long == most(); }
};

/// Usual octets a window for each hour of the week, as logarithms: 64 steps a doubling, 0 for none
/// seen. 336 octets.
class HourOfWeek {
 public:
  static constexpr std::size_t kHours = 168;
  static constexpr int kStepsPerDoubling = 64;
  static constexpr int kNone = 0;

  [[nodiscard]] static int level_of(std::uint64_t octets) noexcept {
    return 1 + static_cast<int>(
                   std::lround(std::log2(static_cast<double>(octets) + 1.0) * kStepsPerDoubling));
  }
  [[nodiscard]] static std::uint64_t octets_of(int level) noexcept {
    return static_cast<std::uint64_t>(
        std::llround(std::exp2(static_cast<double>(level - 1) / kStepsPerDoubling) - 1.0));
  }

  [[nodiscard]] int level(std::size_t hour) const noexcept { return levels_[hour % kHours]; }
  /// A quarter of the way towards what an hour was.
  void learn(std::size_t hour, int level) noexcept {
    std::uint16_t& known = levels_[hour % kHours];
    const int before = known == kNone ? level : known;
    known = static_cast<std::uint16_t>(std::clamp(before + (level - before) / 4, 1, 0xffff));
  }
  /// The least and the most of the hour and its neighbours; both kNone where nothing is known.
  struct Range {
    int low = kNone;
    int high = kNone;
  };
  [[nodiscard]] Range around(std::size_t hour) const noexcept {
    Range range;
    for (const std::size_t h : {hour + kHours - 1, hour, hour + 1}) {
      const int l = level(h);
      if (l == kNone) continue;
      range.low = range.low == kNone ? l : std::min(range.low, l);
      range.high = std::max(range.high, l);
    }
    return range;
  }
  [[nodiscard]] const std::array<std::uint16_t, kHours>& levels() const noexcept { return levels_; }
  void set(const std::array<std::uint16_t, kHours>& levels) noexcept { levels_ = levels; }

 private:
  std::array<std::uint16_t, kHours> levels_{};
};
static_assert(sizeof(HourOfWeek) == 336);

}  // namespace flowlens::detect
