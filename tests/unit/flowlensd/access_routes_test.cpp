// Every route of the service asks for its permission: generated from the route table.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "auth/access.hpp"
#include "auth/guard.hpp"
#include "auth/secrets.hpp"
#include "http/metrics.hpp"
#include "service_fixture.hpp"

namespace flowlensd::http {
namespace {

struct Fixture : ServiceFixture {
  Timestamp now = std::chrono::system_clock::now();
  AuthStore users{sql::open_sqlite({})};
  AuditLog audit{users, {}};
  Access access{options(), users, audit};
  Metrics metrics;

  Fixture() {
    service.access = &access;
    service.users = &users;
    service.audit = &audit;
    add_routes(router, service);
    add_metrics_routes(router, service, metrics, [] { return ServerCounters{}; });
    router.set_guard(make_guard(access));
    router.set_witness(make_witness(audit, access));
  }
  AccessOptions options() {
    AccessOptions o;
    o.key = "a key of some forty octets, as it should be";
    o.now = [this] { return now; };
    return o;
  }
  User add(const std::string& name, Permission permission) {
    User u{random_id(), name, access.hash("password of " + name), permission, true, now, now, {}};
    REQUIRE(users.add(u) == Outcome::done);
    return u;
  }
  std::string log_in(const std::string& name) {
    return access.log_in(name, "password of " + name, {}).tokens.access;
  }
  Response ask_as(const std::string& bearer, std::string method, std::string target,
                  std::string body = {}, std::map<std::string, std::string> more = {}) {
    Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers = std::move(more);
    request.headers["content-type"] = "application/json";
    request.peer = *IpAddress::parse("192.0.2.7");
    if (!bearer.empty()) request.headers["authorization"] = "Bearer " + bearer;
    return router.handle(std::move(request));
  }
  Answer answer_to(const std::string& bearer, std::string method, std::string target,
                   std::string body = {}, unsigned status = 200) {
    const Response r = ask_as(bearer, std::move(method), std::move(target), std::move(body));
    CAPTURE(r.body);
    CHECK(r.status == status);
    return r.body.empty() ? Answer{} : Answer::parse(r.body);
  }
};

std::string header_of(const Response& r, const std::string& name) {
  for (const auto& [key, value] : r.headers) {
    if (key == name) return value;
  }
  return {};
}

/// The pattern with something in its places.
std::string target_of(const Route& route) {
  std::string target = route.pattern;
  for (std::size_t at = target.find('{'); at != target.npos; at = target.find('{')) {
    target.replace(at, target.find('}') - at + 1, "x");
  }
  return target;
}

}  // namespace

TEST_CASE("access: nobody but those who log in gets past any route but these (DECISIONS)") {
  Fixture f;
  const std::set<std::string> open{
      "GET /",        "GET /health",        "GET /admin/health/live",  "GET /admin/health/ready",
      "GET /metrics", "GET /admin/metrics", "POST /api/v1/auth/login", "POST /api/v1/auth/refresh"};
  std::set<std::string> found;
  CHECK(f.router.routes().size() > 80);
  for (const Route* route : f.router.routes()) {
    const std::string name = route->method + " " + route->pattern;
    CAPTURE(name);
    if (route->permission() == Permission::anonymous) {
      found.insert(name);
      continue;
    }
    for (const std::string bearer : {"", "x", "a.b.c", "fl_x"}) {
      const Response r = f.ask_as(bearer, route->method, target_of(*route));
      CHECK(r.status == 401);
      CHECK(header_of(r, "WWW-Authenticate").starts_with("Bearer"));
      CHECK(r.content_type == "application/problem+json");
    }
  }
  for (const char* file : {"GET /docs", "GET /openapi.json"}) found.erase(file);  // words only
  CHECK(found == open);
}

TEST_CASE("access: every route refuses each permission below its own, and no other") {
  Fixture f;
  const Guard guard = make_guard(f.access);
  for (const Permission has : {Permission::viewer, Permission::analyst, Permission::admin}) {
    const std::string name{to_string(has)};
    f.add(name, has);
    const std::string bearer = f.log_in(name);
    for (const Route* route : f.router.routes()) {
      CAPTURE(name + ": " + route->method + " " + route->pattern);
      if (has < route->permission()) {
        CHECK(f.ask_as(bearer, route->method, target_of(*route)).status == 403);
        continue;
      }
      // The handlers would miss parts of the daemon: the guard alone is asked.
      Request request;
      request.headers["authorization"] = "Bearer " + bearer;
      CHECK_NOTHROW(guard(request, *route));
      const bool asks = route->permission() != Permission::anonymous;
      CHECK(request.caller.name == (asks ? name : ""));
    }
  }
}

TEST_CASE("access: a viewer changes nothing but what is the viewer's own") {
  Fixture f;
  const std::set<std::string> questions{"/api/v1/policies", "/api/v1/policies/preview",
                                        "/api/v1/alerts/dry-run"};
  for (const Route* route : f.router.routes()) {
    CAPTURE(route->method + " " + route->pattern);
    const std::string& at = route->pattern;
    if (route->method == "GET" || at.starts_with("/api/v1/auth/")) continue;
    const bool is_question = at.starts_with("/api/v1/analysis/") || questions.contains(at);
    CHECK(route->permission() >= (is_question ? Permission::viewer : Permission::analyst));
  }
}

TEST_CASE("access: metrics ask who is there where a setting says so") {
  Fixture f;
  CHECK(f.access.counters().unauthenticated == 0);
  Router router;
  f.settings.api_metrics_open = false;
  add_metrics_routes(router, f.service, f.metrics, [] { return ServerCounters{}; });
  for (const Route* route : router.routes()) CHECK(route->permission() == Permission::viewer);
}

TEST_CASE("access: log in, refresh by cookie or body, log out") {
  Fixture f;
  f.add("ada", Permission::viewer);
  const std::string good = R"({"name": "ada", "password": "password of ada"})";
  const auto body = f.answer_to({}, "POST", "/api/v1/auth/login", good);
  CHECK(body["token_type"] == "Bearer");
  CHECK(body["expires_in"] == 1800);
  CHECK(body["user"]["permission"] == "viewer");
  const auto again = f.answer_to({}, "POST", "/api/v1/auth/refresh",
                                 Answer{{"refresh_token", body["refresh_token"]}}.dump());
  CHECK(f.answer_to(again["access_token"], "GET", "/api/v1/auth/me")["name"] == "ada");

  const Response r =
      f.ask_as({}, "POST", "/api/v1/auth/login",
               R"({"name": "ada", "password": "password of ada", "refresh": "cookie"})");
  CHECK_FALSE(Answer::parse(r.body).contains("refresh_token"));
  CHECK(header_of(r, "Cache-Control") == "no-store");
  const std::string set = header_of(r, "Set-Cookie");
  CHECK(set.find("; Path=/api/v1/auth; HttpOnly; SameSite=Strict; Max-Age=604800") != set.npos);
  const std::string cookie = set.substr(0, set.find(';'));
  const auto refresh = [&](std::map<std::string, std::string> headers) {
    return f.ask_as({}, "POST", "/api/v1/auth/refresh", "{}", std::move(headers));
  };
  CHECK(refresh({{"cookie", cookie}, {"sec-fetch-site", "same-site"}}).status == 403);
  CHECK(refresh({{"cookie", cookie}, {"sec-fetch-site", "cross-site"}}).status == 403);
  const Response next =
      refresh({{"cookie", "a=b; " + cookie + "; c=d"}, {"sec-fetch-site", "same-origin"}});
  CHECK(next.status == 200);
  CHECK(header_of(next, "Set-Cookie").starts_with("flowlens_refresh="));
  CHECK(refresh({{"cookie", cookie}}).status == 401);  // used before: all of the session ends
  const std::string access = Answer::parse(next.body)["access_token"];
  CHECK(f.ask_as(access, "GET", "/api/v1/auth/me").status == 401);
  CHECK(refresh({}).status == 401);
  CHECK(refresh({{"cookie", "flowlens_refresh=; flowlens_refreshed=x"}}).status == 401);

  const std::string bearer = again["access_token"];
  const Response out = f.ask_as(bearer, "POST", "/api/v1/auth/logout", "{}");
  CHECK(out.status == 204);
  CHECK(header_of(out, "Set-Cookie").find("Max-Age=0") != std::string::npos);
  CHECK(f.ask_as(bearer, "GET", "/api/v1/auth/me").status == 401);
}

TEST_CASE("access: log-in bodies that are none") {
  Fixture f;
  const std::string bodies[] = {"",
                                "{}",
                                "[]",
                                R"({"name": 1, "password": "x"})",
                                R"({"name": "ada"})",
                                R"({"name": "ada", "password": "x", "more": 1})",
                                R"({"name": "ada", "password": "x", "refresh": "tattoo"})",
                                "{\"name\": \"a\xff\", \"password\": \"x\"}",
                                std::string(60'000, '['),
                                R"({"name": )" + std::string(60'000, '[')};
  for (const std::string& body : bodies) {
    CAPTURE(body.substr(0, 60));
    CHECK(f.ask_as({}, "POST", "/api/v1/auth/login", body).status == 400);
    CHECK(f.ask_as({}, "POST", "/api/v1/auth/refresh", "[" + body).status == 400);
  }
}

TEST_CASE("access: the header of other schemes is no credential, and the scheme has no case") {
  Fixture f;
  f.add("ada", Permission::viewer);
  const std::string token = f.log_in("ada");
  const auto status = [&](const std::string& value) {
    return f.ask_as({}, "GET", "/api/v1/auth/me", {}, {{"authorization", value}}).status;
  };
  CHECK(status("Bearer " + token) == 200);
  CHECK(status("bearer  " + token) == 200);
  CHECK(status("Basic " + token) == 401);
  CHECK(status(token) == 401);
  CHECK(status("Bearer") == 401);
  CHECK(status("Bearer ") == 401);
  CHECK(status("Bearer " + token + " x") == 401);
  CHECK(status("Bearer " + std::string(100'000, 'x')) == 401);
}

TEST_CASE("access: an administrator's work with users") {
  Fixture f;
  f.add("root", Permission::admin);
  const std::string root = f.log_in("root");
  const auto made =
      f.answer_to(root, "POST", "/api/v1/users", R"({"name": "Ada", "permission": "viewer"})", 201);
  CHECK(made["name"] == "ada");
  const std::string at = "/api/v1/users/" + made["id"].get<std::string>();
  const std::string password = made["password"];
  const auto seen = f.answer_to(root, "GET", at);
  CHECK_FALSE(seen.contains("password"));
  CHECK(seen.dump().find("argon2") == std::string::npos);
  CHECK(f.access.log_in("ada", password, {}).result == LoginResult::success);
  f.answer_to(root, "POST", "/api/v1/users", R"({"name": "ada", "permission": "viewer"})", 409);
  const std::string refused[] = {
      R"({"name": "a b", "permission": "viewer"})", R"({"name": "", "permission": "viewer"})",
      R"({"name": "bob", "permission": "anonymous"})", R"({"name": "bob"})",
      R"({"name": "bob", "permission": "viewer", "password": "short"})"};
  for (const std::string& body : refused) f.answer_to(root, "POST", "/api/v1/users", body, 400);
  CHECK(f.answer_to(root, "PATCH", at, R"({"permission": "analyst"})")["permission"] == "analyst");
  f.answer_to(root, "PATCH", at, R"({"is_active": 0})", 400);
  CHECK(f.answer_to(root, "PATCH", at, R"({"is_active": false})")["is_active"] == false);
  CHECK(f.access.log_in("ada", password, {}).result == LoginResult::refused);
  CHECK(f.answer_to(root, "GET", "/api/v1/users?page_size=1")["next_cursor"] == "1");
  CHECK(f.answer_to(root, "GET", "/api/v1/users?page_size=1&cursor=1")["items"][0]["name"] ==
        "root");
  f.answer_to(root, "DELETE", at, {}, 204);
  f.answer_to(root, "DELETE", at, {}, 404);
  f.answer_to(root, "GET", "/api/v1/users/x", {}, 400);
  const auto me = f.answer_to(root, "GET", "/api/v1/auth/me");
  const std::string own = "/api/v1/users/" + me["user_id"].get<std::string>();
  f.answer_to(root, "DELETE", own, {}, 409);
  f.answer_to(root, "PATCH", own, R"({"permission": "viewer"})", 409);
}

TEST_CASE("access: API tokens are made by those who have logged in, and are shown once") {
  Fixture f;
  f.add("ada", Permission::analyst);
  f.add("bob", Permission::analyst);
  const std::string ada = f.log_in("ada");
  const std::string bob = f.log_in("bob");
  const auto made =
      f.answer_to(ada, "POST", "/api/v1/auth/tokens",
                  R"({"name": "script", "scope": "viewer", "expires_in_days": 7})", 201);
  const std::string token = made["token"];
  CHECK(token.starts_with("fl_"));
  CHECK(f.answer_to(token, "GET", "/api/v1/auth/me")["permission"] == "viewer");
  CHECK(f.answer_to(ada, "GET", "/api/v1/auth/tokens").dump().find(token) == std::string::npos);
  CHECK(f.answer_to(bob, "GET", "/api/v1/auth/tokens")["total"] == 0);
  const std::string refused[] = {R"({"name": "x", "scope": "admin"})", R"({"name": "x"})",
                                 R"({"name": "", "scope": "viewer"})",
                                 R"({"name": "x", "scope": "viewer", "expires_in_days": 0})",
                                 R"({"name": "x", "scope": "viewer", "expires_in_days": 367})"};
  for (const std::string& body : refused)
    f.answer_to(ada, "POST", "/api/v1/auth/tokens", body, 400);
  // A stolen token makes no other one, no password, and sees nobody else's.
  f.answer_to(token, "POST", "/api/v1/auth/tokens", R"({"name": "x", "scope": "viewer"})", 403);
  f.answer_to(token, "POST", "/api/v1/auth/password", R"({"current": "", "new": ""})", 403);
  const std::string at = "/api/v1/auth/tokens/" + made["id"].get<std::string>();
  f.answer_to(token, "DELETE", at, {}, 404);
  f.answer_to(bob, "DELETE", at, {}, 404);
  f.answer_to(bob, "GET", "/api/v1/auth/tokens?user_id=" + made["user_id"].get<std::string>(), {},
              403);
  f.answer_to(ada, "DELETE", at, {}, 204);
  f.answer_to(token, "GET", "/api/v1/auth/me", {}, 401);
}

TEST_CASE("access: sessions are listed and ended by their owner or an administrator") {
  Fixture f;
  f.add("root", Permission::admin);
  f.add("ada", Permission::viewer);
  const std::string one = f.log_in("ada");
  const std::string two = f.log_in("ada");
  const std::string root = f.log_in("root");
  const auto list = f.answer_to(one, "GET", "/api/v1/auth/sessions");
  CHECK(list["total"] == 2);
  std::string other;
  std::string own;
  for (const auto& s : list["items"]) (s["is_this"] ? own : other) = s["id"];
  f.answer_to(one, "DELETE", "/api/v1/auth/sessions/" + other, {}, 204);
  f.answer_to(two, "GET", "/api/v1/auth/me", {}, 401);
  const auto of_root = f.answer_to(root, "GET", "/api/v1/auth/sessions");
  CHECK(of_root["total"] == 1);
  const std::string id = of_root["items"][0]["id"];
  f.answer_to(one, "DELETE", "/api/v1/auth/sessions/" + id, {}, 404);
  const std::string three = f.log_in("ada");
  f.answer_to(one, "DELETE", "/api/v1/auth/sessions", {}, 204);
  f.answer_to(three, "GET", "/api/v1/auth/me", {}, 401);
  f.answer_to(root, "DELETE", "/api/v1/auth/sessions/" + own, {}, 204);
  f.answer_to(one, "GET", "/api/v1/auth/me", {}, 401);
}

TEST_CASE("access: a password is changed by who knows it, and ends all sessions") {
  Fixture f;
  f.add("ada", Permission::viewer);
  const std::string one = f.log_in("ada");
  const auto change = [&](const std::string& current, const std::string& wanted, unsigned status) {
    f.answer_to(one, "POST", "/api/v1/auth/password",
                Answer{{"current", current}, {"new", wanted}}.dump(), status);
  };
  change("wrong", "a new password", 403);
  change("password of ada", "short", 400);
  change("password of ada", "a new password", 204);
  f.answer_to(one, "GET", "/api/v1/auth/me", {}, 401);
  CHECK(f.access.log_in("ada", "password of ada", {}).result == LoginResult::refused);
  CHECK(f.access.log_in("ada", "a new password", {}).result == LoginResult::success);
}

TEST_CASE("access: guesses through a session at its user's password are locked out too") {
  Fixture f;
  f.add("ada", Permission::viewer);
  const std::string one = f.log_in("ada");
  const std::string guess = R"({"current": "wrong", "new": "a new password"})";
  for (int i = 0; i < 5; ++i) f.answer_to(one, "POST", "/api/v1/auth/password", guess, 403);
  f.answer_to(one, "POST", "/api/v1/auth/password", guess, 429);
}

TEST_CASE("access: writes and log-ins are audited, without secrets; reading is not") {
  Fixture f;
  f.add("root", Permission::admin);
  f.add("ada", Permission::viewer);
  f.answer_to({}, "POST", "/api/v1/auth/login",
              R"({"name": "root", "password": "password of root"})");
  f.answer_to({}, "POST", "/api/v1/auth/login", R"({"name": "root", "password": "pass-W0rd"})",
              401);
  const std::string root = f.log_in("root");
  const std::string ada = f.log_in("ada");
  f.answer_to(root, "GET", "/api/v1/users");
  f.answer_to(root, "POST", "/api/v1/users",
              R"({"name": "bob", "permission": "viewer", "password": "pass-W0rd-2"})", 201);
  f.answer_to(ada, "DELETE", "/api/v1/users/x%0ay", {}, 403);
  f.answer_to({}, "DELETE", "/api/v1/users/x", {}, 401);
  f.answer_to(ada, "POST", "/api/v1/analysis/impact", "[]", 400);  // a question
  const auto all = f.answer_to(root, "GET", "/api/v1/audit")["items"];
  std::string text;
  for (const auto& e : all) {
    text += e["action"].get<std::string>() + "|" + e["user"].get<std::string>() + "|" +
            e["target"].get<std::string>() + "|" + std::to_string(e["status"].get<int>()) + "\n";
  }
  CHECK(text ==
        "DELETE /api/v1/users/{id}|ada|x?y|403\n"
        "POST /api/v1/users|root||201\n"
        "login|ada||200\n"
        "login|root||200\n"
        "login|root||401\n"
        "login|root||200\n");
  CHECK(all[0]["address"] == "192.0.2.7");
  CHECK(all.dump().find("W0rd") == std::string::npos);
  CHECK(f.answer_to(root, "GET", "/api/v1/audit?user=ada&action=login")["items"].size() == 1);
  const auto page = f.answer_to(root, "GET", "/api/v1/audit?page_size=4");
  CHECK(page["items"].size() == 4);
  const std::string cursor = page["next_cursor"];
  const auto rest = f.answer_to(root, "GET", "/api/v1/audit?page_size=4&cursor=" + cursor);
  CHECK(rest["items"].size() == 2);
  CHECK(rest["next_cursor"].is_null());
  CHECK(f.answer_to(root, "GET", "/api/v1/audit?until=2020-01-01T00:00:00Z")["items"].empty());
  f.answer_to(root, "GET", "/api/v1/audit?from=yesterday", {}, 400);
}

}  // namespace flowlensd::http
