#include "flowlens/single_point_watch.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "flowlens/error.hpp"
#include "support/simulated_weeks.hpp"

using namespace flowlens;
using namespace std::chrono_literals;
using Net = testing::SimulatedWeeks;

namespace {

constexpr std::uint32_t kHour = Net::kDay / 24;

/// Six clients of two servers, of which one dies after ten days.
struct Fixture {
  DependencyGraph graph;
  std::uint32_t window = 0;

  void live(std::uint32_t hours, bool has_second) {
    std::vector<ConnectionSummary> rows;
    for (const std::uint32_t end = window + hours * kHour; window < end; window += kHour) {
      for (std::uint32_t client = 1; client <= 6; ++client) {
        for (const std::uint32_t server : {101u, 102u}) {
          if (server == 102 && !has_second) continue;
          rows.push_back(
              Net::row({client, server, 443, Net::Use::Shape::steady, 1'000, 1}, window, 1'000));
        }
      }
    }
    now = rows.back().window_start + 5min;
    (void)graph.apply(rows);
  }
  [[nodiscard]] Id server() const { return graph.asset_of(Net::endpoint(101))->id; }
  Timestamp now;
};

}  // namespace

TEST_CASE("single points: an asset that clients find no other for is told of once") {
  Fixture f;
  f.live(10 * 24, true);
  SinglePointWatch watch;
  CHECK(watch.look(f.graph, f.now).empty());
  f.live(12, false);
  CHECK(watch.look(f.graph, f.now).empty());  // the other was there today
  f.live(14, false);
  const auto told = watch.look(f.graph, f.now);
  REQUIRE(told.size() == 1);
  CHECK(told[0].type == ChangeType::new_single_point_of_failure);
  CHECK(told[0].subject == f.server());
  CHECK(told[0].seen == 6);
  CHECK(told[0].severity == Severity::warning);
  CHECK(told[0].reason.find("A second server for tcp/443 (6 clients).") != std::string::npos);
  CHECK(watch.look(f.graph, f.now).empty());

  f.live(30, false);
  CHECK(watch.look(f.graph, f.now).empty());
  CHECK(SinglePointWatch{}.look(f.graph, f.now).empty());  // after a restart

  f.live(30, true);
  SinglePointWatch later;
  CHECK(watch.look(f.graph, f.now).empty());
  CHECK(later.look(f.graph, f.now).empty());
  f.live(26, false);
  CHECK(watch.look(f.graph, f.now).empty());  // it was one within the week
  CHECK(later.look(f.graph, f.now).empty());  // which the map's hours tell
}

TEST_CASE("single points: what has always been one is not new, nor is all of a young map") {
  Fixture f;
  f.live(24, false);
  SinglePointWatch watch;
  CHECK(watch.look(f.graph, f.now).empty());
  f.live(9 * 24, false);
  CHECK(watch.look(f.graph, f.now).empty());
  CHECK(SinglePointWatch{}.look(f.graph, f.now).empty());
}

TEST_CASE("single points: few clients are none, and numbers out of range are refused") {
  Fixture f;
  f.live(10 * 24, true);
  SinglePointWatchOptions options;
  options.min_clients = 7;
  SinglePointWatch seven{options}, five;
  CHECK(seven.look(f.graph, f.now).empty());
  CHECK(five.look(f.graph, f.now).empty());
  f.live(26, false);
  CHECK(seven.look(f.graph, f.now).empty());
  CHECK(five.look(f.graph, f.now).size() == 1);
  options.min_clients = 0;
  CHECK_THROWS_AS(SinglePointWatch{options}, ConfigError);
  options = {};
  options.hours = 25;
  CHECK_THROWS_AS(SinglePointWatch{options}, ConfigError);
  options = {};
  options.days = 28;
  CHECK_THROWS_AS(SinglePointWatch{options}, ConfigError);
}
