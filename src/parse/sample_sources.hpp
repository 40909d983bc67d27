/// \file
/// parse: the sequence numbers and drop counts of sFlow data sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/hash.hpp"
#include "flowlens/exporter_status.hpp"
#include "flowlens/sflow_sample.hpp"

namespace flowlens::parse {

/// Room for data sources, shared by all streams of a Parser.
struct SourceBudget {
  std::size_t max_slots = 0;
  std::size_t slots = 0;      ///< taken by tables, filled or not
  std::uint64_t evicted = 0;  ///< sources that gave way to others
  std::uint64_t hash_seed = 0;
};

/// The data sources of one sFlow stream: a table that grows within the budget; at the bound the
/// source heard longest ago among its neighbours gives way.
class SampleSources {
 public:
  explicit SampleSources(SourceBudget& budget) noexcept : budget_(&budget) {}
  ~SampleSources() { budget_->slots -= slots_.size(); }
  SampleSources(const SampleSources&) = delete;
  SampleSources& operator=(const SampleSources&) = delete;

  void note(const SflowSample& sample) noexcept {
    const std::uint32_t kind = kind_of(sample);
    if (slots_.empty()) return note_elsewhere(kind, sample);
    Source& home = slots_[home_of(kind, sample.source_id_index, mask_)];
    if (home.kind != kind || home.index != sample.source_id_index) {
      return note_elsewhere(kind, sample);
    }
    home.heard = ++clock_;
    follow(home, sample);
  }
  /// The agent restarted: all numbers begin anew.
  void restart() noexcept;
  [[nodiscard]] SampleStatus status() const noexcept;

 private:
  struct Source {
    std::uint32_t index = 0;
    std::uint32_t kind = 0;  ///< 0: empty; else type of the data source and kind of its samples
    std::uint32_t sequence = 0;
    std::uint32_t drops = 0;
    std::uint32_t heard = 0;  ///< by `clock_`
  };
  static constexpr std::size_t kFirstSlots = 16;
  static constexpr std::size_t kMaxSlots = 4'096;
  static constexpr std::size_t kNeighbours = 8;
  static constexpr std::uint32_t kMaxGap = 65'536;  ///< further ahead it is another sequence

  /// Flow, counter and discard samples of a source are numbered apart; then the type of the source,
  /// which has 8 bits (expanded samples could claim more).
  static std::uint32_t kind_of(const SflowSample& sample) noexcept {
    return kSequences[static_cast<std::size_t>(sample.kind)] |
           (sample.source_id_type & 0x3fff'ffffu) << 2;
  }
  static constexpr std::uint32_t kSequences[] = {1, 2, 1, 2, 3};  ///< by SflowSampleKind
  /// Where the search for a source begins, and nearly always ends.
  /// \param mask  slots less one
  [[nodiscard]] std::size_t home_of(std::uint32_t kind, std::uint32_t index,
                                    std::size_t mask) const noexcept {
    const std::uint64_t key = std::uint64_t{kind} << 32 | index;
    return base::hash_of(key, budget_->hash_seed) & mask;
  }
  /// \return the source, or an empty slot for it, or null for want of memory.
  Source* place(std::uint32_t kind, std::uint32_t index) noexcept;
  bool grow() noexcept;
  /// Of a source that is not where the search begins.
  void note_elsewhere(std::uint32_t kind, const SflowSample& sample) noexcept;
  void follow(Source& source, const SflowSample& sample) noexcept;
  void follow_astray(Source& source, const SflowSample& sample) noexcept;

  SourceBudget* budget_;
  std::vector<Source> slots_;  ///< a power of two of them, or none yet
  std::size_t mask_ = 0;       ///< slots_.size() - 1
  std::uint32_t clock_ = 0;
  SampleStatus status_;
};

inline void SampleSources::follow(Source& source, const SflowSample& sample) noexcept {
  const std::uint32_t ahead = sample.sequence - source.sequence - 1;
  if (ahead > kMaxGap) return follow_astray(source, sample);
  status_.lost += ahead;
  // Counted since the agent's start; lower than before, it is another count.
  if (sample.drops >= source.drops) status_.drops += sample.drops - source.drops;
  source.sequence = sample.sequence;
  source.drops = sample.drops;
}

}  // namespace flowlens::parse
