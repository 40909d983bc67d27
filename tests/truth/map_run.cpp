#include "truth/map_run.hpp"

#include <algorithm>

#include "flowlens/application_view.hpp"

namespace truth {

using flowlens::ConnectionSummary;
using flowlens::DependencyRow;
using flowlens::Direction;

namespace {

DependencyKey without_site(DependencyKey key) noexcept {
  key.client.site = key.server.site = {};
  return key;
}

FoundDependency found_of(const DependencyRow& row) noexcept {
  FoundDependency found;
  found.is_peer = row.direction == Direction::peer;
  found.is_undecided = row.direction == Direction::unknown;
  found.octets_to_server = row.totals.estimated_octets_to_server;
  found.octets_to_client = row.totals.estimated_octets_to_client;
  found.confidence = flowlens::confidence(row.rung);
  return found;
}

}  // namespace

MapRun::MapRun(const Options& options) : options_(options), resolver_(options.resolver) {
  resolver_.begin({1}, 0);
}

void MapRun::add(const flowlens::FlowBatch& batch, flowlens::Timestamp now) {
  now_ = now;
  for (const auto& flow : batch.flows) octets_in_ += flow.octet_count;
  resolver_.add(batch, now);
  if (now < next_flush_) return;
  next_flush_ = now + options_.flush_interval;
  resolver_.summarize(now, summaries_);
  take(summaries_);
}

void MapRun::take(flowlens::FlushedSummaries& summaries) {
  for (const ConnectionSummary& s : summaries.rows) {
    if (s.provisional || s.counts.is_zero()) continue;
    const auto window = std::chrono::floor<std::chrono::seconds>(s.window_start.time_since_epoch());
    decided_[without_site(s.key)].push_back({window / Conversations::kWindow, s.direction, s.rung});
    octets_in_windows_ += s.counts.octets_to_server + s.counts.octets_to_client;
  }
  static_cast<void>(resolver_.apply(summaries));
}

void MapRun::finish() {
  // A minute past everything, so that the regular way of closing is the one that is taken.
  const auto past =
      options_.resolver.aggregator.window + options_.resolver.aggregator.allowed_lateness;
  resolver_.summarize(now_ + past + options_.resolver.aggregator.max_future, summaries_);
  take(summaries_);
  const flowlens::ApplicationView view{resolver_.graph()};
  std::vector<flowlens::ApplicationRow> rows;
  for (const DependencyRow& row : resolver_.graph().copy().dependencies) {
    map_[without_site(row.key)] = found_of(row);
    view.append(row, rows);
  }
  for (const flowlens::ApplicationRow& a : rows) {
    FoundDependency found = found_of(a.row);
    FoundDependency& held = application_map_[without_site(a.row.key)];
    found.octets_to_server += held.octets_to_server;
    found.octets_to_client += held.octets_to_client;
    held = found;
  }
}

const MapRun::Decided* MapRun::decided(const DependencyKey& key, std::int64_t window,
                                       std::int64_t distance) const {
  const auto found = decided_.find(key);
  if (found == decided_.end()) return nullptr;
  for (const Decided& d : found->second) {
    if (std::abs(d.window - window) == distance) return &d;
  }
  return nullptr;
}

Answer MapRun::answer_of(const Decided& row, std::size_t client) {
  Answer answer;
  answer.client_side = client;
  answer.evidence = to_string(row.rung);
  answer.kind = row.direction == Direction::client_server ? Answer::Kind::client_server
                : row.direction == Direction::peer        ? Answer::Kind::peer
                                                          : Answer::Kind::unknown;
  return answer;
}

std::optional<Answer> MapRun::answer(const ConversationKey& key, const Conversation&,
                                     std::size_t suspect) const {
  // Late shares move to the next window, so the neighbours are asked if there is nothing here.
  for (const std::int64_t distance : {0, 1}) {
    for (const std::size_t client : {suspect, 1 - suspect}) {
      const Decided* row = decided(key.dependency(client), key.window, distance);
      if (row != nullptr) return answer_of(*row, client);
    }
    // Where nothing was decided the edge may stand without a port.
    for (const std::size_t client : {suspect, 1 - suspect}) {
      DependencyKey without_port = key.dependency(client);
      without_port.port = 0;
      const Decided* row = decided(without_port, key.window, distance);
      if (row != nullptr && row->direction == Direction::unknown) return answer_of(*row, client);
    }
  }
  return std::nullopt;
}

}  // namespace truth
