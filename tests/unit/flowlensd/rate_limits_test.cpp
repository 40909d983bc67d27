// Who may ask how often, and whose requests count together.
#include "http/rate_limits.hpp"

#include <doctest/doctest.h>

#include <string>

#include "flowlens/error.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

/// A guard to which each bearer is a user, and none is nobody.
void guard(Request& request, const Route& route) {
  if (route.permission() == Permission::anonymous) return;
  if (request.header("authorization").empty()) throw Problem{401, "Unauthorized", "log in"};
  request.caller = {std::string(request.header("authorization")), Permission::admin};
}

struct Fixture {
  RateLimits limits;
  Router router;

  explicit Fixture(bool has_log_in, std::uint64_t count = 3)
      : limits({true, has_log_in, {count, 60s}, {1'000, 1s}, 100}) {
    const auto ok = [](const Request&) { return Response{}; };
    router.add({"/data", ok, {}});
    router.add({"/health", ok, {}, "GET", Permission::anonymous});
    router.add({"/login", ok, {}, "POST", Permission::anonymous});
    router.set_guard(limited(has_log_in ? Guard(guard) : Guard(), limits));
  }
  Response send(const char* target, const char* peer, const char* user = "",
                const char* method = "GET") {
    Request r;
    r.method = method;
    r.target = target;
    r.peer = flowlens::IpAddress::parse(peer).value();
    r.headers["content-type"] = "application/json";
    if (*user) r.headers["authorization"] = user;
    return router.handle(std::move(r));
  }
};

std::string header(const Response& r, std::string_view name) {
  for (const auto& [key, value] : r.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

TEST_CASE("rate limits: so many in a window, then no more before it ends") {
  RateLimits limits({true, true, {3, 60s}, {2, 1s}, 10});
  const RateLimits::Clock::time_point t{};
  CHECK(limits.take("a", t).remaining == 2);
  CHECK(limits.take("a", t).remaining == 1);
  const Allowance burst = limits.take("a", t);
  CHECK_FALSE(burst.is_allowed);
  CHECK(burst.limit == 2);
  CHECK(burst.reset == 1s);
  CHECK(limits.take("a", t + 1s).remaining == 0);
  const Allowance over = limits.take("a", t + 2s);
  CHECK_FALSE(over.is_allowed);
  CHECK(over.limit == 3);
  CHECK(over.reset == 58s);
  CHECK(limits.take("b", t + 2s).is_allowed);  // another key
  CHECK_FALSE(limits.take("a", t + 59s).is_allowed);
  CHECK(limits.take("a", t + 60s).remaining == 2);
  CHECK(limits.counters().refused == 3);
}

TEST_CASE("rate limits: the table of keys is bounded") {
  RateLimits limits({true, true, {1, 60s}, {10, 1s}, 3});
  const RateLimits::Clock::time_point t{};
  for (const char* key : {"a", "b", "c", "d"}) CHECK(limits.take(key, t).is_allowed);
  CHECK(limits.counters().keys == 3);
  CHECK(limits.counters().forgotten == 1);
  CHECK_FALSE(limits.take("d", t).is_allowed);
  CHECK(limits.take("a", t).is_allowed);  // the one idle longest was forgotten
}

TEST_CASE("rate limits: users count by name, whatever their address") {
  Fixture f(true);
  for (int i = 0; i < 3; ++i) {
    const Response r = f.send("/data", i == 0 ? "192.0.2.1" : "192.0.2.2", "anna");
    CHECK(r.status == 200);
    CHECK(header(r, "RateLimit-Limit") == "3");
    CHECK(header(r, "RateLimit-Remaining") == std::to_string(2 - i));
    CHECK_FALSE(header(r, "RateLimit-Reset").empty());
  }
  const Response over = f.send("/data", "192.0.2.3", "anna");
  CHECK(over.status == 429);
  CHECK(header(over, "Retry-After") == "60");
  CHECK(header(over, "RateLimit-Remaining") == "0");
  CHECK(f.send("/data", "192.0.2.1", "bert").status == 200);
}

TEST_CASE("rate limits: without a log-in addresses count, and hold up nobody who has one") {
  Fixture f(true);
  for (int i = 0; i < 3; ++i) CHECK(f.send("/data", "192.0.2.1").status == 401);
  CHECK(f.send("/data", "192.0.2.1").status == 429);
  CHECK(f.send("/login", "192.0.2.1", "", "POST").status == 429);
  CHECK(f.send("/login", "192.0.2.2", "", "POST").status == 200);
  CHECK(f.send("/data", "192.0.2.1", "anna").status == 200);
  for (int i = 0; i < 10; ++i) CHECK(f.send("/health", "192.0.2.1").status == 200);
  // One IPv6 client has 2^64 addresses.
  for (int i = 0; i < 3; ++i) {
    CHECK(f.send("/data", ("2001:db8::" + std::to_string(i + 1)).c_str()).status == 401);
  }
  CHECK(f.send("/data", "2001:db8::ffff").status == 429);
  CHECK(f.send("/data", "2001:db8:0:1::1").status == 401);
}

TEST_CASE("rate limits: where nobody logs in, loopback is free") {
  Fixture f(false);
  for (int i = 0; i < 10; ++i) CHECK(f.send("/data", "127.0.0.1").status == 200);
  for (int i = 0; i < 3; ++i) CHECK(f.send("/data", "192.0.2.1").status == 200);
  CHECK(f.send("/data", "192.0.2.1").status == 429);
}

TEST_CASE("rate limits: settings") {
  Settings s;
  CHECK(rate_limit_options(s, true).sustained.count == 100);
  CHECK(rate_limit_options(s, true).burst.window == 1s);
  s.rate_limit = "5000/hour";
  CHECK(rate_limit_options(s, true).sustained.window == 3'600s);
  for (const char* bad : {"100", "/minute", "0/second", "x/minute", "100/day", "1 /minute"}) {
    CAPTURE(bad);
    s.burst_limit = bad;
    CHECK_THROWS_AS(static_cast<void>(rate_limit_options(s, true)), flowlens::ConfigError);
  }
}
