// Questions to the map over HTTP.
#include "service_fixture.hpp"
#include "support/summaries.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;

namespace {

/// Web servers 10.0.1.1 and .2 for ten clients, a database 10.0.2.1 behind them.
struct Fixture : ServiceFixture {
  Fixture() {
    add_analysis_routes(router, service);
    for (int hour = 0; hour < 5; ++hour) {
      for (int c = 1; c <= 10; ++c) {
        summarized("10.0.0." + std::to_string(c), "10.0.1.1", 443, hour);
        summarized("10.0.0." + std::to_string(c), "10.0.1.2", 443, hour);
      }
      summarized("10.0.1.1", "10.0.2.1", 5432, hour);
      summarized("10.0.1.2", "10.0.2.1", 5432, hour);
    }
  }
  void summarized(const std::string& client, const std::string& server, std::uint16_t port,
                  int hour) {
    ConnectionSummary s = summary(client, server, port);
    const auto later = std::chrono::hours{hour};
    s.window_start += later;
    s.first += later;
    s.last += later;
    s.rung = DirectionRung::tcp_flags;
    s.provisional = false;
    resolver.graph().apply({&s, 1});
  }
  Answer post(std::string name, const Answer& body, unsigned status = 200) {
    return ask("POST", "/api/v1/analysis/" + std::move(name), body.dump(), status);
  }
};

}  // namespace

TEST_CASE("impact: who is hit, how surely, and why") {
  Fixture f;
  const Answer database = f.post("impact", {{"asset_id", f.id("10.0.2.1")}});
  CHECK(database["counts"]["certain"] == 12);
  CHECK(database["affected"].size() == 12);
  CHECK(database["affected"][0]["hops"] == 1);
  CHECK(database["affected"][0]["reason"] ==
        "needs tcp/5432 of 10.0.2.1 in 100 % of its hours, which no other server gives");
  CHECK(database["affected"][11]["hops"] == 2);
  CHECK(database["sampling"] == "Nothing here was sampled.");

  const Answer web = f.post("impact", {{"asset_id", f.id("10.0.1.1")}});
  CHECK(web["counts"]["possible"] == 0);
  CHECK(web["kept_by_replicas"] == 10);
  const Answer both =
      f.post("impact", {{"asset_ids", {f.id("10.0.1.1"), f.id("10.0.1.2")}}, {"limit", 3}});
  CHECK(both["counts"]["certain"] == 10);
  CHECK(both["left_out"] == 7);
  const Answer down =
      f.post("impact", {{"asset_id", f.id("10.0.0.3")}, {"direction", "downstream"}});
  CHECK(down["counts"]["certain"] == 3);

  const Answer replica{{"asset_id", f.id("10.0.2.1")}, {"port", 5432}};
  const Answer what_if =
      f.post("impact", {{"asset_id", f.id("10.0.2.1")}, {"replicas", {replica}}});
  CHECK(what_if["counts"]["certain"] == 0);
  const Answer before =
      f.post("impact", {{"asset_id", f.id("10.0.2.1")}, {"as_of", "2026-11-21T12:30:00Z"}});
  CHECK(before["counts"]["certain"] == 12);
  f.post("impact", {{"asset_id", f.id("10.0.2.1")}, {"as_of", "2026-11-20T12:30:00Z"}}, 404);
}

TEST_CASE("blast radius, ways, and single points of failure") {
  Fixture f;
  const Answer radius = f.post("blast-radius", {{"asset_id", f.id("10.0.2.1")}});
  CHECK(radius["lost"]["certain"] == 12);
  CHECK(radius["share"] == 1.0);
  CHECK(radius["percentile"] == doctest::Approx(100.0 * 12 / 13));
  CHECK(radius["percentile_is_exact"] == true);

  const Answer ends{{"from", f.id("10.0.0.3")}, {"to", f.id("10.0.2.1")}, {"k", 5}};
  const Answer ways = f.post("path", ends);
  REQUIRE(ways["paths"].size() == 2);
  CHECK(ways["paths"][0].size() == 3);
  CHECK(ways["paths"][0][2]["label"] == "10.0.2.1");
  Answer disjoint = ends;
  disjoint["disjoint"] = "assets";
  CHECK(f.post("path", disjoint)["smallest_cut"].size() == 2);
  disjoint["disjoint"] = "dependencies";
  CHECK(f.post("path", disjoint)["smallest_cut"].size() == 2);

  const Answer points = f.get("/api/v1/analysis/spof");
  REQUIRE(points["total"] == 1);
  CHECK(points["items"][0]["label"] == "10.0.2.1");
  CHECK(points["items"][0]["remedy"] == "A second server for tcp/5432 (2 clients).");
  CHECK(f.get("/api/v1/analysis/spof?min_lost=3")["total"] == 0);
}

TEST_CASE("what does not fit is refused, with what would be right") {
  Fixture f;
  const std::string id = f.id("10.0.2.1");
  f.post("impact", Answer::object(), 400);
  f.post("impact", {{"asset_id", "web"}}, 400);
  f.post("impact", {{"asset_id", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}}, 404);
  f.post("impact", {{"asset_id", id}, {"depth", 0}}, 400);
  f.post("impact", {{"asset_id", id}, {"depht", 3}}, 400);
  f.post("impact", {{"asset_id", id}, {"asset_ids", {id}}}, 400);
  f.post("impact", {{"asset_id", id}, {"hours", 3}}, 400);
  f.post("impact", {{"asset_id", id}, {"direction", "up"}}, 400);
  f.post("impact", {{"asset_id", id}, {"replicas", {{{"asset_id", id}, {"port", 1}}}}}, 400);
  f.post("path", {{"from", id}, {"to", id}, {"disjoint", "all"}}, 400);
  f.get("/api/v1/analysis/spof?as_of=today", 400);
}
