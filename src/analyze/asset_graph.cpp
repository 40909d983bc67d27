#include "flowlens/asset_graph.hpp"

#include "base/spread_vector.hpp"

namespace flowlens {

EdgeMask edges_where(const Snapshot& snapshot,
                     const std::function<bool(const Snapshot::Edge&)>& keep) {
  EdgeMask mask(snapshot.edges.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = keep(snapshot.edges[i]);
  return mask;
}

AssetGraph::AssetGraph(const Snapshot& snapshot, const EdgeMask& mask) {
  const std::size_t assets = snapshot.assets.size();
  out_offsets_.assign(assets + 1, 0);
  in_offsets_.assign(assets + 1, 0);
  base::reserve_spread(out_, snapshot.edges.size());
  for (std::uint32_t client = 0; client < assets; ++client) {
    const std::size_t first = out_.size();
    for (std::uint32_t i = snapshot.out_offsets[client]; i < snapshot.out_offsets[client + 1];
         ++i) {
      if (!mask.empty() && !mask[i]) continue;
      const AssetIndex server = snapshot.edges[i].server;
      if (server.value == client) continue;
      if (out_.size() > first && out_.back() == server) continue;  // edges are ordered by server
      out_.push_back(server);
      ++in_offsets_[server.value + 1];
    }
    out_offsets_[client + 1] = static_cast<std::uint32_t>(out_.size());
  }
  for (std::size_t i = 0; i < assets; ++i) in_offsets_[i + 1] += in_offsets_[i];
  base::reserve_spread(in_, out_.size());
  in_.resize(out_.size());
  std::vector<std::uint32_t> next(in_offsets_.begin(), in_offsets_.end() - 1);
  for (std::uint32_t client = 0; client < assets; ++client) {
    for (const AssetIndex server : servers_of({client})) {
      in_[next[server.value]++] = AssetIndex{client};
    }
  }
}

}  // namespace flowlens
