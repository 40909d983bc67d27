#include "parse/sample_sources.hpp"

#include <algorithm>
#include <new>

namespace flowlens::parse {
namespace {

constexpr std::uint32_t kMaxLate = 64;

}  // namespace

SampleSources::Source* SampleSources::place(std::uint32_t kind, std::uint32_t index) noexcept {
  while (true) {
    if (slots_.empty() && !grow()) return nullptr;
    Source* oldest = nullptr;
    const std::size_t first = home_of(kind, index, mask_);
    for (std::size_t i = 0; i < kNeighbours; ++i) {
      Source& slot = slots_[(first + i) & mask_];
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
      const std::size_t first = home_of(source.kind, source.index, wanted - 1);
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
    mask_ = wanted - 1;
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

void SampleSources::note_elsewhere(std::uint32_t kind, const SflowSample& sample) noexcept {
  Source* source = place(kind, sample.source_id_index);
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

/// A number that was there before, or far from what was expected.
void SampleSources::follow_astray(Source& source, const SflowSample& sample) noexcept {
  const std::uint32_t behind = source.sequence - sample.sequence;
  if (behind <= kMaxLate) {
    ++status_.late;
    if (behind != 0 && status_.lost != 0) --status_.lost;
    return;
  }
  ++status_.resets;
  source.sequence = sample.sequence;
  source.drops = sample.drops;
}

void SampleSources::restart() noexcept {
  std::fill(slots_.begin(), slots_.end(), Source{});
  status_.sources = 0;
}

SampleStatus SampleSources::status() const noexcept { return status_; }

}  // namespace flowlens::parse
