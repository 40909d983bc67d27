#include "flowlens/normalizer.hpp"

#include <new>
#include <string>
#include <utility>

#include "flowlens/error.hpp"
#include "normalize/normalizer_state.hpp"

namespace flowlens {

struct Normalizer::Impl : normalize::NormalizerState {
  using NormalizerState::NormalizerState;
};

namespace {

void refuse(const char* option, const std::string& why) {
  throw ConfigError(std::string{"NormalizerOptions::"} + option + " " + why);
}

const NormalizerOptions& checked(const NormalizerOptions& o) {
  const std::pair<const char*, std::size_t> limits[] = {
      {"max_plans", o.max_plans},
      {"max_exporters", o.max_exporters},
      {"max_domains_per_exporter", o.max_domains_per_exporter},
      {"max_facts", o.max_facts},
      {"max_facts_per_exporter", o.max_facts_per_exporter},
  };
  for (const auto& [name, limit] : limits) {
    if (limit == 0) refuse(name, "is 0; it must be at least 1");
  }
  constexpr std::chrono::hours kMost{24 * 36'500};
  const std::pair<const char*, std::chrono::seconds> times[] = {
      {"max_time_behind", o.max_time_behind},
      {"max_time_ahead", o.max_time_ahead},
      {"max_duration", o.max_duration},
  };
  for (const auto& [name, time] : times) {
    if (time.count() < 0 || time > kMost) refuse(name, "must be from 0 to 100 years");
  }
  for (const SamplingOverride& rule : o.sampling_overrides) {
    const std::string text = rule.prefix.to_string() + "/" + std::to_string(rule.prefix_length);
    if (rule.prefix_length > (rule.prefix.is_v4() ? 32 : 128)) {
      refuse("sampling_overrides", "has no prefix in " + text);
    }
    if (rule.rate == 0) refuse("sampling_overrides", "has rate 0 for " + text);
  }
  return o;
}

}  // namespace

Normalizer::Normalizer(const NormalizerOptions& options)
    : impl_(std::make_unique<Impl>(checked(options))) {}
Normalizer::~Normalizer() = default;
Normalizer::Normalizer(Normalizer&&) noexcept = default;
Normalizer& Normalizer::operator=(Normalizer&&) noexcept = default;

void Normalizer::set_output(FlowBatch* batch) noexcept { impl_->out = batch; }

namespace {

/// Takes back what a set or sample left half done.
struct OutputMark {
  explicit OutputMark(const FlowBatch* batch) noexcept
      : flows(batch != nullptr ? batch->flows.size() : 0),
        nat_events(batch != nullptr ? batch->nat_events.size() : 0) {}
  void restore(FlowBatch* batch) const noexcept {
    if (batch == nullptr) return;
    batch->keep_if(flows, [](const FlowRecord&) { return false; });
    batch->nat_events.resize(nat_events);
  }
  std::size_t flows, nat_events;
};

}  // namespace

void Normalizer::on_data_set(const DataSet& set) noexcept {
  NormalizerCounters& counters = impl_->counters;
  const OutputMark before{impl_->out};
  const std::uint64_t without_flow = counters.records_without_flow;
  counters.records += set.record_count;
  try {
    normalize::normalize_set(*impl_, set);
  } catch (const std::bad_alloc&) {
    before.restore(impl_->out);
    counters.records_without_flow = without_flow + set.record_count;
    ++counters.sets_out_of_memory;
  }
  if (impl_->out != nullptr) counters.flows += impl_->out->flows.size() - before.flows;
}

void Normalizer::on_options_set(const DataSet& set) noexcept {
  try {
    impl_->exporters.learn(set, impl_->options_plan_of(*set.layout));
  } catch (const std::bad_alloc&) {
    ++impl_->counters.sets_out_of_memory;
  }
}

void Normalizer::on_sample(const SflowSample& sample) noexcept {
  NormalizerCounters& counters = impl_->counters;
  const std::size_t before = impl_->out != nullptr ? impl_->out->flows.size() : 0;
  try {
    counters.flows += normalize::normalize_sample(*impl_, sample) ? 1 : 0;
  } catch (const std::bad_alloc&) {
    if (impl_->out != nullptr) impl_->out->keep_if(before, [](const FlowRecord&) { return false; });
    ++counters.sets_out_of_memory;
  }
}

void Normalizer::on_packet(const CapturedPacket& packet) noexcept {
  NormalizerCounters& counters = impl_->counters;
  const std::size_t before = impl_->out != nullptr ? impl_->out->flows.size() : 0;
  try {
    normalize::normalize_packet(*impl_, packet);
  } catch (const std::bad_alloc&) {
    impl_->out->keep_if(before, [](const FlowRecord&) { return false; });
    ++counters.sets_out_of_memory;
  }
  if (impl_->out != nullptr) counters.flows += impl_->out->flows.size() - before;
}

NormalizerCounters Normalizer::counters() const noexcept {
  NormalizerCounters counters = impl_->counters;
  const normalize::ExporterTable& exporters = impl_->exporters;
  counters.sampling_rates = exporters.rates();
  counters.names = exporters.names();
  counters.exporters = exporters.size();
  counters.exporters_evicted = exporters.evicted();
  counters.absurd_sampling_rates = exporters.absurd_rates();
  counters.options_records_passed_over = exporters.records_passed_over();
  return counters;
}

ExporterFacts Normalizer::facts(const IpAddress& exporter) const {
  return impl_->exporters.facts(exporter);
}
std::vector<IpAddress> Normalizer::exporters() const { return impl_->exporters.addresses(); }

std::vector<std::byte> Normalizer::save_state() const { return impl_->exporters.save(); }

Diagnostic Normalizer::load_state(std::span<const std::byte> state) noexcept {
  return impl_->exporters.load(state);
}

}  // namespace flowlens
