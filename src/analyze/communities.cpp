#include "flowlens/communities.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "analyze/weighted_graph.hpp"

namespace flowlens {

using analyze::WeightedGraph;

namespace {

constexpr double kLeastGain = 1e-9;  ///< relative to the sum of weights: below is rounding

/// Sums of weights from one node to the parts around it.
class Around {
 public:
  explicit Around(std::uint32_t parts) : weight_(parts, 0) {}

  template <typename Counts>
  void look(const WeightedGraph& g, std::uint32_t v, const std::vector<std::uint32_t>& part_of,
            const Counts& counts) {
    for (const std::uint32_t p : parts_) weight_[p] = 0;
    parts_.clear();
    for (std::uint32_t i = g.offsets[v]; i < g.offsets[v + 1]; ++i) {
      const auto [to, weight] = g.arcs[i];
      if (!counts(to)) continue;
      const std::uint32_t p = part_of[to];
      if (weight_[p] == 0) parts_.push_back(p);
      weight_[p] += weight;
    }
  }
  [[nodiscard]] double weight(std::uint32_t part) const noexcept { return weight_[part]; }
  [[nodiscard]] const std::vector<std::uint32_t>& parts() const noexcept { return parts_; }

 private:
  std::vector<double> weight_;
  std::vector<std::uint32_t> parts_;
};

class Leiden {
 public:
  Leiden(const WeightedGraph& graph, double resolution)
      : g_(graph), per_total_(graph.total > 0 ? resolution / graph.total : 0) {}

  /// Moves nodes to the parts around them as long as that gains. \return whether any moved.
  bool move(std::vector<std::uint32_t>& part_of) {
    std::vector<double> degree(g_.size(), 0);
    for (std::uint32_t v = 0; v < g_.size(); ++v) degree[part_of[v]] += g_.degree[v];
    Around around{g_.size()};
    std::deque<std::uint32_t> queue;
    std::vector<bool> is_queued(g_.size(), true);
    for (std::uint32_t v = 0; v < g_.size(); ++v) queue.push_back(v);
    bool any = false;
    while (!queue.empty()) {
      const std::uint32_t v = queue.front();
      queue.pop_front();
      is_queued[v] = false;
      const std::uint32_t from = part_of[v];
      around.look(g_, v, part_of, [&](std::uint32_t to) { return to != v; });
      degree[from] -= g_.degree[v];
      const std::uint32_t to = best_part(v, from, around, degree);
      degree[to] += g_.degree[v];
      if (to == from) continue;
      part_of[v] = to;
      any = true;
      for (std::uint32_t i = g_.offsets[v]; i < g_.offsets[v + 1]; ++i) {
        const std::uint32_t next = g_.arcs[i].to;
        if (is_queued[next] || part_of[next] == to) continue;
        is_queued[next] = true;
        queue.push_back(next);
      }
    }
    return any;
  }

  /// Splits each part into what hangs together well: nodes that stand alone join what gains most.
  [[nodiscard]] std::vector<std::uint32_t> refined(
      const std::vector<std::uint32_t>& part_of) const {
    std::vector<std::uint32_t> fine(g_.size());
    std::vector<double> part_degree(g_.size(), 0), fine_degree = g_.degree, outward(g_.size(), 0);
    std::vector<bool> is_alone(g_.size(), true);
    for (std::uint32_t v = 0; v < g_.size(); ++v) {
      fine[v] = v;
      part_degree[part_of[v]] += g_.degree[v];
      for (std::uint32_t i = g_.offsets[v]; i < g_.offsets[v + 1]; ++i) {
        const auto [to, weight] = g_.arcs[i];
        if (part_of[to] == part_of[v]) outward[v] += weight;
      }
    }
    const auto hangs_well = [&](std::uint32_t f, std::uint32_t part) {
      const double others = part_degree[part] - fine_degree[f];
      return outward[f] >= per_total_ * fine_degree[f] * others - kLeastGain * g_.total;
    };
    Around around{g_.size()};
    for (std::uint32_t v = 0; v < g_.size(); ++v) {
      const std::uint32_t part = part_of[v];
      if (!is_alone[v] || !hangs_well(v, part)) continue;
      around.look(g_, v, fine, [&](std::uint32_t to) { return part_of[to] == part; });
      std::uint32_t best = v;
      double best_gain = kLeastGain * g_.total;
      for (const std::uint32_t f : around.parts()) {
        if (!hangs_well(f, part)) continue;
        const double gain = around.weight(f) - per_total_ * g_.degree[v] * fine_degree[f];
        if (gain > best_gain || (gain == best_gain && best != v && f < best)) {
          best = f;
          best_gain = gain;
        }
      }
      if (best == v) continue;
      fine[v] = best;
      is_alone[best] = false;
      outward[best] += outward[v] - 2 * around.weight(best);
      fine_degree[best] += fine_degree[v];
    }
    return fine;
  }

 private:
  [[nodiscard]] std::uint32_t best_part(std::uint32_t v, std::uint32_t from, const Around& around,
                                        const std::vector<double>& degree) const {
    const auto gain_of = [&](std::uint32_t p) {
      return around.weight(p) - per_total_ * g_.degree[v] * degree[p];
    };
    std::uint32_t best = from;
    double best_gain = gain_of(from) + kLeastGain * g_.total;
    for (const std::uint32_t p : around.parts()) {
      const double gain = gain_of(p);
      if (gain > best_gain || (gain == best_gain && best != from && p < best)) {
        best = p;
        best_gain = gain;
      }
    }
    return best;
  }

  const WeightedGraph& g_;
  double per_total_;
};

/// Splits parts that do not hang together.
void split_apart(const WeightedGraph& g, std::vector<std::uint32_t>& part_of) {
  std::vector<std::uint32_t> piece(g.size(), CommunityOptions::kFree), stack;
  for (std::uint32_t root = 0; root < g.size(); ++root) {
    if (piece[root] != CommunityOptions::kFree) continue;
    piece[root] = root;
    stack.assign(1, root);
    while (!stack.empty()) {
      const std::uint32_t v = stack.back();
      stack.pop_back();
      for (std::uint32_t i = g.offsets[v]; i < g.offsets[v + 1]; ++i) {
        const std::uint32_t to = g.arcs[i].to;
        if (piece[to] != CommunityOptions::kFree || part_of[to] != part_of[v]) continue;
        piece[to] = root;
        stack.push_back(to);
      }
    }
  }
  part_of = std::move(piece);
}

double modularity(const WeightedGraph& g, const std::vector<std::uint32_t>& part_of,
                  double resolution) {
  if (g.total <= 0) return 0;
  std::vector<double> degree(g.size(), 0);
  double within = 0;
  for (std::uint32_t v = 0; v < g.size(); ++v) {
    degree[part_of[v]] += g.degree[v];
    within += g.loop[v];
    for (std::uint32_t i = g.offsets[v]; i < g.offsets[v + 1]; ++i) {
      if (part_of[g.arcs[i].to] == part_of[v]) within += g.arcs[i].weight;
    }
  }
  double sum = within / g.total;
  for (const double d : degree) sum -= resolution * (d / g.total) * (d / g.total);
  return sum;
}

/// Runs on `graph`. \return whether the rounds ran out.
bool run(const WeightedGraph& graph, const CommunityOptions& options,
         std::vector<std::uint32_t>& part_of) {
  part_of.resize(graph.size());
  for (std::uint32_t v = 0; v < graph.size(); ++v) part_of[v] = v;
  std::vector<std::uint32_t> node_of = part_of;  // of the merged graph, by node of `graph`
  std::vector<std::uint32_t> coarse = part_of;   // parts, by node of the merged graph
  WeightedGraph small = graph;
  for (std::uint32_t round = 0; round < options.max_rounds; ++round) {
    Leiden leiden{small, options.resolution};
    const bool has_moved = leiden.move(coarse);
    for (std::uint32_t v = 0; v < graph.size(); ++v) part_of[v] = coarse[node_of[v]];
    if (!has_moved) return false;
    std::vector<std::uint32_t> fine = leiden.refined(coarse);
    std::uint32_t count = analyze::renumber(fine);
    if (count == small.size()) {  // nothing to merge by: whole parts, then
      fine = coarse;
      count = analyze::renumber(fine);
    }
    if (count == small.size()) return false;
    std::vector<std::uint32_t> next(count);
    for (std::uint32_t v = 0; v < small.size(); ++v) next[fine[v]] = coarse[v];
    analyze::renumber(next);
    for (std::uint32_t& n : node_of) n = fine[n];
    small = analyze::merged(small, fine, count);
    coarse = std::move(next);
  }
  return true;
}

}  // namespace

std::vector<float> application_weights(const Snapshot& snapshot) {
  std::vector<float> weights;
  weights.reserve(snapshot.edges.size());
  for (const Snapshot::Edge& e : snapshot.edges) {
    const auto hours = static_cast<float>(std::max<unsigned>(e.active_hours, 1));
    const auto sure = static_cast<float>(std::max<unsigned>(e.confidence_percent, 1)) / 100;
    weights.push_back((1 + std::log2(hours)) * sure);
  }
  return weights;
}

Communities find_communities(const Snapshot& snapshot, const EdgeMask& mask,
                             const std::vector<float>& weights, const CommunityOptions& options) {
  const auto assets = static_cast<std::uint32_t>(snapshot.assets.size());
  WeightedGraph graph = analyze::weighted_graph(snapshot, mask, weights);
  std::vector<std::uint32_t> node_of(assets);
  for (std::uint32_t a = 0; a < assets; ++a) node_of[a] = a;
  if (!options.bound.empty()) {
    std::vector<std::uint32_t> first(assets, CommunityOptions::kFree);
    for (std::uint32_t a = 0; a < assets; ++a) {
      const std::uint32_t group = options.bound[a];
      if (group == CommunityOptions::kFree) continue;
      if (first[group] == CommunityOptions::kFree) first[group] = a;
      node_of[a] = first[group];
    }
    const std::uint32_t count = analyze::renumber(node_of);
    graph = analyze::merged(graph, node_of, count);
  }
  Communities found;
  std::vector<std::uint32_t> part_of;
  found.is_cut = run(graph, options, part_of);
  split_apart(graph, part_of);
  found.modularity = modularity(graph, part_of, options.resolution);
  found.of_asset.resize(assets);
  for (std::uint32_t a = 0; a < assets; ++a) found.of_asset[a] = part_of[node_of[a]];
  found.count = analyze::renumber(found.of_asset);
  return found;
}

}  // namespace flowlens
