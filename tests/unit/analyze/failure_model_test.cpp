#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/impact.hpp"
#include "flowlens/single_points.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using flowlens::testing::edge;
using flowlens::testing::snapshot_of;

namespace {

constexpr std::uint16_t kDatabase = 5432;

/// Assets 0 and 1 serve `clients` assets from 2 on, at one port.
std::vector<Snapshot::Edge> pair_of_servers(std::uint32_t clients) {
  std::vector<Snapshot::Edge> edges;
  for (std::uint32_t c = 2; c < 2 + clients; ++c) {
    edges.push_back(edge(c, 0, kDatabase));
    edges.push_back(edge(c, 1, kDatabase));
  }
  return edges;
}

ReplicaHints names(std::vector<std::string> list) {
  ReplicaHints hints;
  hints.name_of = [list](AssetIndex a) {
    return a.value < list.size() ? list[a.value] : std::string{};
  };
  return hints;
}

HourBitmap hours(std::vector<HourSpan> spans) {
  HourBitmap bitmap;
  for (const HourSpan s : spans) bitmap.set(s);
  return bitmap;
}

ReplicaHints hours_by_server(std::vector<HourBitmap> list) {
  ReplicaHints hints = names({"db-main", "db-spare"});
  hints.hours_of = [list](const Snapshot::Edge& e) -> std::optional<HourBitmap> {
    if (e.server.value >= list.size()) return std::nullopt;
    return list[e.server.value];
  };
  return hints;
}

ReplicaEvidence evidence(const ServiceGraph& g) { return g.clusters().front().evidence; }

ImpactQuery failing(std::vector<AssetIndex> assets) {
  ImpactQuery q;
  q.assets = std::move(assets);
  return q;
}

std::string number(AssetIndex a) { return "asset " + std::to_string(a.value); }

}  // namespace

TEST_CASE("the stem of a name is its first label without digits") {
  CHECK(name_stem("web-01.example.net") == "web-");
  CHECK(name_stem("DB2a") == "dba");
  CHECK(name_stem("10.0.0.1") == "");
  CHECK(name_stem("fd00::1:2") == "");
  CHECK(name_stem("") == "");
}

TEST_CASE("servers without names are replicas where enough clients use both") {
  const auto cluster_count = [](std::uint32_t clients) {
    return ServiceGraph{snapshot_of(10, pair_of_servers(clients))}.clusters().size();
  };
  CHECK(cluster_count(4) == 2);
  CHECK(cluster_count(5) == 1);
  auto edges = pair_of_servers(5);
  for (std::uint32_t c = 7; c < 13; ++c) edges.push_back(edge(c, 0, kDatabase));
  CHECK(ServiceGraph{snapshot_of(20, edges)}.clusters().size() == 2);  // 5 of 11 clients in common
  edges.pop_back();
  const ServiceGraph half{snapshot_of(20, edges)};
  CHECK(half.clusters().size() == 1);
  CHECK(evidence(half) == ReplicaEvidence::common_clients);
  CHECK(half[ClusterIndex{0}].overlap_percent == 50);
}

TEST_CASE("names make replicas of servers with few clients, and tell apart what only looks alike") {
  const Snapshot two = snapshot_of(10, pair_of_servers(2));
  CHECK(evidence(ServiceGraph{two, {}, {}, names({"db-1.x", "db-2.x"})}) == ReplicaEvidence::names);
  const Snapshot eight = snapshot_of(10, pair_of_servers(8));
  CHECK(ServiceGraph{eight, {}, {}, names({"db-orders", "db-users"})}.clusters().size() == 2);
  CHECK(ServiceGraph{snapshot_of(10, pair_of_servers(1)), {}, {}, names({"db-1", "db-2"})}
            .clusters()
            .size() == 2);
}

TEST_CASE("a standby shows by alternating hours") {
  const Snapshot s = snapshot_of(10, pair_of_servers(2));
  const auto graph = [&](HourBitmap main, HourBitmap spare) {
    return ServiceGraph{s, {}, {}, hours_by_server({main, spare})};
  };
  const auto main = hours({{1'000, 1'100}, {1'121, 1'200}});
  const ServiceGraph standby = graph(main, hours({{1'101, 1'121}}));  // one hour of change-over
  CHECK(standby.clusters().size() == 1);
  CHECK(evidence(standby) == ReplicaEvidence::alternating_hours);
  // Moved for good: what was there before stands in for nothing.
  CHECK(graph(hours({{1'000, 1'100}}), hours({{1'101, 1'200}})).clusters().size() == 2);
  CHECK(graph(main, hours({{1'090, 1'150}})).clusters().size() == 2);  // both at once
}

TEST_CASE("a need weighs by hours, confidence and support, and little when unused for a week") {
  const auto weight = [](std::uint16_t own, std::uint16_t busiest, std::uint8_t sure,
                         std::uint32_t idle) {
    auto e = edge(0, 1, kDatabase, own, sure);
    e.last_hour -= idle;
    const ServiceGraph g{snapshot_of(3, {e, edge(0, 2, 80, busiest, 100)})};
    return unsigned{g.find_need({0}, g.services()[0].cluster)->weight_percent};
  };
  CHECK(weight(100, 100, 95, 0) == 95);
  CHECK(weight(50, 100, 100, 0) == 50);
  CHECK(weight(1, 1, 100, 0) == 50);  // one hour of evidence
  CHECK(weight(100, 100, 95, 167) == 95);
  CHECK(weight(100, 100, 95, 168) == ServiceGraph::kPossiblePercent);
}

TEST_CASE("infrastructure and watchers stand apart, and failures do not spread over them") {
  std::vector<Snapshot::Edge> edges;
  // 0: DNS, 1: a monitor, 2: a database, 3 to 32: servers that use all this, 33 to 62: their clients.
  for (std::uint32_t server = 3; server < 33; ++server) {
    auto dns = edge(server, 0, 53);
    dns.protocol = 17;
    edges.push_back(dns);
    edges.push_back(edge(1, server, 22));
    edges.push_back(edge(server + 30, server, 443));
    if (server < 5) edges.push_back(edge(server, 2, kDatabase));
  }
  const Snapshot s = snapshot_of(63, edges);
  const ServiceGraph g{s};
  CHECK(g.is_watcher({1}));
  CHECK(g[g.services_of({0}).front().cluster].is_shared);
  CHECK(!g[g.services_of({2}).front().cluster].is_shared);
  CHECK(g.dependants() == 32);

  const Impact dns = find_impact(g, failing({{0}}));
  CHECK(dns.total() == 0);
  REQUIRE(dns.shared.size() == 1);
  CHECK(dns.shared[0].clients == 30);
  CHECK(dns.shared[0].members_hit == 1);

  const Impact database = find_impact(g, failing({{2}}));
  CHECK(database.counts[0] == 4);  // two servers and their clients
  CHECK(database.watchers == 1);
  ImpactQuery down = failing({{33}});
  down.direction = ImpactDirection::downstream;
  const Impact needed = find_impact(g, down);
  CHECK(needed.total() == 2);
  REQUIRE(needed.shared.size() == 1);
  CHECK(needed.shared[0].clients == 1);

  const EdgeMask own = g.own_edges(s);
  for (std::size_t i = 0; i < s.edges.size(); ++i) {
    const bool is_apart = s.edges[i].port == 53 || s.edges[i].client.value == 1;
    CHECK(own[i] == !is_apart);
  }
}

TEST_CASE("a client stands while a replica does, and every hop says why not") {
  auto edges = pair_of_servers(6);
  edges.push_back(edge(8, 2, 443));        // a client of a client
  edges.push_back(edge(9, 0, kDatabase));  // has never used server 1
  const ServiceGraph g{snapshot_of(10, edges)};
  const Impact one = find_impact(g, failing({{0}}));
  REQUIRE(one.total() == 1);
  CHECK(one.counts[static_cast<std::size_t>(Certainty::possible)] == 1);
  CHECK(one.kept_by_replicas == 6);
  CHECK(reason(g, one.affected[0], ImpactDirection::upstream, number) ==
        "needs tcp/5432 of asset 0 in 100 % of its hours, and has used none of the servers that "
        "are left");

  const Impact both = find_impact(g, failing({{0}, {1}}));
  CHECK(both.counts[static_cast<std::size_t>(Certainty::certain)] == 8);
  CHECK(both.kept_by_replicas == 0);
  const Affected& far = both.affected.back();
  CHECK(far.asset.value == 8);
  CHECK(far.hops == 2);
  CHECK(reason(g, far, ImpactDirection::upstream, number) ==
        "needs tcp/443 of asset 2 in 100 % of its hours, which no other server gives");
  CHECK(reason(g, both.affected.front(), ImpactDirection::upstream, number) ==
        "needs tcp/5432 of asset 1 in 100 % of its hours, the last of 2 that serve it");

  ImpactQuery what_if = failing({{0}, {1}});
  what_if.replicas = {{ServiceIndex{0}, std::nullopt}};
  CHECK(find_impact(g, what_if).total() == 0);
  what_if.replicas = {{ServiceIndex{0}, AssetIndex{1}}};
  CHECK(find_impact(g, what_if).total() == 8);

  ImpactQuery few = failing({{0}, {1}});
  few.max_affected = 3;
  few.depth = 1;
  const Impact cut = find_impact(g, few);
  CHECK(cut.affected.size() == 3);
  CHECK(cut.left_out() == 4);
  CHECK(cut.depth_reached);
}

TEST_CASE("what sampling may hide is said") {
  auto sampled = edge(0, 1);
  sampled.sampling_rate = 1'000;
  const ServiceGraph g{snapshot_of(3, {sampled, edge(2, 1)})};
  const SamplingBlindness blind = find_impact(g, failing({{1}})).sampling;
  CHECK(blind.needs == 2);
  CHECK(blind.sampled_needs == 1);
  CHECK(blind.text() ==
        "1 of 2 dependencies looked at were seen through sampling, at up to 1 in 1000: one of "
        "fewer than 3000 packets within 28 days may be missing here.");
  CHECK(SamplingBlindness{}.text() == "Nothing here was sampled.");
}

TEST_CASE("a single point of failure is named with the services that lack a second server") {
  // 0 and 1 serve 2 to 7; 8 alone serves 9 to 11, and stands between them and 12.
  auto edges = pair_of_servers(6);
  for (std::uint32_t c = 9; c < 12; ++c) edges.push_back(edge(c, 8, 443));
  edges.push_back(edge(8, 12, kDatabase));
  const Snapshot s = snapshot_of(13, edges);
  const ServiceGraph g{s};
  const AssetGraph assets{s, g.own_edges(s)};
  const SinglePoints found = find_single_points(g, assets);
  REQUIRE(found.points.size() == 1);
  const SinglePoint& p = found.points.front();
  CHECK(p.asset.value == 8);
  CHECK(p.cut_off == 3);
  CHECK(p.dominated == 1);
  CHECK(p.clients == 3);
  REQUIRE(p.services.size() == 1);
  CHECK(g[p.services[0]].port == 443);
  CHECK(remedy(g, p) == "A second server for tcp/443 (3 clients).");
  CHECK(remedy(g, SinglePoint{{12}, 4, 0, 0, {}, 0}) ==
        "A second way to the 4 assets that it alone connects.");
  CHECK(remedy(g, SinglePoint{{0}, 0, 0, 0, {p.services[0], p.services[0]}, 3}) ==
        "A second server for tcp/443 (3 clients), tcp/443 (3) and 1 more.");

  SinglePointOptions replicated;
  replicated.replicated = p.services;
  replicated.min_cut_off = 100;
  CHECK(find_single_points(g, assets, replicated).points.empty());

  const EdgeMask without_https =
      edges_where(s, [](const Snapshot::Edge& e) { return e.port != 443; });
  const ServiceGraph filtered{s, without_https};
  const AssetGraph filtered_assets{s, filtered.own_edges(s, without_https)};
  CHECK(find_single_points(filtered, filtered_assets).points.empty());
}
