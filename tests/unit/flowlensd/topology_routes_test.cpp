// The map as a drawing: around one asset, filtered, by groups, with places.
#include <doctest/doctest.h>

#include <set>

#include "http/analysis.hpp"
#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

/// 10.0.0.1 uses 10.0.0.2, that uses 10.0.1.3, that uses 10.0.1.4; 10.9.0.1 uses 10.9.0.2.
struct Fixture : ServiceFixture {
  Fixture() {
    add_map_routes(router, service);
    add_topology_routes(router, service, std::make_shared<AnalysisCache>(service.graph));
    add_edit_routes(router, service);
    use("10.0.0.1", "10.0.0.2", 443, 0h);
    use("10.0.0.2", "10.0.1.3", 5432, 0h);
    use("10.0.1.3", "10.0.1.4", 2049, 0h);
    use("10.9.0.1", "10.9.0.2", 443, 0h);
    show();
  }
  std::set<std::string> labels(const std::string& query) {
    std::set<std::string> labels;
    const Answer map = get("/api/v1/topology" + query);
    for (const Answer& node : map["nodes"]) labels.insert(node["label"]);
    return labels;
  }
};

using Labels = std::set<std::string>;

}  // namespace

TEST_CASE("topology: around one asset, so many steps either way") {
  Fixture f;
  const std::string focus = "?focus=" + f.id("10.0.0.2");
  CHECK(f.labels(focus) == Labels{"10.0.0.1", "10.0.0.2", "10.0.1.3"});
  CHECK(f.labels(focus + "&depth=2") == Labels{"10.0.0.1", "10.0.0.2", "10.0.1.3", "10.0.1.4"});
  CHECK(f.labels(focus + "&filter=port%20443") == Labels{"10.0.0.1", "10.0.0.2"});
  CHECK(f.labels(focus + "&filter=port%2022") == Labels{"10.0.0.2"});
  const Answer cut = f.get("/api/v1/topology" + focus + "&depth=5&limit=1");
  CHECK(cut["truncated"] == true);
  CHECK(cut["total_edges"] == 3);
  CHECK(cut["total_nodes"] == 4);
  CHECK(cut["edges"].size() == 1);
  f.get("/api/v1/topology?focus=00000000-0000-4000-8000-000000000000", 404);
  f.get("/api/v1/topology?focus=x", 400);
  f.get("/api/v1/topology?depth=2", 400);
  f.get("/api/v1/topology" + focus + "&view=application", 400);
  f.get("/api/v1/topology" + focus + "&depth=99", 400);
}

TEST_CASE("topology: only what a filter matches") {
  Fixture f;
  const Answer map = f.get("/api/v1/topology?filter=port%20443");
  CHECK(map["total_edges"] == 2);
  CHECK(map["total_nodes"] == 4);
  CHECK(map["edges"].size() == 2);
  f.get("/api/v1/topology?filter=prot%20443", 400);
}

TEST_CASE("topology: by groups") {
  Fixture f;
  const Answer map = f.get("/api/v1/topology?group_by=network");
  REQUIRE(map["nodes"].size() == 3);
  std::map<std::string, int> sizes;
  for (const Answer& node : map["nodes"]) sizes[node["id"]] = node["assets"];
  CHECK(sizes ==
        std::map<std::string, int>{{"10.0.0.0/24", 2}, {"10.0.1.0/24", 2}, {"10.9.0.0/24", 2}});
  std::map<std::string, int> between;
  for (const Answer& e : map["edges"]) {
    between[e["client"].get<std::string>() + " " + e["server"].get<std::string>()] =
        e["dependencies"];
    CHECK(e["estimated_octets"] > 0);
  }
  CHECK(between == std::map<std::string, int>{{"10.0.0.0/24 10.0.0.0/24", 1},
                                              {"10.0.0.0/24 10.0.1.0/24", 1},
                                              {"10.0.1.0/24 10.0.1.0/24", 1},
                                              {"10.9.0.0/24 10.9.0.0/24", 1}});
  CHECK(f.get("/api/v1/topology?group_by=network&filter=port%205432")["edges"].size() == 1);
  const Answer cut = f.get("/api/v1/topology?group_by=network&limit=1");
  CHECK(cut["truncated"] == true);
  CHECK(cut["total_edges"] == 4);

  f.ask("PATCH", "/api/v1/assets/" + f.id("10.0.0.1"), R"({"tags": ["web"], "owner": "anna"})");
  for (const auto& [by, name] : {std::pair{"tag", "web"}, std::pair{"owner", "anna"}}) {
    const Answer grouped = f.get(std::string("/api/v1/topology?group_by=") + by);
    REQUIRE(grouped["nodes"].size() == 2);
    for (const Answer& node : grouped["nodes"]) {
      CHECK((node["id"] == name ? 1 : 5) == node["assets"]);
    }
  }
  CHECK(f.get("/api/v1/topology?group_by=type")["nodes"][0]["id"] == "unknown");
  CHECK(f.get("/api/v1/topology?group_by=site")["nodes"][0]["id"] == "default");
  CHECK(f.get("/api/v1/topology?group_by=application")["nodes"][0]["id"] == "none");
  f.get("/api/v1/topology?group_by=colour", 400);
  f.get("/api/v1/topology?group_by=type&view=application", 400);
}

TEST_CASE("topology: places to draw at, the same each time") {
  Fixture f;
  const Answer map = f.get("/api/v1/topology?positions=true");
  REQUIRE(map["nodes"].size() == 6);
  for (const Answer& node : map["nodes"]) {
    CHECK(node["x"] >= 0);
    CHECK(node["x"] <= 1);
    CHECK(node["y"] >= 0);
    CHECK(node["y"] <= 1);
  }
  CHECK(f.get("/api/v1/topology?positions=true") == map);
  CHECK_FALSE(f.get("/api/v1/topology")["nodes"][0].contains("x"));
  f.get("/api/v1/topology?positions=1", 400);
}

TEST_CASE("topology: what people say is shown at once, also to those who have asked before") {
  Fixture f;
  Request request;
  request.method = "GET";
  request.target = "/api/v1/topology?group_by=owner";
  const Response before = f.router.handle(request);
  REQUIRE(before.status == 200);
  for (const auto& [name, value] : before.headers) {
    if (name == "ETag") request.headers["if-none-match"] = value;
  }
  CHECK(f.router.handle(request).status == 304);
  f.ask("PATCH", "/api/v1/assets/" + f.id("10.0.0.1"), R"({"owner": "anna"})");
  CHECK(f.router.handle(request).status == 200);
}
