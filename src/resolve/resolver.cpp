#include "flowlens/resolver.hpp"

#include <utility>

namespace flowlens {

Resolver::Resolver(const ResolverOptions& options)
    : enricher_(options.enricher),
      aggregator_(options.aggregator),
      graph_(options.graph, enricher_.sites()) {}

void Resolver::begin(Epoch epoch, std::uint64_t last_revision) noexcept {
  epoch_ = epoch;
  last_revision_ = last_revision;
}

void Resolver::add(std::span<const FlowRecord> flows, Timestamp now) {
  enricher_.label(flows, labels_);
  aggregator_.add(flows, labels_, now);
}

void Resolver::add(std::span<const Fact> facts) {
  for (const Fact& fact : facts) graph_.apply(fact);
}

Revision Resolver::flush(Timestamp now) {
  summaries_.clear();
  aggregator_.flush(now, summaries_);
  return take(now);
}

Revision Resolver::finish(Timestamp now) {
  summaries_.clear();
  aggregator_.flush(now, summaries_);
  aggregator_.finish(summaries_);
  return take(now);
}

/// Applies the summaries and makes the next revision of what that changed.
Revision Resolver::take(Timestamp now) {
  refused_flows_ += graph_.apply(summaries_, &dependency_ids_);
  Revision revision = graph_.take_revision(last_revision_ + 1, epoch_, now);
  revision.windows.reserve(summaries_.size());
  for (std::size_t i = 0; i < summaries_.size(); ++i) {
    const ConnectionSummary& s = summaries_[i];
    // A window that closes without anything new is in the store already.
    if (dependency_ids_[i].is_none() || s.added.is_zero()) continue;
    revision.windows.push_back({s.window_start, dependency_ids_[i], s.counts});
  }
  revision.flows = ledger();
  if (revision.empty()) {
    revision.number = last_revision_;
  } else {
    ++last_revision_;
  }
  return revision;
}

FlowLedger Resolver::ledger() const noexcept {
  FlowLedger ledger = aggregator_.ledger();
  ledger.applied -= refused_flows_;
  ledger.dropped[static_cast<std::size_t>(FlowDropReason::table_full)] += refused_flows_;
  return ledger;
}

}  // namespace flowlens
