// Failures spreading, against the definition: the least of all sets of assets that contain those that
// failed and obey the rules.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "flowlens/impact.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using flowlens::testing::Dice;

namespace {

using Set = std::uint32_t;  ///< of assets, by bit

bool has(Set set, AssetIndex a) { return (set >> a.value & 1) != 0; }

/// Whether the need of a cluster is lost in a world, if exactly `set` has failed.
bool is_lost(const ServiceGraph& g, const Need& n, Certainty world, Set set,
             const std::vector<AddedReplica>& added) {
  const unsigned least = world == Certainty::certain    ? ServiceGraph::kCertainPercent
                         : world == Certainty::probable ? ServiceGraph::kProbablePercent
                                                        : 0;
  if (g.is_apart(n) || n.weight_percent < least) return false;
  for (const AddedReplica& r : added) {
    if (g[r.service].cluster == n.cluster && !(r.on && has(set, *r.on))) return false;
  }
  bool all_failed = true, all_used_failed = true;
  for (const ServiceIndex s : g.members_of(n.cluster)) {
    const auto clients = g.clients_of(s);
    const bool is_used = std::binary_search(clients.begin(), clients.end(), n.client);
    all_failed = all_failed && has(set, g[s].server);
    all_used_failed = all_used_failed && (!is_used || has(set, g[s].server));
  }
  return all_failed || (world == Certainty::possible && all_used_failed);
}

/// What must have failed once `set` has, one hop on.
Set next(const ServiceGraph& g, Certainty world, Set set, const std::vector<AddedReplica>& added) {
  Set more = set;
  for (const Need& n : g.needs()) {
    if (is_lost(g, n, world, set, added)) more |= 1u << n.client.value;
  }
  return more;
}

/// By trying every set of assets.
Set least_set(const ServiceGraph& g, Certainty world, Set failed,
              const std::vector<AddedReplica>& added) {
  Set least = (1u << g.asset_count()) - 1;
  for (Set set = 0; set < 1u << g.asset_count(); ++set) {
    if ((set & failed) == failed && next(g, world, set, added) == set) least &= set;
  }
  return least;
}

struct Case {
  Snapshot snapshot;
  ServiceGraphOptions options;
  ImpactQuery query;
  Set failed = 0;
};

Case random_case(Dice& dice) {
  Case c;
  const std::uint32_t n = 2 + dice.roll(7);
  c.snapshot = testing::random_snapshot(dice, n, 1 + dice.roll(4 * n), 1 + dice.roll(2));
  c.options.min_common_clients = 1 + dice.roll(2);
  c.options.min_client_overlap = 0.3;
  c.options.shared_servers = dice.roll(4) == 0 ? 2 : 100;  // some have infrastructure and watchers
  c.options.watcher_servers = dice.roll(4) == 0 ? 4 : 100;
  for (std::uint32_t i = 0; i < 1 + dice.roll(3); ++i) {
    c.query.assets.push_back({dice.roll(n)});
    c.failed |= 1u << c.query.assets.back().value;
  }
  return c;
}

void add_replicas(Dice& dice, const ServiceGraph& g, ImpactQuery& query) {
  for (std::uint32_t i = dice.roll(3); i > 0 && !g.services().empty(); --i) {
    AddedReplica r;
    r.service.value = dice.roll(static_cast<std::uint32_t>(g.services().size()));
    if (dice.roll(3) > 0) r.on = AssetIndex{dice.roll(g.asset_count())};
    query.replicas.push_back(r);
  }
}

void check_upstream(const ServiceGraph& g, const Case& c) {
  const Impact found = find_impact(g, c.query);
  std::array<Set, kCertaintyCount> expected{};
  for (std::size_t w = 0; w < kCertaintyCount; ++w) {
    const auto world = static_cast<Certainty>(w);
    Set set = c.failed;
    for (std::uint32_t hop = 0; hop < c.query.depth; ++hop) {
      set = next(g, world, set, c.query.replicas);
    }
    if (c.query.depth >= g.asset_count()) {
      REQUIRE(set == least_set(g, world, c.failed, c.query.replicas));
    }
    expected[w] = set;
  }
  REQUIRE((expected[0] & ~expected[1]) == 0);
  REQUIRE((expected[1] & ~expected[2]) == 0);
  Set seen = 0;
  std::array<std::uint64_t, kCertaintyCount> counts{};
  for (const Affected& a : found.affected) {
    REQUIRE(!has(c.failed, a.asset));
    REQUIRE(!has(seen, a.asset));
    seen |= 1u << a.asset.value;
    const auto w = static_cast<std::size_t>(a.certainty);
    ++counts[w];
    REQUIRE(has(expected[w], a.asset));
    REQUIRE((w == 0 || !has(expected[w - 1], a.asset)));
    Set before = c.failed;  // as it stood one hop before
    for (std::uint32_t hop = 1; hop < a.hops; ++hop) {
      before = next(g, a.certainty, before, c.query.replicas);
    }
    REQUIRE(!has(before, a.asset));
    REQUIRE(has(next(g, a.certainty, before, c.query.replicas), a.asset));
    const Need* need = g.find_need(a.asset, a.cluster);
    REQUIRE(need != nullptr);
    REQUIRE(is_lost(g, *need, a.certainty, before, c.query.replicas));
    REQUIRE(has(before, a.because));
  }
  REQUIRE((seen | c.failed) == expected[2]);
  REQUIRE(counts == found.counts);
  std::set<AssetIndex> kept;
  for (const ServedPort& s : g.services()) {
    if (!has(expected[2], s.server) || g[s.cluster].is_shared) continue;
    for (const AssetIndex client : g.clients_of(g.index_of(s))) {
      if (!g.is_watcher(client) && !has(expected[2], client)) kept.insert(client);
    }
  }
  if (c.query.depth >= g.asset_count()) REQUIRE(found.kept_by_replicas == kept.size());
}

/// Who is needed, over needs of a world at least, following every server of a cluster.
void check_downstream(const ServiceGraph& g, const Case& c) {
  ImpactQuery query = c.query;
  query.direction = ImpactDirection::downstream;
  const Impact found = find_impact(g, query);
  Set before = c.failed;
  for (std::size_t w = 0; w < kCertaintyCount; ++w) {
    const unsigned least = w == 0   ? ServiceGraph::kCertainPercent
                           : w == 1 ? ServiceGraph::kProbablePercent
                                    : 0;
    Set set = c.failed;
    for (std::uint32_t hop = 0; hop < query.depth; ++hop) {
      Set more = set;
      for (const Need& n : g.needs()) {
        if (!has(set, n.client) || n.weight_percent < least || g[n.cluster].is_shared) continue;
        for (const ServiceIndex s : g.members_of(n.cluster)) more |= 1u << g[s].server.value;
      }
      set = more;
    }
    Set expected = set & ~before, seen = 0;
    for (const Affected& a : found.affected) {
      if (a.certainty == static_cast<Certainty>(w)) seen |= 1u << a.asset.value;
    }
    REQUIRE(seen == expected);
    before |= set;
  }
}

}  // namespace

TEST_CASE("who is hit, how surely and how far off is what every world's rules say") {
  Dice dice{11};
  std::size_t clusters = 0, shared = 0, watchers = 0;
  for (int round = 0; round < 3'000; ++round) {
    Case c = random_case(dice);
    const ServiceGraph g{c.snapshot, {}, c.options};
    add_replicas(dice, g, c.query);
    c.query.depth = dice.roll(2) == 0 ? 1 + dice.roll(3) : 100;
    check_upstream(g, c);
    check_downstream(g, c);
    for (const Cluster& cluster : g.clusters()) {
      clusters += cluster.evidence != ReplicaEvidence::none ? 1 : 0;
      shared += cluster.is_shared ? 1 : 0;
    }
    for (std::uint32_t a = 0; a < g.asset_count(); ++a) watchers += g.is_watcher({a}) ? 1 : 0;
  }
  CHECK(clusters > 500);  // or else the test tests little
  CHECK(shared > 100);
  CHECK(watchers > 100);
}

TEST_CASE("the blast radius counts the same assets, and the scale those that take fewer") {
  Dice dice{12};
  for (int round = 0; round < 300; ++round) {
    Case c = random_case(dice);
    const ServiceGraph g{c.snapshot, {}, c.options};
    const BlastScale scale{g, 1'000};
    REQUIRE(scale.is_exact());
    const Impact impact = find_impact(g, c.query);
    const BlastRadius radius = find_blast_radius(g, scale, c.query);
    REQUIRE(radius.lost == impact.counts);
    REQUIRE(radius.dependants >= impact.total());
    std::uint32_t fewer = 0;
    for (std::uint32_t a = 0; a < g.asset_count(); ++a) {
      ImpactQuery one;
      one.assets = {{a}};
      one.depth = 100;
      const Impact alone = find_impact(g, one);
      fewer += alone.counts[0] + alone.counts[1] < radius.lost[0] + radius.lost[1] ? 1 : 0;
    }
    REQUIRE(radius.percentile == doctest::Approx(100.0 * fewer / g.asset_count()));
  }
}
