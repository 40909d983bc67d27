// Times of flows: uptimes of IPFIX, the missing one, what cannot be.
#include <algorithm>

#include "normalize/normalizer_state.hpp"
#include "normalize/steps.hpp"

namespace flowlens::normalize {
namespace {

/// Element 21 and 22 of IPFIX, once the boot time is known (or guessed).
void place_uptimes(const SetAtWork& work, const TimeFields& fields, const Block& block) noexcept {
  const Scratch& scratch = *block.scratch;
  const SetFacts& set = work.facts;
  const bool has_boot = work.plan.has_boot || set.has_boot;
  // Without a boot time: the latest flow of the block ended when the message was exported.
  std::uint32_t latest = fields.end_is_uptime ? scratch.end_uptime[0] : scratch.start_uptime[0];
  for (std::size_t i = 1; i < block.count; ++i) {
    const std::uint32_t t = fields.end_is_uptime ? scratch.end_uptime[i] : scratch.start_uptime[i];
    if (static_cast<std::int32_t>(t - latest) > 0) latest = t;
  }
  const auto export_ms = static_cast<std::uint64_t>(set.export_ns / 1'000'000);
  for (std::size_t i = 0; i < block.count; ++i) {
    const std::uint64_t boot = work.plan.has_boot ? scratch.boot_ms[i] : set.boot_ms;
    const std::uint32_t uptime = has_boot ? static_cast<std::uint32_t>(export_ms - boot) : latest;
    FlowRecord& flow = block.flows[i];
    if (fields.start_is_uptime)
      flow.start = from_uptime(set.export_ns, uptime, scratch.start_uptime[i]);
    if (fields.end_is_uptime) flow.end = from_uptime(set.export_ns, uptime, scratch.end_uptime[i]);
  }
}

/// What times of a set's flows may be.
struct Bounds {
  Timestamp received, earliest_start, earliest_end, latest;

  [[nodiscard]] bool hold(const FlowRecord& flow) const noexcept {
    return flow.start >= earliest_start && flow.end >= earliest_end && flow.end <= latest;
  }
  /// Sees to it that no flow of the block ends before it starts. \return whether all hold().
  [[nodiscard]] bool order_and_hold(const Block& block) const noexcept {
    Timestamp first_start = latest, first_end = latest, last_end = earliest_end;
    for (FlowRecord& flow : std::span{block.flows, block.count}) {
      if (flow.end < flow.start) flow.end = flow.start;
      first_start = std::min(first_start, flow.start);
      first_end = std::min(first_end, flow.end);
      last_end = std::max(last_end, flow.end);
    }
    return first_start >= earliest_start && first_end >= earliest_end && last_end <= latest;
  }
};

Bounds bounds_of(const NormalizerOptions& o, Timestamp received) noexcept {
  const Timestamp earliest_end = received - o.max_time_behind;
  return {received, earliest_end - o.max_duration, earliest_end, received + o.max_time_ahead};
}

/// A time that cannot be comes from a clock that is off, or from a boot time that is.
void replace_times(FlowRecord& flow, const Bounds& bounds, std::chrono::nanoseconds skew,
                   std::chrono::seconds max_duration) noexcept {
  flow.present |= static_cast<std::uint32_t>(FlowField::times_replaced);
  FlowRecord moved = flow;
  moved.start += skew;
  moved.end += skew;
  if (!bounds.hold(moved)) {
    const auto lasted = flow.end - flow.start;
    moved.end = bounds.received;
    moved.start = moved.end - (lasted <= max_duration ? lasted : lasted * 0);
  }
  flow.start = moved.start;
  flow.end = moved.end;
}

/// The time that a template has no field for.
void find_other_time(const TimeFields& fields, const Block& block) noexcept {
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    const std::chrono::nanoseconds duration{
        fields.has_duration ? static_cast<std::int64_t>(block.scratch->duration_ns[i]) : 0};
    if (!fields.has_start) flow.start = flow.end - duration;
    if (!fields.has_end) flow.end = flow.start + duration;
  }
}

}  // namespace

void complete_times(NormalizerState& state, const SetAtWork& work, const TimeFields& fields,
                    const Block& block) noexcept {
  if (fields.start_is_uptime || fields.end_is_uptime) place_uptimes(work, fields, block);
  if (!fields.has_start && !fields.has_end) {
    for (std::size_t i = 0; i < block.count; ++i) block.flows[i].start = work.like.start;
    return;
  }
  if (!fields.has_start || !fields.has_end) find_other_time(fields, block);
  const Bounds bounds = bounds_of(state.options, work.set.received);
  if (bounds.order_and_hold(block)) return;
  for (std::size_t i = 0; i < block.count; ++i) {
    FlowRecord& flow = block.flows[i];
    if (bounds.hold(flow)) continue;
    replace_times(flow, bounds, work.set.received - work.set.message->export_time,
                  state.options.max_duration);
    ++state.counters.flows_with_times_replaced;
    ++work.exporter.flows_with_times_replaced;
  }
}

}  // namespace flowlens::normalize
