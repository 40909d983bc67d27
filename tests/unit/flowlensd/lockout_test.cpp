#include "auth/lockout.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace flowlensd;
using flowlens::IpAddress;
using flowlens::Timestamp;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

const Timestamp kNoon = *flowlens::parse_timestamp("2026-11-22T12:00:00Z");
IpAddress address(const std::string& text) { return *IpAddress::parse(text); }
const IpAddress kHere = address("192.0.2.1");

}  // namespace

TEST_CASE(
    "lock-out: after five failures a name waits, each time twice as long, a quarter of an hour at "
    "most") {
  Lockout lockout{{}};
  for (int i = 0; i < 4; ++i) {
    lockout.failed("ada", kHere, kNoon);
    CHECK(lockout.wait("ada", kHere, kNoon) == seconds{0});
  }
  const int waits[] = {30, 60, 120, 240, 480, 900, 900};
  Timestamp now = kNoon;
  for (const int expected : waits) {
    CAPTURE(expected);
    lockout.failed("ada", address("198.51.100." + std::to_string(expected % 250)), now);
    CHECK(lockout.wait("ada", kHere, now) == seconds{expected});
    CHECK(lockout.wait("ada", kHere, now + seconds{expected} - std::chrono::milliseconds{1}) ==
          seconds{1});
    now += seconds{expected} - seconds{1};
    CHECK(lockout.wait("ada", kHere, now) == seconds{1});
    now += seconds{1};
    CHECK(lockout.wait("ada", kHere, now) == seconds{0});
  }
  CHECK(lockout.wait("bob", kHere, now) == seconds{0});
}

TEST_CASE("lock-out: it heals by time, and for a name by a good log-in") {
  Lockout lockout{{}};
  for (int i = 0; i < 4; ++i) lockout.failed("ada", kHere, kNoon);
  lockout.failed("ada", kHere, kNoon + hours{1});
  CHECK(lockout.wait("ada", kHere, kNoon + hours{1}) == seconds{0});
  for (int i = 0; i < 3; ++i) lockout.failed("ada", kHere, kNoon + hours{1});
  lockout.succeeded("ada");
  lockout.failed("ada", kHere, kNoon + hours{1});
  CHECK(lockout.wait("ada", kHere, kNoon + hours{1}) == seconds{0});
}

TEST_CASE("lock-out: an address that tries many names waits too, good log-ins between or not") {
  Lockout lockout{{}};
  for (int i = 0; i < 20; ++i) {
    CHECK(lockout.wait("fresh", kHere, kNoon) == seconds{0});
    lockout.failed("user" + std::to_string(i), kHere, kNoon);
    lockout.succeeded("own");
  }
  CHECK(lockout.wait("fresh", kHere, kNoon) == seconds{30});
  CHECK(lockout.wait("fresh", address("192.0.2.2"), kNoon) == seconds{0});
}

TEST_CASE("lock-out: IPv6 addresses of one network are one") {
  Lockout lockout{{}};
  for (int i = 0; i < 20; ++i) {
    lockout.failed("u" + std::to_string(i), address("2001:db8::" + std::to_string(i)), kNoon);
  }
  CHECK(lockout.wait("fresh", address("2001:db8::ffff"), kNoon) == seconds{30});
  CHECK(lockout.wait("fresh", address("2001:db8:0:1::1"), kNoon) == seconds{0});
}

TEST_CASE("lock-out: a flood of names and addresses takes no more room than there is") {
  LockoutOptions options;
  options.max_entries = 100;
  Lockout lockout{options};
  for (int i = 0; i < 5; ++i) lockout.failed("ada", kHere, kNoon);
  for (int i = 0; i < 5'000; ++i) {
    lockout.failed("user" + std::to_string(i),
                   address("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)),
                   kNoon);
    if (i == 90) CHECK(lockout.wait("ada", kHere, kNoon) == seconds{30});
  }
  CHECK(lockout.wait("ada", kHere, kNoon) == seconds{0});
  CHECK(lockout.locked(kNoon).users == 0);
}

TEST_CASE("lock-out: a clock that was set back locks nobody out for long") {
  Lockout lockout{{}};
  for (int i = 0; i < 9; ++i) lockout.failed("ada", kHere, kNoon);
  CHECK(lockout.locked(kNoon).users == 1);
  CHECK(lockout.wait("ada", kHere, kNoon - hours{24}) == seconds{0});
}
