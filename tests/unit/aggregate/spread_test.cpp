#include "aggregate/spread.hpp"

#include <doctest/doctest.h>

#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::aggregate;
using flowlens::testing::kNoon;
using namespace std::chrono_literals;

TEST_CASE("spread: parts are by time and add up to the whole") {
  struct Case {
    const char* name;
    std::uint64_t total;
    std::uint64_t first_third, second_third, rest;
  };
  const Case cases[] = {
      {"even", 300, 100, 100, 100},
      {"odd", 100, 33, 33, 34},
      {"one", 1, 0, 0, 1},
      {"none", 0, 0, 0, 0},
      {"as many as there are", ~std::uint64_t{0}, 6148914691236517205u, 6148914691236517205u,
       6148914691236517205u},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Spread spread{c.total, kNoon, kNoon + 30s};
    CHECK(spread.until(kNoon - 1s) == 0);
    CHECK(spread.until(kNoon + 10s) == c.first_third);
    CHECK(spread.until(kNoon + 20s) == c.second_third);
    CHECK(spread.rest() == c.rest);
    CHECK(spread.rest() == 0);
  }
}

TEST_CASE("spread: a count without duration lies at its start") {
  Spread spread{7, kNoon, kNoon};
  CHECK(spread.until(kNoon) == 0);
  CHECK(spread.before(kNoon + 1ns) == 7);
}
