/// \file
/// pipeline: work that people ask for, kept to a part of the time.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

namespace flowlensd {

/// Lets one in at a time, and after long work nobody for three times as long. Thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  /// \return nothing: go ahead, and leave() in the end; else how long to wait before asking again.
  [[nodiscard]] std::optional<Clock::duration> enter(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (is_in_) return kBusy;
    if (now < next_) return next_ - now;
    is_in_ = true;
    return std::nullopt;
  }
  /// \param took  of a processor: who had to wait for one has not worked.
  void leave(Clock::time_point now, Clock::duration took) {
    const std::lock_guard lock(mutex_);
    is_in_ = false;
    if (took > kShort) next_ = now + kTimesAsLong * took;
  }

 private:
  static constexpr int kTimesAsLong = 3;
  static constexpr std::chrono::milliseconds kShort{50};  // as often as anybody likes
  static constexpr std::chrono::seconds kBusy{1};

  std::mutex mutex_;
  bool is_in_ = false;
  Clock::time_point next_{};
};

}  // namespace flowlensd
