// Scans, whoever answers; and what looks like one and is none.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "flowlens/change_detector.hpp"
#include "support/simulated_weeks.hpp"

using namespace flowlens;
using Net = testing::SimulatedWeeks;

namespace {

constexpr std::uint32_t kDay = Net::kDay;
constexpr std::uint32_t kDead = 500;  ///< hosts from here on answer nobody

struct Fixture {
  DependencyGraph graph;
  ChangeDetector detector;
  std::vector<ConnectionSummary> rows;
  std::vector<Attempt> attempts;
  std::vector<ChangeEvent> told;  ///< by the last window
  std::vector<ChangeEvent> scans;
  std::vector<Id> ids;
  std::uint32_t window = 0;

  explicit Fixture(const ChangeDetectorOptions& options = {}) : detector(options) {}

  void call(std::uint32_t client, std::uint32_t server, std::uint16_t port) {
    attempts.push_back(
        {{Net::endpoint(client), Net::endpoint(server), port, 6}, Net::start(window)});
  }
  void use(std::uint32_t client, std::uint32_t server, std::uint16_t port) {
    rows.push_back(Net::row({client, server, port, Net::Use::Shape::steady, 1e3, 1}, window, 1e3));
  }
  /// Some go on as always, and what was put in.
  void step() {
    use(1, 9, 443);
    use(2, 9, 443);
    (void)graph.apply(rows, &ids);
    detector.look(graph, rows, ids, told, attempts);
    for (const ChangeEvent& e : told) {
      if (e.type == ChangeType::scan) scans.push_back(e);
    }
    rows.clear();
    attempts.clear();
    ++window;
  }
  void run(std::uint32_t windows) {
    for (std::uint32_t i = 0; i < windows; ++i) step();
  }
  void sweep(std::uint32_t client, std::uint32_t hosts, std::uint16_t port = 22,
             std::uint32_t from = kDead) {
    for (std::uint32_t i = 0; i < hosts; ++i) call(client, from + i, port);
  }
};

}  // namespace

TEST_CASE(
    "scan: of dead addresses, of closed ports, answered in part, wholly or not at all: one event") {
  struct Case {
    bool is_sweep;
    std::uint32_t answered, in_vain;
    bool is_scan;
  };
  for (const Case& c :
       {Case{true, 0, 40, true}, Case{true, 12, 28, true}, Case{true, 40, 0, true},
        Case{true, 13, 12, true}, Case{true, 12, 12, false}, Case{true, 0, 24, false},
        Case{false, 0, 40, true}, Case{false, 10, 30, true}, Case{false, 40, 0, true},
        Case{false, 0, 24, false}, Case{false, 12, 12, false}}) {
    CAPTURE(c.is_sweep);
    CAPTURE(c.answered);
    CAPTURE(c.in_vain);
    Fixture f;
    f.run(8 * kDay);
    for (std::uint32_t i = 0; i < c.answered + c.in_vain; ++i) {
      const std::uint32_t host = c.is_sweep ? 300 + i : 9;
      const auto port = static_cast<std::uint16_t>(c.is_sweep ? 3'389 : 7'000 + i);
      if (i < c.answered) {
        f.use(1, host, port);
      } else {
        f.call(1, host, port);
      }
    }
    f.step();
    REQUIRE(f.scans.size() == (c.is_scan ? 1 : 0));
    if (!c.is_scan) continue;
    const ChangeEvent& e = f.scans.front();
    CHECK(e.severity == Severity::warning);
    CHECK(e.subject == f.graph.asset_of(Net::endpoint(1))->id);
    CHECK(e.endpoint == Net::endpoint(1));
    CHECK(e.seen == c.answered + c.in_vain);
    CHECK(e.port == (c.is_sweep ? 3'389 : 0));
    CHECK((e.object == f.graph.asset_of(Net::endpoint(9))->id) == !c.is_sweep);
    CHECK((e.reason.find("in vain") != std::string::npos) == (c.in_vain > 0));
    // What answered is part of it.
    const auto parts = std::count_if(f.told.begin(), f.told.end(),
                                     [&](const ChangeEvent& p) { return p.cause == e.id; });
    CHECK((parts > 0) == (c.answered > 0));
    f.run(kDay);
    CHECK(f.scans.size() == 1);
  }
}

TEST_CASE("scan: says of what, and names some") {
  Fixture f;
  f.run(8 * kDay);
  f.sweep(1, 30);
  f.step();
  REQUIRE(f.scans.size() == 1);
  CHECK(f.scans[0].reason ==
        "10.0.0.1 called 30 addresses on tcp/22 (ssh) in one window that it had never used "
        "(10.0.1.244, 10.0.1.245, 10.0.1.246 and more), 30 of them in vain");
  CHECK(f.scans[0].at == Net::start(8 * kDay));
  // Who does nothing else is no asset; its id is the one that it would have.
  f.sweep(77, 30);
  f.step();
  REQUIRE(f.scans.size() == 2);
  CHECK(f.scans[1].endpoint == Net::endpoint(77));
  f.use(77, 9, 443);
  f.step();
  CHECK(f.scans[1].subject == f.graph.asset_of(Net::endpoint(77))->id);
}

TEST_CASE("scan: one that goes on is the same one, over windows, ports and addresses; for a day") {
  Fixture f;
  f.run(8 * kDay);
  for (std::uint32_t i = 0; i < 12; ++i) {
    f.sweep(1, 100, 22, kDead + 100 * i);
    f.sweep(1, 30, static_cast<std::uint16_t>(3'000 + i));
    f.step();
    f.run(5);
  }
  CHECK(f.scans.size() == 1);
  f.run(13);  // an hour without one
  f.sweep(1, 30, 445);
  f.step();
  CHECK(f.scans.size() == 2);
  CHECK(f.scans[0].id != f.scans[1].id);
  for (std::uint32_t i = 0; i < kDay; ++i) {
    f.sweep(1, 30, static_cast<std::uint16_t>(5'000 + i));
    f.step();
  }
  CHECK(f.scans.size() == 3);
}

TEST_CASE("scan: what has always been in vain is none") {
  SUBCASE("a monitoring system that polls dead hosts") {
    Fixture f;
    for (std::uint32_t w = 0; w < 29 * kDay; ++w) {
      if (w % 3 == 0) f.sweep(1, 60, 9'100);
      f.step();
    }
    CHECK(f.scans.empty());
    // And all the same it is one when it begins with something else.
    f.sweep(1, 30, 22);
    f.step();
    CHECK(f.scans.size() == 1);
  }
  SUBCASE("one that begins is told of once") {
    Fixture f;
    f.run(8 * kDay);
    for (std::uint32_t w = 0; w < 10 * kDay; ++w) {
      if (w % 12 == 0) f.sweep(1, 60, 9'100);
      f.step();
    }
    CHECK(f.scans.size() == 1);
  }
  SUBCASE("a client whose server has died, all ports of it") {
    Fixture f;
    for (std::uint32_t w = 0; w < 9 * kDay; ++w) {
      for (std::uint16_t port = 8'000; port < 8'040; ++port) {
        if (w < 8 * kDay) {
          f.use(2, 50, port);
        } else {
          f.call(2, 50, port);
        }
      }
      f.step();
    }
    CHECK(f.scans.empty());
  }
  SUBCASE("a subnet that dies") {
    Fixture f;
    for (std::uint32_t w = 0; w < 9 * kDay; ++w) {
      for (std::uint32_t host = 300; host < 340; ++host) {
        if (w < 8 * kDay) {
          f.use(2, host, 9'100);
        } else {
          f.call(2, host, 9'100);
        }
      }
      f.step();
    }
    CHECK(f.scans.empty());
  }
  SUBCASE("peers that call a few each") {
    Fixture f;
    f.run(8 * kDay);
    for (std::uint32_t w = 0; w < kDay; ++w) {
      for (std::uint32_t i = 0; i < 60; ++i) {
        f.call(100 + i % 5, kDead + (w * 7 + i) % 200, static_cast<std::uint16_t>(6'881 + i % 30));
      }
      f.step();
    }
    CHECK(f.scans.empty());
  }
}

TEST_CASE("scan: nothing is said while it is learned what is always in vain") {
  Fixture f;
  f.sweep(1, 40);
  f.run(7 * kDay - 1);
  f.sweep(1, 40, 23);
  f.step();
  CHECK(f.scans.empty());
  f.run(1);
  f.sweep(1, 40, 24);
  f.step();
  CHECK(f.scans.size() == 1);
}

TEST_CASE("scan: over a restart it goes on, and what is always in vain is still known") {
  Fixture f;
  for (std::uint32_t w = 0; w < 8 * kDay; ++w) {
    f.sweep(2, 50, 9'100);
    f.step();
  }
  f.sweep(1, 30);
  f.step();
  REQUIRE(f.scans.size() == 1);
  for (const bool has_state : {true, false}) {
    CAPTURE(has_state);
    Fixture next;
    next.window = f.window;
    next.graph.apply(f.graph.copy());
    const auto state = f.detector.save();
    if (has_state) REQUIRE(next.detector.load(state).code == DiagnosticCode::none);
    if (has_state) CHECK(next.detector.save() == state);
    next.detector.begin(next.graph);
    next.sweep(2, 50, 9'100);
    next.sweep(1, 30, 22, kDead + 100);
    next.step();
    CHECK(next.scans.empty());
    // Without what was learned, a week is learned anew; what is answered is told of all the same.
    next.run(13);
    next.sweep(1, 30, 25);
    for (std::uint32_t host = 300; host < 330; ++host) next.use(2, host, 26);
    next.step();
    CHECK(next.scans.size() == (has_state ? 2 : 1));
  }
}

TEST_CASE("scan: what is remembered is bounded; who scans much pushes out little") {
  ChangeDetectorOptions options;
  options.max_attempts = 3'000;
  Fixture f(options);
  for (std::uint32_t w = 0; w < 8 * kDay; ++w) {
    if (w % 12 == 0) f.sweep(2, 50, 9'100);
    f.step();
  }
  for (std::uint32_t w = 0; w < 60; ++w) {
    f.sweep(1, 2'000, 22, 10'000 + 2'000 * w);
    if (w % 2 == 0) f.sweep(2, 50, 9'100);
    f.step();
  }
  CHECK(f.detector.counters().attempts == 3'000);
  CHECK(f.detector.counters().forgotten_attempts > 100'000);
  REQUIRE(f.scans.size() == 1);
  CHECK(f.scans[0].endpoint == Net::endpoint(1));
}
