// The search field: what a text is taken for, and what it finds.
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
    add_search_routes(router, service);
    use("10.0.0.1", "10.0.0.2", 443, 0h);
    use("10.0.1.1", "10.0.0.2", 5432, 0h);
    show();
    ask("PATCH", "/api/v1/assets/" + id("10.0.0.2"),
        R"({"name": "Shop \"main\"", "tags": ["dmz"], "owner": "team"})");
  }
};

}  // namespace

TEST_CASE("search: what a text is taken for, and what it finds") {
  Fixture f;
  struct Case {
    const char* text;
    const char* kind;
    int assets;
    int dependencies;
  };
  const Case cases[] = {
      {"10.0.0.2", "address", 1, 2},
      {"10.0.0.0/24", "prefix", 2, 2},
      {"10.0.1.0/24", "prefix", 1, 1},
      {"5432", "port", 0, 1},
      {"shop", "text", 1, 0},
      {"shop%20%22MAIN%22", "text", 1, 0},
      {"dmz", "text", 1, 0},
      {"https", "text", 0, 1},
      {"nothing", "text", 0, 0},
      {"port%20%3D%20443", "filter", 0, 1},
      {"tag%20%3D%20dmz", "filter", 1, 0},
      {"%22%5C", "text", 0, 0},
      {"10.0.0.0/99", "text", 0, 0},
      {"99999", "text", 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Answer found = f.get("/api/v1/search?q=" + std::string(c.text));
    CHECK(found["understood_as"] == c.kind);
    CHECK(found["assets"]["total"] == c.assets);
    CHECK(found["assets"]["items"].size() == c.assets);
    CHECK(found["dependencies"]["total"] == c.dependencies);
  }
  const std::string asset = f.id("10.0.0.1");
  CHECK(f.get("/api/v1/search?q=" + asset)["assets"]["items"][0]["id"] == asset);
  CHECK(f.get("/api/v1/search?q=10.0.0.0/8&limit=1")["assets"]["items"].size() == 1);
  CHECK(f.get("/api/v1/search?q=10.0.0.0/8&limit=1")["assets"]["total"] == 3);
  f.get("/api/v1/search", 400);
  f.get("/api/v1/search?q=", 400);
  f.get("/api/v1/search?q=" + std::string(2'000, 'x'), 400);
}
