// The map as it was, and what is otherwise between two moments.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Traffic in the n-th hour after noon, of a window that is closed.
ConnectionSummary in_hour(int n, std::string_view client, std::string_view server,
                          std::uint16_t port = 443) {
  ConnectionSummary s = summary(client, server, port);
  const auto by = std::chrono::hours{n};
  s.window_start += by;
  s.first += by;
  s.last += by;
  s.provisional = false;
  return s;
}

void apply(DependencyGraph& graph, const ConnectionSummary& s) { graph.apply(std::span{&s, 1}); }

AsOf hour(int n, Hour hours = 1) { return {kNoon + std::chrono::hours{n} + 30min, hours}; }

std::vector<std::string> edges(const std::vector<DependencyRow>& rows) {
  std::vector<std::string> texts;
  for (const DependencyRow& d : rows) {
    texts.push_back(d.key.client.address.to_string() + ">" + d.key.server.address.to_string());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

using Edges = std::vector<std::string>;

}  // namespace

TEST_CASE("as of: what had traffic in that hour, and who was at its ends") {
  DependencyGraph graph;
  apply(graph, in_hour(0, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(2, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(2, "10.0.0.2", "10.0.0.9"));
  CHECK(edges(graph.copy(hour(0)).dependencies) == Edges{"10.0.0.1>10.0.0.9"});
  CHECK(graph.copy(hour(0)).assets.size() == 2);
  CHECK(graph.copy(hour(1)).dependencies.empty());
  CHECK(graph.copy(hour(1)).assets.empty());
  CHECK(graph.copy(hour(2)).dependencies.size() == 2);
  CHECK(graph.copy(hour(2)).assets.size() == 3);
  CHECK(graph.copy(hour(1, 2)).dependencies.size() == 1);
  CHECK(graph.copy(hour(3)).dependencies.empty());
  CHECK(graph.dependencies({}).rows.at(0).hours.count() == 2);
}

TEST_CASE("as of: an open window counts, and no more once it is taken back") {
  DependencyGraph graph;
  apply(graph, in_hour(0, "10.0.0.1", "10.0.0.9"));
  ConnectionSummary open = in_hour(1, "10.0.0.1", "10.0.0.9");
  open.provisional = true;
  apply(graph, open);
  CHECK(graph.copy(hour(1)).dependencies.size() == 1);
  CHECK(graph.dependencies({}).rows.at(0).hours.count() == 2);
  open.added -= open.counts;
  open.added -= open.counts;
  open.counts = {};
  apply(graph, open);
  CHECK(graph.copy(hour(1)).dependencies.empty());
  CHECK(graph.dependencies({}).rows.at(0).hours.count() == 1);
}

TEST_CASE("as of: a window longer than an hour marks each hour it had traffic in") {
  DependencyGraph graph;
  ConnectionSummary day = in_hour(0, "10.0.0.1", "10.0.0.9");
  day.last = kNoon + 5h + 1s;
  apply(graph, day);
  CHECK(graph.dependencies({}).rows.at(0).hours.runs() ==
        std::vector<HourSpan>{{hour_of(kNoon), hour_of(kNoon) + 5}});
}

TEST_CASE("as of: before the bitmap, the interval from first to last seen answers") {
  DependencyGraph graph;
  apply(graph, in_hour(0, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(24 * 60, "10.0.0.1", "10.0.0.9"));
  CHECK(graph.copy(hour(-1)).dependencies.empty());
  CHECK(graph.copy(hour(0)).dependencies.size() == 1);
  CHECK(graph.copy(hour(24 * 20)).dependencies.size() == 1);  // not known better
  CHECK(graph.copy(hour(24 * 60 - 1)).dependencies.empty());  // known to be silent
}

TEST_CASE("as of: pages hold what was active, with its number") {
  DependencyGraph graph;
  for (int i = 0; i < 20; ++i) {
    apply(graph, in_hour(i % 2, "10.0.0." + std::to_string(i), "10.0.1." + std::to_string(i % 4)));
  }
  DependencyQuery query;
  query.limit = 4;
  query.as_of = hour(1);
  std::size_t rows = 0;
  for (bool more = true; more;) {
    const auto page = graph.dependencies(query);
    CHECK(page.total == 10);
    for (const auto& row : page.rows) CHECK(row.first_seen >= kNoon + 1h);
    rows += page.rows.size();
    query.after = page.next;
    more = page.has_more;
  }
  CHECK(rows == 10);
  query.after = 0;
  query.asset = graph.asset_of({{}, address("10.0.1.1")})->id;
  CHECK(graph.dependencies(query).total == 5);
  query.as_of = hour(0);
  CHECK(graph.dependencies(query).total == 0);
  AssetQuery assets;
  assets.as_of = hour(1);
  assets.limit = 3;
  CHECK(graph.assets(assets).total == 12);
  CHECK(graph.assets(assets).rows.size() == 3);
  CHECK(graph.assets(assets).has_more);
}

TEST_CASE("diff: what came, what went, and what stayed") {
  DependencyGraph graph;
  apply(graph, in_hour(0, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(1, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(0, "10.0.0.2", "10.0.0.9"));
  apply(graph, in_hour(1, "10.0.0.3", "10.0.0.9"));
  const MapDifference d = graph.diff(hour(0), hour(1));
  CHECK(edges(d.added) == Edges{"10.0.0.3>10.0.0.9"});
  CHECK(edges(d.removed) == Edges{"10.0.0.2>10.0.0.9"});
  CHECK(d.moved.empty());
  CHECK(d.unchanged == 1);
  REQUIRE(d.added_assets.size() == 1);
  CHECK(d.added_assets[0].endpoints.at(0).endpoint.address == address("10.0.0.3"));
  REQUIRE(d.removed_assets.size() == 1);
  CHECK(d.removed_assets[0].endpoints.at(0).endpoint.address == address("10.0.0.2"));
  const MapDifference back = graph.diff(hour(1), hour(0));
  CHECK(edges(back.added) == edges(d.removed));
  CHECK(edges(back.removed) == edges(d.added));
  CHECK(graph.diff(hour(0), hour(1, 2)).removed.empty());
  const MapDifference same = graph.diff(hour(1), hour(1));
  CHECK(same.added.empty());
  CHECK(same.removed.empty());
  CHECK(same.unchanged == 2);
}

TEST_CASE("diff: an endpoint that changed hands in between moves its dependencies") {
  DependencyGraph graph;
  apply(graph, in_hour(0, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(0, "10.0.0.2", "10.0.0.9"));
  apply(graph, in_hour(3, "10.0.0.1", "10.0.0.9"));
  const Id one = graph.asset_of({{}, address("10.0.0.1")})->id;
  const Id two = graph.asset_of({{}, address("10.0.0.2")})->id;
  for (const Fact& f : graph.facts_to_merge(two, one, kNoon + 5h, kNoon + 2h)) {
    CHECK(graph.apply(f));
  }
  CHECK(graph.copy(hour(0)).assets.size() == 3);
  CHECK(graph.copy(hour(3)).assets.size() == 2);
  CHECK(graph.copy(hour(3)).dependencies.at(0).client_asset == two);
  const MapDifference d = graph.diff(hour(0), hour(3));
  REQUIRE(d.moved.size() == 1);
  CHECK(d.moved[0].client_asset == two);
  CHECK(edges(d.removed) == Edges{"10.0.0.2>10.0.0.9"});
  CHECK(d.added_assets.empty());
  REQUIRE(d.removed_assets.size() == 1);
  CHECK(d.removed_assets[0].id == one);
}

TEST_CASE("as of: a snapshot has the edges of that hour, between the assets of that time") {
  DependencyGraph graph;
  apply(graph, in_hour(0, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(2, "10.0.0.1", "10.0.0.9"));
  apply(graph, in_hour(2, "10.0.0.2", "10.0.0.9"));
  const auto id = [&](const char* text) { return graph.asset_of({{}, address(text)})->id; };
  const Id first = id("10.0.0.1"), second = id("10.0.0.2"), server = id("10.0.0.9");
  for (const Fact& f : graph.facts_to_merge(first, second, kNoon + 5h, kNoon + 4h)) {
    CHECK(graph.apply(f));
  }
  const auto early = graph.snapshot(hour(0));
  CHECK(early->assets.size() == 2);
  REQUIRE(early->edges.size() == 1);
  CHECK(early->edges[0].active_hours == 2);
  CHECK(early->edges[0].sampling_rate == 1);
  CHECK(graph.snapshot(hour(1))->edges.empty());
  const auto before = graph.snapshot(hour(2));
  std::vector<Id> all{first, second, server};
  std::sort(all.begin(), all.end());
  CHECK(before->assets == all);
  CHECK(before->edges.size() == 2);
  CHECK(graph.snapshot(hour(4, 3))->assets.size() == 2);
  const auto now = graph.snapshot();
  CHECK(now->edges.size() == 2);
  CHECK(now->edges[0].client == now->edges[1].client);
}

TEST_CASE("snapshot: an edge knows its hours and how thinly it was sampled") {
  DependencyGraph graph;
  ConnectionSummary s = in_hour(0, "10.0.0.1", "10.0.0.9");
  s.counts.estimated_octets_to_server = 100 * 998;
  s.counts.estimated_octets_to_client = 200 * 1'001;
  s.added = s.counts;
  apply(graph, s);
  ConnectionSummary open = in_hour(3, "10.0.0.1", "10.0.0.9");
  open.provisional = true;
  open.counts = open.added = {1, 0, 0, 0, 0, 0, 0};
  apply(graph, open);
  const auto made = graph.snapshot();
  REQUIRE(made->edges.size() == 1);
  CHECK(made->edges[0].active_hours == 2);
  CHECK(made->edges[0].sampling_rate == 1'000);
}
