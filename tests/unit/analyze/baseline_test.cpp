#include "flowlens/baseline.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/error.hpp"
#include "support/snapshots.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

ConnectionSummary use(std::string_view client, std::string_view server, std::uint16_t port,
                      std::uint64_t octets = 200, int hour = 0) {
  ConnectionSummary s = summary(client, server, port);
  s.window_start += std::chrono::hours{hour};
  s.first += std::chrono::hours{hour};
  s.last += std::chrono::hours{hour};
  s.counts.estimated_octets_to_client = s.added.estimated_octets_to_client = octets;
  return s;
}
Baseline taken(const DependencyGraph& graph, std::vector<Id> scope = {}) {
  BaselineOptions o;
  o.name = "of \"noon\"\n\xff";
  o.at = kNoon;
  o.assets = std::move(scope);
  return take_baseline(graph.copy(), o);
}
void apply(DependencyGraph& graph, std::vector<ConnectionSummary> uses) { graph.apply(uses); }

}  // namespace

TEST_CASE("baseline: what appeared and went is told, and drift is its share") {
  DependencyGraph before, after;
  apply(before, {use("10.0.0.1", "10.0.0.2", 80), use("10.0.0.1", "10.0.0.2", 81)});
  apply(after, {use("10.0.0.1", "10.0.0.2", 81), use("10.0.0.1", "10.0.0.3", 80),
                use("10.0.0.4", "10.0.0.3", 80)});
  const Baseline a = taken(before), b = taken(after);
  const BaselineDifference d = compare_baselines(a, b);
  REQUIRE(d.gone.size() == 1);
  CHECK(d.gone[0].port == 80);
  CHECK(d.appeared_count == 2);
  CHECK(d.unchanged_count == 1);
  CHECK(d.drift() == doctest::Approx(0.75));
  CHECK(compare_baselines(a, a).drift() == 0);
  CHECK(compare_baselines({}, {}).drift() == 0);
  BaselineCompareOptions o;
  o.max_listed = 1;
  CHECK(compare_baselines(a, b, o).appeared.size() == 1);
  CHECK(compare_baselines(a, b, o).appeared_count == 2);
  o.min_factor = 0.5;
  CHECK_THROWS_AS((void)compare_baselines(a, b, o), ConfigError);
}

TEST_CASE("baseline: a use that becomes much heavier or silent has changed") {
  DependencyGraph graph;
  apply(graph,
        {use("10.0.0.1", "10.0.0.2", 80, 1'000'000), use("10.0.0.1", "10.0.0.2", 81, 1'000'000),
         use("10.0.0.1", "10.0.0.2", 82, 1'000'000)});
  const Baseline before = taken(graph);
  apply(graph, {use("10.0.0.1", "10.0.0.2", 80, 300'000'000, 20),
                use("10.0.0.1", "10.0.0.2", 82, 20'000'000, 20)});
  CHECK(compare_baselines(before, taken(graph)).changed_count == 0);  // too soon to say
  apply(graph, {use("10.0.0.1", "10.0.0.2", 82, 5'000'000, 30)});
  const BaselineDifference d = compare_baselines(before, taken(graph));
  REQUIRE(d.changed.size() == 2);
  CHECK(d.changed[0].before.port == 80);
  CHECK(d.changed[0].octets_per_hour_before == doctest::Approx(1'000'000).epsilon(0.01));
  CHECK(d.changed[0].octets_per_hour_after == doctest::Approx(10'000'000));
  CHECK(d.changed[1].before.port == 81);
  CHECK(d.changed[1].octets_per_hour_after == 0);
  CHECK(d.unchanged_count == 1);
  CHECK(d.drift() == doctest::Approx(2.0 / 3));
}

TEST_CASE("baseline: of some assets, with what they use and serve, and no more than asked for") {
  DependencyGraph graph;
  apply(graph, {use("10.0.0.1", "10.0.0.2", 80), use("10.0.0.2", "10.0.0.3", 81),
                use("10.0.0.3", "10.0.0.4", 82)});
  const Id two = graph.asset_of({{}, address("10.0.0.2")})->id;
  const Baseline b = taken(graph, {two, two});
  CHECK(b.scope.size() == 1);
  CHECK(b.edges.size() == 2);
  CHECK(b.assets.size() == 3);
  CHECK(b.left_out == 0);
  BaselineOptions o;
  o.max_edges = 1;
  CHECK(take_baseline(graph.copy(), o).edges.size() == 1);
  CHECK(take_baseline(graph.copy(), o).left_out == 2);
}

TEST_CASE("baseline: the map itself gives the same differences as a baseline taken of it") {
  DependencyGraph graph;
  testing::Dice dice{7};
  const auto grow = [&](int uses, int hour) {
    for (int i = 0; i < uses; ++i) {
      const auto host = [&] { return "10.0.0." + std::to_string(1 + dice.roll(12)); };
      const std::string client = host(), server = host();
      const auto port = static_cast<std::uint16_t>(80 + dice.roll(3));
      if (client != server) apply(graph, {use(client, server, port, 1'000'000, hour)});
    }
  };
  grow(150, 0);
  const Id one = graph.asset_of({{}, address("10.0.0.1")})->id;
  int hour = 0;
  for (const std::vector<Id>& scope : {std::vector<Id>{}, std::vector<Id>{one}}) {
    Baseline before = taken(graph, scope);
    REQUIRE(before.edges.size() > 5);
    (void)remove(before, before.edges[3]);
    BaselineEdge lost = before.edges[2];
    lost.port = 9;
    CHECK(accept(before, lost));
    grow(60, hour += 40);
    const BaselineDifference rows = compare_baselines(before, taken(graph, scope));
    const BaselineDifference map = compare_with_snapshot(before, *graph.snapshot());
    CHECK(map.appeared_count == rows.appeared_count);
    CHECK(map.appeared_count >= 1);
    CHECK(map.gone == rows.gone);
    CHECK(map.gone_count == 1);
    CHECK(map.changed_count == rows.changed_count);
    CHECK(map.changed_count > 0);
    CHECK(map.unchanged_count == rows.unchanged_count);
    for (std::size_t i = 0; i < map.appeared.size(); ++i) {
      BaselineEdge seen = rows.appeared[i];
      seen.hours = 0;
      CHECK(map.appeared[i] == seen);
    }
  }
}

TEST_CASE("baseline: what the addresses of one asset use is one use, on the map too") {
  DependencyGraph graph;
  apply(graph, {use("10.0.0.1", "10.0.0.9", 80), use("10.0.0.2", "10.0.0.9", 80),
                use("10.0.0.2", "10.0.0.9", 81)});
  const auto id = [&](const char* host) { return graph.asset_of({{}, address(host)})->id; };
  for (const Fact& fact : graph.facts_to_merge(id("10.0.0.1"), id("10.0.0.2"), kNoon)) {
    REQUIRE(graph.apply(fact));
  }
  const BaselineDifference d = compare_with_snapshot({}, *graph.snapshot());
  REQUIRE(d.appeared.size() == 2);
  CHECK(d.appeared[0].octets == compare_baselines({}, taken(graph)).appeared[0].octets);
  CHECK(d.appeared[0].port == 80);
}

TEST_CASE("baseline: what is recent counts, and what is seldom is not missed") {
  DependencyGraph graph;
  std::vector<ConnectionSummary> uses;
  for (int hour = 0; hour < 300; ++hour) {
    uses.push_back(use("10.0.0.1", "10.0.0.2", 80, 200, hour));                       // stays
    uses.push_back(use("10.0.0.1", "10.0.0.2", 81, 200, hour));                       // goes
    if (hour % 100 == 0) uses.push_back(use("10.0.0.1", "10.0.0.2", 82, 200, hour));  // is seldom
    if (hour < 50) uses.push_back(use("10.0.0.1", "10.0.0.2", 83, 200, hour));        // had gone
  }
  apply(graph, uses);
  const Baseline before = taken(graph);
  CHECK(before.edges.size() == 4);
  uses.clear();
  for (int hour = 300; hour < 600; ++hour) {
    uses.push_back(use("10.0.0.1", "10.0.0.2", 80, 200, hour));
    if (hour == 599) uses.push_back(use("10.0.0.1", "10.0.0.2", 84, 200, hour));  // seen once
    if (hour > 590) uses.push_back(use("10.0.0.1", "10.0.0.2", 85, 200, hour));   // is new
  }
  apply(graph, uses);
  BaselineCompareOptions o;
  o.recent_hours = 168;
  o.min_new_hours = 2;
  const BaselineDifference d = compare_with_snapshot(before, *graph.snapshot(), o);
  REQUIRE(d.gone.size() == 1);
  CHECK(d.gone[0].port == 81);
  REQUIRE(d.appeared.size() == 1);
  CHECK(d.appeared[0].port == 85);
  CHECK(d.unchanged_count == 1);
  CHECK(d.passed_over_count == 3);
  CHECK(d.drift() == doctest::Approx(2.0 / 3));
  CHECK(compare_with_snapshot(before, *graph.snapshot()).gone_count == 0);  // it was seen once
  CHECK(compare_with_snapshot(before, *graph.snapshot()).appeared_count == 2);
  const BaselineDifference same = compare_baselines(before, taken(graph), o);
  CHECK(same.gone == d.gone);
  CHECK(same.appeared_count == 1);
}

TEST_CASE("baseline: of one that was cut, only what comes before the cut is compared") {
  DependencyGraph graph;
  for (std::uint16_t port = 80; port < 90; ++port) {
    apply(graph, {use("10.0.0.1", "10.0.0.2", port)});
  }
  BaselineOptions o;
  o.max_edges = 4;
  Baseline cut = take_baseline(graph.copy(), o);
  CHECK(cut.left_out == 6);
  CHECK(compare_with_snapshot(cut, *graph.snapshot()).appeared_count == 0);
  CHECK(compare_baselines(cut, taken(graph)).appeared_count == 0);
  CHECK(compare_baselines(taken(graph), cut).gone_count == 0);
  CHECK(remove(cut, cut.edges[1]));
  CHECK(compare_with_snapshot(cut, *graph.snapshot()).appeared_count == 1);
}

TEST_CASE("baseline: an edge can be accepted, and taken out again") {
  DependencyGraph before, after;
  apply(before, {use("10.0.0.1", "10.0.0.2", 80)});
  apply(after, {use("10.0.0.1", "10.0.0.2", 80), use("10.0.0.1", "10.0.0.2", 79)});
  Baseline b = taken(before);
  const BaselineEdge edge = compare_baselines(b, taken(after)).appeared.at(0);
  CHECK(accept(b, edge));
  CHECK_FALSE(accept(b, edge));
  CHECK(compare_baselines(b, taken(after)).drift() == 0);
  CHECK(remove(b, edge));
  CHECK_FALSE(remove(b, edge));
  CHECK(compare_baselines(b, taken(after)).appeared_count == 1);
}

TEST_CASE("baseline: JSON gives it back, and what is none is refused by its member") {
  DependencyGraph graph;
  apply(graph, {use("10.0.0.1", "10.0.0.2", 80), use("10.0.0.2", "10.0.0.3", 81)});
  Baseline b = taken(graph, {graph.asset_of({{}, address("10.0.0.2")})->id});
  const std::string text = to_json(b);
  const Baseline back = parse_baseline(text);
  b.name = "of \"noon\"\n\xef\xbf\xbd";  // what was no UTF-8
  CHECK(back == b);
  CHECK(to_json(back) == text);
  std::string older = text;  // without what this release has added
  for (std::size_t at; (at = older.find(",\"last_hour\":")) != std::string::npos;) {
    older.erase(at, older.find('}', at) - at);
  }
  CHECK(parse_baseline(older).edges[0].last_hour == 0);
  CHECK(b.edges[0].last_hour == hour_of(kNoon));
  for (std::size_t n = 0; n < text.size(); n += 7) {
    CHECK_THROWS_AS((void)parse_baseline(text.substr(0, n)), ConfigError);
  }
  const struct {
    const char* from;
    const char* to;
    const char* member;
  } cases[] = {{"flowlens-baseline-1", "x", "format"},
               {"\"port\":80", "\"port\":65536", "].port"},
               {"\"port\":80", "\"port\":-1", "].port"},
               {"\"octets\":", "\"x\":", "edges[0].octets"},
               {"\"scope\":[\"", "\"scope\":[\"?", "scope"},
               {"\"at\":\"", "\"at\":\"x", "at"},
               {"\"edges\":[{", "\"edges\":[7,{", "edges[0]"},
               {"\"assets\":[", "\"assets\":5,\"y\":[", "assets"}};
  for (const auto& c : cases) {
    std::string wrong = text;
    INFO(std::string(c.to));
    REQUIRE(wrong.find(c.from) != std::string::npos);
    wrong.replace(wrong.find(c.from), std::string(c.from).size(), c.to);
    try {
      (void)parse_baseline(wrong);
      FAIL("was taken");
    } catch (const ConfigError& e) {
      CHECK(std::string(e.what()).find(c.member) != std::string::npos);
    }
  }
  CHECK_THROWS_AS((void)parse_baseline(text, 1), ConfigError);
  Baseline twice = b;
  twice.edges.push_back(twice.edges.back());
  CHECK_THROWS_AS((void)parse_baseline(to_json(twice)), ConfigError);
}
