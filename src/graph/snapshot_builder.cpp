#include "graph/snapshot_builder.hpp"

#include <algorithm>
#include <tuple>

namespace flowlens::graph {

namespace {

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
  std::vector<std::uint32_t> next = s.in_offsets;
  for (std::uint32_t i = 0; i < s.edges.size(); ++i) {
    s.in_edges[next[s.edges[i].server.value]++] = i;
  }
}

/// Sorts the assets by id. \return the index of each position.
std::vector<AssetIndex> sort_assets(const std::vector<Id>& by_position, std::vector<Id>& sorted) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t p = 0; p < by_position.size(); ++p) {
    if (!by_position[p].is_none()) order.push_back(p);
  }
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return by_position[a] < by_position[b]; });
  std::vector<AssetIndex> index_of(by_position.size());
  sorted.reserve(order.size());
  for (const std::uint32_t p : order) {
    index_of[p] = AssetIndex{static_cast<std::uint32_t>(sorted.size())};
    sorted.push_back(by_position[p]);
  }
  return index_of;
}

}  // namespace

/// The edges are sorted where they are: a second copy of them would be the largest thing there is.
std::shared_ptr<const Snapshot> build_snapshot(SnapshotInput input) {
  auto s = std::make_shared<Snapshot>();
  s->revision = input.revision;
  const std::vector<AssetIndex> index_of = sort_assets(input.assets, s->assets);
  s->edges = std::move(input.edges);
  std::erase_if(s->edges, [](const Snapshot::Edge& e) { return e.client.value == kNoEdge; });
  for (Snapshot::Edge& e : s->edges) {
    e.client = index_of[e.client.value];
    e.server = index_of[e.server.value];
  }
  // Weight and hour tell apart what differs in its endpoints only.
  std::sort(s->edges.begin(), s->edges.end(), [](const auto& a, const auto& b) {
    return std::tie(a.client, a.server, a.protocol, a.port, a.weight, a.last_hour, a.dependency) <
           std::tie(b.client, b.server, b.protocol, b.port, b.weight, b.last_hour, b.dependency);
  });
  index_edges(*s);
  return s;
}

}  // namespace flowlens::graph
