// What issue 5 promises of the Classifier (S4): on the simulator's truth with seeds that the rules were
// not written with, and on networks of another make.
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "flowlens/error.hpp"
#include "truth/classification.hpp"

namespace {

using namespace truth;

simnet::Options equipment(std::uint64_t seed) {
  simnet::Options options = scenario(std::string(FLOWLENS_SCENARIOS) + "/equipment.yaml");
  set_seed(options, seed);
  return options;
}

std::string told(const TypeScore& score) {
  std::ostringstream out;
  write_types(score, out);
  return out.str();
}

void check_promises(const TypeScore& score) {
  const std::string figures = told(score);
  CAPTURE(figures);
  CHECK(score.macro_f1() >= 0.85);
  CHECK(score.client_server() >= 0.99);
  CHECK(score.calibration_error() <= 0.05);
  CHECK(score.changes_per_day() <= 0.01);
}

}  // namespace

TEST_CASE("classification: every kind of machine of the simulator, with another seed") {
  simnet::Options options = equipment(9'001);
  options.simulation.traffic.gap = std::chrono::seconds{3};
  options.simulation.traffic.duration = std::chrono::hours{32};
  check_promises(score_types(options));
}

TEST_CASE("classification: the same truth, the same answers") {
  simnet::Options options = equipment(9'002);
  options.world.equipment = 1;
  options.world.clients = 10;
  options.simulation.traffic.gap = std::chrono::seconds{5};
  options.simulation.traffic.duration = std::chrono::hours{30};
  CHECK(told(score_types(options)) == told(score_types(options)));
}

TEST_CASE("classification: networks of another make") {
  TypeScore all;
  for (const char* name :
       {"office", "platform", "plant", "hosting", "campus", "retail", "clinic"}) {
    CAPTURE(name);
    const TypeScore one = score_network(std::string(FLOWLENS_FOREIGN) + "/" + name + ".csv");
    CHECK(one.macro_f1() >= 0.85);
    all += one;
  }
  check_promises(all);
}

TEST_CASE("classification: the score counts what it says") {
  TypeScore s;
  s.add(AssetType::web, AssetType::web, 0.95);
  s.add(AssetType::web, AssetType::cache, 0.85);
  s.add(AssetType::printer, AssetType::unknown, 0);
  s.add(AssetType::printer, AssetType::server, 0.75);
  CHECK(s.f1(AssetType::web) == doctest::Approx(2.0 / 3));
  CHECK(s.macro_f1() == doctest::Approx(1.0 / 3));
  CHECK(s.client_server() == doctest::Approx(2.0 / 3));
  CHECK(s.calibration_error() == doctest::Approx((0.05 + 0.85 + 0.75) / 3));
}

TEST_SUITE("long") {
  TEST_CASE("classification: three days of every kind of machine, three seeds") {
    TypeScore all;
    for (const std::uint64_t seed : {9'101, 9'102, 9'103}) all += score_types(equipment(seed));
    check_promises(all);
  }
}
