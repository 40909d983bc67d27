// Questions to the map over HTTP.
#include <fstream>

#include "flowlens/error.hpp"
#include "http/analysis.hpp"
#include "pipeline/baseline_watching.hpp"
#include "pipeline/grouping.hpp"
#include "pipeline/pace.hpp"
#include "service_fixture.hpp"
#include "support/summaries.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Web servers 10.0.1.1 and .2 for ten clients, a database 10.0.2.1 behind them.
struct Fixture : ServiceFixture {
  BaselineShelf shelf{{}};
  Grouping grouping{{}, resolver.graph(), nullptr, {}, 1min, {}};

  Fixture() {
    service.baselines = &shelf;
    service.grouping = &grouping;
    add_analysis_routes(router, service, std::make_shared<AnalysisCache>(service.graph));
    add_policy_routes(router, service);
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

TEST_CASE("every question can be asked of the part of the map that a filter matches") {
  Fixture f;
  // Without the web servers' use of the database nobody is hit by its loss.
  const Answer database =
      f.post("impact", {{"asset_id", f.id("10.0.2.1")}, {"filter", "port 443"}});
  CHECK(database["counts"]["certain"] == 0);
  const Answer one =
      f.post("impact", {{"asset_id", f.id("10.0.1.1")}, {"filter", "not server 10.0.1.2"}});
  CHECK(one["counts"]["certain"] == 10);  // no replica any more
  CHECK(f.post("path", {{"from", f.id("10.0.0.1")},
                        {"to", f.id("10.0.2.1")},
                        {"filter", "port 443"}})["paths"]
            .empty());
  CHECK(f.get("/api/v1/analysis/spof?filter=port%20443")["total"] == 0);
  CHECK(f.get("/api/v1/analysis/cores?filter=port%205432")["items"][0]["core"] == 1);
  CHECK(f.get("/api/v1/analysis/spof?filter=port%20%20and", 400)["status"] == 400);
  CHECK(f.post("impact", {{"asset_id", f.id("10.0.2.1")}, {"filter", "prt 1"}}, 400)["status"] ==
        400);
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

TEST_CASE("structure: communities, who is in the middle") {
  Fixture f;
  const Answer communities = f.ask("GET", "/api/v1/analysis/communities?members=3", "", 200);
  CHECK(communities["total"] == 1);
  CHECK(communities["items"][0]["size"] == 13);
  CHECK(communities["items"][0]["members"].size() == 3);
  const Answer between = f.ask("GET", "/api/v1/analysis/betweenness?limit=2", "", 200);
  CHECK(between["items"].size() == 2);
  CHECK(between["items"][0]["label"] == "10.0.1.1");
  CHECK(between["is_exact"] == true);
  const Answer cores = f.ask("GET", "/api/v1/analysis/cores", "", 200);
  CHECK(cores["items"][0]["core"] == 2);
  f.ask("GET", "/api/v1/analysis/cores?members=2", "", 400);
  f.ask("GET", "/api/v1/analysis/betweenness?sources=0", "", 400);
}

TEST_CASE("policies: proposed in a dialect, and what they would have blocked") {
  Fixture f;
  const auto policies = [&](const std::string& name, const Answer& body, unsigned status = 200) {
    return f.ask("POST", "/api/v1/policies" + name, body.dump(), status);
  };
  const Answer guarded = Answer::array({f.id("10.0.2.1")});
  const Answer policy = policies("", {{"asset_ids", guarded}});
  REQUIRE(policy["groups"].size() == 1);
  CHECK(policy["groups"][0]["ingress"].size() == 2);
  CHECK(policy["coverage"]["allowed"] == 2);
  const Answer in_yaml{{"asset_ids", guarded}, {"format", "kubernetes"}};
  const Response yaml = f.send("POST", "/api/v1/policies", in_yaml.dump());
  CHECK(yaml.content_type == "application/yaml");
  CHECK(yaml.body.find("kind: NetworkPolicy") != std::string::npos);
  f.summarized("10.0.0.9", "10.0.2.1", 22, 4);
  const Answer preview = policies("/preview", {{"asset_ids", guarded}});
  CHECK(preview["blocked_dependencies"] == 1);  // seen in one hour only
  CHECK(preview["blocked"][0]["dependency"]["port"] == 22);
  CHECK(preview["blocked"][0]["blocked_by_ingress"] == true);
  CHECK(policies("/preview", {{"asset_ids", guarded}, {"min_hours", 1}})["blocked_dependencies"] ==
        0);
  const Answer wrong[] = {{{"format", "yaml"}},
                          {{"min_hours", "two"}},
                          {{"enforce", 1}},
                          {{"asset_ids", Answer::array()}},
                          {{"format", "kubernetes"}, {"label_key", "a b"}},
                          {{"surprise", 1}}};
  for (const Answer& body : wrong) policies("", body, 400);
  policies("", {{"asset_ids", Answer::array({"00000000-0000-0000-0000-000000000001"})}}, 404);
  policies("/preview", {{"traffic", 5}}, 400);
}

TEST_CASE("baselines: taken, compared with now, amended, deleted") {
  Fixture f;
  const Answer taken = f.ask("POST", "/api/v1/baselines", R"({"name":"before"})", 201);
  CHECK(taken["edges"] == 22);
  const std::string path = "/api/v1/baselines/" + taken["id"].get<std::string>();
  CHECK(f.ask("GET", "/api/v1/baselines", "", 200)["total"] == 1);
  CHECK(f.ask("GET", path, "", 200)["format"] == "flowlens-baseline-1");
  CHECK(f.ask("GET", path + "/drift", "", 200)["drift"] == 0);
  f.summarized("10.0.0.9", "10.0.2.1", 22, 4);
  const Answer drift = f.ask("GET", path + "/drift", "", 200);
  REQUIRE(drift["appeared"]["total"] == 1);
  CHECK(drift["appeared"]["items"][0]["port"] == 22);
  CHECK(f.ask("GET", path + "/drift?against=" + taken["id"].get<std::string>(), "", 200)["drift"] ==
        0);
  const Answer edge{{"client", f.id("10.0.0.9")}, {"server", f.id("10.0.2.1")}, {"port", 22}};
  f.ask("PATCH", path, edge.dump(), 200);
  CHECK(f.ask("GET", path + "/drift", "", 200)["drift"] == 0);
  f.ask("PATCH", path, edge.dump(), 409);
  Answer out = edge;
  out["remove"] = true;
  f.ask("PATCH", path, out.dump(), 200);
  CHECK(f.ask("GET", path + "/drift", "", 200)["appeared"]["total"] == 1);
  CHECK(f.send("DELETE", path).status == 204);
  f.ask("DELETE", path, "", 404);
  f.ask("GET", path + "/drift", "", 404);
  f.ask("GET", "/api/v1/baselines/x", "", 400);
}

TEST_CASE("baselines and policies of an application") {
  Fixture f;
  f.grouping.look(kNoon + 5h);
  const Id id = f.grouping.all()->at(0).entry.id;
  f.grouping.change([&](ApplicationBook& b) {
    b.edit_members(id, {}, {*Id::parse(f.id("10.0.0.9"))}, "anna", kNoon);
    return true;
  });
  f.summarized("10.0.9.1", "10.0.9.2", 443, 4);
  const Answer of{{"application_id", id.to_string()}};
  const Answer taken = f.ask("POST", "/api/v1/baselines", of.dump(), 201);
  CHECK(taken["is_of_everything"] == false);
  CHECK(taken["edges"] == 22);  // those with 10.0.0.9 too, whom the others serve
  CHECK(f.ask("POST", "/api/v1/policies", of.dump())["coverage"]["dependencies"] == 22);
  Answer both = of;
  both["asset_ids"] = {f.id("10.0.9.1")};
  f.ask("POST", "/api/v1/baselines", both.dump(), 400);
  const Answer none{{"application_id", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}};
  f.ask("POST", "/api/v1/baselines", none.dump(), 404);
}

TEST_CASE("baselines: what drifts is told of by a look, also over a restart") {
  const flowlens::test::TemporaryFolder folder;
  Fixture f;
  std::vector<ChangeEvent> told;
  const auto tell = [&](const std::vector<ChangeEvent>& events) {
    told.insert(told.end(), events.begin(), events.end());
    f.resolver.graph().apply(events);
  };
  const auto files = folder.path / "baselines";
  Id id;
  {
    BaselineShelf shelf{files};
    f.service.baselines = &shelf;
    id = *Id::parse(f.ask("POST", "/api/v1/baselines", "{}", 201)["id"].get<std::string>());
    BaselineWatching watching{{}, f.resolver.graph(), shelf, tell, 1h, {}};
    watching.look(kNoon + 5h);
    CHECK(told.empty());
    for (const int hour : {3, 4}) {
      for (int c = 1; c <= 4; ++c) {
        f.summarized("10.0.0." + std::to_string(c), "10.0.2.1", 22, hour);
      }
    }
    watching.look(kNoon + 6h);
    watching.look(kNoon + 7h);
    REQUIRE(told.size() == 1);
    CHECK(told[0].type == ChangeType::baseline_drift);
    CHECK(told[0].subject == id);
    CHECK(told[0].reason.find("4 uses are new and 0 of 22 missing (15 % of all)") !=
          std::string::npos);
  }
  BaselineShelf shelf{files};
  CHECK(shelf.drifting() == std::map<Id, Timestamp>{{id, kNoon + 6h}});
  BaselineWatching watching{{}, f.resolver.graph(), shelf, tell, 1h, {}};
  watching.look(kNoon + 8h);
  REQUIRE(told.size() == 2);
  CHECK(told[1].id == told[0].id);
  CHECK(f.resolver.graph().changes({}).total == 1);
  f.service.baselines = &shelf;
  for (int c = 1; c <= 4; ++c) {  // somebody takes them over
    const Answer edge{{"client", f.id("10.0.0." + std::to_string(c))},
                      {"server", f.id("10.0.2.1")},
                      {"port", 22}};
    f.ask("PATCH", "/api/v1/baselines/" + id.to_string(), edge.dump());
  }
  watching.look(kNoon + 9h);
  REQUIRE(told.size() == 3);
  CHECK(told[2].type == ChangeType::baseline_restored);
  CHECK(BaselineShelf{files}.drifting().empty());
  // A damaged line costs what it said, and no start.
  std::ofstream(files / "drifting.txt") << "x y\n" << id.to_string() << " 2026-11-21T18:00:00Z\n";
  CHECK(BaselineShelf{files}.drifting() == std::map<Id, Timestamp>{{id, kNoon + 6h}});
}

TEST_CASE("baselines: comparisons take a part of the time only") {
  Pace pace;
  const Pace::Clock::time_point begin{};
  CHECK_FALSE(pace.enter(begin));
  CHECK(pace.enter(begin + 1ms) == 1s);  // one at a time
  pace.leave(begin + 90ms, 40ms);
  CHECK_FALSE(pace.enter(begin + 90ms));  // short ones as often as one likes
  pace.leave(begin + 140ms, 100ms);
  CHECK(pace.enter(begin + 240ms) == 200ms);
  CHECK_FALSE(pace.enter(begin + 440ms));
}

TEST_CASE("baselines: kept in a folder over a restart; a file that is none is named") {
  const flowlens::test::TemporaryFolder folder;
  const auto files = folder.path / "baselines";
  Baseline b;
  b.name = "kept";
  b.edges.resize(1);
  Id id;
  {
    BaselineShelf shelf{files};
    id = *shelf.put(b);
  }
  {
    BaselineShelf shelf{files};
    REQUIRE(shelf.get(id));
    CHECK(*shelf.get(id) == b);
    b.edges.resize(BaselineShelf::kMostEdges + 1);
    CHECK_FALSE(shelf.put(b));
    CHECK(shelf.remove(id));
    b.edges.clear();
    for (std::size_t i = 0; i < BaselineShelf::kMostBaselines; ++i) {
      b.name = std::to_string(i);
      CHECK(shelf.put(b));
    }
    b.name = "one more";
    CHECK_FALSE(shelf.put(b));
  }
  CHECK_FALSE(BaselineShelf{files}.get(id));
  std::ofstream(files / (id.to_string() + ".json")) << "{}";
  CHECK_THROWS_AS(BaselineShelf{files}, ConfigError);
}
