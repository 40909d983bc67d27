#include "auth/access.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "auth/secrets.hpp"

using namespace flowlensd;

namespace {

struct Fixture {
  AuthStore store{sql::open_sqlite({})};
  AuditLog audit{store, {}};
  Access access{options(), store, audit};

  Fixture() {
    const Timestamp now = std::chrono::system_clock::now();
    const User ada{
        random_id(), "ada", access.hash("password of ada"), Permission::viewer, true, now, now, {}};
    REQUIRE(store.add(ada) == Outcome::done);
  }
  static AccessOptions options() {
    AccessOptions o;
    o.key = "a key of some forty octets, as it should be";
    return o;
  }
};

void at_once(int threads, const std::function<void(int)>& work) {
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back(work, i);
  for (std::thread& t : all) t.join();
}

}  // namespace

TEST_CASE(
    "access: of many who use one refresh token at once, one gets new tokens, and the session "
    "ends") {
  Fixture f;
  for (int round = 0; round < 5; ++round) {
    const Tokens tokens = f.access.log_in("ada", "password of ada", {}).tokens;
    std::atomic<int> good{0};
    std::atomic<int> replayed{0};
    at_once(6, [&](int) {
      const RefreshResult result = f.access.refresh(tokens.refresh, {}).result;
      if (result == RefreshResult::success) ++good;
      if (result == RefreshResult::replayed) ++replayed;
    });
    CHECK(good == 1);
    CHECK(replayed == 1);
    CHECK_FALSE(f.access.who(tokens.access).has_value());
  }
}

TEST_CASE(
    "access: a session that was ended is not let in again by those who asked at that moment") {
  Fixture f;
  f.audit.start();
  for (int round = 0; round < 20; ++round) {
    const std::string bearer = f.access.log_in("ada", "password of ada", {}).tokens.access;
    const Id session = f.access.who(bearer)->session;
    std::atomic<bool> is_ended{false};
    std::atomic<int> after{0};
    at_once(4, [&](int i) {
      if (i == 0) {
        f.access.end_session(session);
        is_ended = true;
        return;
      }
      for (int n = 0; n < 50; ++n) {
        const bool was_ended = is_ended;
        if (f.access.who(bearer).has_value() && was_ended) ++after;
      }
    });
    CHECK(after == 0);
  }
  f.audit.stop();
  CHECK(f.audit.counters().recorded == 20);
}
