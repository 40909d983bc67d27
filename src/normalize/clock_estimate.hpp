/// \file
/// normalize: how an exporter's clock stands to ours, from what its datagrams say and when they come.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "flowlens/exporter_facts.hpp"

namespace flowlens::normalize {

/// Of each run of datagrams the least offset is kept (delay only ever adds), of the last runs the
/// median counts (one mad header does not). See ClockSkew.
class ClockEstimate {
 public:
  static constexpr std::uint32_t kRun = 16;  ///< datagrams
  static constexpr std::size_t kRuns = 15;

  void note(Timestamp received, Timestamp export_time) noexcept {
    if (received == updated_) return;  // a further set of the same datagram
    updated_ = received;
    const std::int64_t offset = to_unix_ns(received) - to_unix_ns(export_time);
    least_ = in_run_ == 0 ? offset : std::min(least_, offset);
    ++datagrams_;
    if (++in_run_ < kRun) return;
    runs_[next_] = least_;
    next_ = static_cast<std::uint8_t>((next_ + 1u) % kRuns);
    held_ = static_cast<std::uint8_t>(std::min<std::size_t>(held_ + 1u, kRuns));
    in_run_ = 0;
  }

  [[nodiscard]] ClockSkew skew() const noexcept {
    std::array<std::int64_t, kRuns + 1> offsets{};
    std::copy_n(runs_.begin(), held_, offsets.begin());
    std::size_t count = held_;
    if (count == 0 && in_run_ != 0) offsets[count++] = least_;
    ClockSkew skew;
    skew.datagrams = datagrams_;
    skew.updated = updated_;
    if (count == 0) return skew;
    std::sort(offsets.begin(), offsets.begin() + static_cast<std::ptrdiff_t>(count));
    skew.offset = std::chrono::nanoseconds{offsets[count / 2]};
    skew.spread = std::chrono::nanoseconds{offsets[count - 1] - offsets[0]};
    return skew;
  }

 private:
  std::array<std::int64_t, kRuns> runs_{};  ///< nanoseconds
  std::int64_t least_ = 0;
  Timestamp updated_;
  std::uint64_t datagrams_ = 0;
  std::uint32_t in_run_ = 0;
  std::uint8_t next_ = 0;
  std::uint8_t held_ = 0;
};

}  // namespace flowlens::normalize
