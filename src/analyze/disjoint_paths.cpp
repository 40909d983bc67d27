// Flows of one unit an arc, and where no asset may be shared one unit an asset.
#include <algorithm>

#include "flowlens/paths.hpp"

namespace flowlens {

namespace {

constexpr std::uint32_t kNone = 0xffff'ffffu;

/// Searches run over places. Where arcs are disjoint, a place is an asset. Where assets are, each has
/// two: its in-side (asset) and its out-side (asset + count), with one unit between them.
class Flow {
 public:
  Flow(const AssetGraph& graph, AssetIndex from, AssetIndex to, bool by_asset)
      : graph_(graph),
        from_(from),
        to_(to),
        by_asset_(by_asset),
        count_(graph.asset_count()),
        is_used_(graph.arc_count()),
        is_passed_(graph.asset_count()),
        parent_(by_asset ? 2 * count_ : count_) {}

  /// One more unit. \return false if there is no way left for it; then reached() is the side of
  /// `from` of the cut.
  bool augment() {
    std::fill(parent_.begin(), parent_.end(), kNone);
    queue_.assign(1, start());
    parent_[start()] = start();
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      if (queue_[i] == to_.value) {
        take();
        return true;
      }
      step(queue_[i]);
    }
    return false;
  }

  [[nodiscard]] bool is_reached(std::uint32_t place) const noexcept {
    return parent_[place] != kNone;
  }
  [[nodiscard]] std::uint32_t out_side(std::uint32_t asset) const noexcept {
    return by_asset_ ? asset + count_ : asset;
  }

  /// Takes the flow apart into ways.
  std::vector<AssetPath> ways() {
    std::vector<AssetPath> found;
    std::vector<bool> left = is_used_;
    while (true) {
      AssetPath path{from_};
      while (path.back() != to_ && follow(path, left)) {
      }
      if (path.back() != to_) return found;
      found.push_back(without_rings(std::move(path)));
    }
  }

 private:
  [[nodiscard]] std::uint32_t start() const noexcept { return out_side(from_.value); }
  [[nodiscard]] std::uint32_t asset_of(std::uint32_t place) const noexcept {
    return place >= count_ ? place - count_ : place;
  }

  [[nodiscard]] std::size_t arc(std::uint32_t client, std::uint32_t server) const noexcept {
    const auto servers = graph_.servers_of({client});
    const auto at = std::lower_bound(servers.begin(), servers.end(), AssetIndex{server});
    return graph_.first_arc({client}) + static_cast<std::size_t>(at - servers.begin());
  }

  void visit(std::uint32_t place, std::uint32_t from) {
    if (parent_[place] != kNone) return;
    parent_[place] = from;
    queue_.push_back(place);
  }

  void step(std::uint32_t place) {
    const std::uint32_t asset = asset_of(place);
    const bool is_out = !by_asset_ || place >= count_, is_in = !by_asset_ || place < count_;
    if (is_out) {
      std::size_t at = graph_.first_arc({asset});
      for (const AssetIndex server : graph_.servers_of({asset})) {
        // A used arc could take more where only assets are bounded: so the cut is one of assets.
        const bool is_open = !is_used_[at++] || (by_asset_ && server != to_);
        if (is_open && server != from_) visit(server.value, place);
      }
      if (by_asset_ && is_passed_[asset]) visit(asset, place);  // gives its unit back
    }
    if (is_in) {
      if (by_asset_ && !is_passed_[asset]) visit(out_side(asset), place);
      for (const AssetIndex client : graph_.clients_of({asset})) {
        if (is_used_[arc(client.value, asset)]) visit(out_side(client.value), place);
      }
    }
  }

  void take() {
    for (std::uint32_t place = to_.value; place != start(); place = parent_[place]) {
      const std::uint32_t before = parent_[place];
      const std::uint32_t a = asset_of(before), b = asset_of(place);
      if (a == b) {
        is_passed_[a] = place >= count_;
      } else if (is_forward(before, place)) {
        is_used_[arc(a, b)] = true;
      } else {
        is_used_[arc(b, a)] = false;
      }
    }
  }

  /// Of a step between two assets: whether it takes an arc, or gives one back.
  [[nodiscard]] bool is_forward(std::uint32_t before, std::uint32_t place) const noexcept {
    if (by_asset_) return before >= count_ && place < count_;
    const std::uint32_t a = before, b = place;
    const auto servers = graph_.servers_of({a});
    const bool is_arc = std::binary_search(servers.begin(), servers.end(), AssetIndex{b});
    return is_arc && !is_used_[arc(a, b)];
  }

  bool follow(AssetPath& path, std::vector<bool>& left) const {
    const AssetIndex last = path.back();
    std::size_t at = graph_.first_arc(last);
    for (const AssetIndex server : graph_.servers_of(last)) {
      if (!left[at]) {
        ++at;
        continue;
      }
      left[at] = false;
      path.push_back(server);
      return true;
    }
    return false;
  }

  static AssetPath without_rings(AssetPath path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      const auto again = std::find(path.rbegin(), path.rend(), path[i]).base() - 1;
      path.erase(path.begin() + static_cast<std::ptrdiff_t>(i), again);
    }
    return path;
  }

  const AssetGraph& graph_;
  AssetIndex from_, to_;
  bool by_asset_;
  std::uint32_t count_;
  std::vector<bool> is_used_;    ///< by arc
  std::vector<bool> is_passed_;  ///< by asset; only where assets are disjoint
  std::vector<std::uint32_t> parent_;
  std::vector<std::uint32_t> queue_;
};

void find_cut(const AssetGraph& graph, const Flow& flow, AssetIndex from, AssetIndex to,
              bool by_asset, Connectivity& found) {
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    if (by_asset) {
      const bool is_end = a == from.value || a == to.value;
      if (!is_end && flow.is_reached(a) && !flow.is_reached(flow.out_side(a))) {
        found.cut_assets.push_back({a});
      }
      continue;
    }
    if (!flow.is_reached(a)) continue;
    for (const AssetIndex server : graph.servers_of({a})) {
      if (!flow.is_reached(server.value)) found.cut_arcs.emplace_back(AssetIndex{a}, server);
    }
  }
}

}  // namespace

Connectivity find_disjoint_paths(const AssetGraph& graph, AssetIndex from, AssetIndex to,
                                 Disjoint disjoint, std::size_t max_paths) {
  Connectivity found;
  if (from == to) return found;
  const bool by_asset = disjoint == Disjoint::assets;
  const auto servers = graph.servers_of(from);
  found.is_direct = std::binary_search(servers.begin(), servers.end(), to);
  Flow flow{graph, from, to, by_asset};
  std::size_t units = 0;
  while (units < max_paths && flow.augment()) ++units;
  found.is_cut = units == max_paths && flow.augment();
  if (!found.is_cut) find_cut(graph, flow, from, to, by_asset, found);
  found.paths = flow.ways();
  if (found.paths.size() > max_paths) found.paths.resize(max_paths);
  std::sort(found.paths.begin(), found.paths.end());
  return found;
}

}  // namespace flowlens
