#include "flowlens/dependency_graph.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "flowlens/error.hpp"
#include "graph/position_index.hpp"
#include "graph/snapshot_builder.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

std::uint64_t apply(DependencyGraph& graph, const ConnectionSummary& s) {
  return graph.apply(std::span{&s, 1});
}

/// The summary of the same row reported again, when it stands at `flows` flows.
ConnectionSummary again(ConnectionSummary s, std::uint64_t flows) {
  const TrafficCounts before = s.counts;
  s.counts.flows = flows;
  if (flows == 0) s.counts = {};
  s.added = s.counts;
  s.added -= before;
  return s;
}

ConnectionSummary final_of(ConnectionSummary s) {
  s.added = {};
  s.provisional = false;
  return s;
}

DependencyRow only_row(const DependencyGraph& graph) {
  const auto page = graph.dependencies({});
  REQUIRE(page.rows.size() == 1);
  return page.rows[0];
}

}  // namespace

TEST_CASE("graph: ids are derived from what they name, and anyone can compute them") {
  SiteTable sites;
  const SiteId lab = sites.add("lab");
  DependencyGraph graph{{}, sites};
  ConnectionSummary s = summary("10.0.0.1", "2001:db8::2", 443);
  s.key.server.site = lab;
  std::vector<Id> ids;
  graph.apply(std::span{&s, 1}, &ids);
  REQUIRE(ids.size() == 1);
  CHECK(ids[0] == derive_id(dependency_namespace(), "default/10.0.0.1|lab/2001:db8::2|6|443"));
  const DependencyRow row = only_row(graph);
  CHECK(row.id == ids[0]);
  CHECK(row.client_asset == derive_id(asset_namespace(), "default/10.0.0.1/0"));
  CHECK(row.server_asset == derive_id(asset_namespace(), "lab/2001:db8::2/0"));
  CHECK(graph.dependency(ids[0])->key == s.key);
  CHECK(graph.asset(row.server_asset)->endpoints.at(0).endpoint == s.key.server);
  CHECK(graph.asset_of(s.key.server)->id == row.server_asset);
  CHECK_FALSE(graph.asset(Id{}));
  CHECK_FALSE(graph.dependency(Id{}));
  CHECK_FALSE(graph.asset_of({lab, address("10.0.0.1")}));
}

TEST_CASE("graph: totals add up over reports and windows") {
  DependencyGraph graph;
  const ConnectionSummary first = summary("10.0.0.1", "10.0.0.2", 80);
  apply(graph, first);
  apply(graph, again(first, 5));
  ConnectionSummary next = first;
  next.window_start += 300s;
  next.first += 300s;
  next.last += 300s;
  apply(graph, next);
  const DependencyRow row = only_row(graph);
  CHECK(row.totals.flows == 7);
  CHECK(row.totals.octets_to_server == 200);
  CHECK(row.first_seen == first.first);
  CHECK(row.last_seen == next.last);
  CHECK(row.provisional);
  CHECK(graph.counters().totals == row.totals);
  const auto asset = graph.asset_of(first.key.client);
  CHECK(asset->first_seen == first.first);
  CHECK(asset->last_seen == next.last);
  CHECK(asset->endpoints[0].from == first.first);
}

TEST_CASE("graph: what an open window said is corrected when it says otherwise") {
  DependencyGraph graph;
  ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 80);
  s.rung = DirectionRung::tcp_flags;
  s.observers[1] = address("192.0.2.2");
  s.observer_count = 2;
  apply(graph, s);
  ConnectionSummary corrected = final_of(again(s, 1));
  corrected.added.flows = std::uint64_t{0} - 1;
  corrected.first += 300ms;
  corrected.last -= 500ms;
  corrected.rung = DirectionRung::lower_port;
  corrected.observer_count = 1;
  apply(graph, corrected);
  const DependencyRow row = only_row(graph);
  CHECK(row.first_seen == s.first + 300ms);
  CHECK(row.last_seen == s.last - 500ms);
  CHECK(row.rung == DirectionRung::lower_port);
  CHECK(row.observer_count == 1);
  CHECK(row.totals.flows == 1);
  CHECK_FALSE(row.provisional);
  CHECK(graph.asset_of(s.key.client)->first_seen == s.first + 300ms);
  CHECK(graph.asset_of(s.key.server)->last_seen == s.last - 500ms);
}

TEST_CASE("graph: a dependency whose traffic has gone is removed, with assets that have no other") {
  DependencyGraph graph;
  const ConnectionSummary gone = summary("10.0.0.1", "10.0.0.2", 80);
  const ConnectionSummary stays = summary("10.0.0.1", "10.0.0.3", 80);
  apply(graph, gone);
  apply(graph, stays);
  const Revision before = graph.take_revision(1, Epoch{1}, kNoon);
  CHECK(before.dependencies.size() == 2);
  CHECK(before.assets.size() == 3);

  apply(graph, again(gone, 0));
  CHECK(graph.counters().dependencies == 1);
  CHECK(graph.counters().assets == 2);
  CHECK(graph.counters().totals == stays.counts);
  const Revision after = graph.take_revision(2, Epoch{1}, kNoon);
  REQUIRE(after.removed_dependencies.size() == 1);
  CHECK_FALSE(graph.dependency(after.removed_dependencies[0]));
  REQUIRE(after.removed_assets.size() == 1);
  CHECK(after.removed_assets[0] == derive_id(asset_namespace(), "default/10.0.0.2/0"));

  SUBCASE("and may come back under the same id") {
    apply(graph, gone);
    const Revision back = graph.take_revision(3, Epoch{1}, kNoon);
    CHECK(back.dependencies.size() == 1);
    CHECK(back.dependencies[0].id == after.removed_dependencies[0]);
    CHECK(back.removed_dependencies.empty());
  }
}

TEST_CASE(
    "graph: gone and back between two revisions is not removed; never published is not named") {
  DependencyGraph graph;
  const ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 80);
  apply(graph, s);
  (void)graph.take_revision(1, Epoch{1}, kNoon);
  apply(graph, again(s, 0));
  apply(graph, s);
  const ConnectionSummary brief = summary("10.0.0.8", "10.0.0.9", 80);
  apply(graph, brief);
  apply(graph, again(brief, 0));
  const Revision revision = graph.take_revision(2, Epoch{1}, kNoon);
  CHECK(revision.removed_dependencies.empty());
  CHECK(revision.removed_assets.empty());
  CHECK(revision.dependencies.size() == 1);
}

TEST_CASE("graph: a revision holds what changed, and nothing twice") {
  DependencyGraph graph;
  const ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 80);
  apply(graph, s);
  apply(graph, again(s, 3));
  const Revision first = graph.take_revision(7, Epoch{2}, kNoon);
  CHECK(first.number == 7);
  CHECK(first.epoch == Epoch{2});
  CHECK(first.dependencies.size() == 1);
  CHECK(graph.counters().revision == 7);
  const Revision nothing = graph.take_revision(8, Epoch{2}, kNoon);
  CHECK(nothing.empty());
  CHECK(nothing.number == 7);
  // A window that closes and says what it said makes the dependency final, and changes no asset.
  apply(graph, final_of(again(s, 3)));
  const Revision closed = graph.take_revision(8, Epoch{2}, kNoon);
  CHECK(closed.dependencies.size() == 1);
  CHECK(closed.assets.empty());
}

TEST_CASE("graph: a copy applied to an empty graph is the same map") {
  DependencyGraph graph, other;
  apply(graph, summary("10.0.0.1", "10.0.0.2", 80));
  ConnectionSummary closed = summary("10.0.0.3", "10.0.0.2", 80);
  closed.provisional = false;
  apply(graph, closed);
  (void)graph.take_revision(5, Epoch{1}, kNoon);
  const Revision copy = graph.copy();
  other.apply(copy);
  other.apply(copy);
  CHECK(other.counters().assets == graph.counters().assets);
  CHECK(other.counters().dependencies == graph.counters().dependencies);
  CHECK(other.counters().totals == graph.counters().totals);
  CHECK(other.counters().revision == 5);
  CHECK(other.take_revision(6, Epoch{1}, kNoon).empty());

  SUBCASE("and goes on from there") {
    ConnectionSummary more = summary("10.0.0.1", "10.0.0.2", 80);
    more.window_start += 300s;
    more.first = more.last = kNoon + 301s;
    apply(other, more);
    const auto row = other.dependency(
        derive_id(dependency_namespace(), "default/10.0.0.1|default/10.0.0.2|6|80"));
    REQUIRE(row);
    CHECK(row->totals.flows == 4);
    CHECK(row->first_seen == kNoon + 1s);
    CHECK(row->last_seen == kNoon + 301s);
    // What was loaded is not forgotten when the new traffic turns out to be another's.
    apply(other, again(more, 0));
    CHECK(other.asset_of(more.key.client)->last_seen == kNoon + 2s);
    CHECK(other.counters().dependencies == 2);
  }
}

TEST_CASE("graph: bounds are exact, and what did not fit is counted") {
  DependencyGraphOptions options;
  options.max_assets = 3;
  options.max_dependencies = 3;
  DependencyGraph graph{options};
  const ConnectionSummary a = summary("10.0.0.1", "10.0.0.2", 80);
  const ConnectionSummary refused = summary("10.0.0.3", "10.0.0.4", 80);
  CHECK(apply(graph, a) == 0);
  CHECK(apply(graph, refused) == 2);  // needs two assets, there is room for one
  CHECK(apply(graph, summary("10.0.0.3", "10.0.0.1", 80)) == 0);
  CHECK(apply(graph, summary("10.0.0.1", "10.0.0.3", 80)) == 0);
  CHECK(graph.counters().assets == 3);
  CHECK(apply(graph, summary("10.0.0.2", "10.0.0.3", 80)) == 2);
  CHECK(graph.counters().dependencies == 3);
  CHECK(graph.counters().refused_flows == 4);

  // Room now; but what was refused once stays refused, or taking it back would go below zero.
  apply(graph, again(a, 0));
  CHECK(apply(graph, again(refused, 6)) == 4);
  CHECK(apply(graph, again(again(refused, 6), 0)) == std::uint64_t{0} - 6);
  CHECK(graph.counters().refused_flows == 2);
  CHECK(apply(graph, summary("10.0.0.2", "10.0.0.3", 80)) == 0);
  CHECK(graph.counters().dependencies == 3);
  std::vector<Id> ids;
  const ConnectionSummary full[] = {summary("10.0.0.9", "10.0.0.3", 80)};
  graph.apply(full, &ids);
  REQUIRE(ids.size() == 1);
  CHECK(ids[0].is_none());
}

TEST_CASE("graph: names come from the strongest source, then the latest") {
  DependencyGraph graph;
  const ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 80);
  apply(graph, s);
  (void)graph.take_revision(1, Epoch{1}, kNoon);
  const auto name = [&](const char* value, FactSource source, Timestamp at) {
    return graph.apply(Fact{s.key.client, "name", value, source, at, {}});
  };
  const auto shown = [&] { return graph.asset_of(s.key.client)->name; };
  CHECK(name("a.example", FactSource::dns, kNoon));
  CHECK(name("b.example", FactSource::dns, kNoon + 1s));
  CHECK_FALSE(name("late.example", FactSource::dns, kNoon));
  CHECK(name("web", FactSource::declared, kNoon));
  CHECK(name("c.example", FactSource::dns, kNoon + 9s));
  CHECK(shown() == "web");
  CHECK_FALSE(graph.apply(Fact{s.key.client, "Colour", "red", FactSource::declared, kNoon, {}}));
  const Revision revision = graph.take_revision(2, Epoch{1}, kNoon);
  REQUIRE(revision.assets.size() == 1);
  CHECK(revision.assets[0].name == "web");
  CHECK(revision.dependencies.empty());
}

TEST_CASE("graph: pages go through everything once") {
  DependencyGraph graph;
  for (int i = 0; i < 25; ++i) {
    apply(graph, summary("10.0.0." + std::to_string(i), "10.0.1." + std::to_string(i % 3), 80));
  }
  DependencyQuery query;
  query.limit = 10;
  std::vector<Id> seen;
  for (bool more = true; more;) {
    const auto page = graph.dependencies(query);
    CHECK(page.total == 25);
    for (const auto& row : page.rows) seen.push_back(row.id);
    query.after = page.next;
    more = page.has_more;
  }
  CHECK(seen.size() == 25);
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());

  query = {};
  query.asset = graph.asset_of({{}, address("10.0.1.1")})->id;
  query.limit = 5;
  const auto first = graph.dependencies(query);
  CHECK(first.total == 8);
  CHECK(first.has_more);
  query.after = first.next;
  const auto rest = graph.dependencies(query);
  CHECK(rest.rows.size() == 3);
  CHECK_FALSE(rest.has_more);
  for (const auto& row : rest.rows) CHECK(row.server_asset == *query.asset);

  query.asset = Id{};
  CHECK(graph.dependencies(query).total == 0);
  CHECK(graph.assets({0, 100}).rows.size() == 28);
  CHECK(graph.assets({0, 0}).rows.empty());
  CHECK(graph.assets({0, 0}).has_more);
  CHECK_FALSE(graph.assets({1'000, 10}).has_more);
}

TEST_CASE("graph: a host that uses itself is one asset and one dependency of it") {
  DependencyGraph graph;
  const ConnectionSummary s = summary("10.0.0.1", "10.0.0.1", 80);
  apply(graph, s);
  CHECK(graph.counters().assets == 1);
  DependencyQuery query;
  query.asset = graph.asset_of(s.key.client)->id;
  CHECK(graph.dependencies(query).total == 1);
  apply(graph, again(s, 0));
  CHECK(graph.counters().assets == 0);
}

TEST_CASE("graph: limits of 0 are refused by name") {
  DependencyGraphOptions options;
  options.max_dependencies = 0;
  CHECK_THROWS_WITH_AS(DependencyGraph{options},
                       "DependencyGraphOptions::max_dependencies is 0; it must be at least 1",
                       ConfigError);
}

TEST_CASE("snapshot: both ways, in the order of ids, the same until the structure changes") {
  DependencyGraph graph;
  for (int i = 0; i < 20; ++i) {
    apply(graph, summary("10.0.0." + std::to_string(i % 7), "10.0.1." + std::to_string(i % 5),
                         static_cast<std::uint16_t>(80 + i)));
  }
  const auto snapshot = graph.snapshot();
  CHECK(snapshot == graph.snapshot());
  const Snapshot& s = *snapshot;
  REQUIRE(s.assets.size() == 12);
  REQUIRE(s.edges.size() == 20);
  CHECK(std::is_sorted(s.assets.begin(), s.assets.end()));
  CHECK(s.out_offsets.front() == 0);
  CHECK(s.out_offsets.back() == 20);
  CHECK(s.in_offsets.back() == 20);
  for (std::uint32_t asset = 0; asset < s.assets.size(); ++asset) {
    for (std::uint32_t i = s.out_offsets[asset]; i < s.out_offsets[asset + 1]; ++i) {
      CHECK(s.edges[i].client.value == asset);
      const auto row = graph.dependency(s, s.edges[i]);
      REQUIRE(row);
      CHECK(row->client_asset == s.assets[asset]);
      CHECK(row->server_asset == s.assets[s.edges[i].server.value]);
      CHECK(row->key.port == s.edges[i].port);
      CHECK(s.edges[i].last_hour == 1795262400 / 3600);
    }
    for (std::uint32_t i = s.in_offsets[asset]; i < s.in_offsets[asset + 1]; ++i) {
      CHECK(s.edges[s.in_edges[i]].server.value == asset);
    }
  }
  apply(graph, summary("10.0.0.9", "10.0.1.1", 80));
  CHECK(graph.snapshot()->edges.size() == 21);
  CHECK(s.edges.size() == 20);
}

TEST_CASE("an index of positions finds what came, and nothing that went") {
  std::vector<std::uint64_t> hashes;  // by position; two positions share each
  const auto hash_at = [&](std::uint32_t p) { return hashes[p]; };
  graph::PositionIndex index;
  std::vector<bool> is_there;
  for (std::uint32_t p = 0; p < 40'000; ++p) {
    hashes.push_back(base::mix(p / 2, 7));
    is_there.push_back(true);
    index.insert(hashes[p], p, hash_at);
    if (p % 3 != 2) continue;
    const std::uint32_t gone = p / 2;
    is_there[gone] = false;
    index.erase(hashes[gone], gone, hash_at);
  }
  std::size_t wrong = 0;
  for (std::uint32_t p = 0; p < hashes.size(); ++p) {
    const std::uint32_t found = index.find(hashes[p], [&](std::uint32_t at) { return at == p; });
    wrong += found == (is_there[p] ? p : graph::PositionIndex::kNone) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("snapshot: what changed while it was read counts as it was in the end") {
  const auto edge = [](std::uint32_t client, std::uint32_t server, std::uint32_t dependency) {
    return Snapshot::Edge{{client}, {server}, {dependency}, 0, 1, 443, 6};
  };
  graph::SnapshotInput input;
  input.assets.resize(4);
  input.assets[0].octets[0] = 0xf0;  // positions are not in the order of ids
  input.assets[1].octets[0] = 0x01;
  input.assets[2].octets[0] = 0x80;
  const auto add = [&](const Snapshot::Edge& e) {
    const std::size_t bucket = input.bucket_for(e.client.value);
    if (bucket != graph::SnapshotInput::kNoBucket) input.edges.add(bucket) = e;
  };
  add(edge(0, 1, 7));
  add(edge(0, 2, 8));
  add(edge(1, 2, 9));
  add(edge(4, 2, 10));  // came later: it will be read again
  input.assets[3].octets[0] = 0x02;
  input.assets.emplace_back().octets[0] = 0x90;
  input.read_again = {{7, edge(3, 1, 7)}, {8, std::nullopt}, {10, edge(4, 2, 10)}};
  const auto s = graph::build_snapshot(std::move(input));
  REQUIRE(s->assets.size() == 5);
  CHECK(std::is_sorted(s->assets.begin(), s->assets.end()));
  std::vector<std::array<std::uint32_t, 3>> found;
  for (const Snapshot::Edge& e : s->edges) {
    found.push_back({e.client.value, e.server.value, e.dependency.value});
  }
  CHECK(found == std::vector<std::array<std::uint32_t, 3>>{{0, 2, 9}, {1, 0, 7}, {3, 2, 10}});
  CHECK(s->out_offsets == std::vector<std::uint32_t>{0, 1, 2, 2, 3, 3});
  CHECK(s->in_offsets == std::vector<std::uint32_t>{0, 1, 1, 3, 3, 3});
  CHECK(s->in_edges == std::vector<std::uint32_t>{1, 0, 2});
}

TEST_CASE("snapshot: an edge finds its row, unless that has gone or changed hands") {
  DependencyGraph graph;
  const ConnectionSummary stays = summary("10.0.0.1", "10.0.0.2", 80);
  const ConnectionSummary goes = summary("10.0.0.3", "10.0.0.2", 80);
  apply(graph, stays);
  apply(graph, goes);
  const auto s = graph.snapshot();
  for (const Snapshot::Edge& e : s->edges) {
    CHECK(e.weight == 300);
    CHECK(e.confidence_percent == static_cast<int>(100 * confidence(stays.rung) + 0.5f));
    CHECK(graph.dependency(*s, e)->server_asset == s->assets[e.server.value]);
  }
  apply(graph, again(goes, 0));
  apply(graph, summary("10.0.0.4", "10.0.0.2", 80));  // where the other lay
  const auto found = [&] {
    return std::count_if(s->edges.begin(), s->edges.end(),
                         [&](const auto& e) { return graph.dependency(*s, e).has_value(); });
  };
  CHECK(found() == 1);
  const auto into = graph.asset_of({{}, address("10.0.0.4")})->id;
  const auto from = graph.asset_of({{}, address("10.0.0.1")})->id;
  for (const Fact& f : graph.facts_to_merge(into, from, kNoon)) CHECK(graph.apply(f));
  CHECK(found() == 0);
  const auto merged = graph.snapshot();
  CHECK(merged != s);
  CHECK(merged->assets.size() == 2);
  CHECK(merged->edges.size() == 2);
}
