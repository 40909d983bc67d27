/// \file
/// resolve: the only writer of the map: flows and facts in, revisions out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "flowlens/aggregator.hpp"
#include "flowlens/change_detector.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/external_peers.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/gateways.hpp"
#include "flowlens/intermediary.hpp"
#include "flowlens/next_hop.hpp"
#include "flowlens/redirection.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

struct ResolverOptions {
  EnricherOptions enricher;
  AggregatorOptions aggregator;
  DependencyGraphOptions graph;
  IntermediaryFinderOptions intermediaries;
  ExternalPeersOptions external_peers;
  ChangeDetectorOptions changes;    ///< its window is the Aggregator's
  NextHopCounterOptions next_hops;  ///< its windows and times are the Aggregator's
  GatewaysOptions gateways;         ///< its window is too; watches where `changes` is on
};

/// Where an address belongs, as flows (AS) or facts (`as_number`, `country`) tell it.
struct AddressOrigin {
  IpAddress address;
  std::uint32_t as_number = 0;  ///< 0: not told
  std::string country;          ///< two letters, or empty
};

/// What a flush takes out of the Aggregator, on its way into the map.
struct FlushedSummaries {
  std::vector<ConnectionSummary> rows;
  std::vector<Redirection> redirections;   ///< ascending by `before_row`
  std::vector<Attempt> attempts;           ///< of windows that are over
  std::vector<AddressOrigin> origins;      ///< told since the flush before
  std::vector<NextHopSighting> next_hops;  ///< of windows that are over
  FlowLedger flows;                        ///< as of `at`
  std::uint64_t input_position = 0;        ///< the same; see Resolver::note_input()
  Timestamp at;
};

/// Ties Enricher, Aggregator, DependencyGraph, IntermediaryFinder, ChangeDetector and Gateways together.
///
/// Thread-compatible, but for graph() and gateways(), which may be read by any thread at any time, the
/// add() of facts, and apply().
class Resolver {
 public:
  /// Starts with an empty map; load one with `graph().apply(revision)` before the first add().
  /// \throws ConfigError as its parts do.
  explicit Resolver(const ResolverOptions& options = {});

  /// Starts a term: revisions carry `epoch` and follow on `last_revision`. What the map shows in
  /// groups of external peers stays so.
  void begin(Epoch epoch, std::uint64_t last_revision);

  /// \param now  the caller's clock (or the capture's); never goes back.
  void add(std::span<const FlowRecord> flows, Timestamp now);
  /// Takes the flows of a batch and what it tells of translation.
  void add(const FlowBatch& batch, Timestamp now);
  /// Takes the flows [first, end) of a batch alone, in the VRFs that it tells.
  void add(const FlowBatch& batch, std::size_t first, std::size_t end, Timestamp now);
  /// Takes what a batch tells of translation alone; the flows may come in portions.
  void tell(const FlowBatch& batch);
  /// Facts go to the map; `as_number` and `country` also say where an external peer belongs. May be called
  /// by any thread at any time. \return how many the map has taken.
  std::size_t add(std::span<const Fact> facts);
  /// See Aggregator::list().
  bool list(const Listener& listener) { return aggregator_.list(listener); }
  void count_sampled_out(std::uint64_t flows) noexcept { aggregator_.count_sampled_out(flows); }
  void count_dropped(FlowDropReason why, std::uint64_t flows) noexcept {
    aggregator_.count_dropped(why, flows);
  }

  /// The flows so far, or what was counted in their place, are all of an input up to this position. Where
  /// it has moved, the next revision says so, and has a number of its own even without rows.
  void note_input(std::uint64_t position) noexcept { input_position_ = position; }

  /// Brings the map up to `now` and returns what changed since the last flush. May be empty; then it
  /// keeps the number of the one before.
  [[nodiscard]] Revision flush(Timestamp now);
  /// As flush(), and closes every window: for the end of a capture, and for a stop.
  [[nodiscard]] Revision finish(Timestamp now);

  // flush() in two halves, for those who cannot wait for the second with the next add(): it may run
  // on another thread while this one goes on adding. Halves take turns: 1, 2, 1, 2.
  /// The first half: takes out of the Aggregator what changed. \param out  overwritten; its memory is
  /// used again.
  void summarize(Timestamp now, FlushedSummaries& out);
  /// The same, but windows close in go_on_closing(): see Aggregator::flush_in_parts().
  void summarize_in_parts(Timestamp now, FlushedSummaries& out);
  bool go_on_closing(std::size_t work) { return aggregator_.go_on_closing(work); }
  /// The second half: brings the map up to it. \param summaries  rows of external peers are put
  /// together in it.
  [[nodiscard]] Revision apply(FlushedSummaries& summaries);

  // What the ChangeDetector has learned; not while an apply() runs.
  [[nodiscard]] std::vector<std::byte> save_changes() const { return changes_.save(); }
  /// Before begin(). \return see ChangeDetector::load().
  [[nodiscard]] Diagnostic load_changes(std::span<const std::byte> state) {
    return changes_.load(state);
  }
  /// With the events of gateways().
  [[nodiscard]] ChangeDetectorCounters changes_counters() const;

  [[nodiscard]] const Gateways& gateways() const noexcept { return gateways_; }
  /// Before begin(). \return see Gateways::load().
  [[nodiscard]] Diagnostic load_gateways(std::span<const std::byte> state) {
    return gateways_.load(state);
  }
  /// Flows whose next hops found no room.
  [[nodiscard]] std::uint64_t next_hops_refused() const noexcept {
    return next_hops_.refused_flows();
  }

  [[nodiscard]] DependencyGraph& graph() noexcept { return graph_; }
  [[nodiscard]] const DependencyGraph& graph() const noexcept { return graph_; }
  [[nodiscard]] FlowLedger ledger() const noexcept;
  /// Where the octets of the flows went; flows that the map had no room for count as applied here.
  [[nodiscard]] const FlowOctetLedger& octets() const noexcept { return aggregator_.octets(); }
  /// Not while an apply() runs.
  [[nodiscard]] ExternalPeersCounters external_peers_counters() const noexcept {
    return external_peers_.counters();
  }
  [[nodiscard]] AggregatorCounters aggregator_counters() const noexcept {
    return aggregator_.counters();
  }

 private:
  struct AddressHash {
    std::size_t operator()(const IpAddress& address) const noexcept;
  };
  void add_labelled(std::span<const FlowRecord> flows, Timestamp now);
  void tell_origin(const Fact& fact);
  void learn_origins(std::span<const FlowRecord> flows);
  void learn_origin(const IpAddress& address, std::uint32_t as_number);
  void begin_summary(Timestamp now, FlushedSummaries& out);
  [[nodiscard]] FlowLedger without_refused(FlowLedger ledger) const noexcept;
  void look_at_closed(const FlushedSummaries& summaries);

  Enricher enricher_;
  Aggregator aggregator_;
  DependencyGraph graph_;
  IntermediaryFinder intermediaries_;
  ExternalPeers external_peers_;
  ChangeDetector changes_;
  NextHopCounter next_hops_;
  Gateways gateways_;
  std::size_t max_origins_;
  std::unordered_map<IpAddress, std::uint32_t, AddressHash> as_numbers_;  ///< told already
  std::vector<AddressOrigin> origins_;
  std::mutex told_mutex_;
  std::vector<AddressOrigin> told_;  ///< by facts
  std::vector<FlowLabels> labels_;
  FlushedSummaries summaries_;
  std::vector<Id> dependency_ids_;  ///< of the summaries at hand
  std::vector<DependencyGraph::RecordedAs> recorded_;
  std::vector<ChangeEvent> events_;
  Epoch epoch_;
  std::uint64_t last_revision_ = 0;
  std::uint64_t input_position_ = 0;
  std::uint64_t told_position_ = 0;              ///< of the last revision
  std::atomic<std::uint64_t> refused_flows_{0};  ///< of both halves
};

}  // namespace flowlens
