#include "parse/sample_sources.hpp"

#include <algorithm>
#include <new>

#include "base/hash.hpp"

namespace flowlens::parse {
namespace {

constexpr std::uint32_t kMaxGap = 65'536;  // further ahead it is another sequence
constexpr std::uint32_t kMaxLate = 64;

/// Flow, counter and discard samples of a source are numbered apart.
std::uint32_t sequence_kind(const SflowSample& sample) noexcept {
  switch (sample.kind) {
    case SflowSampleKind::counters:
    case SflowSampleKind::expanded_counters:
      return 2;
    case SflowSampleKind::discarded:
      return 3;
    default:
      return 1;
  }
}

}  // namespace

std::size_t SampleSources::slot_of(std::uint32_t kind, std::uint32_t index,
                                   std::size_t slots) const noexcept {
  const std::uint64_t key = std::uint64_t{kind} << 32 | index;
  return base::hash_of(key, budget_->hash_seed) & (slots - 1);
}

/// The source, if it lies where the search for it begins, as nearly all do.
SampleSources::Source* SampleSources::at_home(std::uint32_t kind, std::uint32_t index) noexcept {
  if (slots_.empty()) return nullptr;
  Source& slot = slots_[slot_of(kind, index, slots_.size())];
  return slot.kind == kind && slot.index == index ? &slot : nullptr;
}

SampleSources::Source* SampleSources::place(std::uint32_t kind, std::uint32_t index) noexcept {
  while (true) {
    if (slots_.empty() && !grow()) return nullptr;
    Source* oldest = nullptr;
    const std::size_t first = slot_of(kind, index, slots_.size());
    for (std::size_t i = 0; i < kNeighbours; ++i) {
      Source& slot = slots_[(first + i) & (slots_.size() - 1)];
      if (slot.kind == 0 || (slot.kind == kind && slot.index == index)) return &slot;
      if (oldest == nullptr || clock_ - slot.heard > clock_ - oldest->heard) oldest = &slot;
    }
    if (grow()) continue;
    ++budget_->evicted;
    --status_.sources;
    *oldest = {};
    return oldest;
  }
}

/// \return false at the bound.
bool SampleSources::grow() noexcept {
  const std::size_t wanted = slots_.empty() ? kFirstSlots : 2 * slots_.size();
  if (wanted > kMaxSlots || budget_->slots - slots_.size() + wanted > budget_->max_slots) {
    return false;
  }
  try {
    std::vector<Source> fresh(wanted);
    for (const Source& source : slots_) {
      if (source.kind == 0) continue;
      const std::size_t first = slot_of(source.kind, source.index, wanted);
      std::size_t i = 0;
      while (i < kNeighbours && fresh[(first + i) & (wanted - 1)].kind != 0) ++i;
      if (i == kNeighbours) {  // hardly ever: the half that moves here is full already
        ++budget_->evicted;
        --status_.sources;
        continue;
      }
      fresh[(first + i) & (wanted - 1)] = source;
    }
    budget_->slots += wanted - slots_.size();
    slots_ = std::move(fresh);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

void SampleSources::note(const SflowSample& sample) noexcept {
  // The type of a data source has 8 bits; expanded samples could claim more.
  const std::uint32_t kind = sequence_kind(sample) | (sample.source_id_type & 0x3fff'ffffu) << 2;
  Source* source = at_home(kind, sample.source_id_index);
  if (source == nullptr) source = place(kind, sample.source_id_index);
  if (source == nullptr) return;
  ++clock_;
  if (source->kind != 0) {
    follow(*source, sample);
  } else {
    ++status_.sources;
    *source = {sample.source_id_index, kind, sample.sequence, sample.drops, 0};
  }
  source->heard = clock_;
}

void SampleSources::follow(Source& source, const SflowSample& sample) noexcept {
  const std::uint32_t ahead = sample.sequence - source.sequence - 1;
  const std::uint32_t behind = source.sequence - sample.sequence;
  if (behind <= kMaxLate) {
    ++status_.late;
    if (behind != 0 && status_.lost != 0) --status_.lost;
    return;
  }
  if (ahead <= kMaxGap) {
    status_.lost += ahead;
    // Counted since the agent's start; lower than before, it is another count.
    if (sample.drops >= source.drops) status_.drops += sample.drops - source.drops;
  } else {
    ++status_.resets;
  }
  source.sequence = sample.sequence;
  source.drops = sample.drops;
}

void SampleSources::restart() noexcept {
  std::fill(slots_.begin(), slots_.end(), Source{});
  status_.sources = 0;
}

SampleStatus SampleSources::status() const noexcept { return status_; }

}  // namespace flowlens::parse
