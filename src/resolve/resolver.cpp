#include "flowlens/resolver.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/hash.hpp"
#include "resolve/told_translations.hpp"

namespace flowlens {

namespace {

ChangeDetectorOptions with_window(ChangeDetectorOptions changes, const AggregatorOptions& windows) {
  changes.window = windows.window;
  return changes;
}

NextHopCounterOptions with_window(NextHopCounterOptions o, const AggregatorOptions& windows) {
  o.window = windows.window;
  o.allowed_lateness = windows.allowed_lateness;
  o.max_past = windows.max_past;
  o.max_future = windows.max_future;
  return o;
}

GatewaysOptions with_window(GatewaysOptions o, const ResolverOptions& all) {
  o.window = all.aggregator.window;
  o.is_watching &= all.changes.is_on;
  return o;
}

}  // namespace

Resolver::Resolver(const ResolverOptions& options)
    : enricher_(options.enricher),
      aggregator_(options.aggregator),
      graph_(options.graph, enricher_.sites()),
      intermediaries_(options.intermediaries),
      external_peers_(options.external_peers),
      changes_(with_window(options.changes, options.aggregator)),
      next_hops_(with_window(options.next_hops, options.aggregator)),
      gateways_(with_window(options.gateways, options)),
      max_origins_(options.external_peers.max_origins) {}

void Resolver::begin(Epoch epoch, std::uint64_t last_revision) {
  epoch_ = epoch;
  last_revision_ = last_revision;
  DependencyQuery query;
  query.limit = 10'000;
  for (bool is_end = false; !is_end;) {
    const auto page = graph_.dependencies(query);
    for (const DependencyRow& row : page.rows) external_peers_.remember(row.key);
    query.after = page.next;
    is_end = !page.has_more;
  }
  changes_.begin(graph_);
}

std::size_t Resolver::AddressHash::operator()(const IpAddress& address) const noexcept {
  return base::hash_of(address, 0);
}

/// The lowest AS that any flow tells of an address.
void Resolver::learn_origin(const IpAddress& address, std::uint32_t as_number) {
  if (as_number == 0 || address.is_private()) return;
  const auto known = as_numbers_.find(address);
  if (known != as_numbers_.end() && known->second <= as_number) return;
  if (known == as_numbers_.end() && as_numbers_.size() >= max_origins_) return;
  as_numbers_[address] = as_number;
  origins_.push_back({address, as_number, {}});
}

void Resolver::learn_origins(std::span<const FlowRecord> flows) {
  for (const FlowRecord& flow : flows) {
    if (flow.has(FlowField::source_as)) learn_origin(flow.source_address, flow.source_as);
    if (flow.has(FlowField::destination_as)) {
      learn_origin(flow.destination_address, flow.destination_as);
    }
  }
}

void Resolver::add(std::span<const FlowRecord> flows, Timestamp now) {
  enricher_.label(flows, labels_);
  add_labelled(flows, now);
}

void Resolver::add(const FlowBatch& batch, std::size_t first, std::size_t end, Timestamp now) {
  enricher_.label(batch, first, end, labels_);
  add_labelled(std::span{batch.flows}.subspan(first, end - first), now);
}

void Resolver::add_labelled(std::span<const FlowRecord> flows, Timestamp now) {
  if (external_peers_.wants_as()) learn_origins(flows);
  next_hops_.add(flows, labels_);
  aggregator_.add(flows, labels_, now);
}

void Resolver::add(const FlowBatch& batch, Timestamp now) {
  tell(batch);
  add(batch, 0, batch.flows.size(), now);
}

void Resolver::tell(const FlowBatch& batch) {
  if (batch.translations.empty() && batch.nat_events.empty()) return;
  resolve::tell(batch, enricher_, aggregator_.translations());
}

std::size_t Resolver::add(std::span<const Fact> facts) {
  for (const Fact& fact : facts) tell_origin(fact);
  return graph_.apply(facts);
}

/// The map keeps these, too.
void Resolver::tell_origin(const Fact& fact) {
  AddressOrigin origin{fact.subject.address, 0, {}};
  if (fact.attribute == "country") {
    origin.country = fact.value;
  } else if (fact.attribute == "as_number") {
    std::from_chars(fact.value.data(), fact.value.data() + fact.value.size(), origin.as_number);
  } else {
    return;
  }
  const std::lock_guard lock{told_mutex_};
  if (told_.size() < max_origins_) told_.push_back(std::move(origin));
}

Revision Resolver::flush(Timestamp now) {
  summarize(now, summaries_);
  return apply(summaries_);
}

Revision Resolver::finish(Timestamp now) {
  summarize(now, summaries_);
  aggregator_.finish(summaries_.rows, &summaries_.redirections, &summaries_.attempts);
  next_hops_.take_all(summaries_.next_hops);
  summaries_.flows = aggregator_.ledger();
  return apply(summaries_);
}

void Resolver::summarize(Timestamp now, FlushedSummaries& out) {
  begin_summary(now, out);
  aggregator_.flush(now, out.rows, &out.redirections, &out.attempts);
  out.flows = aggregator_.ledger();
}

void Resolver::summarize_in_parts(Timestamp now, FlushedSummaries& out) {
  begin_summary(now, out);
  aggregator_.flush_in_parts(now, out.rows, &out.redirections, &out.attempts);
  out.flows = aggregator_.ledger();
}

void Resolver::begin_summary(Timestamp now, FlushedSummaries& out) {
  out.rows.clear();
  out.redirections.clear();
  out.attempts.clear();
  out.origins.clear();
  out.origins.swap(origins_);
  {
    const std::lock_guard lock{told_mutex_};
    out.origins.insert(out.origins.end(), told_.begin(), told_.end());
    told_.clear();
  }
  out.next_hops.clear();
  next_hops_.take_closed(now, out.next_hops);
  out.at = now;
  out.input_position = input_position_;
}

Revision Resolver::apply(FlushedSummaries& summaries) {
  for (const AddressOrigin& origin : summaries.origins) {
    external_peers_.tell_as(origin.address, origin.as_number);
    external_peers_.tell_country(origin.address, origin.country);
  }
  external_peers_.collapse(summaries.rows, summaries.redirections);
  const std::uint64_t refused =
      graph_.apply(summaries.rows, summaries.redirections, &dependency_ids_, &recorded_);
  refused_flows_.fetch_add(refused, std::memory_order_relaxed);
  look_at_closed(summaries);
  if (!summaries.next_hops.empty()) {
    gateways_.look(summaries.next_hops, events_);
    graph_.apply(events_);
  }
  const bool has_moved = summaries.input_position != told_position_;
  Revision revision = graph_.take_revision(last_revision_ + 1, epoch_, summaries.at, has_moved);
  revision.input_position = told_position_ = summaries.input_position;
  revision.windows.reserve(summaries.rows.size());
  auto recorded = recorded_.begin();
  for (std::size_t i = 0; i < summaries.rows.size(); ++i) {
    const ConnectionSummary& s = summaries.rows[i];
    const bool is_elsewhere = recorded != recorded_.end() && recorded->index == i;
    const Id& id = is_elsewhere ? (recorded++)->id : dependency_ids_[i];
    // A window that closes without anything new is in the store already.
    if (dependency_ids_[i].is_none() || s.added.is_zero()) continue;
    revision.windows.push_back({s.window_start, id, s.counts});
  }
  revision.flows = without_refused(summaries.flows);
  if (revision.empty() && !has_moved) {
    revision.number = last_revision_;
  } else {
    ++last_revision_;
  }
  return revision;
}

/// What windows that are over tell: who stands between others, and what became otherwise.
void Resolver::look_at_closed(const FlushedSummaries& summaries) {
  const auto& rows = summaries.rows;
  const bool has_closed = std::any_of(rows.begin(), rows.end(),
                                      [](const ConnectionSummary& s) { return !s.provisional; });
  if (has_closed) {
    intermediaries_.look(rows);
    graph_.apply(intermediaries_.proposals(), summaries.at);
  }
  if (!has_closed && summaries.attempts.empty()) return;
  changes_.look(graph_, rows, dependency_ids_, events_, summaries.attempts);
  graph_.apply(events_);
}

ChangeDetectorCounters Resolver::changes_counters() const {
  ChangeDetectorCounters counters = changes_.counters();
  const GatewayCounters gateways = gateways_.counters();
  counters.events[static_cast<std::size_t>(ChangeType::gateway_changed)] += gateways.changes;
  counters.left_out += gateways.left_out;
  return counters;
}

FlowLedger Resolver::ledger() const noexcept { return without_refused(aggregator_.ledger()); }

/// Flows that the map had no room for count as dropped.
FlowLedger Resolver::without_refused(FlowLedger ledger) const noexcept {
  const std::uint64_t refused = refused_flows_.load(std::memory_order_relaxed);
  ledger.applied -= refused;
  ledger.dropped[static_cast<std::size_t>(FlowDropReason::table_full)] += refused;
  return ledger;
}

}  // namespace flowlens
