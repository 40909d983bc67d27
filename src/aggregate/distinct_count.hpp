/// \file
/// aggregate: how many different things were met: few of them exactly, many by a sketch.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/hash.hpp"

namespace flowlens::aggregate {

/// A set of words of which only the size is asked. Up to eight are kept; a ninth turns the same
/// octets into a HyperLogLog sketch of 4-bit registers. What it says depends on the set alone, not on
/// the order in which it came.
///
/// \tparam Word  std::uint32_t: 32 octets, off by some 13 %; std::uint16_t: 16 octets, some 18 %.
template <typename Word>
class DistinctCount {
 public:
  static constexpr std::size_t kExact = 8;

  void insert(Word word) noexcept {
    if (size_ > kExact) {
      sketch(word);
      return;
    }
    for (std::size_t i = 0; i < size_; ++i) {
      if (words_[i] == word) return;
    }
    if (size_ < kExact) {
      words_[size_++] = word;
      count_ = size_;
      return;
    }
    const std::array<Word, kExact> kept = words_;
    words_ = {};
    size_ = kExact + 1;
    empty_ = kRegisters;
    sum_ = kRegisters * 0x8000;
    for (const Word w : kept) sketch(w);
    sketch(word);
  }

  /// Worked out when something came, as it is asked for more often.
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

 private:
  static constexpr std::size_t kRegisters = sizeof(Word) * kExact * 2;
  static constexpr std::size_t kPerWord = sizeof(Word) * 2;

  [[nodiscard]] unsigned get(std::size_t i) const noexcept {
    return (words_[i / kPerWord] >> (4 * (i % kPerWord))) & 0xfu;
  }
  void sketch(Word word) noexcept {
    const std::uint64_t hash = base::mix(word, 0x5851'f42d'4c95'7f2du);
    const std::size_t i = hash % kRegisters;
    const unsigned rank = static_cast<unsigned>(std::countl_zero(hash)) + 1;
    const unsigned held = rank < 15 ? rank : 15;
    const unsigned before = get(i);
    if (held <= before) return;
    Word& at = words_[i / kPerWord];
    const auto shift = 4 * (i % kPerWord);
    at = static_cast<Word>((at & ~(Word{0xf} << shift)) | (Word(held) << shift));
    sum_ = (sum_ - (0x8000u >> before) + (0x8000u >> held)) & 0xff'ffffu;
    if (before == 0) --empty_;
    count_ = estimate() & 0xff'ffffu;
  }
  [[nodiscard]] std::uint32_t estimate() const noexcept {
    constexpr double m = kRegisters;
    constexpr double kAlpha = kRegisters == 64 ? 0.709 : 0.697;
    double estimate = kAlpha * m * m * 0x8000 / sum_;
    if (estimate <= 2.5 * m && empty_ != 0) estimate = m * std::log(m / empty_);
    // Nine came before it was a sketch.
    return estimate < kExact + 1 ? kExact + 1 : static_cast<std::uint32_t>(estimate + 0.5);
  }

  std::array<Word, kExact> words_{};
  std::uint32_t count_ : 24 = 0;
  std::uint32_t size_ : 8 = 0;   ///< of words; kExact + 1: a sketch
  std::uint32_t sum_ : 24 = 0;   ///< of a sketch: over its registers, of 2^(15 - rank)
  std::uint32_t empty_ : 8 = 0;  ///< of a sketch: registers
};

}  // namespace flowlens::aggregate
