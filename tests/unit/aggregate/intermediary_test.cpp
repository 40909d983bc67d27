#include "flowlens/intermediary.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/error.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

ConnectionSummary row(const std::string& client, const std::string& server, std::uint16_t port,
                      std::uint64_t request, std::uint64_t answer, int window = 0) {
  ConnectionSummary s;
  s.key = {{SiteId{}, address(client)}, {SiteId{}, address(server)}, port, 6};
  s.window_start = kNoon + window * 300s;
  s.first = s.window_start + 10s;
  s.last = s.window_start + 200s;
  s.counts.flows = 2;
  s.counts.estimated_octets_to_server = request;
  s.counts.estimated_octets_to_client = answer;
  s.provisional = false;
  return s;
}

/// 10.0.0.5:443 asked by three clients, asking two backends at 8080.
std::vector<ConnectionSummary> balanced(int window) {
  return {row("10.1.0.1", "10.0.0.5", 443, 1'000, 50'000, window),
          row("10.1.0.2", "10.0.0.5", 443, 2'000, 20'000, window),
          row("10.1.0.3", "10.0.0.5", 443, 3'000, 30'000, window),
          row("10.0.0.5", "10.2.0.1", 8080, 3'100, 48'000, window),
          row("10.0.0.5", "10.2.0.2", 8080, 2'700, 50'000, window)};
}

}  // namespace

TEST_CASE("intermediary: what passes on as much as it is asked is proposed, after three windows") {
  IntermediaryFinder finder;
  finder.look(balanced(0));
  finder.look(balanced(1));
  CHECK(finder.proposals().empty());
  finder.look(balanced(2));
  const auto found = finder.proposals();
  REQUIRE(found.size() == 1);
  CHECK(found[0].front.address == address("10.0.0.5"));
  CHECK(found[0].front_port == 443);
  CHECK(found[0].backend_port == 8080);
  REQUIRE(found[0].backends.size() == 2);
  CHECK(found[0].backends[0].address == address("10.2.0.1"));
  CHECK(found[0].clients == 3);
  CHECK(found[0].confidence == doctest::Approx(0.875));
}

TEST_CASE("intermediary: what is none") {
  struct Case {
    const char* name;
    void (*change)(std::vector<ConnectionSummary>&);
  };
  const Case cases[] = {
      {"one backend", [](auto& rows) { rows[4].key.server = rows[3].key.server; }},
      {"one client",
       [](auto& rows) { rows[1].key.client = rows[2].key.client = rows[0].key.client; }},
      {"an application that asks for more than it answers",
       [](auto& rows) { rows[4].counts.estimated_octets_to_client = 90'000; }},
      {"an application that is asked for more than it passes on",
       [](auto& rows) { rows[3].counts.estimated_octets_to_server = 100; }},
      {"backends on different ports", [](auto& rows) { rows[4].key.port = 8081; }},
      {"another protocol", [](auto& rows) { rows[3].key.protocol = rows[4].key.protocol = 17; }},
      {"asks when nobody asks it", [](auto& rows) { rows[3].last += 60s; }},
      {"rows that may yet change",
       [](auto& rows) {
         for (auto& r : rows) r.provisional = true;
       }},
      {"nobody knows who serves",
       [](auto& rows) {
         for (auto& r : rows) r.direction = Direction::unknown;
       }},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.name));
    IntermediaryFinder finder;
    for (int window = 0; window < 5; ++window) {
      std::vector<ConnectionSummary> rows = balanced(window);
      c.change(rows);
      finder.look(rows);
    }
    CHECK(finder.proposals().empty());
  }
}

TEST_CASE("intermediary: sums that are alike only now and then are chance") {
  const auto proposals = [](std::uint64_t (*answers)(int window)) {
    IntermediaryFinder finder;
    for (int window = 0; window < 12; ++window) {
      std::vector<ConnectionSummary> rows = balanced(window);
      rows[4].counts.estimated_octets_to_client = answers(window);
      finder.look(rows);
    }
    return finder.proposals().size();
  };
  CHECK(proposals([](int) -> std::uint64_t { return 50'000; }) == 1);
  CHECK(proposals([](int window) -> std::uint64_t { return window < 4 ? 50'000 : 90'000; }) == 0);
  // About as many each time, but now more and now fewer.
  CHECK(proposals([](int window) -> std::uint64_t { return window % 2 == 0 ? 47'000 : 57'000; }) ==
        0);
}

TEST_CASE("intermediary: stays within its bounds") {
  IntermediaryFinderOptions options;
  options.max_fronts = 1;
  options.max_backends = 1;
  options.min_windows = 1;
  IntermediaryFinder finder{options};
  std::vector<ConnectionSummary> rows = balanced(0);
  for (const ConnectionSummary& r : balanced(0)) {
    ConnectionSummary other = r;
    if (other.key.client.address == address("10.0.0.5")) other.key.client.site = SiteId{1};
    if (other.key.server.address == address("10.0.0.5")) other.key.server.site = SiteId{1};
    rows.push_back(other);
  }
  finder.look(rows);
  REQUIRE(finder.proposals().size() == 1);
  CHECK(finder.proposals()[0].backends.size() == 1);
  options.max_fronts = 0;
  CHECK_THROWS_AS(IntermediaryFinder{options}, ConfigError);
}
