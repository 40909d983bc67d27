// The auth store on a real PostgreSQL: beside the contract, what only a server can do.
// FLOWLENS_TEST_PGBOUNCER=1 puts a real PgBouncer in transaction mode between.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "auth/auth_store.hpp"
#include "auth/secrets.hpp"
#include "flowlens/error.hpp"
#include "store/postgres_server.hpp"
#include "unit/flowlensd/auth_backend.hpp"

/// libpqxx 6.4 leaks two kilobytes each time that a connection breaks.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libpqxx";
}

namespace flowlensd {
namespace {

using flowlens::test::TestPostgres;

class PostgresBackend final : public AuthBackend {
 public:
  PostgresBackend() {
    static int number = 0;
    TestPostgres& server = TestPostgres::instance();
    const std::string name = "auth_" + std::to_string(number++);
    connection_ = server.make_database(name);
    if (std::getenv("FLOWLENS_TEST_PGBOUNCER") != nullptr) {
      connection_ = server.by_pgbouncer(name);
    }
  }
  std::unique_ptr<sql::Database> open() override { return sql::open_postgres(connection_); }

 private:
  std::string connection_;
};

}  // namespace

std::unique_ptr<AuthBackend> make_auth_backend() { return std::make_unique<PostgresBackend>(); }

TEST_CASE("auth on PostgreSQL: of eight processes that start at once one makes the first user") {
  PostgresBackend backend;
  std::atomic<int> made{0};
  std::vector<std::thread> starters;
  for (int i = 0; i < 8; ++i) {
    starters.emplace_back([&, i] {
      AuthStore store{backend.open()};
      const User first{random_id(), "u" + std::to_string(i), "x", Permission::admin, true, {}, {},
                       {}};
      if (store.add_first(first)) ++made;
    });
  }
  for (std::thread& s : starters) s.join();
  CHECK(made == 1);
  CHECK(AuthStore{backend.open()}.users().size() == 1);
}

TEST_CASE("auth on PostgreSQL: of two administrators who remove each other at once, one stays") {
  PostgresBackend backend;
  AuthStore one{backend.open()};
  AuthStore two{backend.open()};
  for (int round = 0; round < 20; ++round) {
    const auto admin = [&](const char* name) {
      const User u{random_id(), name + std::to_string(round), "x", Permission::admin, true, {}, {},
                   {}};
      REQUIRE(one.add(u) == Outcome::done);
      return u.id;
    };
    const auto users = one.users();
    const auto a = admin("a");
    const auto b = admin("b");
    for (const User& u : users) one.remove(u.id);
    std::thread other([&] { two.remove(a); });
    one.remove(b);
    other.join();
    CHECK(one.users().size() == 1);
  }
}

TEST_CASE("auth on PostgreSQL: a server that went away and came back is used again") {
  PostgresBackend backend;
  AuthStore store{backend.open()};
  const User ada{random_id(), "ada", "x", Permission::admin, true, {}, {}, {}};
  REQUIRE(store.add(ada) == Outcome::done);
  TestPostgres::instance().kill();
  CHECK_THROWS_AS(static_cast<void>(store.users()), flowlens::IoError);
  TestPostgres::instance().start();
  bool is_back = false;
  for (int i = 0; i < 200 && !is_back; ++i) {
    try {
      is_back = store.users().size() == 1;
    } catch (const flowlens::IoError&) {
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
  }
  CHECK(is_back);
}

TEST_CASE("auth on PostgreSQL: errors do not tell the password of the connection") {
  try {
    static_cast<void>(sql::open_postgres("postgresql://eve:hunter2@127.0.0.1:1/none"));
    FAIL("connected to nobody");
  } catch (const flowlens::IoError& e) {
    CHECK(std::string(e.what()).find("hunter2") == std::string::npos);
  }
}

}  // namespace flowlensd
