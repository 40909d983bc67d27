#include "analyze/weighted_graph.hpp"

#include <algorithm>

namespace flowlens::analyze {

namespace {

void sum_up(std::vector<std::uint32_t>& counts) {
  for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
}

}  // namespace

WeightedGraph weighted_graph(const Snapshot& snapshot, const EdgeMask& mask,
                             const std::vector<float>& weights) {
  const std::size_t assets = snapshot.assets.size();
  WeightedGraph g;
  g.offsets.assign(assets + 1, 0);
  g.loop.assign(assets, 0);
  g.degree.assign(assets, 0);
  const auto counts = [&](std::size_t i) {
    const Snapshot::Edge& e = snapshot.edges[i];
    return (mask.empty() || mask[i]) && e.client != e.server;
  };
  for (std::size_t i = 0; i < snapshot.edges.size(); ++i) {
    if (!counts(i)) continue;
    ++g.offsets[snapshot.edges[i].client.value + 1];
    ++g.offsets[snapshot.edges[i].server.value + 1];
  }
  sum_up(g.offsets);
  g.arcs.resize(g.offsets.back());
  std::vector<std::uint32_t> next(g.offsets.begin(), g.offsets.end() - 1);
  for (std::size_t i = 0; i < snapshot.edges.size(); ++i) {
    if (!counts(i)) continue;
    const std::uint32_t a = snapshot.edges[i].client.value, b = snapshot.edges[i].server.value;
    g.arcs[next[a]++] = {b, weights[i]};
    g.arcs[next[b]++] = {a, weights[i]};
    g.degree[a] += weights[i];
    g.degree[b] += weights[i];
  }
  for (const double d : g.degree) g.total += d;
  return g;
}

WeightedGraph merged(const WeightedGraph& graph, const std::vector<std::uint32_t>& part_of,
                     std::uint32_t count) {
  WeightedGraph g;
  g.loop.assign(count, 0);
  g.degree.assign(count, 0);
  g.total = graph.total;
  std::vector<std::uint32_t> first(count + 1, 0), order(graph.size());
  for (const std::uint32_t p : part_of) ++first[p + 1];
  sum_up(first);
  std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
  for (std::uint32_t v = 0; v < graph.size(); ++v) order[next[part_of[v]]++] = v;
  std::vector<double> weight_to(count, 0);
  std::vector<std::uint32_t> touched;
  g.offsets.assign(1, 0);
  for (std::uint32_t part = 0; part < count; ++part) {
    touched.clear();
    for (std::uint32_t i = first[part]; i < first[part + 1]; ++i) {
      const std::uint32_t v = order[i];
      g.loop[part] += graph.loop[v];
      g.degree[part] += graph.degree[v];
      for (std::uint32_t k = graph.offsets[v]; k < graph.offsets[v + 1]; ++k) {
        const auto [to, weight] = graph.arcs[k];
        const std::uint32_t other = part_of[to];
        if (weight_to[other] == 0) touched.push_back(other);
        weight_to[other] += weight;
      }
    }
    for (const std::uint32_t other : touched) {
      if (other == part) {
        g.loop[part] += weight_to[other];
      } else {
        g.arcs.push_back({other, static_cast<float>(weight_to[other])});
      }
      weight_to[other] = 0;
    }
    g.offsets.push_back(static_cast<std::uint32_t>(g.arcs.size()));
  }
  return g;
}

std::uint32_t renumber(std::vector<std::uint32_t>& part_of) {
  constexpr std::uint32_t kNone = 0xffff'ffffu;
  std::uint32_t most = 0;
  for (const std::uint32_t p : part_of) most = std::max(most, p);
  std::vector<std::uint32_t> number(std::size_t{most} + 1, kNone);
  std::uint32_t count = 0;
  for (std::uint32_t& p : part_of) {
    if (number[p] == kNone) number[p] = count++;
    p = number[p];
  }
  return count;
}

}  // namespace flowlens::analyze
