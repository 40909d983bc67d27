/// \file
/// parse: what one datagram may cost. Octets alone do not bound it: 65,507 of them can hold 16,000
/// sets, 8,000 templates or 65,000 records.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "flowlens/template.hpp"

namespace flowlens::parse {

/// Counts down about the instructions that a datagram takes, by what tests/long/worst_datagram
/// measured with parser and Normalizer together. Where it ends the rest is skipped and counted as
/// `limit_reached`; no datagram of an exporter that means well comes near.
///
/// Thread-compatible.
class WorkBudget {
 public:
  static constexpr std::uint32_t kAll = 800'000;

  static constexpr std::uint32_t kSet = 85;         ///< its header
  static constexpr std::uint32_t kDataSet = 2'100;  ///< look-ups, and its way through the sink
  static constexpr std::uint32_t kWaiting = 2'700;  ///< to keep a set, and to give up older ones
  static constexpr std::uint32_t kTemplate = 500;   ///< to read a template record, whatever it is
  static constexpr std::uint32_t kField = 60;       ///< of a template record
  static constexpr std::uint32_t kLearned = 5'000;  ///< a template that is new or another
  static constexpr std::uint32_t kLearnedField = 1'000;  ///< of it, with its part of a plan
  static constexpr std::uint32_t kSample = 480;
  static constexpr std::uint32_t kSampleRecord = 95;
  static constexpr std::uint32_t kSampledHeader = 1'000;  ///< a packet to dissect

  [[nodiscard]] bool is_spent() const noexcept { return left_ == 0; }
  [[nodiscard]] bool is_fresh() const noexcept { return left_ > kAll / 10 * 9; }
  [[nodiscard]] std::uint32_t left() const noexcept { return left_; }
  /// \return false if there was not enough left; then nothing is left.
  bool spend(std::size_t work) noexcept {
    const bool enough = work <= left_;
    left_ = enough ? left_ - static_cast<std::uint32_t>(work) : 0;
    return enough;
  }
  /// How many things of `each` can still be done, and spends it. \param each  at least 1.
  std::uint32_t afford(std::uint32_t wanted, std::uint32_t each) noexcept {
    const std::uint32_t count = std::min(wanted, left_ / each);
    left_ = count == wanted ? left_ - count * each : 0;
    return count;
  }

  /// To measure and normalize one record of this layout.
  static std::uint32_t of_record(const Template& layout) noexcept {
    const auto fields = static_cast<std::uint32_t>(layout.fields().size());
    const auto variable = static_cast<std::uint32_t>(layout.fixed_runs().size());
    if (layout.is_options()) return 1'060 + 95 * fields;
    if (fields == 1 && !makes_something(layout)) return layout.has_variable_length() ? 19 : 1;
    const std::uint32_t one_flow =
        140 + 8 * fields + (layout.has_variable_length() ? 60 + 60 * variable : 0);
    return layout.has_reverse() ? one_flow * 5 / 2 : one_flow;
  }

 private:
  /// One field alone is no flow, but 230 is an event, and 313 to 315 are packets to dissect.
  static bool makes_something(const Template& layout) noexcept {
    const ElementId element = layout.fields().front().element;
    if (element.enterprise != 0) return false;
    return element.number == 230 || (element.number >= 313 && element.number <= 315);
  }

  std::uint32_t left_ = kAll;
};

}  // namespace flowlens::parse
