// Sampling rates of flows: an override, the record's own, by sampler, interface or domain.
#include <algorithm>

#include "normalize/normalizer_state.hpp"
#include "normalize/rates.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint8_t kEgress = 1;  ///< element 61

/// Looks rates up for one block; what was asked last is at hand, since flows of one exporter mostly
/// name the same few samplers.
class RateFinder {
 public:
  RateFinder(Exporter& exporter, std::uint32_t domain) : exporter_(exporter), domain_(domain) {}

  Rate operator()(SamplingScope scope, std::uint64_t id) noexcept {
    const FactKey key{domain_, static_cast<std::uint8_t>(scope), id};
    if (!has_last_ || !(last_ == key)) {
      rate_ = ExporterTable::rate_of(exporter_, key);
      last_ = key;
      has_last_ = true;
    }
    return rate_;
  }

 private:
  Exporter& exporter_;
  std::uint32_t domain_;
  FactKey last_;
  Rate rate_;
  bool has_last_ = false;
};

void set_rate(FlowRecord& flow, Rate rate) noexcept {
  flow.sampling_rate = rate.rate;
  flow.sampling_source = rate.source;
}

bool overrides(const Exporter& exporter, FlowRecord& flow) noexcept {
  for (const SamplingOverride* rule : exporter.interface_overrides) {
    const bool is_of_flow =
        (flow.has(FlowField::ingress_interface) && flow.ingress_interface == *rule->interface) ||
        (flow.has(FlowField::egress_interface) && flow.egress_interface == *rule->interface);
    if (!is_of_flow) continue;
    set_rate(flow, {rule->rate, SamplingSource::override_table});
    return true;
  }
  if (exporter.whole_override == nullptr) return false;
  set_rate(flow, {exporter.whole_override->rate, SamplingSource::override_table});
  return true;
}

/// What the record itself says beside put_rate().
void take_own_rate(const Plan& plan, const Scratch& scratch, std::size_t i,
                   FlowRecord& flow) noexcept {
  constexpr std::uint64_t kMost = 0xffff'ffff;
  if (plan.has_packet_space && flow.sampling_source == SamplingSource::record) {
    const std::uint64_t taken = flow.sampling_rate;
    const std::uint32_t rate = rate_of(taken, taken + std::min(scratch.packet_space[i], kMost));
    set_rate(flow, rate != 0 ? Rate{rate, SamplingSource::record} : Rate{1});
  }
  if (!plan.has_population) return;
  const std::uint32_t rate = rate_of(scratch.sampling_size[i], scratch.population[i]);
  if (rate != 0) set_rate(flow, {rate, SamplingSource::record});
}

/// Where the packets of a flow were sampled: where it came in, unless it was seen going out.
Rate rate_by_interface(RateFinder& find, const FlowRecord& flow) noexcept {
  std::uint32_t first = flow.ingress_interface, second = flow.egress_interface;
  if (flow.has(FlowField::flow_direction) && flow.flow_direction == kEgress) {
    std::swap(first, second);
  }
  const Rate rate = find(SamplingScope::interface, first);
  return rate.rate != 0 ? rate : find(SamplingScope::interface, second);
}

/// Rates of flows that nothing but a sampler tells of. \return flows whose sampler is not known.
std::uint64_t set_rates_by_sampler(RateFinder& find, SamplingScope scope,
                                   const Block& block) noexcept {
  const std::uint64_t* sampler = block.scratch->sampler.data();
  std::uint64_t last = *sampler;
  Rate rate = find(scope, last);
  std::uint64_t unknown = 0;
  for (FlowRecord& flow : std::span{block.flows, block.count}) {
    if (*sampler != last) rate = find(scope, last = *sampler);
    ++sampler;
    if (rate.rate != 0) {
      set_rate(flow, rate);
    } else {
      ++unknown;
    }
  }
  return unknown;
}

}  // namespace

void complete_sampling(NormalizerState& state, const SetAtWork& work, const Block& block) noexcept {
  const Plan& plan = work.plan;
  Exporter& exporter = work.exporter;
  const bool has_overrides =
      exporter.whole_override != nullptr || !exporter.interface_overrides.empty();
  const bool has_own = plan.has_rate || plan.has_population;
  std::uint64_t unknown = 0;
  RateFinder find{exporter, work.like.observation_domain};
  const SamplingScope scope =
      plan.sampler_is_selector ? SamplingScope::selector : SamplingScope::sampler;
  if (!has_own && !has_overrides && !exporter.has_interface_rates) {
    unknown = plan.has_sampler ? set_rates_by_sampler(find, scope, block) : block.count;
    if (work.like.sampling_source != SamplingSource::unknown) unknown = 0;
  } else {
    for (std::size_t i = 0; i < block.count; ++i) {
      FlowRecord& flow = block.flows[i];
      if (has_overrides && overrides(exporter, flow)) continue;
      if (has_own) take_own_rate(plan, *block.scratch, i, flow);
      if (flow.sampling_source == SamplingSource::record) continue;
      Rate rate;
      if (plan.has_sampler) rate = find(scope, block.scratch->sampler[i]);
      if (rate.rate == 0 && exporter.has_interface_rates) rate = rate_by_interface(find, flow);
      if (rate.rate != 0) set_rate(flow, rate);
      unknown += flow.sampling_source == SamplingSource::unknown ? 1 : 0;
    }
  }
  state.counters.flows_of_unknown_sampling += unknown;
  exporter.flows_of_unknown_sampling += unknown;
}

void complete_sample(NormalizerState& state, FlowRecord& flow) {
  Exporter& exporter = state.exporters.exporter(flow.exporter);
  ++exporter.flows;
  if (overrides(exporter, flow) || flow.sampling_source != SamplingSource::unknown) return;
  ++exporter.flows_of_unknown_sampling;
  ++state.counters.flows_of_unknown_sampling;
}

}  // namespace flowlens::normalize
