// Large graphs, against Boost.Graph.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/betweenness_centrality.hpp>
#include <boost/graph/biconnected_components.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/core_numbers.hpp>
#include <boost/graph/dominator_tree.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <set>
#include <vector>

#include "flowlens/centrality.hpp"
#include "flowlens/paths.hpp"
#include "flowlens/single_points.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using flowlens::testing::Dice;

namespace {

using Directed = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;
using Undirected = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

/// As estates are: many clients, few servers, fewer behind them; some rings.
Snapshot estate(std::uint32_t assets, std::uint32_t edges, std::uint64_t seed) {
  Dice dice{seed};
  std::vector<Snapshot::Edge> list;
  for (std::uint32_t i = 0; i < edges; ++i) {
    const std::uint32_t client = dice.roll(assets);
    const std::uint32_t below = client / 4 + 1;  // servers have low numbers
    const std::uint32_t server = dice.roll(20) == 0 ? dice.roll(assets) : dice.roll(below);
    list.push_back(testing::edge(client, server, static_cast<std::uint16_t>(80 + dice.roll(3))));
  }
  return testing::snapshot_of(assets, std::move(list));
}

Directed directed(const AssetGraph& graph) {
  Directed g(graph.asset_count());
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    for (const AssetIndex b : graph.servers_of({a})) boost::add_edge(a, b.value, g);
  }
  return g;
}
Undirected undirected(const AssetGraph& graph) {
  Undirected g(graph.asset_count());
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    for (const AssetIndex b : graph.servers_of({a})) {
      const auto back = graph.servers_of(b);
      const bool is_both = std::binary_search(back.begin(), back.end(), AssetIndex{a});
      if (!is_both || a < b.value) boost::add_edge(a, b.value, g);
    }
  }
  return g;
}

}  // namespace

TEST_CASE("articulation points, cores and dominators are those of Boost.Graph") {
  for (const std::uint32_t edges : {15'000u, 40'000u, 100'000u}) {
    const AssetGraph graph{estate(20'000, edges, edges)};
    const Undirected u = undirected(graph);
    std::vector<std::size_t> points;
    boost::articulation_points(u, std::back_inserter(points));
    std::vector<bool> is_point(graph.asset_count());
    for (const std::size_t p : points) is_point[p] = true;
    const CutPoints cuts = find_cut_points(graph);
    for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
      REQUIRE((cuts.cut_off[a] > 0) == is_point[a]);
    }
    CHECK(points.size() > 100);

    std::vector<std::size_t> cores(graph.asset_count());
    boost::core_numbers(
        u, boost::make_iterator_property_map(cores.begin(), boost::get(boost::vertex_index, u)));
    const std::vector<std::uint32_t> found_cores = find_cores(graph);
    CHECK(std::equal(cores.begin(), cores.end(), found_cores.begin()));

    Directed d = directed(graph);
    const auto root = boost::add_vertex(d);
    for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
      if (graph.clients_of({a}).empty()) boost::add_edge(root, a, d);
    }
    std::vector<std::size_t> immediate(boost::num_vertices(d), root);
    boost::lengauer_tarjan_dominator_tree(
        d, root,
        boost::make_iterator_property_map(immediate.begin(), boost::get(boost::vertex_index, d)));
    const Dominators found = find_dominators(graph);
    for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
      const bool is_none = found.immediate[a] == Dominators::kNone;
      // Boost leaves what is not reached as it was.
      REQUIRE((is_none ? root : std::size_t{found.immediate[a]}) ==
              (immediate[a] >= root ? root : immediate[a]));
    }
  }
}

TEST_CASE("betweenness is that of Boost.Graph, and sampling comes near it") {
  const AssetGraph graph{estate(1'500, 6'000, 5)};
  Directed d = directed(graph);
  std::vector<double> expected(graph.asset_count());
  boost::brandes_betweenness_centrality(
      d, boost::make_iterator_property_map(expected.begin(), boost::get(boost::vertex_index, d)));
  const Betweenness found = find_betweenness(graph, graph.asset_count());
  REQUIRE(found.is_exact);
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    REQUIRE(found.values[a] == doctest::Approx(expected[a]));
  }
  const Betweenness sampled = find_betweenness(graph, 500);
  CHECK(sampled.sources == 500);
  CHECK(!sampled.is_exact);
  const auto most = std::max_element(expected.begin(), expected.end());
  const auto at = static_cast<std::size_t>(most - expected.begin());
  CHECK(sampled.values[at] == doctest::Approx(*most).epsilon(0.2));
}

TEST_CASE("shortest ways and flows are those of Boost.Graph") {
  const AssetGraph graph{estate(2'000, 8'000, 6)};
  using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
  using Network = boost::adjacency_list<
      boost::vecS, boost::vecS, boost::directedS, boost::no_property,
      boost::property<
          boost::edge_capacity_t, int,
          boost::property<boost::edge_residual_capacity_t, int,
                          boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>;
  Network network(graph.asset_count());
  const auto capacity = boost::get(boost::edge_capacity, network);
  const auto reverse = boost::get(boost::edge_reverse, network);
  for (std::uint32_t a = 0; a < graph.asset_count(); ++a) {
    for (const AssetIndex b : graph.servers_of({a})) {
      const auto there = boost::add_edge(a, b.value, network).first;
      const auto back = boost::add_edge(b.value, a, network).first;
      capacity[there] = 1;
      capacity[back] = 0;
      reverse[there] = back;
      reverse[back] = there;
    }
  }
  const Directed d = directed(graph);
  Dice dice{7};
  int connected = 0;
  for (int round = 0; round < 60; ++round) {
    const AssetIndex from{1'000 + dice.roll(1'000)}, to{dice.roll(40)};
    std::vector<std::size_t> hops(graph.asset_count(), 0);
    boost::breadth_first_search(
        d, from.value,
        boost::visitor(boost::make_bfs_visitor(boost::record_distances(
            boost::make_iterator_property_map(hops.begin(), boost::get(boost::vertex_index, d)),
            boost::on_tree_edge()))));
    PathQuery query;
    query.from = from;
    query.to = to;
    query.k = 20;
    query.max_hops = 40;
    const Paths found = find_paths(graph, query);
    REQUIRE(found.paths.empty() == (hops[to.value] == 0));
    const Connectivity by_arc = find_disjoint_paths(graph, from, to, Disjoint::arcs);
    const int flow = boost::edmonds_karp_max_flow(network, from.value, to.value);
    REQUIRE(by_arc.paths.size() == static_cast<std::size_t>(flow));
    REQUIRE(by_arc.cut_arcs.size() == static_cast<std::size_t>(flow));
    if (found.paths.empty()) continue;
    ++connected;
    REQUIRE(found.paths.front().size() == hops[to.value] + 1);
    std::set<AssetPath> each(found.paths.begin(), found.paths.end());
    REQUIRE(each.size() == found.paths.size());
  }
  CHECK(connected > 20);
}
