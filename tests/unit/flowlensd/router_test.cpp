#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "http/parameters.hpp"
#include "http/router.hpp"

using namespace flowlensd::http;

namespace {

Router small_router() {
  Router router;
  router.add({"/things/{id}",
              [](const Request& r) {
                Response out;
                out.body = r.path_parameters.at("id");
                return out;
              },
              {}});
  router.add({"/things",
              [](const Request& r) {
                Response out;
                out.body = std::to_string(number_parameter(r, "page_size", 50, 1, 1'000));
                return out;
              },
              {"page_size"}});
  router.add({"/broken", [](const Request&) -> Response { throw std::runtime_error("no"); }, {}});
  return router;
}

Response ask(const Router& router, std::string target, std::string method = "GET") {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  return router.handle(std::move(request));
}

}  // namespace

TEST_CASE("router: each target finds its answer") {
  struct Case {
    const char* target;
    unsigned status;
    const char* body;
  };
  const Case cases[] = {
      {"/things", 200, "50"},
      {"/things?page_size=7", 200, "7"},
      {"/things/a%20b", 200, "a b"},
      {"/things/a?", 200, "a"},
      {"/things?page_size=0", 400, nullptr},
      {"/things?page_size=1001", 400, nullptr},
      {"/things?page_size=", 400, nullptr},
      {"/things?page_size=7x", 400, nullptr},
      {"/things?page_size=-7", 400, nullptr},
      {"/things?page_size=7&page_size=8", 400, nullptr},
      {"/things?size=7", 400, nullptr},
      {"/things?page_size=%zz", 400, nullptr},
      {"/things/", 200, ""},
      {"/thing", 404, nullptr},
      {"/things/a/b", 404, nullptr},
      {"/things/..", 400, nullptr},
      {"/things/%2e%2e", 400, nullptr},
      {"/things/%2e%2e%2fetc", 400, nullptr},
      {"/things/%00", 400, nullptr},
      {"/things/%", 400, nullptr},
      {"things", 400, nullptr},
      {"", 400, nullptr},
      {"*", 400, nullptr},
      {"http://elsewhere/things", 400, nullptr},
      {"/broken", 500, nullptr},
  };
  const Router router = small_router();
  for (const Case& c : cases) {
    CAPTURE(c.target);
    const Response r = ask(router, c.target);
    CHECK(r.status == c.status);
    if (c.body != nullptr) CHECK(r.body == c.body);
    if (c.status >= 400) CHECK(r.content_type == "application/problem+json");
  }
}

TEST_CASE("router: a problem says what was wrong and what would be right") {
  const Router router = small_router();
  const auto body = nlohmann::json::parse(ask(router, "/things?page_sze=7").body);
  CHECK(body["status"] == 400);
  CHECK(body["detail"] == "`page_sze` is no parameter of /things; did you mean page_size?");
  const Response post = ask(router, "/things", "POST");
  CHECK(post.status == 405);
  CHECK(post.headers.back() == std::pair<std::string, std::string>{"Allow", "GET, HEAD"});
}

TEST_CASE("router: text from outside that is no UTF-8 comes back harmless") {
  const Router router = small_router();
  const Response r = ask(router, "/things?%ff%fe=1");
  CHECK(r.status == 400);
  CHECK(nlohmann::json::accept(r.body));
}
