/// \file
/// aggregate: dividing a count by time, so that the parts add up to the whole.
#pragma once

#include <cstdint>

#include "flowlens/time.hpp"

namespace flowlens::aggregate {

/// A count that came about evenly between two times, taken off in pieces from the left. A count
/// without duration lies at its start.
class Spread {
 public:
  Spread(std::uint64_t total, Timestamp start, Timestamp end) noexcept
      : total_(total), start_(start), end_(end) {}

  /// What lies before `t`, rounded down.
  [[nodiscard]] std::uint64_t before(Timestamp t) const noexcept {
    if (t <= start_) return 0;
    if (t >= end_) return total_;
    __extension__ using Wide = unsigned __int128;
    const auto part = static_cast<std::uint64_t>((t - start_).count());
    const auto whole = static_cast<std::uint64_t>((end_ - start_).count());
    return static_cast<std::uint64_t>(static_cast<Wide>(total_) * part / whole);
  }
  /// Takes what lies before `t` and was not taken yet.
  std::uint64_t until(Timestamp t) noexcept {
    const std::uint64_t all = before(t), part = all - taken_;
    taken_ = all;
    return part;
  }
  /// Takes what is left.
  std::uint64_t rest() noexcept {
    const std::uint64_t part = total_ - taken_;
    taken_ = total_;
    return part;
  }

 private:
  std::uint64_t total_;
  std::uint64_t taken_ = 0;
  Timestamp start_;
  Timestamp end_;
};

}  // namespace flowlens::aggregate
