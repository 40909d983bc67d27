// People say that a dependency is the other way round, and their word stands.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  DependencyGraph graph;
  const ConnectionSummary seen = summary("10.0.0.1", "10.0.0.2", 50000);
  const ConnectionSummary right = summary("10.0.0.2", "10.0.0.1", 514);
  const Id old_id = derive_id(dependency_namespace(), "default/10.0.0.1|default/10.0.0.2|6|50000");
  const Id new_id = derive_id(dependency_namespace(), "default/10.0.0.2|default/10.0.0.1|6|514");

  /// \return the ids under which their windows are recorded.
  std::vector<DependencyGraph::RecordedAs> add(const ConnectionSummary& s) {
    std::vector<DependencyGraph::RecordedAs> recorded;
    graph.apply(std::span{&s, 1}, nullptr, &recorded);
    return recorded;
  }
  std::optional<Id> turn() { return graph.turn_dependency(old_id, 514, kNoon + 1h, "anna"); }
  TrafficCounts totals() const { return graph.counters().totals; }
  TrafficCounts sum() const {
    TrafficCounts sum;
    for (const DependencyRow& row : graph.dependencies({}).rows) sum += row.totals;
    return sum;
  }
};

ConnectionSummary later(ConnectionSummary s, std::chrono::seconds by) {
  s.window_start += by;
  s.first += by;
  s.last += by;
  return s;
}

}  // namespace

TEST_CASE(
    "turn: all that was counted moves, with its sides changed; the old id leads to the new one") {
  Fixture f;
  ConnectionSummary closed = f.seen;
  closed.provisional = false;
  f.add(closed);
  f.add(later(f.seen, 7'200s));  // its window is open
  (void)f.graph.take_revision(1, Epoch{1}, kNoon);
  CHECK(f.turn() == f.new_id);
  const DependencyRow row = *f.graph.dependency(f.old_id);
  CHECK(row.id == f.new_id);
  CHECK(row.key == f.right.key);
  CHECK(row.totals.flows == 4);
  CHECK(row.totals.octets_to_server == 400);
  CHECK(row.totals.octets_to_client == 200);
  CHECK(row.totals.packets_to_server == 4);
  CHECK(row.totals.estimated_octets_to_client == 200);
  CHECK(row.first_seen == f.seen.first);
  CHECK(row.last_seen == f.seen.last + 7'200s);
  CHECK(row.hours.count() == 2);
  CHECK(row.rung == DirectionRung::declared);
  CHECK(row.flips == 1);
  CHECK_FALSE(row.provisional);
  CHECK(f.graph.counters().dependencies == 1);
  CHECK(f.graph.counters().assets == 2);
  CHECK(f.sum() == f.totals());

  const Revision r = f.graph.take_revision(2, Epoch{1}, kNoon);
  CHECK(r.removed_dependencies == std::vector<Id>{f.old_id});
  REQUIRE(r.aliases.size() == 1);
  CHECK(r.aliases[0].id == f.old_id);
  CHECK(r.aliases[0].is_for_ever());
  REQUIRE(r.events.size() == 1);
  CHECK(r.events[0].type == ChangeType::dependency_redirected);
  CHECK(r.events[0].at == kNoon + 1h);
  CHECK(r.events[0].reason == "10.0.0.1 → 10.0.0.2:50000 is 10.0.0.2 → 10.0.0.1:514: anna says so");
}

TEST_CASE("turn: what was said of it stays said") {
  Fixture f;
  f.add(f.seen);
  Annotation said;
  said.subject = f.old_id;
  said.owner = "ops";
  REQUIRE(f.graph.apply(said));
  REQUIRE(f.turn());
  CHECK(f.graph.dependency(f.new_id)->annotation->owner == "ops");
}

TEST_CASE("turn: what traffic still shows of the old way counts as the new one's") {
  Fixture f;
  f.add(f.seen);
  REQUIRE(f.turn());
  SUBCASE("further reports of its open window") {
    ConnectionSummary more = f.seen;
    more.counts += f.seen.counts;
    const auto recorded = f.add(more);
    REQUIRE(recorded.size() == 1);
    CHECK(recorded[0].id == f.old_id);  // where the window's first report was recorded
    CHECK(f.graph.dependency(f.new_id)->totals.octets_to_server == 400);
  }
  SUBCASE("later windows, open and closed, and after a restart") {
    DependencyGraph restarted;
    restarted.apply(f.graph.copy());
    ConnectionSummary next = later(f.seen, 7'200s);
    std::vector<DependencyGraph::RecordedAs> recorded;
    restarted.apply(std::span{&next, 1}, nullptr, &recorded);
    next.added = {};
    next.provisional = false;
    restarted.apply(std::span{&next, 1});
    CHECK(restarted.counters().dependencies == 1);
    const DependencyRow row = *restarted.dependency(f.new_id);
    CHECK(row.totals.flows == 4);
    CHECK(row.totals.octets_to_client == 200);
    CHECK(row.last_seen == next.last);
    CHECK(row.hours.count() == 2);
    CHECK(row.rung == DirectionRung::declared);
    CHECK(restarted.asset_of(f.seen.key.client)->last_seen == next.last);
    REQUIRE(recorded.size() == 1);
    CHECK(recorded[0].id == f.old_id);
  }
  SUBCASE("what the Aggregator takes back") {
    ConnectionSummary back = f.seen;
    back.counts = {};
    back.added = {};
    back.added -= f.seen.counts;
    f.add(back);
    CHECK(f.graph.dependency(f.old_id)->id == f.new_id);  // their word stands
    f.add(f.right);
    CHECK(f.graph.dependency(f.new_id)->totals == f.right.counts);
  }
  CHECK(f.sum() == f.totals());
}

TEST_CASE("turn: later evidence changes nothing, whichever way it speaks") {
  Fixture f;
  f.add(f.seen);
  REQUIRE(f.turn());
  const TrafficCounts totals = f.totals();
  CHECK_FALSE(f.graph.apply(
      Redirection{f.right.key, f.seen.key, kNoon + 2h, DirectionRung::stated_initiator, 0}));
  CHECK_FALSE(f.graph.apply(
      Redirection{f.seen.key, f.right.key, kNoon + 2h, DirectionRung::stated_initiator, 0}));
  CHECK(f.graph.dependency(f.old_id)->id == f.new_id);
  CHECK(f.totals() == totals);
  CHECK(f.graph.counters().dependencies == 1);
  // Somebody who declares the old one means the new one.
  Annotation said;
  said.said_at = kNoon;
  CHECK(f.graph.declare_dependency(f.seen.key, said) == f.new_id);
}

TEST_CASE("turn: people may turn it back, and once more") {
  Fixture f;
  f.add(f.seen);
  REQUIRE(f.turn());
  CHECK(f.graph.turn_dependency(f.new_id, 50000, kNoon + 2h, "berta") == f.old_id);
  CHECK(f.graph.dependency(f.old_id)->totals == f.seen.counts);
  CHECK(f.add(later(f.seen, 600s)).empty());  // it has a row of its own
  const auto recorded = f.add(later(f.right, 600s));
  REQUIRE(recorded.size() == 1);
  CHECK(recorded[0].id == f.new_id);
  CHECK(f.graph.counters().dependencies == 1);
  CHECK(f.turn() == f.new_id);
  CHECK(f.graph.dependency(f.old_id)->id == f.new_id);
  CHECK(f.graph.dependency(f.new_id)->totals.flows == 6);
  CHECK(f.sum() == f.totals());
}

TEST_CASE("turn: into one that is there already") {
  Fixture f;
  f.add(f.seen);
  f.add(f.right);
  CHECK(f.turn() == f.new_id);
  CHECK(f.graph.counters().dependencies == 1);
  CHECK(f.graph.dependency(f.new_id)->totals.octets_to_server == 300);
  CHECK(f.sum() == f.totals());
}

TEST_CASE("turn: bounds") {
  DependencyGraphOptions options;
  options.max_aliases = 1;
  DependencyGraph graph{options};
  const ConnectionSummary a = summary("10.0.0.1", "10.0.0.2", 50000),
                          b = summary("10.0.0.3", "10.0.0.4", 50000);
  graph.apply(std::span{&a, 1});
  graph.apply(std::span{&b, 1});
  const auto rows = graph.dependencies({}).rows;
  CHECK(graph.turn_dependency(rows[0].id, 80, kNoon, "anna"));
  CHECK_FALSE(graph.turn_dependency(rows[1].id, 80, kNoon, "anna"));  // its id would be forgotten
  CHECK_FALSE(graph.turn_dependency(Id{}, 80, kNoon, "anna"));
  CHECK(graph.dependency(rows[1].id)->totals == b.counts);
}
