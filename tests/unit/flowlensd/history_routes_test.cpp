// The past over HTTP, and what people change: merging and splitting assets.
#include "http/analysis.hpp"
#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture : ServiceFixture {
  Fixture() {
    add_map_routes(router, service);
    add_topology_routes(router, service, std::make_shared<AnalysisCache>(service.graph));
    add_change_routes(router, service);
    use("10.0.0.1", "10.0.0.9", 443, 0h);
    use("10.0.0.2", "10.0.0.9", 443, 0h);
    use("10.0.0.1", "10.0.0.9", 443, 2h);
    (void)resolver.finish(kNoon + 3h);
  }
};

constexpr const char* kHourOne = "2026-11-21T12:30:00Z";
constexpr const char* kHourThree = "2026-11-21T14:30:00Z";

}  // namespace

TEST_CASE("as of: lists, the topology and exports show that hour") {
  Fixture f;
  const auto at = [](const char* path, const char* time) {
    return std::string("/api/v1/") + path +
           (std::string(path).find('?') == std::string::npos ? "?" : "&") + "as_of=" + time;
  };
  CHECK(f.get(at("dependencies", kHourOne))["total"] == 2);
  CHECK(f.get(at("dependencies", kHourThree))["total"] == 1);
  CHECK(f.get(at("dependencies?hours=3", kHourThree))["total"] == 2);
  CHECK(f.get(at("assets", kHourOne))["total"] == 3);
  CHECK(f.get(at("assets", kHourThree))["total"] == 2);
  CHECK(f.get(at("topology", kHourThree))["edges"].size() == 1);
  CHECK(f.get(at("topology", kHourThree))["nodes"].size() == 2);
  CHECK(f.get(at("topology?limit=1", kHourOne))["truncated"] == true);
  CHECK(f.get(at("topology/export", kHourThree))["dependencies"].size() == 1);
  CHECK(f.get("/api/v1/topology")["edges"].size() == 2);
  CHECK(f.get(at(("assets/" + f.id("10.0.0.2") + "/dependencies").c_str(), kHourThree))["total"] ==
        0);
  CHECK(f.get("/api/v1/dependencies?as_of=yesterday", 400)["detail"] ==
        "as_of: `yesterday` is no time; times look like 2026-11-21T10:09:00Z");
  CHECK(f.get("/api/v1/dependencies?hours=3", 400)["status"] == 400);
  CHECK(f.get("/api/v1/dependencies?as_of=2026-11-21T12:30:00Z&hours=673", 400)["status"] == 400);
}

TEST_CASE(
    "filter: lists show what matches, page by page, and a bad one is answered with its column") {
  Fixture f;
  const std::string all = "/api/v1/dependencies?filter=";
  CHECK(f.get(all + "port%20https")["total"] == 2);
  CHECK(f.get(all + "client%2010.0.0.2%20and%20proto%20tcp")["total"] == 1);
  CHECK(f.get(all + "not%20service%20contains%20http")["items"].empty());
  CHECK(f.get(all + "port%20443&as_of=" + kHourThree)["total"] == 1);
  CHECK(f.get("/api/v1/assets/" + f.id("10.0.0.9") +
              "/dependencies?filter=src%2010.0.0.1")["total"] == 1);
  CHECK(f.get("/api/v1/assets?filter=ip%2010.0.0.0/30")["total"] == 2);
  const Answer first = f.get(all + "port%20443&page_size=1");
  CHECK(first["total"] == 2);
  REQUIRE(first["items"].size() == 1);
  const Answer second =
      f.get(all + "port%20443&page_size=1&cursor=" + first["next_cursor"].get<std::string>());
  REQUIRE(second["items"].size() == 1);
  CHECK(second["items"][0]["id"] != first["items"][0]["id"]);
  CHECK(second["next_cursor"].is_null());
  CHECK(
      f.get(all + "port%20x", 400)["detail"] ==
      "filter: column 6 of `port x`: 'x' is nothing to compare 'port' with; expected a port (0 to "
      "65535 or a service name) or a range (8000..8999)");
}

TEST_CASE("history: the hours of a dependency in runs") {
  Fixture f;
  const Answer all = f.get("/api/v1/dependencies");
  for (const auto& row : all["items"]) {
    const Answer one = f.get("/api/v1/dependencies/" + row["id"].get<std::string>());
    const bool is_first = one["client"]["address"] == "10.0.0.1";
    CHECK(one["history"]["active_hours"] == (is_first ? 2 : 1));
    REQUIRE(one["history"]["intervals"].size() == (is_first ? 2u : 1u));
    CHECK(one["history"]["intervals"][0]["from"] == "2026-11-21T12:00:00Z");
    CHECK(one["history"]["intervals"][0]["until"] == "2026-11-21T13:00:00Z");
    CHECK(one["flips"] == 0);
  }
}

TEST_CASE("diff: between two times") {
  Fixture f;
  const Answer d = f.get("/api/v1/topology/diff?from=2026-11-21T12:30:00Z&to=2026-11-21T14:30:00Z");
  CHECK(d["removed"]["total"] == 1);
  CHECK(d["removed"]["items"][0]["client"]["address"] == "10.0.0.2");
  CHECK(d["removed_assets"]["total"] == 1);
  CHECK(d["added"]["total"] == 0);
  CHECK(d["unchanged"] == 1);
  CHECK(f.get("/api/v1/topology/diff?from=2026-11-21T12:30:00Z", 400)["status"] == 400);
}

TEST_CASE("merge and split: the answer is the asset, the change is an event") {
  Fixture f;
  const std::string one = f.id("10.0.0.1"), two = f.id("10.0.0.2");
  const Answer merged =
      f.post("/api/v1/assets/" + one + "/merge", R"({"asset_id":")" + two + "\"}");
  CHECK(merged["id"] == one);
  CHECK(merged["endpoints"].size() == 2);
  CHECK(f.get("/api/v1/assets/" + two)["id"] == one);
  const Answer changes = f.get("/api/v1/changes?filter=type%20asset_merged");
  REQUIRE(changes["total"] == 1);
  CHECK(changes["items"][0]["type"] == "asset_merged");
  CHECK(f.get("/api/v1/changes/" + changes["items"][0]["id"].get<std::string>())["object"] == one);

  const Answer split = f.post("/api/v1/assets/" + one + "/split",
                              R"({"endpoints":[{"address":"10.0.0.2","site":"default"}]})");
  CHECK(split["id"] == two);
  CHECK(f.get("/api/v1/changes")["items"][0]["type"] == "asset_split");
  // It is in the next revision, with or without traffic.
  const Revision r = f.resolver.flush(kNoon + 4h);
  CHECK(r.events.size() == 2);
}

TEST_CASE("changes: what closed windows told, by filter and page") {
  Fixture f;
  const Answer all = f.get("/api/v1/changes");
  CHECK(all["total"] == 6);  // three assets, a service, two dependencies
  const Answer one =
      f.get("/api/v1/changes?page_size=1&filter=type%20new_dependency%20and%20port%20443");
  REQUIRE(one["total"] == 2);
  REQUIRE(one["items"].size() == 1);
  const Answer event = one["items"][0];
  CHECK(event["severity"] == "info");
  CHECK(event["subject_kind"] == "dependency");
  CHECK(event["client"]["address"] == "10.0.0.2");
  CHECK(event["endpoint"]["address"] == "10.0.0.9");
  CHECK(event["protocol"] == "tcp");
  CHECK(event["port"] == 443);
  CHECK(event["expected"] == nullptr);
  CHECK(event["reason"] == "10.0.0.2 uses tcp/443 (https) of 10.0.0.9 for the first time");
  const Answer cause = f.get("/api/v1/changes/" + event["cause"].get<std::string>());
  CHECK(cause["cause"] == nullptr);
  CHECK(cause["client"] == nullptr);
  const Answer next = f.get("/api/v1/changes?filter=type%20new_dependency&cursor=" +
                            one["next_cursor"].get<std::string>());
  REQUIRE(next["items"].size() == 1);
  CHECK(next["items"][0]["client"]["address"] == "10.0.0.1");
  CHECK(f.get("/api/v1/changes?filter=colour%20red", 400)["status"] == 400);
}

TEST_CASE("merge and split: what is refused") {
  Fixture f;
  const std::string one = f.id("10.0.0.1");
  const std::string merge = "/api/v1/assets/" + one + "/merge";
  const std::string split = "/api/v1/assets/" + one + "/split";
  struct Case {
    std::string target, body;
    unsigned status;
  };
  const Case cases[] = {
      {merge, "", 400},
      {merge, "[]", 400},
      {merge, "{}", 400},
      {merge, R"({"asset_id":7})", 400},
      {merge, R"({"asset_id":"x"})", 400},
      {merge, R"({"asset_id":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"})", 404},
      {merge, R"({"asset_id":")" + one + "\"}", 409},
      {merge, R"({"asset_id":")" + one + R"(","colour":"red"})", 400},
      {merge, R"({"asset_id":")" + f.id("10.0.0.2") + R"(","since":"noon"})", 400},
      {"/api/v1/assets/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/merge", "{}", 404},
      {split, R"({"endpoints":[]})", 400},
      {split, R"({"endpoints":["10.0.0.1"]})", 400},
      {split, R"({"endpoints":[{"address":"here"}]})", 400},
      {split, R"({"endpoints":[{"address":"10.0.0.1","site":"moon"}]})", 400},
      {split, R"({"endpoints":[{"address":"10.0.0.1"}]})", 409},
      {split, R"({"endpoints":[{"address":"10.0.0.9"}]})", 409},
  };
  for (const Case& c : cases) {
    CAPTURE(c.body);
    CHECK(f.send("POST", c.target, c.body).status == c.status);
  }
  CHECK(f.send("POST", merge, "{}", "text/plain").status == 415);
  CHECK(f.send("POST", merge, "{}", "").status == 415);
  const Response get = f.send("GET", merge);
  CHECK(get.status == 405);
  CHECK(get.headers.back() == std::pair<std::string, std::string>{"Allow", "POST"});
  CHECK(f.get("/api/v1/changes?filter=type%20in%20(asset_merged,%20asset_split)")["total"] == 0);
}

TEST_CASE("intermediaries: listed, judged, and the edge of the application goes through") {
  Fixture f;
  IntermediaryProposal p;
  p.front = {{}, address("10.0.0.9")};
  p.front_port = 443;
  p.backend_port = 8'080;
  p.protocol = 6;
  p.backends = {{{}, address("10.0.1.1")}, {{}, address("10.0.1.2")}};
  p.windows = 3;
  for (const IpAddress& server : {p.backends[0].address, p.backends[1].address}) {
    std::vector<FlowRecord> flows{
        tcp("10.0.0.9", 40000, server.to_string(), 8'080).begun_by(Initiator::source)};
    f.resolver.add(flows, kNoon + 4h);
  }
  (void)f.resolver.finish(kNoon + 4h);
  f.resolver.graph().apply(std::vector{p}, kNoon + 4h);

  const auto list = f.get("/api/v1/intermediaries");
  REQUIRE(list["total"] == 1);
  CHECK(list["items"][0]["front"]["address"] == "10.0.0.9");
  CHECK(list["items"][0]["members"].size() == 2);
  const auto id = list["items"][0]["id"].get<std::string>();

  CHECK(f.get("/api/v1/dependencies?view=network")["total"] == 4);
  const auto applications = f.get("/api/v1/dependencies?view=application");
  CHECK(applications["total"] == 4);
  REQUIRE(applications["items"].size() == 4);
  for (const auto& item : applications["items"]) {
    CHECK(item["intermediary"]["id"] == id);
    CHECK(item["intermediary"]["kind"] == "load_balancer");
    CHECK(item["port"] == 8'080);
  }
  const auto map = f.get("/api/v1/topology?view=application");
  CHECK(map["total_edges"] == 4);
  CHECK(map["edges"][0]["intermediary"] == id);
  CHECK(f.get("/api/v1/topology")["edges"][0]["intermediary"].is_null());
  f.get("/api/v1/topology?view=cloud", 400);
  const auto exported = f.get("/api/v1/topology/export?view=application");
  CHECK(exported["dependencies"].size() == applications["items"].size());
  CHECK(exported["dependencies"][0]["port"] == 8'080);
  CHECK(f.get("/api/v1/topology/export")["dependencies"].size() == 4);

  CHECK(f.send("POST", "/api/v1/intermediaries/" + id, R"({"state":"perhaps"})").status == 400);
  CHECK(f.send("POST", "/api/v1/intermediaries/" + id, R"({"state":"rejected"})").status == 200);
  CHECK(f.get("/api/v1/intermediaries/" + id)["state"] == "rejected");
  CHECK(f.get("/api/v1/dependencies?view=application")["items"][0]["intermediary"].is_null());
  CHECK(f.get("/api/v1/changes")["items"][0]["type"] == "intermediary_judged");
  f.get("/api/v1/intermediaries/" + f.id("10.0.0.1"), 404);
}
