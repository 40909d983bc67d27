// Weeks of a simulated network: a normal week is quiet, and each fault that is put in is found, soon
// and for what it is. The rule for silence: two windows after its own longest pause allows it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "flowlens/change_detector.hpp"
#include "support/simulated_weeks.hpp"

using namespace flowlens;
using testing::Dice;
using testing::SimulatedWeeks;

namespace {

/// The network, the map and the detector, window by window.
struct Weeks {
  SimulatedWeeks network;
  DependencyGraph graph;
  ChangeDetector detector;
  std::uint32_t window = 0;
  std::vector<ConnectionSummary> rows, extra;
  std::vector<Attempt> attempts;
  Dice noise;
  std::vector<Id> ids;
  std::vector<ChangeEvent> told;  ///< by the last window
  std::vector<std::pair<std::uint32_t, ChangeEvent>> all;

  Weeks(std::uint64_t seed, std::uint32_t workstations)
      : network(seed, workstations), noise(seed + 1'000) {}

  void call(std::uint32_t client, std::uint32_t server, std::uint16_t port) {
    attempts.push_back(
        {{SimulatedWeeks::endpoint(client), SimulatedWeeks::endpoint(server), port, 6},
         SimulatedWeeks::start(window)});
  }
  /// What is in vain in a normal week: a monitoring system polls hosts that are long gone,
  /// workstations ask a dead printer, some look for peers, each for a few.
  void call_in_vain() {
    for (std::uint32_t i = 0; i < 60 && window % 3 == 0; ++i) {
      call(SimulatedWeeks::kMonitor, 600 + i, 9'100);
    }
    for (std::uint32_t client = 200; client < 240; ++client) {
      if (noise.below(3) == 0) call(client, 700, 631);
      for (std::uint64_t n = client % 8 == 0 ? noise.below(20) : 0; n > 0; --n) {
        call(client, 800 + static_cast<std::uint32_t>(noise.below(199)),
             static_cast<std::uint16_t>(6'881 + noise.below(9)));
      }
    }
  }

  void step() {
    network.draw(window, rows);
    rows.insert(rows.end(), extra.begin(), extra.end());
    extra.clear();
    call_in_vain();
    (void)graph.apply(rows, &ids);
    (void)graph.take_revision(window + 1, {}, SimulatedWeeks::start(window + 1));
    detector.look(graph, rows, ids, told, attempts);
    attempts.clear();
    for (const ChangeEvent& e : told) all.emplace_back(window, e);
    ++window;
  }
  void run_to(std::uint32_t end) {
    while (window < end) step();
  }
  [[nodiscard]] Id asset(std::uint32_t host) const {
    const auto row = graph.asset_of(SimulatedWeeks::endpoint(host));
    return row ? row->id : Id{};
  }
  /// The first of the type, about the endpoint, from a window on.
  [[nodiscard]] const ChangeEvent* find(ChangeType type, std::uint32_t host, std::uint32_t from,
                                        std::uint32_t to) const {
    for (const auto& [at, e] : all) {
      if (at >= from && at < to && e.type == type && e.endpoint == SimulatedWeeks::endpoint(host))
        return &e;
    }
    return nullptr;
  }
  [[nodiscard]] std::size_t roots(Severity least, std::uint32_t from, std::uint32_t to) const {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& told_at) {
      const auto& [at, e] = told_at;
      const bool is_one = at >= from && at < to && e.severity >= least && e.cause.is_none();

      return is_one;
    }));
  }
};

struct Score {
  std::size_t faults = 0;
  std::size_t found = 0;
  void count(bool is_found, const std::string& what) {
    ++faults;
    found += is_found;
    if (!is_found) MESSAGE("not found: ", what);
  }
};

constexpr std::uint32_t kDay = SimulatedWeeks::kDay;
/// 14:00
constexpr std::uint32_t kAfternoon = 168;
/// Of those that speak in every window: three windows may be missing.
constexpr std::uint32_t kSteadyAllows = 3;

void let_faults_happen(Weeks& w, Score& score) {
  using Net = SimulatedWeeks;
  /// The next working day, in the afternoon.
  const auto next = [&] {
    std::uint32_t begin = (w.window / kDay + 1) * kDay + kAfternoon;
    while (begin / kDay % 7 >= 5) begin += kDay;
    w.run_to(begin);
    return begin;
  };
  // A host dies: one event, with its services beneath it.
  const auto die = [&](std::uint32_t host, bool has_replica, std::uint32_t lasts) {
    const std::uint32_t begin = next();
    w.network.kill(host);
    w.run_to(begin + lasts);
    const ChangeEvent* e =
        w.find(ChangeType::asset_offline, host, begin, begin + kSteadyAllows + 2);
    bool is_right = e != nullptr && e->cause.is_none() && e->severity >= Severity::warning;
    const ChangeEvent* part =
        w.find(has_replica ? ChangeType::replica_lost : ChangeType::service_vanished, host, begin,
               begin + lasts);
    is_right = is_right && part != nullptr && part->cause == e->id;
    score.count(is_right, "host " + std::to_string(host) + " dies");
    w.network.kill(host, false);
    w.run_to(begin + lasts + 4);
    score.count(w.find(ChangeType::asset_online, host, begin + lasts, w.window) != nullptr,
                "is back");
  };
  die(Net::kApp + 1, true, 36);
  die(Net::kDatabase, true, 36);
  die(Net::kFiles, false, 36);

  for (const std::uint32_t client : {Net::kWeb, 203u}) {
    const std::uint32_t begin = next();
    w.extra = {
        Net::row({client, Net::kDatabase, 5'432, Net::Use::Shape::steady, 1e5, 1}, begin, 1e5)};
    w.run_to(begin + 2);
    const ChangeEvent* e = w.find(ChangeType::new_dependency, Net::kDatabase, begin, begin + 2);
    score.count(
        e != nullptr && e->severity == Severity::warning && e->client == Net::endpoint(client),
        "new client of the database");
  }
  for (const std::uint32_t answered : {40u, 20u, 0u}) {
    for (const bool is_sweep : {true, false}) {
      const std::uint32_t begin = next();
      for (std::uint32_t i = 0; i < 40; ++i) {
        // Ports and addresses that no scan before has called.
        const std::uint16_t port =
            static_cast<std::uint16_t>(is_sweep ? 22 + answered : 7'000 + 100 * answered + i);
        const std::uint32_t server = is_sweep ? 200 + i + (i >= 5) : Net::kApp;
        if (i < answered) {
          const Net::Use use{205, server, port, Net::Use::Shape::steady, 200, 1};
          w.extra.push_back(Net::row(use, begin, 200));
        } else {
          w.call(205, server, port);
        }
      }
      w.run_to(begin + 2);
      const ChangeEvent* e = w.find(ChangeType::scan, 205, begin, begin + 2);
      const auto parts = std::count_if(w.all.begin(), w.all.end(), [&](const auto& told) {
        return e != nullptr && told.second.cause == e->id;
      });
      score.count(e != nullptr && e->seen == 40u && (parts > 0) == (answered > 0), "scan");
      // Whatever else may be told of others in the same windows.
      const auto roots = std::count_if(w.all.begin(), w.all.end(), [&](const auto& told) {
        const ChangeEvent& r = told.second;
        const Endpoint scanner = Net::endpoint(205);
        return told.first >= begin && told.first < begin + 2 && r.cause.is_none() &&
               r.severity >= Severity::warning && (r.endpoint == scanner || r.client == scanner);
      });
      score.count(roots == 1, "a scan is one thing");
    }
  }
  for (const auto& [client, server] :
       {std::pair{Net::kApp, Net::kDatabase}, std::pair{Net::kWeb + 1, Net::kApp + 2},
        std::pair{Net::kWeb + 2, Net::kApp}}) {
    const std::uint32_t begin = next();
    const auto use =
        std::find_if(w.network.uses().begin(), w.network.uses().end(),
                     [&](const auto& u) { return u.client == client && u.server == server; });
    use->factor = 5;
    w.run_to(begin + 24);
    use->factor = 1;
    const bool is_right = std::any_of(w.all.begin(), w.all.end(), [&](const auto& told) {
      const auto& [at, e] = told;
      return at >= begin && at < begin + 2 && e.type == ChangeType::traffic_spike &&
             e.endpoint == Net::endpoint(server) && e.client == Net::endpoint(client) &&
             e.cause.is_none() && e.severity == Severity::warning;
    });
    score.count(is_right, "traffic x5 of " + std::to_string(server));
  }
  // One of several goes: the host lives on, its service does not.
  const std::uint32_t begin = next();
  auto& uses = w.network.uses();
  const auto is_lost = [](const auto& u) { return u.server == Net::kWeb + 2 && u.port == 443; };
  for (auto& u : uses) u.share *= is_lost(u) ? -1 : 1;
  w.run_to(begin + kDay);
  for (auto& u : uses) u.share *= is_lost(u) ? -1 : 1;
  const ChangeEvent* e = w.find(ChangeType::replica_lost, Net::kWeb + 2, begin, w.window);
  // Its own longest pause is the weekend's: it is silent only after that.
  score.count(e == nullptr, "a replica that rests at weekends is not lost in a day");
}

}  // namespace

TEST_CASE("weeks: a normal one is quiet, faults are found for what they are") {
  Score score;
  // Written with seed 11.
  for (const std::uint64_t seed : {21u, 22u, 23u}) {
    Weeks w(seed, 40);
    w.run_to(21 * kDay);
    CHECK(w.roots(Severity::critical, 0, w.window) == 0);
    const std::size_t assets = w.graph.counters().assets;
    // Two weeks and a week after the learning period.
    const double a_day = static_cast<double>(w.roots(Severity::warning, 7 * kDay, w.window)) / 14;
    MESSAGE("seed ", seed, ": ", a_day * 1'000 / static_cast<double>(assets),
            " a day and 1,000 assets, of ", assets);
    CHECK(a_day * 1'000 <= 10.0 * static_cast<double>(assets));
    let_faults_happen(w, score);
    if (seed == 21) w.run_to(60 * kDay);
  }
  MESSAGE(score.found, " of ", score.faults, " found");
  CHECK(score.found * 100 >= score.faults * 95);
}

TEST_CASE("months: a job that does not come is missed by its own rhythm, and seen to return") {
  using Net = SimulatedWeeks;
  Weeks w(1, 0);
  w.network.uses().clear();
  w.network.add({1, 2, 53, Net::Use::Shape::steady, 1e3, 1});
  constexpr std::uint32_t kMonth = 30 * kDay;
  constexpr std::uint32_t kRun = kDay + 36;  // 03:00
  const auto run_month = [&](std::uint32_t month, bool comes) {
    w.run_to(month * kMonth + kRun);
    if (comes) {
      w.extra = {Net::row({1, 2, 2'049, Net::Use::Shape::steady, 1e3, 1}, w.window, 1e3)};
    }
    w.step();
  };
  for (const std::uint32_t month : {0u, 1u, 2u}) run_month(month, true);
  const std::uint32_t last = w.window - 1;
  run_month(3, false);
  run_month(4, true);
  const std::uint32_t pause = kMonth - 1;
  const std::uint32_t due = last + pause + pause / 8;
  const ChangeEvent* e = w.find(ChangeType::dependency_silent, 2, due, due + 3);
  REQUIRE(e != nullptr);
  CHECK(e->port == 2'049);
  CHECK(e->reason ==
        "10.0.0.1 has not used tcp/2049 (nfs) of 10.0.0.2 for 34 days; it has never rested longer "
        "than 30 days");
  CHECK(w.find(ChangeType::dependency_silent, 2, 0, due) == nullptr);
  const ChangeEvent* back = w.find(ChangeType::dependency_resumed, 2, w.window - 1, w.window);
  REQUIRE(back != nullptr);
  CHECK(back->subject == e->subject);
  // The service is the job: it is missed and returns with it.
  CHECK(w.find(ChangeType::service_vanished, 2, due, due + 3) != nullptr);
}
