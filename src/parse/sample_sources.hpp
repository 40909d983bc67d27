/// \file
/// parse: the sequence numbers and drop counts of sFlow data sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

  void note(const SflowSample& sample) noexcept;
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

  Source* at_home(std::uint32_t kind, std::uint32_t index) noexcept;
  /// \return the source, or an empty slot for it, or null for want of memory.
  Source* place(std::uint32_t kind, std::uint32_t index) noexcept;
  bool grow() noexcept;
  [[nodiscard]] std::size_t slot_of(std::uint32_t kind, std::uint32_t index,
                                    std::size_t slots) const noexcept;
  void follow(Source& source, const SflowSample& sample) noexcept;

  SourceBudget* budget_;
  std::vector<Source> slots_;
  std::uint32_t clock_ = 0;
  SampleStatus status_;
};

}  // namespace flowlens::parse
