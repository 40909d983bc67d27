// Weeks of a simulated network, with the rules that FlowLens comes with: few alerts while all is well,
// one for a host that dies, and none left when it is back.
#include <doctest/doctest.h>

#include <algorithm>

#include "flowlens/alert_engine.hpp"
#include "flowlens/change_detector.hpp"
#include "support/simulated_weeks.hpp"

using namespace flowlens;
using testing::SimulatedWeeks;

namespace {

constexpr std::uint32_t kDay = SimulatedWeeks::kDay;

AlertEngineOptions shipped() {
  AlertEngineOptions o;
  o.shipped = parse_alert_rules(default_alert_rules(), "default");
  return o;
}

struct Weeks {
  SimulatedWeeks network;
  DependencyGraph graph;
  ChangeDetector detector;
  AlertEngine engine{shipped()};
  NetworkRules networks;
  std::uint32_t window = 0;
  std::vector<ConnectionSummary> rows;
  std::vector<Id> ids;
  std::vector<ChangeEvent> told;

  Weeks(std::uint64_t seed, std::uint32_t workstations) : network(seed, workstations) {}

  void run_to(std::uint32_t end) {
    for (; window < end; ++window) {
      network.draw(window, rows);
      (void)graph.apply(rows, &ids);
      (void)graph.take_revision(window + 1, {}, SimulatedWeeks::start(window + 1));
      detector.look(graph, rows, ids, told);
      std::vector<NotedEvent> noted;
      for (const ChangeEvent& e : told) noted.push_back(note(e, graph, networks));
      const Timestamp now = SimulatedWeeks::start(window + 1);
      (void)engine.advance(now);
      (void)engine.take(noted, now);
    }
  }
  std::vector<Alert> list(const std::string& filter) const {
    FilterError error;
    AlertQuery query;
    query.filter = Filter<Alert>::compile(filter, alert_fields(), Timestamp{}, error);
    query.limit = 100'000;
    REQUIRE(query.filter);
    return engine.alerts(query).rows;
  }
};

}  // namespace

TEST_CASE(
    "weeks: the shipped rules are quiet while all is well, and tell of a host that dies once") {
  for (const std::uint64_t seed : {31u, 32u}) {
    Weeks w(seed, 40);
    w.run_to(21 * kDay);
    CHECK(w.list("severity critical").empty());
    const auto a_day = static_cast<double>(w.engine.counters().raised) / 14;
    const auto assets = static_cast<double>(w.graph.counters().assets);
    MESSAGE("seed ", seed, ": ", a_day * 1'000 / assets, " alerts a day and 1,000 assets");
    CHECK(a_day * 1'000 <= 10 * assets);

    const std::uint32_t begin = 22 * kDay + 168;
    w.run_to(begin);
    const std::uint64_t before = w.engine.counters().raised;
    const std::uint32_t host = SimulatedWeeks::kFiles;
    w.network.kill(host);
    w.run_to(begin + 12);
    const auto silent = w.list("rule asset-offline and status open and ip " +
                               SimulatedWeeks::endpoint(host).address.to_string());
    REQUIRE(silent.size() == 1);
    CHECK(silent[0].severity == Severity::critical);
    CHECK(w.engine.counters().raised <= before + 2);
    w.network.kill(host, false);
    w.run_to(begin + 18);
    CHECK(w.engine.alert(silent[0].id)->status == AlertStatus::resolved);
    CHECK(w.engine.alert(silent[0].id)->history.back().step == AlertStep::cleared);
  }
}
