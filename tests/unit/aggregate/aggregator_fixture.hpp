/// \file
/// An Aggregator with labels for its flows, whose ledgers must balance in the end.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "flowlens/aggregator.hpp"
#include "support/flows.hpp"

namespace flowlens::testing {

struct Fixture {
  Aggregator aggregator;
  Enricher enricher;
  std::uint64_t flows = 0;

  explicit Fixture(const AggregatorOptions& options = {}) : aggregator(options) {}
  ~Fixture() {
    CHECK(aggregator.ledger().balanced());
    CHECK(aggregator.ledger().normalized == flows);
    CHECK(aggregator.octets().balanced());
  }

  void add(const std::vector<FlowRecord>& batch, Timestamp now = kNoon + std::chrono::seconds{35}) {
    std::vector<FlowLabels> labels;
    enricher.label(batch, labels);
    aggregator.add(batch, labels, now);
    flows += batch.size();
  }
  std::vector<ConnectionSummary> flush(Timestamp now) {
    std::vector<ConnectionSummary> out;
    aggregator.flush(now, out);
    return out;
  }
  std::vector<ConnectionSummary> finish() {
    std::vector<ConnectionSummary> out;
    aggregator.finish(out);
    return out;
  }
  [[nodiscard]] const FlowLedger& ledger() const { return aggregator.ledger(); }
};

}  // namespace flowlens::testing
