// What people put into the map, take out of it, and write on it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/map_fields.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

Endpoint at(std::string_view text) { return {{}, address(text)}; }

Annotation words(const Id& subject = {}) {
  Annotation said;
  said.subject = subject;
  said.tags = {"dmz", "web"};
  said.notes = "runs the shop";
  said.owner = "team shop";
  said.criticality = Criticality::high;
  said.said_by = "anna";
  said.said_at = kNoon + 1h;
  return said;
}

struct Fixture {
  DependencyGraph graph;
  std::vector<Revision> revisions;

  void add(std::string_view client, std::string_view server, std::chrono::seconds later = 0s,
           bool provisional = false) {
    ConnectionSummary s = summary(client, server, 443);
    s.window_start += later;
    s.first += later;
    s.last += later;
    s.provisional = provisional;
    graph.apply(std::span{&s, 1});
  }
  Id id(std::string_view text) const { return graph.asset_of(at(text))->id; }
  Id only_dependency() const {
    const auto page = graph.dependencies({});
    REQUIRE(page.rows.size() == 1);
    return page.rows[0].id;
  }
  std::vector<Id> matching(const char* filter) const {
    AssetQuery query;
    FilterError error;
    query.filter = Filter<AssetRow>::compile(filter, asset_fields(), kNoon, error);
    REQUIRE(query.filter);
    std::vector<Id> ids;
    for (const AssetRow& row : graph.assets(query).rows) ids.push_back(row.id);
    return ids;
  }
  const Revision& take() {
    return revisions.emplace_back(graph.take_revision(revisions.size() + 1, Epoch{1}, kNoon + 9h));
  }
  /// Who only got the revisions has the same map.
  void check_follower() {
    take();
    DependencyGraph follower;
    for (const Revision& r : revisions) follower.apply(r);
    const Revision mine = graph.copy(), other = follower.copy();
    CHECK(mine.annotations == other.annotations);
    REQUIRE(mine.assets.size() == other.assets.size());
    REQUIRE(mine.dependencies.size() == other.dependencies.size());
    for (const AssetRow& row : mine.assets) {
      const auto same = follower.asset(row.id);
      REQUIRE(same.has_value());
      CHECK(same->first_seen == row.first_seen);
      CHECK(same->last_seen == row.last_seen);
    }
    CHECK(follower.counters().totals == graph.counters().totals);
  }
};

}  // namespace

TEST_CASE("annotation: what is said stands on the row, in filters and in the revision") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.2");
  const Id server = f.id("10.0.0.2"), dependency = f.only_dependency();
  CHECK(f.graph.apply(words(server)));
  CHECK(f.graph.apply(words(dependency)));
  REQUIRE(f.graph.asset(server)->annotation != nullptr);
  CHECK(*f.graph.asset(server)->annotation == words(server));
  CHECK(f.graph.asset(f.id("10.0.0.1"))->annotation == nullptr);
  CHECK(f.graph.dependency(dependency)->annotation->notes == "runs the shop");
  CHECK(f.matching("tag = web") == std::vector{server});
  CHECK(f.matching("tag = dmz and owner ~ shop and criticality = high") == std::vector{server});
  CHECK(f.matching("tag = other").empty());
  CHECK(f.matching("confirmed").empty());
  CHECK(f.take().annotations.size() == 2);
  CHECK(f.take().empty());

  SUBCASE("said anew, it takes the place of what was said before") {
    Annotation other = words(server);
    other.tags = {"app"};
    other.is_confirmed = true;
    CHECK(f.graph.apply(other));
    CHECK(f.matching("tag = web").empty());
    CHECK(f.matching("confirmed") == std::vector{server});
    CHECK(f.take().annotations == std::vector{other});
  }
  SUBCASE("saying nothing takes it back") {
    Annotation nothing;
    nothing.subject = server;
    CHECK(f.graph.apply(nothing));
    CHECK(f.graph.asset(server)->annotation == nullptr);
    REQUIRE(f.take().annotations.size() == 1);
    CHECK(f.revisions.back().annotations[0].empty());
  }
  SUBCASE("a merged asset's words go to the other, whose own have the last word") {
    Annotation other = words(f.id("10.0.0.1"));
    other.tags = {"app", "web"};
    other.owner = "team app";
    CHECK(f.graph.apply(other));
    for (const Fact& fact : f.graph.facts_to_merge(f.id("10.0.0.1"), server, kNoon + 2h)) {
      CHECK(f.graph.apply(fact));
    }
    const auto both = f.graph.asset(server)->annotation;  // its id is an alias now
    REQUIRE(both != nullptr);
    CHECK(both->tags == std::vector<std::string>{"app", "dmz", "web"});
    CHECK(both->owner == "team app");
  }
  f.check_follower();
}

TEST_CASE("annotation: refused") {
  DependencyGraphOptions options;
  options.max_annotations = 1;
  DependencyGraph graph{options};
  ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 443);
  graph.apply(std::span{&s, 1});
  const Id client = graph.asset_of(at("10.0.0.1"))->id, server = graph.asset_of(at("10.0.0.2"))->id;
  CHECK_FALSE(graph.apply(words(Id{})));
  CHECK(graph.apply(words(client)));
  CHECK_FALSE(graph.apply(words(server)));  // no room
  CHECK(graph.apply(words(client)));
  for (const char* tag : {"", "a,b", " a", "a ", "a\nb"}) {
    Annotation said = words(client);
    said.tags = {tag};
    CAPTURE(tag);
    CHECK_FALSE(graph.apply(said));
  }
  Annotation said = words(client);
  said.tags = {"b", "a"};
  CHECK_FALSE(graph.apply(said));
  said.tags = {"a", "a"};
  CHECK_FALSE(graph.apply(said));
  said.tags.clear();
  said.notes.assign(kLongestNotes + 1, 'x');
  CHECK_FALSE(graph.apply(said));
}

TEST_CASE("declared asset: it is there without traffic, and stays when its traffic goes") {
  Fixture f;
  const std::vector<Endpoint> holds{at("10.0.0.7"), at("10.0.0.8")};
  const auto id = f.graph.declare_asset(holds, true, words());
  REQUIRE(id.has_value());
  const auto row = f.graph.asset(*id);
  REQUIRE(row.has_value());
  CHECK(row->endpoints.size() == 2);
  CHECK(row->first_seen == kNoon + 1h);
  CHECK(row->is_internal);
  CHECK(f.matching("declared") == std::vector{*id});
  CHECK(f.id("10.0.0.8") == *id);
  CHECK_FALSE(f.graph.declare_asset(holds, true, words()).has_value());

  f.add("10.0.0.1", "10.0.0.8");
  CHECK(f.graph.dependency(f.only_dependency())->server_asset == *id);
  CHECK(f.graph.asset(*id)->first_seen == kNoon + 1s);  // the traffic was before
  CHECK(f.graph.remove_dependency(f.only_dependency(), kNoon + 2h, "not so"));
  CHECK(f.graph.asset(*id).has_value());
  CHECK(f.graph.asset_of(at("10.0.0.1")) == std::nullopt);  // nothing speaks for it any more
  f.check_follower();
}

TEST_CASE("declared dependency: it is there without traffic, and takes the traffic that comes") {
  Fixture f;
  const DependencyKey key = summary("10.0.0.1", "10.0.0.2", 443).key;
  const auto id = f.graph.declare_dependency(key, words());
  REQUIRE(id.has_value());
  auto row = f.graph.dependency(*id);
  CHECK(row->totals.is_zero());
  CHECK(row->rung == DirectionRung::declared);
  CHECK(row->direction == Direction::client_server);
  CHECK(row->first_seen == kNoon + 1h);
  CHECK_FALSE(row->provisional);
  CHECK(row->annotation->is_declared);
  CHECK(f.graph.asset_of(at("10.0.0.1"))->first_seen == kNoon + 1h);
  CHECK(f.graph.snapshot()->edges.size() == 1);

  f.add("10.0.0.1", "10.0.0.2", 2h, true);
  CHECK(f.only_dependency() == *id);
  CHECK_FALSE(f.graph.dependency(*id)->totals.is_zero());
  SUBCASE("also where the traffic turns out to be another's") {
    ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 443);
    s.window_start += 2h;
    s.added = {};
    s.added -= s.counts;
    s.counts = {};
    f.graph.apply(std::span{&s, 1});
    CHECK(f.graph.dependency(*id)->totals.is_zero());
  }
  SUBCASE("and goes when it is removed") {
    CHECK(f.graph.remove_dependency(*id, kNoon + 3h, "no more"));
    CHECK(f.graph.counters().dependencies == 0);
    CHECK(f.graph.counters().assets == 0);
  }
  f.check_follower();
}

TEST_CASE("removed: an asset goes with its dependencies, and comes back with new traffic") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.2");
  f.add("10.0.0.3", "10.0.0.2");
  f.add("10.0.0.3", "10.0.0.4");
  const Id server = f.id("10.0.0.2");
  CHECK(f.graph.apply(words(server)));
  f.take();
  CHECK(f.graph.remove_asset(server, kNoon + 2h, "anna has removed it"));
  CHECK_FALSE(f.graph.remove_asset(server, kNoon + 2h, "again"));
  CHECK(f.graph.counters().dependencies == 1);
  CHECK(f.graph.counters().assets == 2);
  const Revision& r = f.take();
  CHECK(r.removed_dependencies.empty());
  CHECK(r.closed_dependencies.size() == 2);
  REQUIRE(r.annotations.size() == 1);
  CHECK(r.annotations[0].empty());
  REQUIRE(r.events.size() == 3);
  CHECK(r.events[2].type == ChangeType::removed_asset);
  CHECK(r.events[2].reason == "anna has removed it");

  f.add("10.0.0.1", "10.0.0.2", 3h);
  CHECK(f.id("10.0.0.2") == server);
  CHECK(f.graph.asset(server)->annotation == nullptr);
  CHECK(f.graph.asset(server)->first_seen == kNoon + 3h + 1s);
  f.check_follower();
}

TEST_CASE("removed: who holds an address that another held before") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.2");
  f.add("10.0.0.1", "10.0.0.3");
  const Id first = f.id("10.0.0.2"), second = f.id("10.0.0.3");
  for (const Fact& fact : f.graph.facts_to_merge(second, first, kNoon + 2h, kNoon + 1h)) {
    CHECK(f.graph.apply(fact));
  }
  f.take();
  CHECK(f.graph.remove_asset(second, kNoon + 3h, "gone"));
  CHECK(f.graph.asset_of(at("10.0.0.2")) == std::nullopt);
  REQUIRE(f.graph.asset(first).has_value());
  f.take();
  f.add("10.0.0.1", "10.0.0.2", 4h);
  const auto now = f.graph.asset_of(at("10.0.0.2"));
  REQUIRE(now.has_value());
  CHECK(now->id != first);
  f.check_follower();
}

TEST_CASE("declared asset: where endpoints have run out, nothing more is taken") {
  DependencyGraphOptions options;
  options.max_assets = 3;  // and six endpoints
  DependencyGraph graph{options};
  const std::vector<Endpoint> five{at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3"), at("10.0.0.4"),
                                   at("10.0.0.5")};
  CHECK(graph.declare_asset(five, true, words()).has_value());
  const std::vector<Endpoint> two{at("10.0.1.1"), at("10.0.1.2")};
  CHECK_FALSE(graph.declare_asset(two, true, words()).has_value());
  ConnectionSummary s = summary("10.0.2.1", "10.0.2.2", 443);
  CHECK(graph.apply(std::span{&s, 1}) == s.added.flows);
  CHECK_FALSE(graph.declare_dependency(s.key, words()).has_value());
  ConnectionSummary fits = summary("10.0.2.1", "10.0.0.2", 443);
  CHECK(graph.apply(std::span{&fits, 1}) == 0);
  CHECK(graph.counters().assets == 2);
}
