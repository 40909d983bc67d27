/// \file
/// Random numbers that are the same everywhere: xoshiro256** seeded by splitmix64, integers only.
#pragma once

#include <array>
#include <cstdint>

namespace simnet {

/// Thread-compatible. The same seed gives the same numbers with every compiler and library.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) word = splitmix(seed);
  }

  [[nodiscard]] std::uint64_t next() noexcept {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// \return 0 … bound - 1; 0 if `bound` is 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    return bound == 0 ? 0 : (next() >> 11) % bound;
  }

  /// \return low … high, both included.
  [[nodiscard]] std::uint64_t range(std::uint64_t low, std::uint64_t high) noexcept {
    return low + below(high - low + 1);
  }

  /// Like range(), but every doubling is equally likely: sizes and durations of real traffic
  /// spread that way.
  [[nodiscard]] std::uint64_t log_range(std::uint64_t low, std::uint64_t high) noexcept {
    std::uint64_t octaves = 0;
    while ((low << (octaves + 1)) <= high) ++octaves;
    const std::uint64_t from = low << below(octaves + 1);
    const std::uint64_t to = from * 2 - 1 < high ? from * 2 - 1 : high;
    return range(from, to);
  }

  [[nodiscard]] bool percent(std::uint64_t chance) noexcept { return below(100) < chance; }

 private:
  static std::uint64_t rotate(std::uint64_t value, int by) noexcept {
    return (value << by) | (value >> (64 - by));
  }
  static std::uint64_t splitmix(std::uint64_t& seed) noexcept {
    std::uint64_t mixed = (seed += 0x9e3779b97f4a7c15U);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace simnet
