// A dependency that turns out to be the other way round.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

ConnectionSummary closed(ConnectionSummary s, std::chrono::seconds later = 0s) {
  s.window_start += later;
  s.first += later;
  s.last += later;
  s.provisional = false;
  return s;
}

TrafficCounts sum(TrafficCounts a, const TrafficCounts& b) {
  a += b;
  return a;
}

struct Fixture {
  DependencyGraph graph;
  const ConnectionSummary old_way = summary("10.0.0.1", "10.0.0.2", 50000);
  const ConnectionSummary new_way = summary("10.0.0.2", "10.0.0.1", 50001);
  const Id old_id = derive_id(dependency_namespace(), "default/10.0.0.1|default/10.0.0.2|6|50000");
  const Id new_id = derive_id(dependency_namespace(), "default/10.0.0.2|default/10.0.0.1|6|50001");

  void add(const ConnectionSummary& s) { graph.apply(std::span{&s, 1}); }
  bool turn(Timestamp when) {
    return graph.apply(
        Redirection{old_way.key, new_way.key, when, DirectionRung::handshake_packet, 0});
  }
};

}  // namespace

TEST_CASE("redirect: totals, first seen and history move; the old id finds the new one") {
  Fixture f;
  f.add(closed(f.old_way));
  f.add(closed(f.old_way, 7'200s));
  f.add(closed(f.new_way, 10'800s));
  REQUIRE(f.old_way.counts.turned() != f.old_way.counts);
  const TrafficCounts totals =
      sum(sum(f.old_way.counts, f.old_way.counts).turned(), f.new_way.counts);
  (void)f.graph.take_revision(1, Epoch{1}, kNoon);
  REQUIRE(f.turn(kNoon + 10'800s));
  CHECK(f.graph.counters().dependencies == 1);
  CHECK(f.graph.counters().totals == totals);
  const DependencyRow row = *f.graph.dependency(f.old_id);
  CHECK(row.id == f.new_id);
  CHECK(row.totals == totals);
  CHECK(row.first_seen == kNoon + 1s);
  CHECK(row.last_seen == kNoon + 10'802s);
  CHECK(row.hours.count() == 3);
  CHECK(row.rung == DirectionRung::handshake_packet);
  CHECK(row.flips == 1);
  CHECK_FALSE(row.provisional);

  const Revision r = f.graph.take_revision(2, Epoch{1}, kNoon);
  CHECK(r.removed_dependencies == std::vector<Id>{f.old_id});
  REQUIRE(r.aliases.size() == 1);
  CHECK(r.aliases[0].id == f.old_id);
  CHECK(r.aliases[0].target == f.new_id);
  CHECK(r.aliases[0].at == kNoon + 10'800s);
  CHECK(r.aliases[0].is_turned);
  REQUIRE(r.events.size() == 1);
  CHECK(r.events[0].type == ChangeType::dependency_redirected);
  CHECK(r.events[0].reason.find("10.0.0.1 → 10.0.0.2:50000 is 10.0.0.2 → 10.0.0.1:50001") == 0);
  CHECK(r.events[0].id ==
        derive_id(event_namespace(), "dependency_redirected/" + f.old_id.to_string() + "/" +
                                         f.new_id.to_string() + "/2026-11-21T15:00:00Z"));
  DependencyGraph follower;
  follower.apply(f.graph.copy());
  CHECK(follower.dependency(f.old_id)->id == f.new_id);
  CHECK(follower.dependency(f.old_id)->flips == 1);
}

TEST_CASE("redirect: the other dependency is made if need be") {
  Fixture f;
  f.add(closed(f.old_way));
  REQUIRE(f.turn(kNoon + 300s));
  CHECK(f.graph.dependency(f.new_id)->totals.flows == 2);
  CHECK_FALSE(f.turn(kNoon + 300s));  // it is gone
  CHECK(f.graph.counters().assets == 2);
}

TEST_CASE("redirect: what an open window holds stays until it is taken back") {
  Fixture f;
  f.add(closed(f.old_way));
  ConnectionSummary open = f.old_way;
  open.window_start += 300s;
  open.first += 300s;
  open.last += 300s;
  f.add(open);
  const TrafficCounts totals = sum(f.old_way.counts.turned(), open.counts);
  REQUIRE(f.turn(kNoon + 300s));
  CHECK(f.graph.counters().totals == totals);
  CHECK(f.graph.dependency(f.old_id)->id == f.old_id);
  CHECK(f.graph.dependency(f.old_id)->totals == open.counts);
  CHECK(f.graph.dependency(f.old_id)->first_seen == open.first);
  CHECK(f.graph.dependency(f.new_id)->totals == f.old_way.counts.turned());

  SUBCASE("then it goes") {
    open.added -= open.counts;
    open.added -= open.counts;
    open.counts = {};
    f.add(open);
    CHECK(f.graph.counters().dependencies == 1);
    CHECK(f.graph.dependency(f.old_id)->id == f.new_id);
    CHECK(f.graph.counters().totals == f.old_way.counts.turned());
  }
  SUBCASE("or it closes, and is a dependency of its own again") {
    open.added = {};
    open.provisional = false;
    f.add(open);
    CHECK(f.graph.counters().dependencies == 2);
    CHECK(f.graph.dependency(f.old_id)->totals == open.counts);
  }
}

TEST_CASE("redirect: to another port of the same server, sides stay") {
  Fixture f;
  f.add(closed(f.old_way));
  const DependencyKey other = summary("10.0.0.1", "10.0.0.2", 7).key;
  REQUIRE(f.graph.apply(
      Redirection{f.old_way.key, other, kNoon + 300s, DirectionRung::stated_initiator, 0}));
  CHECK(f.graph.dependency(f.old_id)->totals == f.old_way.counts);
  const Revision r = f.graph.take_revision(1, Epoch{1}, kNoon);
  REQUIRE(r.aliases.size() == 1);
  CHECK_FALSE(r.aliases[0].is_turned);
}

TEST_CASE("redirect: there and back, and chains of aliases") {
  Fixture f;
  f.add(closed(f.old_way));
  REQUIRE(f.turn(kNoon + 300s));
  REQUIRE(f.graph.apply(
      Redirection{f.new_way.key, f.old_way.key, kNoon + 600s, DirectionRung::stated_initiator, 0}));
  CHECK(f.graph.dependency(f.new_id)->id == f.old_id);
  CHECK(f.graph.dependency(f.old_id)->id == f.old_id);
  CHECK(f.graph.dependency(f.old_id)->flips == 2);
  REQUIRE(f.turn(kNoon + 900s));
  CHECK(f.graph.dependency(f.old_id)->id == f.new_id);
  const DependencyKey third = summary("10.0.0.1", "10.0.0.2", 7).key;
  REQUIRE(f.graph.apply(
      Redirection{f.new_way.key, third, kNoon + 1'200s, DirectionRung::stated_initiator, 0}));
  CHECK(f.graph.dependency(f.old_id)->key == third);
  CHECK(f.graph.counters().dependencies == 1);
}

TEST_CASE("redirect: among summaries, each before the one that it names") {
  Fixture f;
  const std::vector<ConnectionSummary> rows = {closed(f.old_way), closed(f.old_way, 7'200s),
                                               closed(f.new_way, 7'200s)};
  const Redirection turned{f.old_way.key, f.new_way.key, kNoon + 300s,
                           DirectionRung::handshake_packet, 1};
  std::vector<Id> ids{f.new_id};
  CHECK(f.graph.apply(rows, std::span{&turned, 1}, &ids) == 0);
  CHECK(ids == std::vector<Id>{f.old_id, f.old_id, f.new_id});
  // The first row moved; the second, after that, is a dependency of its own again.
  CHECK(f.graph.dependency(f.old_id)->totals == f.old_way.counts);
  CHECK(f.graph.dependency(f.new_id)->totals == sum(f.old_way.counts.turned(), f.new_way.counts));
  SUBCASE("behind the last one") {
    Redirection last{f.old_way.key, f.new_way.key, kNoon + 10'800s, DirectionRung::stated_initiator,
                     99};
    CHECK(f.graph.apply(rows, std::span{&last, 1}) == 0);
    CHECK(f.graph.counters().dependencies == 1);
  }
}

TEST_CASE("redirect: what did not fit among summaries is counted, and has no id") {
  DependencyGraphOptions options;
  options.max_dependencies = 1;
  Fixture f{DependencyGraph{options}};
  const std::vector<ConnectionSummary> rows = {closed(f.old_way), closed(f.new_way)};
  const Redirection none{f.new_way.key, f.old_way.key, kNoon + 300s,
                         DirectionRung::handshake_packet, 1};
  std::vector<Id> ids;
  CHECK(f.graph.apply(rows, std::span{&none, 1}, &ids) == f.new_way.counts.flows);
  CHECK(ids == std::vector<Id>{f.old_id, Id{}});
}

TEST_CASE("redirect: bounds") {
  DependencyGraphOptions options;
  options.max_dependencies = 1;
  options.max_aliases = 1;
  Fixture f{DependencyGraph{options}};
  f.add(closed(f.old_way));
  CHECK_FALSE(f.turn(kNoon + 300s));  // no room for the other one
  CHECK(f.graph.dependency(f.old_id)->totals.flows == 2);
}
