// What every store keeps of the past: hours, aliases, events, names.
#include <doctest/doctest.h>

#include "backend.hpp"

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("a re-directed dependency: its windows count as the other's, its id goes on") {
  Opened o;
  record_windows(*o.store, o.opened);
  o.store->apply(redirection(o.opened, 2));
  const auto rows = scan_all(*o.store);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].dependency == dependency_id(2));
  CHECK(rows[0].counts == counts(8));
  // What lay in an open window was not moved, and went with the row.
  CHECK(rows[1].counts == counts(4));
  for (const Id& id : {dependency_id(1), dependency_id(2)}) {
    const auto of_one = scan_all(*o.store, id);
    REQUIRE(of_one.size() == 2);
    CHECK(of_one[0].dependency == dependency_id(2));
    CHECK(of_one[0].counts == counts(8));
    CHECK(of_one[1].counts == counts(4));
  }
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  CHECK(graph.dependency(dependency_id(1))->id == dependency_id(2));
  REQUIRE(graph.changes({}).rows.size() == 1);
  CHECK(graph.changes({}).rows[0] == redirection(o.opened, 2).events[0]);

  SUBCASE("an id that lives again has its later windows for itself") {
    Revision r = revision(o.opened, 3);
    r.assets = {asset_row(1), asset_row(2)};
    r.dependencies = {dependency_row(1, 2)};
    r.windows = {{at_second(600), dependency_id(1), counts(2)}};
    o.store->apply(r);
    const auto one = scan_all(*o.store, dependency_id(1));
    REQUIRE(one.size() == 1);
    CHECK(one[0].counts == counts(2));
    CHECK(scan_all(*o.store, dependency_id(2)).size() == 2);
  }
  SUBCASE("what was turned round changes sides, and what is turned again has its own back") {
    Revision r = revision(o.opened, 3);
    r.assets = {asset_row(3), asset_row(4)};
    r.dependencies = {dependency_row(3, 12)};
    r.removed_dependencies = {dependency_id(2)};
    r.aliases = {{dependency_id(2), dependency_id(3), at_second(600), true}};
    o.store->apply(r);
    for (const auto& rows : {scan_all(*o.store), scan_all(*o.store, dependency_id(3))}) {
      REQUIRE(rows.size() == 2);
      CHECK(rows[0].counts == turned_counts(8));
      CHECK(rows[1].counts == turned_counts(4));
    }
    r = revision(o.opened, 4);
    r.assets = {asset_row(4), asset_row(5)};
    r.dependencies = {dependency_row(4, 12)};
    r.removed_dependencies = {dependency_id(3)};
    r.aliases = {{dependency_id(3), dependency_id(4), Timestamp::max(), true}};
    o.store->apply(r);
    for (const auto& rows : {scan_all(*o.store), scan_all(*o.store, dependency_id(4))}) {
      REQUIRE(rows.size() == 2);
      CHECK(rows[0].counts == counts(8));
    }
    o.reopen();
    DependencyGraph graph;
    o.store->load(graph);
    std::vector<bool> turned;
    for (const Alias& alias : graph.copy().aliases) turned.push_back(alias.is_turned);
    CHECK(std::count(turned.begin(), turned.end(), true) == 1);
    CHECK(turned.size() == 3);
  }
  SUBCASE("an alias of an alias is one of what that became") {
    Revision r = revision(o.opened, 3);
    r.dependencies = {dependency_row(3, 12)};
    r.assets = {asset_row(3), asset_row(4)};
    r.removed_dependencies = {dependency_id(2)};
    r.aliases = {{dependency_id(2), dependency_id(3), at_second(600)}};
    o.store->apply(r);
    const auto three = scan_all(*o.store, dependency_id(3));
    REQUIRE(three.size() == 2);
    CHECK(three[0].counts == counts(8));
    CHECK(scan_all(*o.store).size() == 2);
  }
}

TEST_CASE("names and holders come back with those who said so") {
  Opened o;
  Revision r = revision(o.opened, 1);
  AssetRow named = asset_row(1);
  named.name = "db";
  named.name_source = FactSource::declared;
  named.name_at = at_second(7);
  named.asset_type = "printer";
  named.type_source = FactSource::inferred;
  named.type_confidence = 0.75f;
  named.type_at = at_second(6);
  named.endpoints.push_back({endpoint(77), at_second(3), std::nullopt, FactSource::declared});
  r.assets = {named};
  r.facts = {{endpoint(1), {{endpoint(1), "name", "db", FactSource::declared, at_second(7), {}}}}};
  o.store->apply(r);
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  const auto loaded = graph.asset(named.id);
  REQUIRE(loaded.has_value());
  CHECK(loaded->asset_type == "printer");
  CHECK(loaded->type_source == FactSource::inferred);
  CHECK(loaded->type_confidence == 0.75f);
  CHECK(loaded->type_at == at_second(6));
  CHECK(graph.apply(Fact{endpoint(1), "name", "x", FactSource::dns, at_second(9), {}}));
  CHECK(graph.asset(named.id)->name == "db");  // the other is kept, and does not count
  CHECK_FALSE(graph.apply(Fact{
      endpoint(77), "asset", asset_id(5).to_string(), FactSource::inventory, at_second(9), {}}));
  CHECK(graph.apply(Fact{endpoint(1), "name", "x", FactSource::declared, at_second(9), {}}));
}

TEST_CASE("what people say comes back, and goes when they take it back") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1), asset_row(2)};
  r.dependencies = {dependency_row(1, 2)};
  Annotation said;
  said.subject = asset_id(1);
  said.tags = {"dmz", "web 'front'"};
  said.notes = "line\nother line";
  said.owner = "team shop";
  said.criticality = Criticality::critical;
  said.is_declared = true;
  said.said_by = "anna";
  said.said_at = at_second(5);
  Annotation other;
  other.subject = dependency_id(1);
  other.is_confirmed = true;
  r.annotations = {said, other};
  o.store->apply(r);
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  REQUIRE(graph.asset(asset_id(1))->annotation != nullptr);
  CHECK(*graph.asset(asset_id(1))->annotation == said);
  CHECK(*graph.dependency(dependency_id(1))->annotation == other);
  CHECK(graph.asset(asset_id(2))->annotation == nullptr);

  Revision next = revision(o.opened, 2);
  Annotation nothing;
  nothing.subject = asset_id(1);
  next.annotations = {nothing};
  o.store->apply(next);
  o.reopen();
  DependencyGraph later;
  o.store->load(later);
  CHECK(later.asset(asset_id(1))->annotation == nullptr);
  CHECK(later.dependency(dependency_id(1))->annotation != nullptr);
}

TEST_CASE("a closed dependency goes; its windows stay on record") {
  Opened o;
  record_windows(*o.store, o.opened);
  const auto before = scan_all(*o.store, dependency_id(1));
  REQUIRE_FALSE(before.empty());
  Revision r = revision(o.opened, 2);
  r.closed_dependencies = {dependency_id(1)};
  o.store->apply(r);
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  CHECK_FALSE(graph.dependency(dependency_id(1)).has_value());
  CHECK(scan_all(*o.store, dependency_id(1)).size() == before.size());
}

TEST_CASE("facts: all of an endpoint, in their order, also of one that nothing holds") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1)};
  const auto fact = [](unsigned n, const char* attribute, std::string value, FactSource source) {
    return Fact{endpoint(n),  attribute, std::move(value), source,
                at_second(7), {},        at_second(5),     "hosts:/etc/hosts \xc3\xa4"};
  };
  EndpointFacts held{endpoint(1),
                     {fact(1, "cloud.tag.team", "a\"b\\c, {d}", FactSource::cloud),
                      fact(1, "name", "web", FactSource::inventory),
                      fact(1, "name", "web.example", FactSource::dns)}};
  held.facts[2].expires = at_second(60);
  held.facts[2].since.reset();
  held.facts[2].origin.clear();
  const EndpointFacts free{endpoint(99), {fact(99, "owner", "shop", FactSource::inventory)}};
  r.facts = {held, free};
  o.store->apply(r);
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  CHECK(graph.facts() == std::vector{held, free});
  CHECK(graph.facts_of(asset_id(1)).size() == 3);

  SUBCASE("fewer the next time, and none") {
    Revision next = revision(o.opened, 2);
    held.facts.erase(held.facts.begin() + 1);
    next.facts = {held, {endpoint(99), {}}};
    o.store->apply(next);
    o.reopen();
    DependencyGraph later;
    o.store->load(later);
    CHECK(later.facts() == std::vector{held});
  }
  SUBCASE("what has expired is gone for good") {
    Revision next = graph.take_revision(2, o.opened.epoch, at_second(60));
    REQUIRE(next.facts.size() == 1);
    CHECK(next.facts[0].facts.size() == 2);
    o.store->apply(next);
    o.reopen();
    DependencyGraph later;
    o.store->load(later);
    CHECK(later.counters().facts == 3);
  }
}
