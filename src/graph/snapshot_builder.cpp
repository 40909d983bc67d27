#include "graph/snapshot_builder.hpp"

#include <algorithm>
#include <tuple>

namespace flowlens::graph {

namespace {

constexpr auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };

std::uint32_t hour_of(Timestamp t) noexcept {
  const auto hours = std::chrono::floor<std::chrono::hours>(t).time_since_epoch().count();
  return hours < 0 ? 0 : static_cast<std::uint32_t>(hours);
}

/// Offsets of groups from their sizes: entry i is where group i begins.
void sum_up(std::vector<std::uint32_t>& offsets) noexcept {
  std::uint32_t sum = 0;
  for (std::uint32_t& offset : offsets) {
    const std::uint32_t size = offset;
    offset = sum;
    sum += size;
  }
}

void index_edges(Snapshot& s) {
  s.out_offsets.assign(s.assets.size() + 1, 0);
  s.in_offsets.assign(s.assets.size() + 1, 0);
  for (const Snapshot::Edge& e : s.edges) {
    ++s.out_offsets[e.client.value];
    ++s.in_offsets[e.server.value];
  }
  sum_up(s.out_offsets);
  sum_up(s.in_offsets);
  s.in_edges.resize(s.edges.size());
  std::vector<std::uint32_t> at(s.in_offsets);
  for (std::uint32_t i = 0; i < s.edges.size(); ++i) s.in_edges[at[s.edges[i].server.value]++] = i;
}

}  // namespace

std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input) {
  auto s = std::make_shared<Snapshot>();
  s->revision = input.revision;

  std::sort(input.assets.begin(), input.assets.end(), by_id);
  std::uint32_t positions = 0;
  for (const auto& a : input.assets) positions = std::max(positions, a.position + 1);
  std::vector<AssetIndex> index_of(positions);
  s->assets.reserve(input.assets.size());
  for (const auto& a : input.assets) {
    index_of[a.position] = AssetIndex{static_cast<std::uint32_t>(s->assets.size())};
    s->assets.push_back(a.id);
  }

  std::sort(input.edges.begin(), input.edges.end(), by_id);
  s->dependencies.reserve(input.edges.size());
  s->edges.reserve(input.edges.size());
  for (const auto& e : input.edges) {
    Snapshot::Edge& edge = s->edges.emplace_back();
    edge.client = index_of[e.client];
    edge.server = index_of[e.server];
    edge.dependency = static_cast<std::uint32_t>(s->dependencies.size());
    edge.last_hour = hour_of(e.last);
    edge.confidence = confidence(e.rung);
    edge.port = e.port;
    edge.protocol = e.protocol;
    s->dependencies.push_back(e.id);
  }
  std::sort(s->edges.begin(), s->edges.end(), [](const auto& a, const auto& b) {
    return std::tie(a.client, a.server, a.dependency) < std::tie(b.client, b.server, b.dependency);
  });
  index_edges(*s);
  return s;
}

}  // namespace flowlens::graph
