// Reading the structure while writers go on.
#include <algorithm>
#include <array>
#include <utility>

#include "graph/graph_state.hpp"
#include "graph/snapshot_builder.hpp"

namespace flowlens {

namespace graph {

namespace {

constexpr std::uint32_t kRowsAtOnce = 2'048;  // under a millisecond, whatever misses the cache
constexpr std::uint32_t kRowsInStep = 64;

void read_asset(const State& graph, std::uint32_t position, SnapshotInput& to) {
  if (position >= to.assets.size()) to.assets.resize(position + 1);
  const auto& entry = graph.assets[position];
  to.assets[position] = entry.value.alive ? entry.key : Id{};
}

/// How many octets one counted octet stands for, 1 to 65,535.
std::uint16_t sampling_rate(const TrafficCounts& t) noexcept {
  const std::uint64_t counted = t.octets_to_server + t.octets_to_client;
  const std::uint64_t estimated = t.estimated_octets_to_server + t.estimated_octets_to_client;
  if (estimated == counted) return 1;
  const std::uint64_t rate = counted == 0 ? 1 : (estimated + counted / 2) / counted;
  return static_cast<std::uint16_t>(std::clamp<std::uint64_t>(rate, 1, 65'535));
}

/// Reads the positions of `from` on, as many as at once. \return where to go on.
std::uint32_t read_assets(const State& graph, std::uint32_t from, SnapshotInput& to) {
  const std::uint32_t end = std::min(graph.assets.positions(), from + kRowsAtOnce);
  for (std::uint32_t p = from; p < end; ++p) read_asset(graph, p, to);
  return end;
}

/// Who holds the endpoints of a row now; of one that is gone, anybody.
State::Ends ends_of(const State& graph, std::uint32_t dependency) noexcept {
  return {graph.client_asset(dependency), graph.server_asset(dependency)};
}

/// The ends of some rows lie all over: they are read in steps, so that one wait serves for all.
void read_some_edges(const State& graph, std::uint32_t from, std::uint32_t end, SnapshotInput& to) {
  std::array<State::Ends, kRowsInStep> ends;
  std::array<std::size_t, kRowsInStep> buckets;
  const std::uint32_t count = end - from;
  for (std::uint32_t i = 0; i < count; ++i) ends[i] = ends_of(graph, from + i);
  for (std::uint32_t i = 0; i < count; ++i) buckets[i] = to.bucket_for(ends[i].client);
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool is_alive = graph.dependencies[from + i].value.alive;
    if (!is_alive || buckets[i] == SnapshotInput::kNoBucket) continue;
    graph.write_edge(from + i, ends[i], to.edges.add(buckets[i]));
  }
}

std::uint32_t read_edges(const State& graph, std::uint32_t from, SnapshotInput& to) {
  const std::uint32_t end = std::min(graph.dependencies.positions(), from + kRowsAtOnce);
  for (std::uint32_t p = from; p < end; p += kRowsInStep) {
    read_some_edges(graph, p, std::min(end, p + kRowsInStep), to);
  }
  return end;
}

/// Reads again what the log names, as much as at once. \return entries left.
std::size_t read_log(StructureLog& log, const State& graph, SnapshotInput& to) {
  for (std::uint32_t i = 0; i < kRowsAtOnce && log.done < log.positions.size(); ++i, ++log.done) {
    const auto [position, is_asset] = log.positions[log.done];
    if (is_asset) {
      read_asset(graph, position, to);
    } else {
      std::optional<Snapshot::Edge>& edge = to.read_again[position];
      edge.reset();
      if (!graph.dependencies[position].value.alive) continue;
      graph.write_edge(position, ends_of(graph, position), edge.emplace());
    }
  }
  return log.positions.size() - log.done;
}

}  // namespace

void State::write_edge(std::uint32_t dependency, const Ends& ends,
                       Snapshot::Edge& to) const noexcept {
  const auto& [key, d] = dependencies[dependency];
  const bool is_closed = d.open_head == kNoPosition;
  const Description said = is_closed ? Description{} : shown(d);
  to.client.value = ends.client;
  to.server.value = ends.server;
  to.dependency.value = dependency;
  to.last_hour = hour_of(is_closed ? d.seen.last : said.seen.last);
  to.weight =
      static_cast<float>(d.totals.estimated_octets_to_server + d.totals.estimated_octets_to_client);
  to.port = key.port;
  to.protocol = key.protocol;
  const DirectionRung rung = is_closed ? static_cast<DirectionRung>(d.rung) : said.rung;
  to.confidence_percent = static_cast<std::uint8_t>(100 * confidence(rung) + 0.5f);
  to.active_hours =
      is_closed ? d.active_hours : static_cast<std::uint16_t>(shown_hours(dependency).count());
  to.sampling_rate = sampling_rate(d.totals);
}

void State::begin_log(SnapshotInput& to) const {
  std::size_t assets_now = 0, edges_now = 0;
  {
    const std::unique_lock lock{mutex};
    log = {};
    log.is_on = true;
    assets_now = assets.positions();
    edges_now = dependencies.size();
  }
  // Fresh pages are slow to come: not while others wait.
  to.assets.resize(assets_now);
  to.edges.reserve(edges_now);
}

/// Each round finds less in the log; the last one is short enough to end it under the lock.
void State::read_structure(SnapshotInput& to) const {
  begin_log(to);
  for (std::uint32_t next = 0, end = 1; next < end;) {
    const std::shared_lock lock{mutex};
    next = read_assets(*this, next, to);
    end = assets.positions();
  }
  for (std::uint32_t next = 0, end = 1; next < end;) {
    const std::shared_lock lock{mutex};
    next = read_edges(*this, next, to);
    end = dependencies.positions();
  }
  while (true) {
    const std::unique_lock lock{mutex};
    if (read_log(log, *this, to) > 0) continue;
    to.revision = revision;
    snapshot_structure = structure;
    snapshot_hour = newest_hour;
    log = {};
    return;
  }
}

}  // namespace graph

using namespace graph;

std::shared_ptr<const Snapshot> DependencyGraph::snapshot() const {
  const std::lock_guard building{impl_->snapshot_mutex};
  {
    const std::shared_lock lock{impl_->mutex};
    const bool is_same =
        impl_->snapshot_structure == impl_->structure && impl_->snapshot_hour == impl_->newest_hour;
    if (impl_->snapshot && is_same) return impl_->snapshot;
  }
  impl_->snapshot = nullptr;  // whoever needs the old one has it
  SnapshotInput input;
  impl_->read_structure(input);
  impl_->snapshot = build_snapshot(std::move(input));
  return impl_->snapshot;
}

std::optional<DependencyRow> DependencyGraph::dependency(const Snapshot& snapshot,
                                                         const Snapshot::Edge& edge) const {
  const std::shared_lock lock{impl_->mutex};
  const std::uint32_t position = edge.dependency.value;
  if (position >= impl_->dependencies.positions()) return std::nullopt;
  const auto& [key, d] = impl_->dependencies[position];
  if (!d.alive || key.port != edge.port || key.protocol != edge.protocol) return std::nullopt;
  DependencyRow row = impl_->row_of(position);
  if (row.client_asset != snapshot.assets[edge.client.value]) return std::nullopt;
  if (row.server_asset != snapshot.assets[edge.server.value]) return std::nullopt;
  return row;
}

}  // namespace flowlens
