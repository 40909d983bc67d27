#include "flowlens/snapshot_filter.hpp"

#include <numeric>
#include <utility>

namespace flowlens {
namespace {

/// What build_snapshot() makes of the edges.
void index_edges(Snapshot& s) {
  s.out_offsets.assign(s.assets.size() + 1, 0);
  s.in_offsets.assign(s.assets.size() + 1, 0);
  for (const Snapshot::Edge& edge : s.edges) {
    ++s.out_offsets[edge.client.value + 1];
    ++s.in_offsets[edge.server.value + 1];
  }
  std::partial_sum(s.out_offsets.begin(), s.out_offsets.end(), s.out_offsets.begin());
  std::partial_sum(s.in_offsets.begin(), s.in_offsets.end(), s.in_offsets.begin());
  std::vector<std::uint32_t> next = s.in_offsets;
  s.in_edges.resize(s.edges.size());
  for (std::uint32_t i = 0; i < s.edges.size(); ++i) {
    s.in_edges[next[s.edges[i].server.value]++] = i;
  }
}

}  // namespace

std::shared_ptr<const Snapshot> filter_snapshot(const DependencyGraph& graph,
                                                const Snapshot& snapshot,
                                                const Filter<DependencyRow>& filter) {
  auto part = std::make_shared<Snapshot>();
  part->revision = snapshot.revision;
  part->assets = snapshot.assets;
  for (const Snapshot::Edge& edge : snapshot.edges) {
    const auto row = graph.dependency(snapshot, edge);
    if (row && (!filter || filter.matches(*row))) part->edges.push_back(edge);
  }
  index_edges(*part);
  return part;
}

}  // namespace flowlens
