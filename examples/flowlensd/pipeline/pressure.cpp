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
  if (flows_waiting >= refuse_at_) return Level::refuse;
  if (flows_waiting >= sample_at_) return Level::sample;
  return Level::none;
}

bool PressureRule::keeps(const FlowRecord& flow, std::uint32_t one_in) const noexcept {
  std::pair low{flow.source_address, flow.source_port};
  std::pair high{flow.destination_address, flow.destination_port};
  if (high < low) std::swap(low, high);
  const std::uint64_t ports =
      std::uint64_t{low.second} << 32 | std::uint64_t{high.second} << 16 | flow.protocol;
  const std::uint64_t ends = mix(keyed_hash(low.first, key_), keyed_hash(high.first, ~key_));
  return mix(ends, ports) % one_in == 0;
}

std::uint64_t PressureRule::thin(FlowBatch& batch, std::size_t from) const noexcept {
  const std::uint32_t one_in = keep_one_in_;
  const std::size_t left_out =
      batch.keep_if(from, [&](const FlowRecord& f) { return keeps(f, one_in); });
  for (std::size_t i = from; i < batch.flows.size(); ++i) {
    batch.flows[i].sampling_rate = multiplied(batch.flows[i].sampling_rate, one_in);
  }
  return left_out;
}

}  // namespace flowlensd
