// Assets with several endpoints: merging and splitting move endpoints, never recorded traffic.
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

struct Fixture {
  DependencyGraph graph;
  std::vector<Revision> revisions;

  void add(std::string_view client, std::string_view server, std::chrono::seconds later = 0s,
           std::uint16_t port = 443) {
    ConnectionSummary s = summary(client, server, port);
    s.window_start += later;
    s.first += later;
    s.last += later;
    s.provisional = false;
    graph.apply(std::span{&s, 1});
  }
  Id id(std::string_view text) const { return graph.asset_of(at(text))->id; }
  bool apply(const std::vector<Fact>& facts) {
    bool all = !facts.empty();
    for (const Fact& f : facts) all = graph.apply(f) && all;
    return all;
  }
  bool merge(const Id& into, const Id& from, std::optional<Timestamp> since = {}) {
    return apply(graph.facts_to_merge(into, from, kNoon + 9h, since));
  }
  bool split(const Id& asset, const std::vector<Endpoint>& endpoints,
             std::optional<Timestamp> since = {}) {
    return apply(graph.facts_to_split(asset, endpoints, kNoon + 10h, since));
  }
  const Revision& take() {
    return revisions.emplace_back(graph.take_revision(revisions.size() + 1, Epoch{1}, kNoon + 9h));
  }
  std::uint64_t dependencies_of(const Id& asset) const {
    DependencyQuery query;
    query.asset = asset;
    return graph.dependencies(query).total;
  }
  ~Fixture() {
    take();
    // Who only got the revisions has the same assets and dependencies.
    DependencyGraph follower;
    for (const Revision& r : revisions) follower.apply(r);
    const Revision mine = graph.copy(), other = follower.copy();
    CHECK(mine.assets.size() == other.assets.size());
    CHECK(mine.dependencies.size() == other.dependencies.size());
    CHECK(graph.counters().totals == follower.counters().totals);
    for (const AssetRow& row : mine.assets) {
      CAPTURE(row.id.to_string());
      const auto its = follower.asset(row.id);
      REQUIRE(its);
      CHECK(its->name == row.name);
      CHECK(its->first_seen == row.first_seen);
      CHECK(its->last_seen == row.last_seen);
      REQUIRE(its->endpoints.size() == row.endpoints.size());
      for (std::size_t i = 0; i < row.endpoints.size(); ++i) {
        CHECK(its->endpoints[i].endpoint == row.endpoints[i].endpoint);
        CHECK(its->endpoints[i].from == row.endpoints[i].from);
        CHECK(its->endpoints[i].until == row.endpoints[i].until);
      }
      DependencyQuery query;
      query.asset = row.id;
      CHECK(follower.dependencies(query).total == graph.dependencies(query).total);
    }
    for (const DependencyRow& row : mine.dependencies) {
      CHECK(follower.dependency(row.id)->client_asset == row.client_asset);
      CHECK(follower.dependency(row.id)->server_asset == row.server_asset);
    }
  }
};

}  // namespace

TEST_CASE("merge: endpoints and dependencies move, totals do not, the id stays an alias") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.9");
  f.add("10.0.0.2", "10.0.0.9", 60s);
  f.add("10.0.0.1", "10.0.0.2", 120s, 22);
  const Id one = f.id("10.0.0.1"), two = f.id("10.0.0.2");
  const TrafficCounts totals = f.graph.counters().totals;
  f.graph.apply(Fact{at("10.0.0.2"), "name", "web", FactSource::dns, kNoon, {}});
  (void)f.take();
  REQUIRE(f.merge(one, two));
  CHECK(f.graph.counters().assets == 2);
  CHECK(f.graph.counters().totals == totals);
  CHECK(f.graph.counters().dependencies == 3);
  const AssetRow row = *f.graph.asset(two);
  CHECK(row.id == one);
  CHECK(row.name == "web");
  REQUIRE(row.endpoints.size() == 2);
  CHECK(row.endpoints[0].from == kNoon + 1s);
  CHECK(row.endpoints[1].from == kNoon + 61s);
  CHECK(row.first_seen == kNoon + 1s);
  CHECK(row.last_seen == kNoon + 122s);
  CHECK(f.dependencies_of(one) == 3);
  CHECK(f.dependencies_of(two) == 3);

  const Revision& r = f.take();
  CHECK(r.assets.size() == 1);
  CHECK(r.dependencies.size() == 2);
  REQUIRE(r.removed_assets.size() == 1);
  CHECK(r.removed_assets[0] == two);
  REQUIRE(r.aliases.size() == 1);
  CHECK(r.aliases[0].id == two);
  CHECK(r.aliases[0].target == one);
  REQUIRE(r.events.size() == 1);
  CHECK(r.events[0].type == ChangeType::asset_merged);
  CHECK(r.events[0].subject == two);
  CHECK(r.events[0].object == one);
  CHECK(r.removed_dependencies.empty());

  SUBCASE("new traffic of what was merged is the merged asset's") {
    f.add("10.0.0.2", "10.0.0.8", 600s);
    CHECK(f.dependencies_of(one) == 4);
    CHECK(f.graph.asset(one)->last_seen == kNoon + 602s);
  }
  SUBCASE("a split gives back the id it had") {
    REQUIRE(f.split(one, {at("10.0.0.2")}));
    CHECK(f.id("10.0.0.2") == two);
    CHECK(f.graph.asset(one)->endpoints.size() == 1);
    CHECK(f.graph.asset(one)->last_seen == kNoon + 122s);
    CHECK(f.graph.asset(two)->first_seen == kNoon + 61s);
    CHECK(f.dependencies_of(one) == 2);
    CHECK(f.dependencies_of(two) == 2);
    CHECK(f.graph.counters().totals == totals);
  }
}

TEST_CASE("split: what is derived from the first address gets the next ordinal") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.9");
  f.add("10.0.0.2", "10.0.0.9");
  const Id one = f.id("10.0.0.1");
  REQUIRE(f.merge(one, f.id("10.0.0.2")));
  CHECK_FALSE(f.split(one, {at("10.0.0.1"), at("10.0.0.2")}));  // nothing would be left
  CHECK_FALSE(f.split(one, {at("10.0.0.9")}));                  // another's
  CHECK_FALSE(f.split(one, {}));
  REQUIRE(f.split(one, {at("10.0.0.1")}));
  CHECK(f.id("10.0.0.1") == derive_id(asset_namespace(), "default/10.0.0.1/1"));
  CHECK(f.id("10.0.0.2") == one);
}

TEST_CASE("split since a time: an address in new hands keeps its past") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.9");
  f.add("10.0.0.1", "10.0.0.9", 7'200s);
  const Id one = f.id("10.0.0.1");
  (void)f.take();
  REQUIRE(f.split(one, {at("10.0.0.1")}, kNoon + 1h));
  const Id next = f.id("10.0.0.1");
  CHECK(next == derive_id(asset_namespace(), "default/10.0.0.1/1"));
  const AssetRow old = *f.graph.asset(one);
  CHECK(old.id == one);
  REQUIRE(old.endpoints.size() == 1);
  CHECK(old.endpoints[0].until == kNoon + 1h);
  CHECK(old.first_seen == kNoon + 1s);
  CHECK(old.last_seen < kNoon + 1h);
  CHECK(f.graph.asset(next)->first_seen == kNoon + 1h);
  CHECK(f.graph.asset(next)->endpoints.at(0).from == kNoon + 1h);
  CHECK(f.graph.counters().dependencies == 1);
  CHECK(f.graph.dependencies({}).rows.at(0).totals.flows == 4);

  const auto client_at = [&](std::chrono::seconds later) {
    const auto rows = f.graph.copy(AsOf{kNoon + later}).dependencies;
    return rows.empty() ? Id{} : rows[0].client_asset;
  };
  CHECK(client_at(10s) == one);
  CHECK(client_at(2h) == next);
  DependencyQuery query;
  query.asset = one;
  query.as_of = AsOf{kNoon};
  CHECK(f.graph.dependencies(query).total == 1);
  query.as_of = AsOf{kNoon + 2h};
  CHECK(f.graph.dependencies(query).total == 0);

  SUBCASE("and taken back, its two times are one again") {
    REQUIRE(f.merge(one, next));
    REQUIRE(f.graph.asset(next)->endpoints.size() == 1);
    CHECK_FALSE(f.graph.asset(next)->endpoints[0].until);
    CHECK(f.graph.asset(next)->endpoints[0].from == kNoon + 1s);
    CHECK(f.graph.asset(one)->last_seen == kNoon + 7'202s);
    CHECK(f.graph.counters().assets == 2);
  }
  SUBCASE("and goes on in new hands") {
    f.add("10.0.0.1", "10.0.0.9", 9'000s);
    CHECK(f.graph.asset(one)->last_seen < kNoon + 1h);
    CHECK(f.graph.asset(next)->last_seen == kNoon + 9'002s);
  }
}

TEST_CASE("holder: what is refused") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.9");
  const Id one = f.id("10.0.0.1");
  const auto says = [&](std::string_view who, std::string value, FactSource source) {
    return f.graph.apply(Fact{at(who), "asset", std::move(value), source, kNoon, {}});
  };
  CHECK_FALSE(says("10.0.0.9", "not an id", FactSource::declared));
  CHECK_FALSE(says("10.0.0.9", Id{}.to_string(), FactSource::declared));
  CHECK(says("10.0.0.9", one.to_string(), FactSource::declared));
  CHECK_FALSE(says("10.0.0.9", derive_id(one, "x").to_string(), FactSource::inventory));
  CHECK(f.graph.counters().assets == 1);
  CHECK(f.dependencies_of(one) == 1);  // of itself
  CHECK(f.graph.facts_to_merge(one, one, kNoon).empty());
  CHECK(f.graph.facts_to_merge(one, derive_id(one, "x"), kNoon).empty());
}

TEST_CASE("what an asset is: the stronger source has the last word, until it takes it back") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.2");
  const auto say = [&](std::string value, FactSource source, std::chrono::seconds later) {
    return f.graph.apply({at("10.0.0.2"), "type", std::move(value), source, kNoon + later, {}});
  };
  const auto row = [&] { return *f.graph.asset_of(at("10.0.0.2")); };
  CHECK(say("web 0.9", FactSource::inferred, 1s));
  CHECK(row().asset_type == "web");
  CHECK(row().type_confidence == 0.9f);
  CHECK(row().type_at == kNoon + 1s);
  CHECK(f.graph.changes({}).total == 0);
  CHECK(say("cache", FactSource::declared, 2s));
  CHECK(row().type_confidence == 1.0f);
  CHECK(row().type_source == FactSource::declared);
  CHECK(say("web 0.99", FactSource::inferred, 3s));
  CHECK(row().asset_type == "cache");
  const auto events = f.graph.changes({});
  REQUIRE(events.rows.size() == 1);
  CHECK(events.rows[0].reason == "was web, is cache (declared)");
  CHECK(events.rows[0].before == "web");
  CHECK(events.rows[0].after == "cache");
  CHECK(say("unknown", FactSource::declared, 4s));
  CHECK(row().asset_type == "web");
  CHECK(row().type_confidence == 0.99f);
  CHECK(row().type_source == FactSource::inferred);
  CHECK(f.graph.changes({}).total == 2);
  CHECK(say("unknown", FactSource::inferred, 5s));
  CHECK(row().asset_type == "unknown");
  CHECK(row().type_source == FactSource::observed);
  CHECK(say("mail 0.8", FactSource::inferred, 5s));
  CHECK(f.graph.changes({}).total == 2);
  for (const char* bad : {"", "Web", "web 2", "web x", "web 0.5 ", "a-b", " web"}) {
    CAPTURE(bad);
    CHECK_FALSE(say(bad, FactSource::declared, 6s));
  }
  CHECK(row().asset_type == "mail");
}

TEST_CASE("what a merged asset was goes along, where the other is of no stronger word") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.2");
  CHECK(f.graph.apply({at("10.0.0.1"), "type", "camera", FactSource::declared, kNoon, {}}));
  CHECK(f.graph.apply({at("10.0.0.2"), "type", "web 0.9", FactSource::inferred, kNoon, {}}));
  CHECK(f.merge(f.id("10.0.0.2"), f.id("10.0.0.1")));
  CHECK(f.graph.asset_of(at("10.0.0.2"))->asset_type == "camera");
  CHECK(f.graph.asset_of(at("10.0.0.2"))->type_source == FactSource::declared);
}

TEST_CASE("events: a new name is one; what is among the latest already is not told again") {
  Fixture f;
  f.add("10.0.0.1", "10.0.0.2");
  const auto name = [&](std::string value, FactSource source, std::chrono::seconds later) {
    return f.graph.apply({at("10.0.0.2"), "name", std::move(value), source, kNoon + later, {}});
  };
  CHECK(name("one", FactSource::dns, 1s));
  CHECK(f.graph.changes({}).total == 0);
  CHECK(name("two", FactSource::dns, 2s));
  f.revisions.push_back(f.graph.take_revision(1, {}, kNoon));
  const std::vector<ChangeEvent> events = f.graph.changes({}).rows;
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == ChangeType::asset_changed);
  CHECK(events[0].before == "one");
  CHECK(events[0].after == "two");

  ChangeEvent other = events[0];
  other.id = change_id(ChangeType::scan, {}, {}, kNoon);
  f.graph.apply(std::vector<ChangeEvent>{events[0], other, other});
  f.revisions.push_back(f.graph.take_revision(2, {}, kNoon));
  const std::vector<ChangeEvent>& told = f.revisions.back().events;
  REQUIRE(told.size() == 1);
  CHECK(told[0] == other);
  CHECK(f.graph.changes({}).total == 2);

  ChangeQuery query;
  query.limit = 1;
  const auto page = f.graph.changes(query);
  CHECK(page.rows[0] == other);
  CHECK(page.has_more);
  query.after = page.next;
  CHECK(f.graph.changes(query).rows[0] == events[0]);
  FilterError error;
  query = {};
  query.filter = Filter<ChangeEvent>::compile("before one", change_fields(), kNoon, error);
  CHECK(f.graph.changes(query).total == 2);
}
