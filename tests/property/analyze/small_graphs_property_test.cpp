// Every algorithm against brute force, on thousands of small graphs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "flowlens/centrality.hpp"
#include "flowlens/communities.hpp"
#include "flowlens/paths.hpp"
#include "flowlens/single_points.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using flowlens::testing::Dice;

namespace {

constexpr std::uint32_t kGone = 99;

/// A graph as a matrix: slow, and plain to see.
struct Matrix {
  std::uint32_t n = 0;
  std::vector<std::vector<bool>> uses;

  explicit Matrix(const Snapshot& s, const EdgeMask& mask = {})
      : n(static_cast<std::uint32_t>(s.assets.size())), uses(n, std::vector<bool>(n)) {
    for (std::size_t i = 0; i < s.edges.size(); ++i) {
      const Snapshot::Edge& e = s.edges[i];
      if (e.client != e.server && (mask.empty() || mask[i])) {
        uses[e.client.value][e.server.value] = true;
      }
    }
  }

  /// What can be reached from the starts without `gone`; direction aside where `both`.
  [[nodiscard]] std::vector<bool> reach(const std::vector<std::uint32_t>& starts,
                                        std::uint32_t gone, bool both) const {
    std::vector<bool> seen(n);
    std::vector<std::uint32_t> queue;
    for (const std::uint32_t s : starts) {
      if (s != gone && !seen[s]) queue.push_back(s);
      if (s != gone) seen[s] = true;
    }
    for (std::size_t i = 0; i < queue.size(); ++i) {
      for (std::uint32_t to = 0; to < n; ++to) {
        const bool steps = uses[queue[i]][to] || (both && uses[to][queue[i]]);
        if (!steps || seen[to] || to == gone) continue;
        seen[to] = true;
        queue.push_back(to);
      }
    }
    return seen;
  }
};

std::uint32_t count(const std::vector<bool>& v) {
  return static_cast<std::uint32_t>(std::count(v.begin(), v.end(), true));
}

void check_cut_points(const AssetGraph& graph, const Matrix& m) {
  const CutPoints cuts = find_cut_points(graph);
  for (std::uint32_t x = 0; x < m.n; ++x) {
    const std::vector<bool> together = m.reach({x}, kGone, true);
    std::vector<bool> seen(m.n);
    std::uint32_t parts = 0, largest = 0;
    for (std::uint32_t a = 0; a < m.n; ++a) {
      if (!together[a] || a == x || seen[a]) continue;
      const std::vector<bool> part = m.reach({a}, x, true);
      for (std::uint32_t b = 0; b < m.n; ++b) seen[b] = seen[b] || part[b];
      largest = std::max(largest, count(part));
      ++parts;
    }
    REQUIRE(cuts.parts[x] == parts);
    REQUIRE(cuts.cut_off[x] == count(together) - 1 - largest);
  }
}

void check_dominators(const AssetGraph& graph, const Matrix& m) {
  const Dominators found = find_dominators(graph);
  std::vector<std::uint32_t> entries;
  for (std::uint32_t a = 0; a < m.n; ++a) {
    bool is_used = false;
    for (std::uint32_t b = 0; b < m.n; ++b) is_used = is_used || m.uses[b][a];
    if (!is_used) entries.push_back(a);
  }
  REQUIRE(found.entries == entries.size());
  const std::vector<bool> all = m.reach(entries, kGone, false);
  REQUIRE(found.unreached == m.n - count(all));
  std::vector<std::vector<bool>> left;  // what is reached without x
  for (std::uint32_t x = 0; x < m.n; ++x) left.push_back(m.reach(entries, x, false));
  const auto dominates = [&](std::uint32_t x, std::uint32_t y) {
    return x != y && all[y] && !left[x][y];
  };
  for (std::uint32_t x = 0; x < m.n; ++x) {
    std::uint32_t dominated = 0, immediate = Dominators::kNone, depth = 0;
    for (std::uint32_t y = 0; y < m.n; ++y) {
      dominated += dominates(x, y) && all[x] ? 1 : 0;
      if (!dominates(y, x)) continue;
      std::uint32_t above = 1;  // the nearest dominator has the most dominators
      for (std::uint32_t z = 0; z < m.n; ++z) above += dominates(z, y) ? 1 : 0;
      if (above > depth) {
        depth = above;
        immediate = y;
      }
    }
    REQUIRE(found.dominated[x] == dominated);
    REQUIRE(found.immediate[x] == immediate);
  }
}

std::vector<AssetPath> all_paths(const Matrix& m, std::uint32_t from, std::uint32_t to,
                                 std::size_t max_hops) {
  std::vector<AssetPath> found;
  AssetPath path{{from}};
  const std::function<void()> extend = [&] {
    if (path.back().value == to) {
      found.push_back(path);
      return;
    }
    if (path.size() > max_hops) return;
    for (std::uint32_t next = 0; next < m.n; ++next) {
      if (!m.uses[path.back().value][next]) continue;
      if (std::find(path.begin(), path.end(), AssetIndex{next}) != path.end()) continue;
      path.push_back({next});
      extend();
      path.pop_back();
    }
  };
  extend();
  std::sort(found.begin(), found.end(),
            [](const AssetPath& a, const AssetPath& b) { return a.size() < b.size(); });
  return found;
}

void check_paths(const AssetGraph& graph, const Matrix& m, Dice& dice) {
  PathQuery query;
  query.from.value = dice.roll(m.n);
  query.to.value = dice.roll(m.n);
  query.k = 1 + dice.roll(8);
  query.max_hops = 2 + dice.roll(6);
  if (query.from == query.to) return;
  const auto expected = all_paths(m, query.from.value, query.to.value, query.max_hops);
  const Paths found = find_paths(graph, query);
  REQUIRE(!found.is_cut);
  REQUIRE(found.paths.size() == std::min(query.k, expected.size()));
  for (std::size_t i = 0; i < found.paths.size(); ++i) {
    REQUIRE(found.paths[i].size() == expected[i].size());
    REQUIRE(std::find(expected.begin(), expected.end(), found.paths[i]) != expected.end());
  }
  REQUIRE(std::set<AssetPath>(found.paths.begin(), found.paths.end()).size() == found.paths.size());
}

/// The fewest assets, or arcs, between two, by trying all sets.
std::size_t smallest_asset_cut(const Matrix& m, std::uint32_t from, std::uint32_t to) {
  std::size_t best = m.n;
  for (std::uint32_t set = 0; set < 1u << m.n; ++set) {
    if ((set >> from & 1) != 0 || (set >> to & 1) != 0) continue;
    Matrix left = m;
    left.uses[from][to] = false;
    std::size_t size = 0;
    for (std::uint32_t a = 0; a < m.n; ++a) {
      if ((set >> a & 1) == 0) continue;
      ++size;
      left.uses[a].assign(m.n, false);
    }
    if (size < best && !left.reach({from}, kGone, false)[to]) best = size;
  }
  return best;
}
std::size_t smallest_arc_cut(const Matrix& m, std::uint32_t from, std::uint32_t to) {
  std::size_t best = m.n * m.n;
  for (std::uint32_t side = 0; side < 1u << m.n; ++side) {
    if ((side >> from & 1) == 0 || (side >> to & 1) != 0) continue;
    std::size_t arcs = 0;
    for (std::uint32_t a = 0; a < m.n; ++a) {
      for (std::uint32_t b = 0; b < m.n; ++b) {
        arcs += (side >> a & 1) != 0 && (side >> b & 1) == 0 && m.uses[a][b] ? 1 : 0;
      }
    }
    best = std::min(best, arcs);
  }
  return best;
}

void check_ways(const Matrix& m, const Connectivity& found, AssetIndex from, AssetIndex to) {
  for (const AssetPath& path : found.paths) {
    REQUIRE(path.front() == from);
    REQUIRE(path.back() == to);
    for (std::size_t i = 1; i < path.size(); ++i) {
      REQUIRE(m.uses[path[i - 1].value][path[i].value]);
    }
    REQUIRE(std::set<AssetIndex>(path.begin(), path.end()).size() == path.size());
  }
}

void check_disjoint(const AssetGraph& graph, const Matrix& m, Dice& dice) {
  const AssetIndex from{dice.roll(m.n)}, to{dice.roll(m.n)};
  if (from == to) return;
  const Connectivity by_asset = find_disjoint_paths(graph, from, to, Disjoint::assets);
  check_ways(m, by_asset, from, to);
  std::set<AssetIndex> between;
  std::size_t inner = 0;
  for (const AssetPath& path : by_asset.paths) {
    between.insert(path.begin() + 1, path.end() - 1);
    inner += path.size() - 2;
  }
  REQUIRE(between.size() == inner);
  REQUIRE(by_asset.is_direct == m.uses[from.value][to.value]);
  const std::size_t direct = by_asset.is_direct ? 1 : 0;
  REQUIRE(by_asset.paths.size() == smallest_asset_cut(m, from.value, to.value) + direct);
  REQUIRE(by_asset.cut_assets.size() + direct == by_asset.paths.size());
  Matrix left = m;
  left.uses[from.value][to.value] = false;
  for (const AssetIndex a : by_asset.cut_assets) left.uses[a.value].assign(m.n, false);
  REQUIRE(!left.reach({from.value}, kGone, false)[to.value]);

  const Connectivity by_arc = find_disjoint_paths(graph, from, to, Disjoint::arcs);
  check_ways(m, by_arc, from, to);
  std::set<std::pair<AssetIndex, AssetIndex>> arcs;
  std::size_t steps = 0;
  for (const AssetPath& path : by_arc.paths) {
    for (std::size_t i = 1; i < path.size(); ++i) arcs.emplace(path[i - 1], path[i]);
    steps += path.size() - 1;
  }
  REQUIRE(arcs.size() == steps);
  REQUIRE(by_arc.paths.size() == smallest_arc_cut(m, from.value, to.value));
  REQUIRE(by_arc.cut_arcs.size() == by_arc.paths.size());
  for (const auto& [a, b] : by_arc.cut_arcs) left.uses[a.value][b.value] = false;
  REQUIRE(!left.reach({from.value}, kGone, false)[to.value]);
}

void check_betweenness(const AssetGraph& graph, const Matrix& m) {
  const Betweenness found = find_betweenness(graph, 1'000);
  REQUIRE(found.is_exact);
  std::vector<double> expected(m.n);
  for (std::uint32_t a = 0; a < m.n; ++a) {
    for (std::uint32_t b = 0; b < m.n; ++b) {
      if (a == b) continue;
      auto paths = all_paths(m, a, b, m.n);
      std::erase_if(paths, [&](const AssetPath& p) { return p.size() > paths.front().size(); });
      for (const AssetPath& p : paths) {
        for (std::size_t i = 1; i + 1 < p.size(); ++i) {
          expected[p[i].value] += 1.0 / static_cast<double>(paths.size());
        }
      }
    }
  }
  for (std::uint32_t a = 0; a < m.n; ++a) {
    REQUIRE(found.values[a] == doctest::Approx(expected[a]));
  }
}

void check_cores(const AssetGraph& graph, const Matrix& m) {
  const std::vector<std::uint32_t> found = find_cores(graph);
  std::vector<std::uint32_t> expected(m.n, 0);
  for (std::uint32_t k = 1; k < m.n; ++k) {
    std::vector<bool> in(m.n, true);
    for (bool any = true; any;) {
      any = false;
      for (std::uint32_t a = 0; a < m.n; ++a) {
        std::uint32_t neighbours = 0;
        for (std::uint32_t b = 0; b < m.n; ++b) {
          neighbours += in[b] && (m.uses[a][b] || m.uses[b][a]) ? 1 : 0;
        }
        if (in[a] && neighbours < k) {
          in[a] = false;
          any = true;
        }
      }
    }
    for (std::uint32_t a = 0; a < m.n; ++a) {
      if (in[a]) expected[a] = k;
    }
  }
  REQUIRE(found == expected);
}

/// Newman's definition, over pairs.
double modularity_of(const Snapshot& s, const std::vector<float>& weights,
                     const std::vector<std::uint32_t>& part) {
  const auto n = s.assets.size();
  std::vector<std::vector<double>> w(n, std::vector<double>(n));
  std::vector<double> degree(n);
  double total = 0;
  for (std::size_t i = 0; i < s.edges.size(); ++i) {
    const auto a = s.edges[i].client.value, b = s.edges[i].server.value;
    if (a == b) continue;
    w[a][b] += weights[i];
    w[b][a] += weights[i];
    degree[a] += weights[i];
    degree[b] += weights[i];
    total += 2.0 * weights[i];
  }
  double sum = 0;
  for (std::size_t a = 0; a < n && total > 0; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      if (part[a] == part[b]) sum += (w[a][b] - degree[a] * degree[b] / total) / total;
    }
  }
  return sum;
}

/// The best of all partitions.
double best_modularity(const Snapshot& s, const std::vector<float>& weights) {
  const auto n = s.assets.size();
  std::vector<std::uint32_t> part(n, 0);
  double best = -1;
  const std::function<void(std::size_t, std::uint32_t)> go = [&](std::size_t i,
                                                                 std::uint32_t used) {
    if (i == n) {
      best = std::max(best, modularity_of(s, weights, part));
      return;
    }
    for (std::uint32_t p = 0; p <= used; ++p) {
      part[i] = p;
      go(i + 1, std::max(used, p + 1));
    }
  };
  go(0, 0);
  return best;
}

}  // namespace

TEST_CASE("assets, arcs, cut points, dominators and cores are as brute force finds them") {
  Dice dice{1};
  for (int round = 0; round < 4'000; ++round) {
    const std::uint32_t n = 1 + dice.roll(9);
    const Snapshot s = testing::random_snapshot(dice, n, dice.roll(2 * n + 1), 2);
    EdgeMask mask;
    if (round % 3 == 0) mask = edges_where(s, [&](const auto&) { return dice.roll(4) > 0; });
    const AssetGraph graph{s, mask};
    const Matrix m{s, mask};
    std::size_t arcs = 0;
    for (std::uint32_t a = 0; a < n; ++a) {
      for (std::uint32_t b = 0; b < n; ++b) {
        const auto servers = graph.servers_of({a}), clients = graph.clients_of({b});
        REQUIRE(std::count(servers.begin(), servers.end(), AssetIndex{b}) == m.uses[a][b]);
        REQUIRE(std::count(clients.begin(), clients.end(), AssetIndex{a}) == m.uses[a][b]);
        arcs += m.uses[a][b] ? 1 : 0;
      }
    }
    REQUIRE(graph.arc_count() == arcs);
    check_cut_points(graph, m);
    check_dominators(graph, m);
    check_cores(graph, m);
  }
}

TEST_CASE("ways, disjoint ways and cuts are as brute force finds them") {
  Dice dice{2};
  for (int round = 0; round < 3'000; ++round) {
    const std::uint32_t n = 2 + dice.roll(6);
    const Snapshot s = testing::random_snapshot(dice, n, dice.roll(3 * n + 1), 1);
    const AssetGraph graph{s};
    const Matrix m{s};
    check_paths(graph, m, dice);
    check_disjoint(graph, m, dice);
    if (round % 4 == 0) check_betweenness(graph, m);
  }
}

TEST_CASE("a way that others took from end to end is taken back") {
  // The shortest way, 0 1 2 3 11, leaves none beside it; 0 4 5 6 3 11 and 0 1 7 8 9 11 go together.
  std::vector<Snapshot::Edge> edges;
  for (const std::vector<std::uint32_t>& way :
       {std::vector<std::uint32_t>{0, 1, 2, 3, 11}, {0, 4, 5, 6, 3}, {1, 7, 8, 9, 11}}) {
    for (std::size_t i = 1; i < way.size(); ++i) {
      edges.push_back(testing::edge(way[i - 1], way[i]));
    }
  }
  const AssetGraph graph{testing::snapshot_of(12, edges)};
  const Connectivity found = find_disjoint_paths(graph, {0}, {11}, Disjoint::assets);
  CHECK(found.paths.size() == 2);
  CHECK(found.cut_assets.size() == 2);
}

TEST_CASE("communities hang together even where the rounds run out") {
  Dice dice{4};
  for (int round = 0; round < 200; ++round) {
    const Snapshot s = testing::random_snapshot(dice, 60, 90, 1);
    CommunityOptions options;
    options.max_rounds = 1;
    const Communities found = find_communities(s, {}, application_weights(s), options);
    Matrix own{s};
    for (std::uint32_t a = 0; a < 60; ++a) {
      for (std::uint32_t b = 0; b < 60; ++b) {
        if (found.of_asset[a] != found.of_asset[b]) own.uses[a][b] = false;
      }
    }
    for (std::uint32_t a = 0; a < 60; ++a) {
      const auto together =
          std::count(found.of_asset.begin(), found.of_asset.end(), found.of_asset[a]);
      REQUIRE(count(own.reach({a}, kGone, true)) == together);
    }
  }
}

TEST_CASE("communities hang together, and are nearly the best there are") {
  Dice dice{3};
  double found_sum = 0, best_sum = 0;
  for (int round = 0; round < 400; ++round) {
    const std::uint32_t n = 2 + dice.roll(6);
    const Snapshot s = testing::random_snapshot(dice, n, 1 + dice.roll(2 * n), 1);
    const std::vector<float> weights = application_weights(s);
    const Communities found = find_communities(s, {}, weights);
    REQUIRE(!found.is_cut);
    REQUIRE(found.modularity == doctest::Approx(modularity_of(s, weights, found.of_asset)));
    const Matrix m{s};
    for (std::uint32_t a = 0; a < n; ++a) {
      Matrix own = m;
      for (std::uint32_t b = 0; b < n; ++b) {
        for (std::uint32_t c = 0; c < n; ++c) {
          if (found.of_asset[b] != found.of_asset[c]) own.uses[b][c] = false;
        }
      }
      const std::vector<bool> reached = own.reach({a}, kGone, true);
      for (std::uint32_t b = 0; b < n; ++b) {
        REQUIRE(reached[b] == (found.of_asset[a] == found.of_asset[b]));
      }
    }
    found_sum += found.modularity;
    best_sum += best_modularity(s, weights);
  }
  CHECK(found_sum <= best_sum + 1e-6);
  CHECK(found_sum >= 0.97 * best_sum);
}
