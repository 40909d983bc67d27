#include "flowlens/paths.hpp"

#include <algorithm>
#include <set>

namespace flowlens {

namespace {

constexpr std::uint32_t kFar = 0xffff'ffffu;

bool is_before(const AssetPath& a, const AssetPath& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}
struct IsBefore {
  bool operator()(const AssetPath& a, const AssetPath& b) const { return is_before(a, b); }
};

/// Finds the first of the shortest ways from an asset to the end, past forbidden assets and arcs.
class Searcher {
 public:
  Searcher(const AssetGraph& graph, const PathQuery& query)
      : graph_(graph),
        query_(query),
        distance_(graph.asset_count(), kFar),
        reached_(graph.asset_count()),
        closed_(graph.asset_count()),
        parent_(graph.asset_count()) {
    measure();
  }

  [[nodiscard]] bool is_out_of_work() const noexcept { return work_ > query_.max_work; }

  /// \param start  the way so far; its assets may not be met again. The way found goes on from its
  ///   last one, and not over the arcs to `forbidden`.
  /// \return the whole way; empty if there is none, or it is too long.
  AssetPath extend(const AssetPath& start, const std::vector<AssetIndex>& forbidden) {
    ++run_;
    const AssetIndex spur = start.back();
    for (const AssetIndex a : start) closed_[a.value] = run_;
    levels_.assign(1, {});
    const auto hops = static_cast<std::uint32_t>(start.size() - 1);
    for (const AssetIndex a : graph_.servers_of(spur)) {
      ++work_;
      if (std::find(forbidden.begin(), forbidden.end(), a) == forbidden.end()) {
        offer(a, spur, hops + 1);
      }
    }
    for (std::uint32_t level = 0; level < levels_.size(); ++level) {
      for (std::size_t i = 0; i < levels_[level].size(); ++i) {
        const Open now = levels_[level][i];
        if (closed_[now.asset.value] == run_) continue;
        closed_[now.asset.value] = run_;
        if (now.asset == query_.to) return way_over(start);
        for (const AssetIndex next : graph_.servers_of(now.asset)) {
          ++work_;
          offer(next, now.asset, now.hops + 1);
        }
        if (is_out_of_work()) return {};
      }
    }
    return {};
  }

 private:
  struct Open {
    AssetIndex asset;
    std::uint32_t hops = 0;
  };

  /// Distances to the end, as they are with nothing forbidden; up to max_hops.
  void measure() {
    std::vector<AssetIndex> queue{query_.to};
    distance_[query_.to.value] = 0;
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const std::uint32_t next = distance_[queue[i].value] + 1;
      if (next > query_.max_hops) break;
      for (const AssetIndex client : graph_.clients_of(queue[i])) {
        ++work_;
        if (distance_[client.value] != kFar) continue;
        distance_[client.value] = next;
        queue.push_back(client);
      }
    }
  }

  /// Levels are by the length of a way over the asset if nothing were forbidden. No step makes it
  /// shorter, so levels never go down.
  void offer(AssetIndex asset, AssetIndex from, std::uint32_t hops) {
    if (closed_[asset.value] == run_ || distance_[asset.value] == kFar) return;
    const std::uint32_t length = hops + distance_[asset.value];
    if (length > query_.max_hops) return;
    Reach& r = reached_[asset.value];
    if (r.run == run_ && (r.hops < hops || (r.hops == hops && parent_[asset.value] <= from)))
      return;
    r = {run_, hops};
    parent_[asset.value] = from;
    if (length >= levels_.size()) levels_.resize(length + 1);
    levels_[length].push_back({asset, hops});
  }

  AssetPath way_over(const AssetPath& start) const {
    AssetPath back;
    for (AssetIndex a = query_.to; a != start.back(); a = parent_[a.value]) back.push_back(a);
    AssetPath path = start;
    path.insert(path.end(), back.rbegin(), back.rend());
    return path;
  }

  struct Reach {
    std::uint32_t run = 0;
    std::uint32_t hops = 0;
  };

  const AssetGraph& graph_;
  const PathQuery& query_;
  std::vector<std::uint32_t> distance_;
  std::vector<Reach> reached_;
  std::vector<std::uint32_t> closed_;  ///< the last run that has been there
  std::vector<AssetIndex> parent_;
  std::vector<std::vector<Open>> levels_;
  std::uint32_t run_ = 0;
  std::uint64_t work_ = 0;
};

}  // namespace

Paths find_paths(const AssetGraph& graph, const PathQuery& query) {
  Paths found;
  if (query.from == query.to || query.k == 0) return found;
  Searcher searcher{graph, query};
  AssetPath first = searcher.extend({query.from}, {});
  if (first.empty()) {
    found.is_cut = searcher.is_out_of_work();
    return found;
  }
  std::set<AssetPath, IsBefore> candidates{std::move(first)};
  while (!candidates.empty() && found.paths.size() < query.k) {
    found.paths.push_back(std::move(candidates.extract(candidates.begin()).value()));
    if (found.paths.size() == query.k) break;
    const AssetPath last = found.paths.back();
    for (std::size_t spur = 0; spur + 1 < last.size(); ++spur) {
      const AssetPath start(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(spur) + 1);
      std::vector<AssetIndex> forbidden;
      for (const AssetPath& path : found.paths) {
        if (path.size() > spur + 1 && std::equal(start.begin(), start.end(), path.begin())) {
          forbidden.push_back(path[spur + 1]);
        }
      }
      AssetPath way = searcher.extend(start, forbidden);
      if (!way.empty()) candidates.insert(std::move(way));
      if (searcher.is_out_of_work()) {
        found.is_cut = true;
        return found;
      }
    }
  }
  return found;
}

}  // namespace flowlens
