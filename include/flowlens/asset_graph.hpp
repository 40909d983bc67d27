/// \file
/// analyze: who uses whom, asset by asset: what paths, cuts, cores and communities are found on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "flowlens/snapshot.hpp"

namespace flowlens {

/// Which edges of a Snapshot count, by position in `edges`; empty: all of them.
using EdgeMask = std::vector<bool>;

/// The edges that `keep` says yes to.
[[nodiscard]] EdgeMask edges_where(const Snapshot& snapshot,
                                   const std::function<bool(const Snapshot::Edge&)>& keep);

/// The assets of a Snapshot, and between any two of them at most one arc each way, from the client to
/// the server, whatever the number of ports and endpoints. An asset's use of itself is no arc.
/// 8 octets an arc. Immutable: share freely. Keeps nothing of the Snapshot.
class AssetGraph {
 public:
  /// \param mask  as long as `snapshot.edges`, or empty.
  explicit AssetGraph(const Snapshot& snapshot, const EdgeMask& mask = {});

  [[nodiscard]] std::uint32_t asset_count() const noexcept {
    return static_cast<std::uint32_t>(out_offsets_.size() - 1);
  }
  [[nodiscard]] std::size_t arc_count() const noexcept { return out_.size(); }
  /// The assets that `client` uses, ascending, each once. Valid as long as the graph.
  [[nodiscard]] std::span<const AssetIndex> servers_of(AssetIndex client) const noexcept {
    return part(out_, out_offsets_, client);
  }
  /// The assets that use `server`, ascending, each once. Valid as long as the graph.
  [[nodiscard]] std::span<const AssetIndex> clients_of(AssetIndex server) const noexcept {
    return part(in_, in_offsets_, server);
  }
  /// Position of an asset's first arc among all arcs, in the order of (client, server).
  [[nodiscard]] std::size_t first_arc(AssetIndex client) const noexcept {
    return out_offsets_[client.value];
  }

 private:
  static std::span<const AssetIndex> part(const std::vector<AssetIndex>& list,
                                          const std::vector<std::uint32_t>& offsets,
                                          AssetIndex asset) noexcept {
    const std::uint32_t first = offsets[asset.value];
    return {list.data() + first, offsets[asset.value + 1] - first};
  }

  std::vector<AssetIndex> out_, in_;
  std::vector<std::uint32_t> out_offsets_, in_offsets_;
};

}  // namespace flowlens
