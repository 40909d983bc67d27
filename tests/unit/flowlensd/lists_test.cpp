// Lists by page, order and member; views that leave out; changes of what one has read.
#include <doctest/doctest.h>

#include <algorithm>

#include "http/view.hpp"
#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

struct Fixture : ServiceFixture {
  Fixture() {
    settings.default_page_size = 3;
    add_map_routes(router, service);
    add_edit_routes(router, service);
    router.set_view([this] { return shown_dependencies(settings); });
    for (const int port : {443, 80, 22, 5432, 8080}) {
      use("10.0.0.1", "10.0.0.2", static_cast<std::uint16_t>(port), 0h);
    }
    use("203.0.113.9", "10.0.0.2", 443, 1h);
    use("10.0.0.1", "203.0.113.7", 443, 1h);
    show();
  }
  std::vector<int> ports(const std::string& query) {
    std::vector<int> ports;
    const Answer page = get("/api/v1/dependencies?" + query);
    for (const Answer& item : page["items"]) ports.push_back(item["port"]);
    return ports;
  }
  Response with(std::string method, std::string target, std::string body,
                std::vector<std::pair<std::string, std::string>> headers) {
    Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers["content-type"] = "application/json";
    for (auto& [name, value] : headers) request.headers[name] = value;
    return router.handle(std::move(request));
  }
  std::string etag(const std::string& path) { return etag_of(send("GET", path)); }
  static std::string etag_of(const Response& r) {
    const auto found = std::find_if(r.headers.begin(), r.headers.end(),
                                    [](const auto& h) { return h.first == "ETag"; });
    REQUIRE(found != r.headers.end());
    return found->second;
  }
};

}  // namespace

TEST_CASE("lists: pages by number are the list in parts") {
  Fixture f;
  std::vector<int> all;
  for (int page = 1; page <= 3; ++page) {
    const Answer answer = f.get("/api/v1/dependencies?page=" + std::to_string(page));
    CHECK(answer["page"] == page);
    CHECK(answer["pages"] == 3);
    CHECK(answer["page_size"] == 3);
    CHECK(answer["total"] == 7);
    for (const Answer& item : answer["items"]) all.push_back(item["port"]);
  }
  CHECK(all == f.ports("page_size=100"));
  CHECK(f.get("/api/v1/dependencies?page=4")["items"].empty());
  CHECK_FALSE(f.get("/api/v1/dependencies").contains("page"));
  // From there one may go on by cursor.
  const std::string cursor = f.get("/api/v1/dependencies?page=2")["next_cursor"];
  CHECK(f.ports("cursor=" + cursor).size() == 1);
  for (const char* query : {"page=0", "page=x", "page=2&cursor=1", "page=100000&page_size=1000",
                            "sort=port&cursor=1"}) {
    CAPTURE(query);
    f.get(std::string("/api/v1/dependencies?") + query, 400);
  }
}

TEST_CASE("lists: sorted as asked, over all pages") {
  Fixture f;
  CHECK(f.ports("sort=port&page_size=100") == std::vector<int>{22, 80, 443, 443, 443, 5432, 8080});
  CHECK(f.ports("sort=-port&page_size=3&page=2") == std::vector<int>{443, 443, 80});
  CHECK(f.get("/api/v1/dependencies?sort=port")["next_cursor"].is_null());
  CHECK(f.ports("sort=port&filter=port+%3E+100&page_size=100") ==
        std::vector<int>{443, 443, 443, 5432, 8080});
  const Answer last = f.get("/api/v1/assets?sort=-last_seen&page_size=1");
  CHECK(last["items"][0]["last_seen"] >= f.get("/api/v1/assets")["items"][0]["last_seen"]);
  const std::string dependencies = "/api/v1/assets/" + f.id("10.0.0.2") + "/dependencies";
  CHECK(f.get(dependencies + "?sort=-port&page_size=1")["items"][0]["port"] == 8080);
  f.get("/api/v1/dependencies?sort=weight", 400);
  f.get("/api/v1/assets?sort=port", 400);
}

TEST_CASE("lists: only the members that are asked for") {
  Fixture f;
  const Answer page = f.get("/api/v1/dependencies?fields=id,port&page_size=2");
  for (const Answer& item : page["items"]) {
    CHECK(item.size() == 2);
    CHECK(item.contains("id"));
    CHECK(item.contains("port"));
  }
  const std::string asset = "/api/v1/assets/" + f.id("10.0.0.2");
  CHECK(f.get(asset + "?fields=label") == Answer{{"label", "10.0.0.2"}});
  const std::string id = page["items"][0]["id"];
  CHECK(f.get("/api/v1/dependencies/" + id + "?fields=history").size() == 1);
  CHECK(f.get("/api/v1/dependencies?view=application&fields=intermediary")["items"][0].size() == 1);
  for (const char* fields : {"", "id,", "nothing", "id,,port"}) {
    CAPTURE(fields);
    f.get("/api/v1/assets?fields=" + std::string(fields), 400);
  }
  f.get("/api/v1/dependencies?fields=history", 400);  // of one only
}

TEST_CASE("rows: one that the client has is not sent again, and changes with traffic") {
  Fixture f;
  const std::string path = "/api/v1/assets/" + f.id("10.0.0.2");
  const std::string etag = f.etag(path);
  CHECK(f.with("GET", path, "", {{"if-none-match", etag}}).status == 304);
  f.use("10.0.0.1", "10.0.0.2", 443, 2h);
  f.show();
  CHECK(f.with("GET", path, "", {{"if-none-match", etag}}).status == 200);
}

TEST_CASE("rows: a change holds only for what the client has read") {
  Fixture f;
  const std::string path = "/api/v1/assets/" + f.id("10.0.0.2");
  const std::string first = f.etag(path);
  // Traffic is no conflict.
  f.use("10.0.0.1", "10.0.0.2", 443, 2h);
  f.show();
  CHECK(f.etag(path) != first);
  const Response changed = f.with("PATCH", path, R"({"owner": "a"})", {{"if-match", first}});
  CHECK(changed.status == 200);
  // What somebody has said meanwhile is.
  CHECK(f.with("PATCH", path, R"({"owner": "b"})", {{"if-match", first}}).status == 412);
  CHECK(f.with("DELETE", path, "", {{"if-match", first}}).status == 412);
  CHECK(f.get(path)["owner"] == "a");
  const std::string second = f.etag_of(changed);
  CHECK(f.with("PATCH", path, R"({"owner": "b"})", {{"if-match", "\"x\", " + second}}).status ==
        200);
  CHECK(f.with("PATCH", path, R"({"name": "n"})", {{"if-match", "*"}}).status == 200);
  for (const std::string& wrong :
       {std::string("x"), std::string("\"x\""), std::string("\"\""), "W/" + f.etag(path)}) {
    CAPTURE(wrong);
    CHECK(f.with("PATCH", path, R"({"owner": "c"})", {{"if-match", wrong}}).status == 412);
  }
  CHECK(f.with("PATCH", path, "{}", {{"if-none-match", "*"}}).status == 412);
  CHECK(f.with("PATCH", path, R"({"owner": "d"})", {{"if-none-match", second}}).status == 200);

  const std::string id = f.get("/api/v1/dependencies")["items"][0]["id"];
  const std::string dependency = "/api/v1/dependencies/" + id;
  const std::string before = f.etag(dependency);
  CHECK(f.with("PATCH", dependency, R"({"owner": "a"})", {{"if-match", before}}).status == 200);
  CHECK(f.with("PATCH", dependency, R"({"owner": "b"})", {{"if-match", before}}).status == 412);
  CHECK(f.with("POST", dependency + "/redirect", R"({"port": 1})", {{"if-match", before}}).status ==
        412);
  CHECK(f.with("DELETE", dependency, "", {{"if-match", f.etag(dependency)}}).status == 204);
}

TEST_CASE("views: leave out what settings say; the map keeps it") {
  Fixture f;
  CHECK(shown_dependencies(f.settings).empty());
  const auto shown = [&] { return f.get("/api/v1/dependencies")["total"].get<int>(); };
  const std::string all = f.etag("/api/v1/dependencies");
  f.settings.exclude_external_sources = true;
  CHECK(shown() == 6);
  CHECK(f.get("/api/v1/assets")["total"] == 4);
  CHECK(f.etag("/api/v1/dependencies") != all);
  f.settings.exclude_external_sources = false;
  f.settings.exclude_external_targets = true;
  CHECK(shown() == 6);
  f.settings.exclude_external_targets = false;
  f.settings.exclude_external_ips = true;
  CHECK(shown() == 5);
  CHECK(f.get("/api/v1/dependencies?filter=port+%3D+443+or+port+%3D+80")["total"] == 2);
  CHECK(f.get("/api/v1/assets")["total"] == 2);
  CHECK(f.get("/api/v1/assets?filter=not+internal")["total"] == 0);
  f.get("/api/v1/assets/" + f.id("203.0.113.7"));  // asked for by its id it is there
  f.settings.exclude_external_ips = false;

  const std::string some = f.get("/api/v1/dependencies")["items"][0]["id"];
  f.settings.min_dependency_flows = 3;
  CHECK(shown() == 0);
  f.ask("GET", "/api/v1/dependencies/" + some, "");
  f.post("/api/v1/dependencies",
         R"({"client": {"address": "10.0.0.1"}, "server": {"address": "10.0.0.5"}, "port": 9})",
         201);
  CHECK(shown() == 1);  // somebody's word is evidence enough
  f.settings.min_dependency_flows = 1;
  f.settings.min_dependency_confidence = 1;
  CHECK(shown() <= 8);
  f.settings.min_dependency_confidence = 0.01;
  CHECK(shown() == 8);
  f.settings.min_asset_flows = 11;
  CHECK(f.get("/api/v1/assets")["total"] == 2);
}

TEST_CASE("views: what has had no traffic for long is marked") {
  Settings settings;
  const Timestamp now = flowlens::testing::kNoon + 100h + 30min;
  CHECK(Staleness(settings, now).is_stale(now - 25h));
  CHECK_FALSE(Staleness(settings, now).is_stale(now - 24h));
  settings.stale_hours = 168;
  CHECK_FALSE(Staleness(settings, now).is_stale(now - 160h));
  settings.stale_hours = 0;
  CHECK_FALSE(Staleness(settings, now).is_stale(Timestamp{}));

  Fixture f;  // its traffic is of the past
  CHECK(f.get("/api/v1/assets")["items"][0]["stale"] == true);
  CHECK(f.get("/api/v1/dependencies")["items"][0]["stale"] == true);
  f.settings.stale_hours = 87'600;
  CHECK(f.get("/api/v1/assets/" + f.id("10.0.0.2"))["stale"] == false);
}

TEST_CASE("dependencies: people turn one round, and traffic does not turn it back") {
  Fixture f;
  const Answer before = f.get("/api/v1/dependencies?filter=port+%3D+5432")["items"][0];
  const std::string path = "/api/v1/dependencies/" + before["id"].get<std::string>();
  for (const char* body : {"{}", R"({"port": 0})", R"({"port": 70000})", R"({"port": "x"})",
                           R"({"port": 1, "to": 2})"}) {
    CAPTURE(body);
    f.post(path + "/redirect", body, 400);
  }
  const Answer after = f.post(path + "/redirect", R"({"port": 5000, "by": "anna"})");
  CHECK(after["client"]["address"] == before["server"]["address"]);
  CHECK(after["server"]["address"] == before["client"]["address"]);
  CHECK(after["port"] == 5000);
  CHECK(after["octets_to_server"] == before["octets_to_client"]);
  CHECK(after["direction_rung"] == "declared");
  CHECK(f.get(path)["id"] == after["id"]);
  const auto total = f.get("/api/v1/dependencies")["total"];
  f.use("10.0.0.1", "10.0.0.2", 5432, 3h);
  f.show();
  CHECK(f.get("/api/v1/dependencies")["total"] == total);
  CHECK(f.get(path)["flows"].get<int>() == 2 * before["flows"].get<int>());
  f.post("/api/v1/dependencies/00000000-0000-4000-8000-000000000000/redirect", R"({"port": 1})",
         404);
}
