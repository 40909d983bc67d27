/// \file
/// pipeline: what is given up when the Resolver cannot keep pace (DESIGN section 6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "library.hpp"

namespace flowlensd {

struct PressureOptions {
  std::size_t sample_at = 50'000;  ///< flows waiting from which on conversations are left out
  std::size_t refuse_at = 80'000;  ///< flows waiting from which on datagrams are refused
  std::uint32_t keep_one_in = 10;  ///< conversations
  std::uint64_t key = 0;           ///< secret of this process; decides which conversations stay
};

/// First whole conversations, then whole datagrams. Immutable.
class PressureRule {
 public:
  explicit PressureRule(const PressureOptions& options) : options_(options) {}

  enum class Level { none, sample, refuse };
  [[nodiscard]] Level level(std::size_t flows_waiting) const noexcept;

  /// Both directions of a conversation get the same answer, whichever exporter saw them.
  [[nodiscard]] bool keeps(const FlowRecord& flow) const noexcept;

  /// Leaves out flows of `batch` from position `from` on. Those kept stand for the others: their
  /// sampling rate is multiplied.
  /// \return how many were left out.
  std::uint64_t thin(FlowBatch& batch, std::size_t from) const noexcept;

 private:
  PressureOptions options_;
};

}  // namespace flowlensd
