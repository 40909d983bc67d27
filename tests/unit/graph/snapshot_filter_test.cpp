// A part of a snapshot is what a snapshot of that part of the map would be.
#include "flowlens/snapshot_filter.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <tuple>

#include "flowlens/map_fields.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

using Use = std::tuple<Id, Id, std::uint16_t>;

Filter<DependencyRow> filter_of(const std::string& text) {
  FilterError error;
  auto filter = Filter<DependencyRow>::compile(text, dependency_fields(), kNoon, error);
  REQUIRE(filter);
  return filter;
}

/// The edges from each client, and those into each server, found over the indexes.
std::multiset<Use> uses_out(const Snapshot& s) {
  std::multiset<Use> uses;
  for (std::uint32_t c = 0; c < s.assets.size(); ++c) {
    for (std::uint32_t e = s.out_offsets[c]; e < s.out_offsets[c + 1]; ++e) {
      CHECK(s.edges[e].client.value == c);
      uses.emplace(s.assets[c], s.assets[s.edges[e].server.value], s.edges[e].port);
    }
  }
  return uses;
}
std::multiset<Use> uses_in(const Snapshot& s) {
  std::multiset<Use> uses;
  for (std::uint32_t v = 0; v < s.assets.size(); ++v) {
    for (std::uint32_t i = s.in_offsets[v]; i < s.in_offsets[v + 1]; ++i) {
      const Snapshot::Edge& edge = s.edges[s.in_edges[i]];
      CHECK(edge.server.value == v);
      uses.emplace(s.assets[edge.client.value], s.assets[v], edge.port);
    }
  }
  return uses;
}

}  // namespace

TEST_CASE("a filtered snapshot has the edges whose rows match, and all assets") {
  std::mt19937 random{7};
  DependencyGraph graph;
  for (int n = 0; n < 2'000; ++n) {
    const auto host = [&] { return "10.0.0." + std::to_string(1 + random() % 60); };
    const std::uint16_t ports[] = {443, 5432, 53};
    ConnectionSummary s = summary(host(), host(), ports[random() % 3]);
    if (s.key.client == s.key.server) continue;
    graph.apply({&s, 1});
  }
  const auto whole = graph.snapshot();
  for (const char* text :
       {"port 443", "client 10.0.0.0/27 and not port 53", "port 1", "port > 0"}) {
    CAPTURE(text);
    const auto filter = filter_of(text);
    const auto part = filter_snapshot(graph, *whole, filter);
    std::multiset<Use> expected;
    for (const Snapshot::Edge& edge : whole->edges) {
      if (!filter.matches(*graph.dependency(*whole, edge))) continue;
      expected.emplace(whole->assets[edge.client.value], whole->assets[edge.server.value],
                       edge.port);
    }
    CHECK(part->assets == whole->assets);
    CHECK(part->revision == whole->revision);
    CHECK(uses_out(*part) == expected);
    CHECK(uses_in(*part) == expected);
  }
  const auto all = filter_snapshot(graph, *whole, {});
  CHECK(all->in_edges == whole->in_edges);
  CHECK(all->in_offsets == whole->in_offsets);
  CHECK(all->out_offsets == whole->out_offsets);
}
