// What every auth store promises.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "auth/auth_store.hpp"
#include "auth/secrets.hpp"
#include "auth_backend.hpp"
#include "flowlens/error.hpp"

using namespace flowlensd;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

const Timestamp kNoon = *flowlens::parse_timestamp("2026-11-22T12:00:00.123456789Z");

User user(const std::string& name, Permission permission = Permission::viewer) {
  return {random_id(), name, "$argon2id$" + name, permission, true, kNoon, kNoon, {}};
}

struct Fixture {
  std::unique_ptr<AuthBackend> backend = make_auth_backend();
  AuthStore store{backend->open(), {5, 3, 2}};

  User add(const std::string& name, Permission permission = Permission::viewer) {
    const User u = user(name, permission);
    REQUIRE(store.add(u) == Outcome::done);
    return u;
  }
  Session begin(const User& u, const std::string& mark, Timestamp last_used = kNoon) {
    const Session s{random_id(),       u.id,        "family " + mark,
                    "first",           kNoon,       last_used,
                    kNoon + hours{24}, "192.0.2.1", "curl"};
    store.add(s);
    return s;
  }
  ApiToken give(const User& u, const std::string& mark) {
    const ApiToken t{random_id(),      u.id, mark, "digest " + mark, Permission::analyst, kNoon,
                     kNoon + hours{1}, {}};
    REQUIRE(store.add(t) == Outcome::done);
    return t;
  }
};

AuditEntry entry(const std::string& who, const std::string& action, seconds later) {
  return {0, kNoon + later, who, "192.0.2.1", action, "POST", "/api/v1/x/{id}", "7", 204};
}

}  // namespace

TEST_CASE("auth store: a user comes back as it was given, also after a restart") {
  Fixture f;
  User u = f.add("ada", Permission::admin);
  f.store.note_login(u.id, kNoon + seconds{1});
  AuthStore again{f.backend->open()};
  const auto found = again.user_named("ada");
  REQUIRE(found.has_value());
  CHECK(found->id == u.id);
  CHECK(found->password_hash == u.password_hash);
  CHECK(found->permission == Permission::admin);
  CHECK(found->is_active);
  CHECK(found->created == kNoon);
  CHECK(found->password_changed == kNoon);
  CHECK(found->last_login == kNoon + seconds{1});
  CHECK(again.user(u.id)->name == "ada");
  CHECK_FALSE(again.user_named("Ada").has_value());
  CHECK_FALSE(again.user(random_id()).has_value());
}

TEST_CASE("auth store: names are unique, users are listed by name, and there is a most") {
  Fixture f;
  for (const char* name : {"bob", "ada", "cyd", "dan", "eve"}) f.add(name);
  CHECK(f.store.add(user("fay")) == Outcome::full);
  CHECK(f.store.remove(f.store.user_named("eve")->id) == Outcome::done);
  CHECK(f.store.add(user("ada")) == Outcome::name_taken);
  std::string names;
  for (const User& u : f.store.users()) names += u.name + " ";
  CHECK(names == "ada bob cyd dan ");
}

TEST_CASE("auth store: of two who make the first user, one does") {
  Fixture f;
  AuthStore other{f.backend->open()};
  CHECK(f.store.add_first(user("one")));
  CHECK_FALSE(other.add_first(user("two")));
  CHECK(other.users().size() == 1);
}

TEST_CASE("auth store: the last active administrator stays one") {
  Fixture f;
  const User ada = f.add("ada", Permission::admin);
  const User bob = f.add("bob", Permission::admin);
  f.add("cyd", Permission::analyst);
  CHECK(f.store.change(bob.id, {{}, false, {}}, kNoon) == Outcome::done);
  CHECK(f.store.remove(ada.id) == Outcome::last_admin);
  CHECK(f.store.change(ada.id, {Permission::analyst, {}, {}}, kNoon) == Outcome::last_admin);
  CHECK(f.store.change(ada.id, {{}, false, {}}, kNoon) == Outcome::last_admin);
  CHECK(f.store.user(ada.id)->permission == Permission::admin);
  CHECK(f.store.change(ada.id, {Permission::admin, true, "new"}, kNoon) == Outcome::done);
  CHECK(f.store.change(bob.id, {{}, true, {}}, kNoon) == Outcome::done);
  CHECK(f.store.remove(ada.id) == Outcome::done);
  CHECK(f.store.remove(ada.id) == Outcome::unknown);
  CHECK(f.store.change(ada.id, {}, kNoon) == Outcome::unknown);
}

TEST_CASE("auth store: what takes something from a user ends its sessions, and only its own") {
  struct Case {
    const char* name;
    UserChange change;
    std::size_t left;
  };
  const Case cases[] = {
      {"nothing", {}, 1},
      {"more", {Permission::admin, {}, {}}, 1},
      {"less", {Permission::viewer, {}, {}}, 0},
      {"no longer active", {{}, false, {}}, 0},
      {"another password", {{}, {}, "$argon2id$other"}, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    const User ada = f.add("ada", Permission::analyst);
    const User bob = f.add("bob", Permission::analyst);
    f.begin(ada, "1");
    f.begin(bob, "2");
    CHECK(f.store.change(ada.id, c.change, kNoon + seconds{5}) == Outcome::done);
    CHECK(f.store.sessions(ada.id, kNoon).size() == c.left);
    CHECK(f.store.sessions(bob.id, kNoon).size() == 1);
    const Timestamp changed = f.store.user(ada.id)->password_changed;
    CHECK(changed == (c.change.password_hash ? kNoon + seconds{5} : kNoon));
  }
}

TEST_CASE("auth store: a removed user takes sessions and tokens along") {
  Fixture f;
  const User ada = f.add("ada");
  f.begin(ada, "1");
  f.give(ada, "1");
  CHECK(f.store.remove(ada.id) == Outcome::done);
  CHECK(f.store.sessions(std::nullopt, kNoon).empty());
  CHECK(f.store.tokens(std::nullopt).empty());
}

TEST_CASE("auth store: a refresh token is good once; its second use ends the session") {
  Fixture f;
  const User ada = f.add("ada");
  const Session s = f.begin(ada, "1");
  const auto turn = [&](const char* now, const char* next, seconds later = seconds{0}) {
    return f.store.rotate("family 1", now, next, kNoon + later, kNoon + later + hours{24});
  };
  CHECK(f.store.rotate("family 2", "first", "x", kNoon, kNoon).result == Rotation::Result::unknown);
  const Rotation first = turn("first", "second", seconds{10});
  CHECK(first.result == Rotation::Result::rotated);
  CHECK(first.user == ada.id);
  CHECK(first.session == s.id);
  CHECK(f.store.session(s.id)->last_used == kNoon + seconds{10});
  CHECK(f.store.session(s.id)->expires == kNoon + seconds{10} + hours{24});
  CHECK(turn("second", "third").result == Rotation::Result::rotated);
  const Rotation replay = turn("first", "fourth");
  CHECK(replay.result == Rotation::Result::replayed);
  CHECK(replay.session == s.id);
  CHECK_FALSE(f.store.session(s.id).has_value());
  CHECK(turn("third", "fourth").result == Rotation::Result::unknown);
}

TEST_CASE("auth store: a session that has expired is not refreshed, listed or counted") {
  Fixture f;
  const User ada = f.add("ada");
  f.begin(ada, "1");
  const Timestamp end = kNoon + hours{24};
  CHECK(f.store.session_count(end - seconds{1}) == 1);
  CHECK(f.store.session_count(end) == 0);
  CHECK(f.store.sessions(ada.id, end).empty());
  CHECK(f.store.rotate("family 1", "first", "x", end, end + hours{1}).result ==
        Rotation::Result::unknown);
}

TEST_CASE("auth store: past the bound, the session used longest ago ends") {
  Fixture f;
  const User ada = f.add("ada");
  const User bob = f.add("bob");
  f.begin(bob, "bob");
  const Session old = f.begin(ada, "1", kNoon - hours{1});
  f.begin(ada, "2");
  f.begin(ada, "3");
  f.begin(ada, "4");
  CHECK_FALSE(f.store.session(old.id).has_value());
  CHECK(f.store.sessions(ada.id, kNoon).size() == 3);
  CHECK(f.store.sessions(bob.id, kNoon).size() == 1);
}

TEST_CASE("auth store: sessions end one by one, or all but one") {
  Fixture f;
  const User ada = f.add("ada");
  const Session a = f.begin(ada, "1");
  const Session b = f.begin(ada, "2");
  const Session c = f.begin(ada, "3");
  CHECK(f.store.end_session(a.id));
  CHECK_FALSE(f.store.end_session(a.id));
  f.store.end_sessions(ada.id, c.id);
  CHECK_FALSE(f.store.session(b.id).has_value());
  CHECK(f.store.session(c.id)->agent == "curl");
  f.store.end_sessions(ada.id, std::nullopt);
  CHECK(f.store.sessions(ada.id, kNoon).empty());
}

TEST_CASE("auth store: API tokens are found by digest, bounded, noted when used, and end") {
  Fixture f;
  const User ada = f.add("ada");
  const ApiToken t = f.give(ada, "1");
  f.give(ada, "2");
  ApiToken third = t;
  third.id = random_id();
  third.digest = "digest 3";
  CHECK(f.store.add(third) == Outcome::full);
  const auto found = f.store.token_of_digest("digest 1");
  REQUIRE(found.has_value());
  CHECK(found->id == t.id);
  CHECK(found->scope == Permission::analyst);
  CHECK(found->expires == t.expires);
  CHECK_FALSE(found->last_used.has_value());
  f.store.note_use_of_token(t.id, kNoon + seconds{3});
  CHECK(f.store.token(t.id)->last_used == kNoon + seconds{3});
  CHECK_FALSE(f.store.token_of_digest("digest").has_value());
  CHECK(f.store.tokens(ada.id).size() == 2);
  CHECK(f.store.end_token(t.id));
  CHECK_FALSE(f.store.end_token(t.id));
  CHECK_FALSE(f.store.token_of_digest("digest 1").has_value());
}

TEST_CASE("auth store: text from outside is text, whatever it holds") {
  Fixture f;
  const User ada = f.add("ada'; DROP TABLE users; --");
  CHECK(f.store.user_named("ada'; DROP TABLE users; --")->id == ada.id);
  CHECK_FALSE(f.store.user_named("' OR 1=1 --").has_value());
  CHECK(f.store.users().size() == 1);
}

TEST_CASE("auth store: the audit is read newest first, by time, user, action and page") {
  Fixture f;
  const std::vector<AuditEntry> entries{
      entry("ada", "login", seconds{1}), entry("bob", "login", seconds{2}),
      entry("ada", "POST /x", seconds{3}), entry("ada", "login", seconds{4})};
  f.store.append(entries);
  const auto times = [&](const AuditQuery& query) {
    std::string text;
    for (const AuditEntry& e : f.store.audit(query)) {
      text += std::to_string((e.at - kNoon) / seconds{1}) + " ";
    }
    return text;
  };
  CHECK(times({}) == "4 3 2 1 ");
  CHECK(times({kNoon + seconds{2}, kNoon + seconds{4}, {}, {}, 0, 100}) == "3 2 ");
  CHECK(times({{}, {}, "ada", {}, 0, 100}) == "4 3 1 ");
  CHECK(times({{}, {}, "ada", "login", 0, 100}) == "4 1 ");
  CHECK(times({{}, {}, {}, {}, 0, 2}) == "4 3 ");
  const std::uint64_t third = f.store.audit({}).at(1).sequence;
  CHECK(times({{}, {}, {}, {}, third, 2}) == "2 1 ");
  const AuditEntry first = f.store.audit({}).back();
  CHECK(first.address == "192.0.2.1");
  CHECK(first.method == "POST");
  CHECK(first.route == "/api/v1/x/{id}");
  CHECK(first.target == "7");
  CHECK(first.status == 204);
}

TEST_CASE("auth store: the audit is not rewritten") {
  Fixture f;
  const std::vector<AuditEntry> entries{entry("ada", "login", seconds{1})};
  f.store.append(entries);
  try {
    f.backend->open()->write(
        [](sql::Transaction& tx) { tx.run("UPDATE audit SET user_name = 'eve'"); });
  } catch (const flowlens::IoError&) {
    // SQLite refuses; PostgreSQL does nothing.
  }
  CHECK(f.store.audit({}).at(0).user == "ada");
}

TEST_CASE("auth store: what is old goes, and the audit has a most") {
  Fixture f;
  const User ada = f.add("ada");
  f.begin(ada, "1");
  f.give(ada, "1");
  std::vector<AuditEntry> entries;
  for (int i = 0; i < 10; ++i) entries.push_back(entry("ada", "login", seconds{i}));
  f.store.append(entries);
  CHECK(f.store.expire(kNoon, kNoon + seconds{2}, 100) == 2);
  CHECK(f.store.expire(kNoon, Timestamp{}, 5) == 3);
  CHECK(f.store.audit({}).size() == 5);
  CHECK(f.store.audit({}).back().at == kNoon + seconds{5});
  CHECK(f.store.tokens(ada.id).size() == 1);
  f.store.expire(kNoon + hours{1}, Timestamp{}, 100);
  CHECK(f.store.tokens(ada.id).empty());
  CHECK(f.store.session_count(kNoon) == 1);
  f.store.expire(kNoon + hours{24}, Timestamp{}, 100);
  CHECK(f.store.session_count(kNoon) == 0);
}

TEST_CASE("auth store: work that fails leaves nothing behind") {
  Fixture f;
  const auto database = f.backend->open();
  CHECK_THROWS_AS(database->write([](sql::Transaction& tx) {
    tx.run("DELETE FROM users");
    tx.run("SELECT nonsense FROM nowhere");
  }),
                  flowlens::IoError);
  f.add("ada");
  CHECK_THROWS_AS(database->write([](sql::Transaction& tx) {
    tx.run("DELETE FROM users");
    throw flowlens::IoError("no");
  }),
                  flowlens::IoError);
  CHECK(f.store.users().size() == 1);
}
