#include "flowlens/normalizer.hpp"

#include <new>
#include <string>

#include "flowlens/error.hpp"
#include "normalize/normalizer_state.hpp"

namespace flowlens {

struct Normalizer::Impl : normalize::NormalizerState {
  using NormalizerState::NormalizerState;
};

namespace {

const NormalizerOptions& checked(const NormalizerOptions& o) {
  if (o.max_plans == 0 || o.max_samplers == 0) {
    throw ConfigError(std::string{"NormalizerOptions::"} +
                      (o.max_plans == 0 ? "max_plans" : "max_samplers") +
                      " is 0; it must be at least 1");
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

void Normalizer::on_data_set(const DataSet& set) noexcept {
  NormalizerCounters& counters = impl_->counters;
  const std::size_t before = impl_->out != nullptr ? impl_->out->flows.size() : 0;
  counters.records += set.record_count;
  try {
    normalize::normalize_set(*impl_, set);
  } catch (const std::bad_alloc&) {
    if (impl_->out != nullptr) impl_->out->keep_if(before, [](const FlowRecord&) { return false; });
    counters.records_without_flow += set.record_count;
    ++counters.sets_out_of_memory;
  }
  if (impl_->out != nullptr) counters.flows += impl_->out->flows.size() - before;
}

void Normalizer::on_options_set(const DataSet& set) noexcept {
  try {
    impl_->facts.learn(set);
  } catch (const std::bad_alloc&) {
    ++impl_->counters.sets_out_of_memory;
  }
}

void Normalizer::on_sample(const SflowSample& sample) noexcept {
  NormalizerCounters& counters = impl_->counters;
  const std::size_t before = impl_->out != nullptr ? impl_->out->flows.size() : 0;
  try {
    normalize::normalize_sample(*impl_, sample);
  } catch (const std::bad_alloc&) {
    if (impl_->out != nullptr) impl_->out->keep_if(before, [](const FlowRecord&) { return false; });
    ++counters.sets_out_of_memory;
  }
  if (impl_->out != nullptr) counters.flows += impl_->out->flows.size() - before;
}

NormalizerCounters Normalizer::counters() const noexcept {
  NormalizerCounters counters = impl_->counters;
  counters.sampling_rates = impl_->facts.rates();
  return counters;
}

std::vector<std::byte> Normalizer::save_state() const { return impl_->facts.save(); }

Diagnostic Normalizer::load_state(std::span<const std::byte> state) noexcept {
  return impl_->facts.load(state);
}

}  // namespace flowlens
