#include "pipeline/pressure.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "pipeline/keyed_hash.hpp"

namespace flowlensd {
namespace {

std::uint32_t multiplied(std::uint32_t rate, std::uint32_t factor) noexcept {
  const std::uint64_t product = std::uint64_t{rate} * factor;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(product, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

PressureRule::Level PressureRule::level(std::size_t flows_waiting) const noexcept {
  if (flows_waiting >= options_.refuse_at) return Level::refuse;
  if (flows_waiting >= options_.sample_at) return Level::sample;
  return Level::none;
}

bool PressureRule::keeps(const FlowRecord& flow) const noexcept {
  std::pair low{flow.source_address, flow.source_port};
  std::pair high{flow.destination_address, flow.destination_port};
  if (high < low) std::swap(low, high);
  const std::uint64_t ports =
      std::uint64_t{low.second} << 32 | std::uint64_t{high.second} << 16 | flow.protocol;
  const std::uint64_t ends =
      mix(keyed_hash(low.first, options_.key), keyed_hash(high.first, ~options_.key));
  return mix(ends, ports) % options_.keep_one_in == 0;
}

std::uint64_t PressureRule::thin(FlowBatch& batch, std::size_t from) const noexcept {
  const auto begin = batch.flows.begin() + static_cast<std::ptrdiff_t>(from);
  const auto kept_end =
      std::remove_if(begin, batch.flows.end(), [&](const FlowRecord& f) { return !keeps(f); });
  for (auto flow = begin; flow != kept_end; ++flow) {
    flow->sampling_rate = multiplied(flow->sampling_rate, options_.keep_one_in);
  }
  const auto left_out = static_cast<std::uint64_t>(batch.flows.end() - kept_end);
  batch.flows.erase(kept_end, batch.flows.end());
  return left_out;
}

}  // namespace flowlensd
