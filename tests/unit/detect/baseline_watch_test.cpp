#include "flowlens/baseline_watch.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "flowlens/alert_engine.hpp"
#include "flowlens/error.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Ten clients of two servers, hour by hour; a baseline of them after a week.
struct Fixture {
  DependencyGraph graph;
  int hour = 0;
  std::vector<std::string> silent;
  std::vector<std::pair<std::string, std::uint16_t>> also;  ///< clients of the second, and ports
  Id id = derive_id(asset_namespace(), "a baseline");
  std::shared_ptr<const Baseline> baseline;

  Fixture() {
    live(7 * 24);
    BaselineOptions o;
    o.name = "shop";
    o.at = now();
    baseline = std::make_shared<const Baseline>(take_baseline(graph.copy(), o));
  }
  void use(std::vector<ConnectionSummary>& all, const std::string& client,
           const std::string& server, std::uint16_t port) const {
    ConnectionSummary& s = all.emplace_back(summary(client, server, port));
    s.window_start += std::chrono::hours{hour};
    s.first += std::chrono::hours{hour};
    s.last += std::chrono::hours{hour};
    s.rung = DirectionRung::tcp_flags;
  }
  void live(int hours) {
    std::vector<ConnectionSummary> all;
    for (const int end = hour + hours; hour < end; ++hour) {
      for (int c = 1; c <= 10; ++c) {
        const std::string client = "10.0.0." + std::to_string(c);
        const bool is_silent = std::find(silent.begin(), silent.end(), client) != silent.end();
        if (!is_silent) use(all, client, "10.0.1.1", 443);
        use(all, client, "10.0.1.2", 53);
      }
      for (const auto& [client, port] : also) use(all, client, "10.0.1.2", port);
    }
    graph.apply(all);
  }
  [[nodiscard]] Timestamp now() const { return kNoon + std::chrono::hours{hour}; }
  std::vector<ChangeEvent> look(BaselineWatch& watch, bool is_kept = true) const {
    const WatchedBaseline kept[] = {{id, baseline}};
    return watch.look(graph, {kept, is_kept ? 1u : 0u}, now());
  }
};

}  // namespace

TEST_CASE("baseline watch: what is new is told once, in numbers and by the most telling") {
  Fixture f;
  BaselineWatch watch{BaselineWatchOptions{.min_drift = 0.05}};
  CHECK(f.look(watch).empty());
  f.also = {{"10.0.0.1", 22}, {"10.0.0.2", 22}};
  f.live(20);
  CHECK(f.look(watch).empty());  // 9 %, but two are too few to speak of
  f.also.push_back({"10.0.0.9", 3389});
  f.live(1);
  CHECK(f.look(watch).empty());  // nor is what was seen in one hour only
  f.live(1);
  const Timestamp found = f.now();
  const auto events = f.look(watch);
  REQUIRE(events.size() == 1);
  const ChangeEvent& e = events[0];
  CHECK(e.type == ChangeType::baseline_drift);
  CHECK(e.subject == f.id);
  CHECK(subject_kind(e) == "baseline");
  CHECK(e.at == found);
  CHECK(e.id == change_id(e.type, f.id, {}, found));
  CHECK(e.severity == Severity::warning);
  CHECK(e.expected == 20);
  CHECK(e.seen == 20);
  CHECK(e.before == "20 uses at " + to_string(f.baseline->at));
  CHECK(e.after == "20 of them and 3 new");
  CHECK(
      e.reason ==
      "baseline shop: 3 uses are new and 0 of 20 missing (13 % of all); new: 10.0.0.1 uses tcp/22 "
      "of 10.0.1.2; new: 10.0.0.2 uses tcp/22 of 10.0.1.2; new: 10.0.0.9 uses tcp/3389 of "
      "10.0.1.2");
  f.live(5);
  CHECK(f.look(watch).empty());

  // When they stop they are there for another week; then the baseline is true again.
  f.also.clear();
  f.live(7 * 24 - 1);
  CHECK(f.look(watch).empty());
  f.live(1);
  const auto back = f.look(watch);
  REQUIRE(back.size() == 1);
  CHECK(back[0].type == ChangeType::baseline_restored);
  CHECK(back[0].subject == f.id);
  CHECK(back[0].object == e.id);
  CHECK(back[0].at == f.now());
  CHECK(back[0].seen == 20);
  CHECK(watch.drifting().empty());
  CHECK(f.look(watch).empty());
}

TEST_CASE("baseline watch: what is missing is told after a week, and drift ends below a half") {
  Fixture f;
  BaselineWatch watch;
  f.silent = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
  f.live(7 * 24 - 1);
  CHECK(f.look(watch).empty());
  f.live(1);
  const auto events = f.look(watch);
  REQUIRE(events.size() == 1);
  CHECK(events[0].expected == 20);
  CHECK(events[0].seen == 17);
  CHECK(events[0].reason.find("3 of 20 missing (15 % of all); missing: 10.0.0.") !=
        std::string::npos);
  f.silent = {"10.0.0.1"};
  f.live(1);
  CHECK(f.look(watch).empty());  // 5 % are not less than half of 10 %
  f.silent.clear();
  f.live(1);
  CHECK(f.look(watch).size() == 1);
}

TEST_CASE("baseline watch: after a restart a drift has the id it had, and its end has one too") {
  Fixture f;
  BaselineWatch watch;
  f.also = {{"10.0.0.1", 22}, {"10.0.0.2", 22}, {"10.0.0.3", 22}};
  f.live(3);
  const auto first = f.look(watch);
  REQUIRE(first.size() == 1);
  f.graph.apply(first);
  f.live(3);
  BaselineWatch again;
  again.restore(watch.drifting());
  const auto second = f.look(again);
  REQUIRE(second.size() == 1);
  CHECK(second[0].id == first[0].id);
  f.graph.apply(second);
  CHECK(f.graph.changes({}).total == 1);
  CHECK(f.look(again).empty());

  // Whoever ends it, now or after another restart, says so by the same id.
  BaselineWatch third;
  third.restore(again.drifting());
  const auto over = f.look(again, false);
  f.live(1);
  const auto over_again = f.look(third, false);
  REQUIRE(over.size() == 1);
  REQUIRE(over_again.size() == 1);
  CHECK(over[0].reason == "the baseline is kept no more");
  CHECK(over[0].id == over_again[0].id);
  CHECK(again.drifting().empty());
}

TEST_CASE("baseline watch: while nothing at all is seen, nothing is missing") {
  Fixture f;
  BaselineWatch watch;
  const WatchedBaseline kept[] = {{f.id, f.baseline}};
  CHECK(watch.look(f.graph, kept, f.now() + 30 * 24h).empty());
}

TEST_CASE("baseline watch: its end clears the alert that the drift has raised") {
  Fixture f;
  AlertEngineOptions options;
  options.shipped = parse_alert_rules(default_alert_rules(), "default");
  AlertEngine engine{options};
  BaselineWatch watch;
  const auto tell = [&] {
    std::vector<NotedEvent> noted;
    for (const ChangeEvent& e : f.look(watch)) noted.push_back(note(e, f.graph, {}));
    return engine.take(noted, f.now());
  };
  f.also = {{"10.0.0.1", 22}, {"10.0.0.2", 22}, {"10.0.0.3", 22}};
  f.live(3);
  CHECK(tell().size() == 1);
  CHECK(engine.counters().open == 1);
  CHECK(engine.alerts({}).rows[0].title == "A baseline is true no more");
  f.also.clear();
  f.live(7 * 24);
  CHECK(tell().size() == 1);
  CHECK(engine.counters().open == 0);
  CHECK(engine.counters().cleared == 1);
  CHECK(can_clear(ChangeType::baseline_drift));
}

TEST_CASE("baseline watch: numbers out of range are refused") {
  CHECK_THROWS_AS(BaselineWatch{BaselineWatchOptions{.min_drift = 0}}, ConfigError);
  CHECK_THROWS_AS(BaselineWatch{BaselineWatchOptions{.min_uses = 0}}, ConfigError);
  CHECK_THROWS_AS(BaselineWatch{BaselineWatchOptions{.restored_below = 2}}, ConfigError);
  CHECK_THROWS_AS(BaselineWatch{BaselineWatchOptions{.recent_hours = 0}}, ConfigError);
}
