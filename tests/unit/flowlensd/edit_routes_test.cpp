// What people put into the map, take out of it, and write on it, over HTTP.
#include <doctest/doctest.h>

#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

struct Fixture : ServiceFixture {
  Fixture() {
    add_map_routes(router, service);
    add_edit_routes(router, service);
  }
  std::string dependency() { return get("/api/v1/dependencies")["items"][0]["id"]; }
};

}  // namespace

TEST_CASE("assets: people name, tag and judge them") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  const std::string path = "/api/v1/assets/" + f.id("10.0.0.2");
  const Answer before = f.get(path);
  CHECK(before["tags"].empty());
  CHECK(before["updated_by"].is_null());
  const Answer after = f.ask("PATCH", path,
                             R"({"name": "shop", "asset_type": "web", "tags": ["b", "a", "b"],
      "notes": "runs it", "owner": "team", "criticality": "high", "confirmed": true, "by": "anna"})");
  CHECK(after["name"] == "shop");
  CHECK(after["asset_type"] == "web");
  CHECK(after["tags"] == Answer{"a", "b"});
  CHECK(after["criticality"] == "high");
  CHECK(after["confirmed"] == true);
  CHECK(after["updated_by"] == "anna");
  CHECK(f.get(path)["owner"] == "team");
  CHECK(f.get("/api/v1/assets?filter=tag%20=%20a")["total"] == 1);
  // What is not named stays.
  const Answer again = f.ask("PATCH", path, R"({"owner": null})");
  CHECK(again["owner"] == "");
  CHECK(again["notes"] == "runs it");

  for (const char* body :
       {R"({"tags": ["a,b"]})", R"({"tags": "a"})", R"({"criticality": "huge"})",
        R"({"asset_type": "teapot"})", R"({"confirmed": 1})", R"({"nmae": "x"})", "[]", "{"}) {
    CAPTURE(body);
    f.ask("PATCH", path, body, 400);
  }
  f.ask("PATCH", path, R"({"notes": ")" + std::string(5'000, 'x') + R"("})", 400);
  CHECK(f.get(path)["notes"] == "runs it");
  f.ask("PATCH", "/api/v1/assets/00000000-0000-4000-8000-000000000000", "{}", 404);
}

TEST_CASE("assets: who has logged in is who says so") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  f.router.set_guard([](Request& r, const Route&) { r.caller.name = "berta"; });
  const std::string path = "/api/v1/assets/" + f.id("10.0.0.2");
  CHECK(f.ask("PATCH", path, R"({"owner": "x"})")["updated_by"] == "berta");
  f.ask("PATCH", path, R"({"owner": "x", "by": "anna"})", 400);
}

TEST_CASE("assets: put in by hand, and taken out") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  const Answer made = f.post(
      "/api/v1/assets",
      R"({"endpoints": [{"address": "10.9.0.1"}, {"address": "2001:db8::1"}], "name": "backup",
          "asset_type": "database", "tags": ["cold"]})",
      201);
  CHECK(made["declared"] == true);
  CHECK(made["name"] == "backup");
  CHECK(made["asset_type"] == "database");
  CHECK(made["is_internal"] == true);
  CHECK(made["endpoints"].size() == 2);
  CHECK(f.get("/api/v1/assets")["total"] == 3);
  f.post("/api/v1/assets", R"({"endpoints": [{"address": "10.9.0.1"}]})", 409);
  f.post("/api/v1/assets", R"({"endpoints": []})", 400);
  f.post("/api/v1/assets", R"({"endpoints": [{"address": "0.0.0.0"}]})", 400);
  f.post("/api/v1/assets", R"({"endpoints": [{"address": "10.9.0.2"}], "asset_type": "teapot"})",
         400);
  CHECK(f.get("/api/v1/assets")["total"] == 3);  // half of it was not kept

  const std::string path = "/api/v1/assets/" + made["id"].get<std::string>();
  CHECK(f.send("DELETE", path).status == 204);
  CHECK(f.send("DELETE", path).status == 404);
  CHECK(f.send("DELETE", "/api/v1/assets/" + f.id("10.0.0.2")).status == 204);
  CHECK(f.get("/api/v1/dependencies")["total"] == 0);
}

TEST_CASE("assets: many at once, all or none") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  const std::string a = f.id("10.0.0.1"), b = f.id("10.0.0.2");
  f.ask("PATCH", "/api/v1/assets/" + a, R"({"tags": ["old", "kept"]})");
  const std::string ids = R"({"asset_ids": [")" + a + R"(", ")" + b + "\"], ";
  CHECK(f.ask("PATCH", "/api/v1/assets",
              ids + R"("add_tags": ["new"], "remove_tags": ["old"], "owner": "ops"})")["changed"] ==
        2);
  CHECK(f.get("/api/v1/assets/" + a)["tags"] == Answer{"kept", "new"});
  CHECK(f.get("/api/v1/assets/" + b)["tags"] == Answer{"new"});
  CHECK(f.get("/api/v1/assets/" + b)["owner"] == "ops");
  f.ask("PATCH", "/api/v1/assets",
        R"({"asset_ids": [")" + a + R"(", "00000000-0000-4000-8000-000000000000"], "owner": "x"})",
        404);
  CHECK(f.get("/api/v1/assets/" + a)["owner"] == "ops");
  f.ask("PATCH", "/api/v1/assets", R"({"asset_ids": [], "owner": "x"})", 400);
}

TEST_CASE("dependencies: put in by hand, judged, taken out") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  const std::string seen = f.dependency();
  CHECK(f.ask("PATCH", "/api/v1/dependencies/" + seen,
              R"({"confirmed": true, "tags": ["pci"]})")["confirmed"] == true);
  CHECK(f.get("/api/v1/dependencies?filter=tag%20=%20pci")["total"] == 1);

  const Answer made = f.post("/api/v1/dependencies",
                             R"({"client": {"asset_id": ")" + f.id("10.0.0.2") +
                                 R"("}, "server": {"address": "10.0.0.9"}, "protocol": "tcp",
          "port": 5432, "notes": "monthly"})",
                             201);
  CHECK(made["declared"] == true);
  CHECK(made["service"] == "postgresql");
  CHECK(made["flows"] == 0);
  CHECK(made["direction_rung"] == "declared");
  CHECK(f.get("/api/v1/dependencies")["total"] == 2);
  CHECK(f.id("10.0.0.9").size() == 36);
  // One that traffic shows keeps what was said of it.
  const Answer vouched = f.post("/api/v1/dependencies",
                                R"({"client": {"address": "10.0.0.1"},
      "server": {"address": "10.0.0.2"}, "port": 443, "owner": "ops"})",
                                201);
  CHECK(vouched["id"] == seen);
  CHECK(vouched["tags"] == Answer{"pci"});
  CHECK(vouched["owner"] == "ops");
  CHECK(vouched["flows"] != 0);

  for (
      const char* body :
      {R"({"client": {"address": "10.0.0.1"}})",
       R"({"client": {"address": "10.0.0.1"}, "server": {"address": "10.0.0.1"}})",
       R"({"client": {"address": "10.0.0.1"}, "server": {"address": "::"}})",
       R"({"client": {"address": "10.0.0.1"}, "server": {"address": "10.0.0.2"}, "port": 70000})",
       R"({"client": {"address": "10.0.0.1"}, "server": {"address": "10.0.0.2"}, "protocol": "x"})",
       R"({"client": {"address": "10.0.0.1", "site": "moon"}, "server": {"address": "10.0.0.2"}})"}) {
    CAPTURE(body);
    f.post("/api/v1/dependencies", body, 400);
  }
  const std::string path = "/api/v1/dependencies/" + made["id"].get<std::string>();
  CHECK(f.send("DELETE", path).status == 204);
  CHECK(f.send("DELETE", path).status == 404);
  CHECK(f.get("/api/v1/dependencies")["total"] == 1);
}
