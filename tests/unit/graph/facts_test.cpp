// What is said of endpoints: which word counts, for how long, and who held an address when.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "support/summaries.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

Endpoint at(std::string_view text) { return {{}, address(text)}; }
const Endpoint kHost = at("10.0.0.1");

void show(DependencyGraph& graph, std::string_view client, std::chrono::seconds later = 0s) {
  ConnectionSummary s = summary(client, "10.0.0.9", 443);
  s.window_start += later;
  s.first += later;
  s.last += later;
  s.provisional = false;
  graph.apply(std::span{&s, 1});
}

Fact fact(std::string attribute, std::string value, FactSource source, std::string origin = {},
          std::chrono::seconds later = 0s) {
  return {kHost, std::move(attribute), std::move(value), source, kNoon + later, {},
          {},    std::move(origin)};
}

Id machine(int n) { return derive_id(asset_namespace(), "machine " + std::to_string(n)); }

Fact holder(int n, std::chrono::seconds since, FactSource source = FactSource::cloud) {
  Fact f = fact("asset", machine(n).to_string(), source, "cluster", since);
  f.since = kNoon + since;
  return f;
}

std::string name_of(const DependencyGraph& graph) { return graph.asset_of(kHost)->name; }

std::vector<Fact> in_order(const DependencyGraph& graph, const Endpoint& endpoint) {
  for (const EndpointFacts& said : graph.facts()) {
    if (said.subject == endpoint) return said.facts;
  }
  return {};
}

/// Whose the traffic of an hour is.
Id client_at(const DependencyGraph& graph, std::chrono::seconds later) {
  const auto rows = graph.copy(AsOf{kNoon + later}).dependencies;
  REQUIRE(rows.size() == 1);
  return rows[0].client_asset;
}

}  // namespace

TEST_CASE("facts: the order of arrival decides nothing") {
  std::vector<Fact> facts = {fact("name", "scan", FactSource::dns, "", 9s),
                             fact("name", "ptr", FactSource::dns, "dns", 8s),
                             fact("name", "ptr", FactSource::dns, "dns b", 8s),
                             fact("name", "file", FactSource::inventory, "hosts:a", 1s),
                             fact("name", "sheet", FactSource::inventory, "sheet:b", 2s),
                             fact("name", "i-1", FactSource::cloud, "aws", 7s),
                             fact("type", "database", FactSource::inventory, "sheet:b", 2s),
                             fact("type", "web 0.9", FactSource::inferred, "", 9s),
                             fact("owner", "shop", FactSource::inventory, "sheet:b", 2s),
                             fact("owner", "ops", FactSource::cloud, "aws", 7s)};
  std::vector<Fact> best;
  Dice dice{1};
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    dice.shuffle(facts);
    DependencyGraph graph;
    const std::size_t before = dice.below(facts.size() + 1);
    const std::span<const Fact> all{facts};
    CHECK(graph.apply(all.first(before)) == before);
    show(graph, "10.0.0.1");
    CHECK(graph.apply(all.subspan(before)) == facts.size() - before);
    const AssetRow row = *graph.asset_of(kHost);
    CHECK(row.name == "sheet");
    CHECK(row.name_source == FactSource::inventory);
    CHECK(row.asset_type == "database");
    CHECK(row.type_source == FactSource::inventory);
    const auto said = in_order(graph, kHost);
    if (best.empty()) best = said;
    CHECK(said.size() == facts.size());
    CHECK(said == best);
  }
}

TEST_CASE("facts: which of them count") {
  DependencyGraph graph;
  show(graph, "10.0.0.1");
  graph.apply(fact("name", "ptr", FactSource::dns, "dns"));
  graph.apply(fact("name", "web", FactSource::inventory, "hosts:a"));
  graph.apply(fact("owner", "shop", FactSource::cloud, "aws"));
  graph.apply(fact("type", "web 0.5", FactSource::inferred));
  const auto facts = graph.facts_of(graph.asset_of(kHost)->id);
  REQUIRE(facts.size() == 4);
  CHECK(facts[0].fact.value == "web");
  CHECK(facts[0].counts);
  CHECK(facts[1].fact.value == "ptr");
  CHECK_FALSE(facts[1].counts);
  CHECK(facts[2].fact.attribute == "owner");
  CHECK(facts[2].counts);
  CHECK(facts[3].fact.attribute == "type");
  CHECK(facts[3].fact.source == FactSource::inferred);
  CHECK(facts[3].counts);
  // What a classifier says alone needs no room.
  CHECK(graph.counters().facts == 3);
  CHECK(graph.facts_of(machine(1)).empty());
}

TEST_CASE("facts: when the best is withdrawn or expires, the next best stands, and then none") {
  DependencyGraph graph;
  show(graph, "10.0.0.1");
  (void)graph.take_revision(1, Epoch{1}, kNoon);
  graph.apply(fact("name", "ptr", FactSource::dns, "dns"));
  Fact web = fact("name", "web", FactSource::inventory, "hosts:a");
  graph.apply(web);
  graph.apply(fact("name", "mine", FactSource::declared));
  CHECK(name_of(graph) == "mine");
  CHECK(graph.apply(fact("name", "", FactSource::declared, "", 1s)));
  CHECK(name_of(graph) == "web");
  SUBCASE("withdrawn") {
    web.value.clear();
    CHECK_FALSE(graph.apply(fact("name", "", FactSource::inventory, "hosts:b", 2s)));
    CHECK(name_of(graph) == "web");
    CHECK(graph.apply(web));
  }
  SUBCASE("expired") {
    web.expires = kNoon + 60s;
    CHECK(graph.apply(web));
    CHECK(graph.take_revision(2, Epoch{1}, kNoon + 59s).assets.size() == 1);
    CHECK(name_of(graph) == "web");
    const Revision r = graph.take_revision(3, Epoch{1}, kNoon + 60s);
    REQUIRE(r.assets.size() == 1);
    CHECK(r.assets[0].name == "ptr");
    REQUIRE(r.facts.size() == 1);
    CHECK(r.facts[0].facts.size() == 1);
    CHECK(graph.counters().expired_facts == 1);
  }
  CHECK(name_of(graph) == "ptr");
  CHECK(graph.apply(fact("name", "", FactSource::dns, "dns", 3s)));
  CHECK(name_of(graph).empty());
  CHECK(graph.counters().facts == 0);
}

TEST_CASE("facts: said again, a word keeps its time; an older one of the same origin is refused") {
  DependencyGraph graph;
  show(graph, "10.0.0.1");
  CHECK(graph.apply(fact("name", "a", FactSource::dns, "one", 1s)));
  CHECK(graph.apply(fact("name", "b", FactSource::dns, "two", 2s)));
  Fact again = fact("name", "a", FactSource::dns, "one", 9s);
  again.expires = kNoon + 1h;
  CHECK(graph.apply(again));
  CHECK(name_of(graph) == "b");
  CHECK_FALSE(graph.apply(fact("name", "c", FactSource::dns, "one", 0s)));
  CHECK(graph.changes({}).total == 1);  // a became b
}

TEST_CASE("facts: what is none, and where there is no room") {
  DependencyGraphOptions options;
  options.max_facts = 3;
  options.max_endpoint_facts = 2;
  DependencyGraph graph{options};
  for (const char* bad : {"", "Name", "a..b", ".a", "a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(graph.apply(fact(bad, "x", FactSource::dns)));
  }
  CHECK_FALSE(graph.apply(fact("owner", std::string(kLongestFactValue + 1, 'x'), FactSource::dns)));
  CHECK_FALSE(graph.apply(fact("owner", "x", FactSource::dns, std::string(257, 'x'))));
  CHECK_FALSE(graph.apply(fact("asset", "no id", FactSource::cloud)));
  CHECK_FALSE(graph.apply(fact("type", "No Type", FactSource::cloud)));
  CHECK(graph.counters().refused_facts == 0);
  CHECK(graph.apply(fact("a", "x", FactSource::dns)));
  CHECK(graph.apply(fact("b", "x", FactSource::dns)));
  CHECK_FALSE(graph.apply(fact("c", "x", FactSource::dns)));
  CHECK(graph.apply(fact("b", "y", FactSource::dns, "", 1s)));
  Fact other = fact("a", "x", FactSource::dns);
  other.subject = at("10.0.0.2");
  CHECK(graph.apply(other));
  other.subject = at("10.0.0.3");
  CHECK_FALSE(graph.apply(other));
  CHECK(graph.counters().refused_facts == 2);
  CHECK(graph.counters().facts == 3);
}

TEST_CASE("facts: an address used again and again is in the right hands in each hour") {
  // Three machines; the traffic before the first of them is somebody else's.
  const std::vector<Fact> claims = {holder(1, 1h), holder(2, 2h), holder(3, 4h)};
  const auto check = [&](const DependencyGraph& graph, bool was_seen_before) {
    if (was_seen_before)
      CHECK(client_at(graph, 1min) == derive_id(asset_namespace(), "default/10.0.0.1/0"));
    CHECK(client_at(graph, 1h + 1min) == machine(1));
    CHECK(client_at(graph, 2h + 1min) == machine(2));
    CHECK(client_at(graph, 3h + 1min) == machine(2));
    CHECK(client_at(graph, 4h + 1min) == machine(3));
    CHECK(graph.asset_of(kHost)->id == machine(3));
  };
  std::vector<std::size_t> order = {0, 1, 2};
  do {
    CAPTURE(order[0]);
    CAPTURE(order[1]);
    for (std::size_t before = 0; before <= order.size(); ++before) {
      CAPTURE(before);
      for (const bool was_seen_before : {true, false}) {
        CAPTURE(was_seen_before);
        DependencyGraph graph;
        for (std::size_t i = 0; i < before; ++i) CHECK(graph.apply(claims[order[i]]));
        if (was_seen_before) show(graph, "10.0.0.1");
        for (const auto later : {1h, 2h, 3h, 4h}) show(graph, "10.0.0.1", later + 60s);
        for (std::size_t i = before; i < order.size(); ++i) CHECK(graph.apply(claims[order[i]]));
        check(graph, was_seen_before);
        // What has gone does not make it undone.
        Fact gone = claims[0];
        gone.value.clear();
        gone.at += 10h;
        CHECK(graph.apply(gone));
        check(graph, was_seen_before);
        DependencyGraph follower;
        follower.apply(graph.copy());
        check(follower, was_seen_before);
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("facts: who held an address before anything was seen of it takes nothing from the next") {
  DependencyGraph graph;
  show(graph, "10.0.0.1", 3h + 60s);
  CHECK(graph.apply(holder(2, 2h)));
  CHECK(graph.apply(holder(1, 1h)));
  CHECK(client_at(graph, 3h + 1min) == machine(2));
  CHECK(graph.asset_of(kHost)->id == machine(2));
  CHECK(graph.asset(machine(2))->endpoints.at(0).from == kNoon + 2h);
}

TEST_CASE("facts: a name goes with its address, and not to the machine that had it before") {
  DependencyGraph graph;
  show(graph, "10.0.0.1", 1h);
  CHECK(graph.apply(std::vector{holder(1, 0s), fact("name", "pod-a", FactSource::cloud, "c")}) ==
        2);
  CHECK(graph.asset(machine(1))->name == "pod-a");
  const auto events = graph.changes({}).total;
  CHECK(graph.apply(
            std::vector{holder(2, 2h), fact("name", "pod-b", FactSource::cloud, "c", 2h)}) == 2);
  CHECK(graph.asset(machine(1))->name == "pod-a");
  CHECK(graph.asset(machine(2))->name == "pod-b");
  CHECK(graph.changes({}).total == events + 1);  // no name became another
}

TEST_CASE("facts: what people say who holds stands against any source") {
  DependencyGraph graph;
  show(graph, "10.0.0.1");
  CHECK(graph.apply(fact("asset", machine(7).to_string(), FactSource::declared)));
  CHECK_FALSE(graph.apply(holder(1, 1h)));
  CHECK(graph.asset_of(kHost)->id == machine(7));
  CHECK_FALSE(graph.asset(machine(1)).has_value());
  // It is kept, and shown as what does not count.
  const auto facts = graph.facts_of(machine(7));
  REQUIRE(facts.size() == 2);
  CHECK(facts[0].counts);
  CHECK_FALSE(facts[1].counts);
}

TEST_CASE(
    "facts: what people call an asset stays with it when an address leaves, and goes when it "
    "goes") {
  DependencyGraph graph;
  show(graph, "10.0.0.1");
  show(graph, "10.0.0.2");
  const Id one = graph.asset_of(kHost)->id, two = graph.asset_of(at("10.0.0.2"))->id;
  graph.apply(fact("name", "mine", FactSource::declared));
  for (const Fact& f : graph.facts_to_merge(one, two, kNoon + 1s)) CHECK(graph.apply(f));
  CHECK(graph.asset(one)->name == "mine");
  for (const Fact& f : graph.facts_to_split(one, std::vector{kHost}, kNoon + 2s)) {
    CHECK(graph.apply(f));
  }
  CHECK(graph.asset(one)->name == "mine");
  CHECK(graph.asset_of(kHost)->name.empty());
  CHECK(graph.remove_asset(one, kNoon + 3s, "gone"));
  CHECK(graph.counters().facts == 2);  // who holds what
}
