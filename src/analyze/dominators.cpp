#include <algorithm>

#include "base/spread_vector.hpp"
#include "flowlens/single_points.hpp"

namespace flowlens {

namespace {

constexpr std::uint32_t kNone = Dominators::kNone;

/// All by number in the order of entry of a depth-first walk; 0 is the root, which leads to every
/// entry.
class SemiNca {
 public:
  explicit SemiNca(const AssetGraph& graph)
      : graph_(graph), number_(graph.asset_count(), kNone), assets_{kNone}, parents_{0} {}

  Dominators run() {
    for (std::uint32_t a = 0; a < graph_.asset_count(); ++a) {
      if (!graph_.clients_of({a}).empty()) continue;
      ++result_.entries;
      walk(a);
    }
    result_.unreached = static_cast<std::uint32_t>(graph_.asset_count() + 1 - assets_.size());
    find_semidominators();
    find_dominators();
    return report();
  }

 private:
  struct Frame {
    std::uint32_t asset = 0;
    std::uint32_t next = 0;
  };

  void enter(std::uint32_t asset, std::uint32_t parent) {
    number_[asset] = static_cast<std::uint32_t>(assets_.size());
    assets_.push_back(asset);
    parents_.push_back(parent);
    frames_.push_back({asset, 0});
  }

  void walk(std::uint32_t entry) {
    enter(entry, 0);
    while (!frames_.empty()) {
      Frame& f = frames_.back();
      const auto servers = graph_.servers_of({f.asset});
      std::uint32_t next = f.next;
      while (next < servers.size() && number_[servers[next].value] != kNone) ++next;
      f.next = next;
      if (next == servers.size()) {
        frames_.pop_back();
      } else {
        enter(servers[next].value, number_[f.asset]);
      }
    }
  }

  /// The number with the least semidominator on the way up from `v`, over those already linked;
  /// shortens the way.
  std::uint32_t least_above(std::uint32_t v, std::uint32_t linked) {
    if (v < linked) return v;
    way_.clear();
    while (ancestors_[v] >= linked) {
      way_.push_back(v);
      v = ancestors_[v];
    }
    std::uint32_t above = v;
    for (auto w = way_.rbegin(); w != way_.rend(); ++w) {
      if (semi_[labels_[above]] < semi_[labels_[*w]]) labels_[*w] = labels_[above];
      ancestors_[*w] = ancestors_[v];
      above = *w;
    }
    return labels_[above];
  }

  void find_semidominators() {
    const auto count = static_cast<std::uint32_t>(assets_.size());
    ancestors_ = parents_;
    semi_.resize(count);
    labels_.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) semi_[i] = labels_[i] = i;
    constexpr std::uint32_t kAhead = 8;
    for (std::uint32_t i = count - 1; i > 0; --i) {
      if (i > kAhead) {
        base::bring_in(graph_.clients_of({assets_[i - kAhead]}).data(), sizeof(AssetIndex));
      }
      const auto clients = graph_.clients_of({assets_[i]});
      std::uint32_t least = clients.empty() ? 0 : parents_[i];
      for (const AssetIndex client : clients) {
        const std::uint32_t v = number_[client.value];
        if (v == kNone) continue;  // no entry leads there
        least = std::min(least, semi_[least_above(v, i + 1)]);
      }
      semi_[i] = least;
    }
  }

  void find_dominators() {
    immediate_ = parents_;
    for (std::uint32_t i = 1; i < immediate_.size(); ++i) {
      while (immediate_[i] > semi_[i]) immediate_[i] = immediate_[immediate_[i]];
    }
  }

  Dominators report() {
    result_.immediate.assign(graph_.asset_count(), kNone);
    result_.dominated.assign(graph_.asset_count(), 0);
    std::vector<std::uint32_t> below(assets_.size(), 0);
    for (std::size_t i = assets_.size() - 1; i > 0; --i) {
      below[immediate_[i]] += below[i] + 1;
      result_.dominated[assets_[i]] = below[i];
      if (immediate_[i] != 0) result_.immediate[assets_[i]] = assets_[immediate_[i]];
    }
    return std::move(result_);
  }

  const AssetGraph& graph_;
  base::SpreadVector<std::uint32_t> number_;  ///< by asset
  std::vector<std::uint32_t> assets_;
  base::SpreadVector<std::uint32_t> parents_, ancestors_, semi_, labels_, immediate_;
  std::vector<std::uint32_t> way_;
  std::vector<Frame> frames_;
  Dominators result_;
};

}  // namespace

Dominators find_dominators(const AssetGraph& graph) { return SemiNca{graph}.run(); }

}  // namespace flowlens
