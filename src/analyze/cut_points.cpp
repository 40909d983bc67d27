#include <algorithm>
#include <span>

#include "base/spread_vector.hpp"
#include "flowlens/single_points.hpp"

namespace flowlens {

namespace {

constexpr std::uint32_t kNone = 0xffff'ffffu;

/// A depth-first walk over arcs of both ways. `low` is the earliest asset that the tree below one
/// reaches without it.
class Walk {
 public:
  explicit Walk(const AssetGraph& graph)
      : graph_(graph),
        entered_(graph.asset_count(), kNone),
        low_(graph.asset_count()),
        below_(graph.asset_count(), 1),
        largest_(graph.asset_count()),
        split_(graph.asset_count()) {
    cuts_.cut_off.assign(graph.asset_count(), 0);
    cuts_.parts.assign(graph.asset_count(), 0);
  }

  CutPoints run() {
    for (std::uint32_t root = 0; root < graph_.asset_count(); ++root) {
      if (entered_[root] != kNone) continue;
      const std::size_t first = order_.size();
      walk(root);
      finish(root, first);
    }
    return std::move(cuts_);
  }

 private:
  struct Frame {
    std::uint32_t asset = 0;
    std::uint32_t parent = kNone;
    std::uint32_t next = 0;  ///< among its neighbours, clients after servers
  };

  void enter(std::uint32_t asset, std::uint32_t parent) {
    entered_[asset] = low_[asset] = clock_++;
    order_.push_back(asset);
    frames_.push_back({asset, parent, 0});
    base::bring_in(graph_.clients_of({asset}).data(),
                   sizeof(AssetIndex));  // while servers are read
  }

  void walk(std::uint32_t root) {
    enter(root, kNone);
    while (!frames_.empty()) {
      Frame& f = frames_.back();
      const auto servers = graph_.servers_of({f.asset}), clients = graph_.clients_of({f.asset});
      const auto servers_left = servers.subspan(std::min<std::size_t>(f.next, servers.size()));
      std::uint32_t unseen = look_over(servers_left, f);
      if (unseen == kNone) {
        unseen = look_over(clients.subspan(f.next - servers.size()), f);
      }
      if (unseen == kNone) {
        leave();
      } else {
        enter(unseen, f.asset);
      }
    }
  }

  /// Goes over neighbours up to one that was not entered yet. \return that one, or kNone.
  std::uint32_t look_over(std::span<const AssetIndex> neighbours, Frame& f) {
    const std::uint32_t parent = f.parent;
    std::uint32_t low = low_[f.asset], unseen = kNone, next = 0;
    while (next < neighbours.size() && unseen == kNone) {
      const std::uint32_t to = neighbours[next++].value;
      const std::uint32_t entered = entered_[to];
      if (entered == kNone) {
        unseen = to;
      } else if (to != parent) {  // arcs both ways between two are one connection
        low = std::min(low, entered);
      }
    }
    low_[f.asset] = low;
    f.next += next;
    return unseen;
  }

  /// Tells the parent what hangs below this asset, and whether it hangs on the parent alone.
  void leave() {
    const auto [asset, parent, next] = frames_.back();
    frames_.pop_back();
    if (parent == kNone) return;
    below_[parent] += below_[asset];
    if (low_[asset] < entered_[parent]) {
      low_[parent] = std::min(low_[parent], low_[asset]);
      return;
    }
    ++cuts_.parts[parent];
    split_[parent] += below_[asset];
    largest_[parent] = std::max(largest_[parent], below_[asset]);
  }

  /// What is left above an asset is a part of its own, but for the root.
  void finish(std::uint32_t root, std::size_t first) {
    const std::uint32_t size = below_[root];
    for (std::size_t i = first; i < order_.size(); ++i) {
      const std::uint32_t a = order_[i];
      const std::uint32_t above = size - 1 - split_[a];
      if (above > 0) ++cuts_.parts[a];
      cuts_.cut_off[a] = size - 1 - std::max(above, largest_[a]);
    }
  }

  const AssetGraph& graph_;
  base::SpreadVector<std::uint32_t> entered_, low_, below_;
  base::SpreadVector<std::uint32_t> largest_;  ///< of the parts that hang on it
  base::SpreadVector<std::uint32_t> split_;    ///< assets in the parts that hang on it
  std::vector<std::uint32_t> order_;
  std::vector<Frame> frames_;
  CutPoints cuts_;
  std::uint32_t clock_ = 0;
};

}  // namespace

CutPoints find_cut_points(const AssetGraph& graph) { return Walk{graph}.run(); }

}  // namespace flowlens
