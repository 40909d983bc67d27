/// \file
/// pipeline: what is given up when the Resolver cannot keep pace (DESIGN section 6).
#pragma once

#include <atomic>
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

/// First whole conversations, then whole datagrams. Thread-safe.
class PressureRule {
 public:
  explicit PressureRule(const PressureOptions& options) : key_(options.key) { change(options); }

  /// Goes by these from now on; the key stays.
  void change(const PressureOptions& options) noexcept {
    sample_at_ = options.sample_at;
    refuse_at_ = options.refuse_at;
    keep_one_in_ = options.keep_one_in;
  }

  enum class Level { none, sample, refuse };
  [[nodiscard]] Level level(std::size_t flows_waiting) const noexcept;

  /// Both directions of a conversation get the same answer, whichever exporter saw them.
  [[nodiscard]] bool keeps(const FlowRecord& flow) const noexcept {
    return keeps(flow, keep_one_in_);
  }

  /// Leaves out flows of `batch` from position `from` on. Those kept stand for the others: their
  /// sampling rate is multiplied.
  /// \return how many were left out.
  std::uint64_t thin(FlowBatch& batch, std::size_t from) const noexcept;

 private:
  [[nodiscard]] bool keeps(const FlowRecord& flow, std::uint32_t one_in) const noexcept;

  const std::uint64_t key_;
  std::atomic<std::size_t> sample_at_{0};
  std::atomic<std::size_t> refuse_at_{0};
  std::atomic<std::uint32_t> keep_one_in_{1};
};

}  // namespace flowlensd
