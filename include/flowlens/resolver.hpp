/// \file
/// resolve: the only writer of the map: flows and facts in, revisions out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flowlens/aggregator.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

struct ResolverOptions {
  EnricherOptions enricher;
  AggregatorOptions aggregator;
  DependencyGraphOptions graph;
};

/// Ties Enricher, Aggregator and DependencyGraph together.
///
/// Thread-compatible, but for graph(): that may be read by any thread at any time.
class Resolver {
 public:
  /// Starts with an empty map; load one with `graph().apply(revision)` before the first add().
  /// \throws ConfigError as its parts do.
  explicit Resolver(const ResolverOptions& options = {});

  /// Starts a term: revisions carry `epoch` and follow on `last_revision`.
  void begin(Epoch epoch, std::uint64_t last_revision) noexcept;

  /// \param now  the caller's clock (or the capture's); never goes back.
  void add(std::span<const FlowRecord> flows, Timestamp now);
  void add(std::span<const Fact> facts);
  void count_sampled_out(std::uint64_t flows) noexcept { aggregator_.count_sampled_out(flows); }
  void count_dropped(FlowDropReason why, std::uint64_t flows) noexcept {
    aggregator_.count_dropped(why, flows);
  }

  /// Brings the map up to `now` and returns what changed since the last flush. May be empty; then it
  /// keeps the number of the one before.
  [[nodiscard]] Revision flush(Timestamp now);
  /// As flush(), and closes every window: for the end of a capture, and for a stop.
  [[nodiscard]] Revision finish(Timestamp now);

  [[nodiscard]] DependencyGraph& graph() noexcept { return graph_; }
  [[nodiscard]] const DependencyGraph& graph() const noexcept { return graph_; }
  [[nodiscard]] FlowLedger ledger() const noexcept;
  [[nodiscard]] AggregatorCounters aggregator_counters() const noexcept {
    return aggregator_.counters();
  }

 private:
  Revision take(Timestamp now);

  Enricher enricher_;
  Aggregator aggregator_;
  DependencyGraph graph_;
  std::vector<FlowLabels> labels_;
  std::vector<ConnectionSummary> summaries_;
  std::vector<Id> dependency_ids_;  ///< of summaries_
  Epoch epoch_;
  std::uint64_t last_revision_ = 0;
  std::uint64_t refused_flows_ = 0;
};

}  // namespace flowlens
