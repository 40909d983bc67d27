#include "auth/access.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

#include "auth/secrets.hpp"
#include "auth/setup.hpp"
#include "flowlens/error.hpp"

using namespace flowlensd;
using flowlens::IpAddress;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

using Hook = std::function<void()>;

/// A database that can go away, and in which something can happen once, right after a read.
class Trying final : public sql::Database {
 public:
  Trying(const bool& is_away, Hook& after_read) : is_away_(is_away), after_read_(after_read) {}
  void write(const std::function<void(sql::Transaction&)>& work) override {
    check();
    inner_->write(work);
  }
  void read(const std::function<void(sql::Transaction&)>& work) override {
    check();
    inner_->read(work);
    if (const Hook hook = std::exchange(after_read_, nullptr)) hook();
  }

 private:
  void check() const {
    if (is_away_) throw flowlens::IoError("away");
  }
  const bool& is_away_;
  Hook& after_read_;
  std::unique_ptr<sql::Database> inner_ = sql::open_sqlite({});
};

struct Fixture {
  Timestamp now = *flowlens::parse_timestamp("2026-11-22T12:00:00Z");
  bool is_away = false;
  Hook after_read;
  AuthStore store{std::make_unique<Trying>(is_away, after_read)};
  AuditLog audit{store, {}};
  Access access{options(), store, audit};
  Origin here{*IpAddress::parse("192.0.2.1"), "a\nb"};

  AccessOptions options() {
    AccessOptions o;
    o.key = "a key of some forty octets, as it should be";
    o.now = [this] { return now; };
    return o;
  }
  User add(const std::string& name, Permission permission = Permission::analyst) {
    User u{random_id(), name, access.hash("password of " + name), permission, true, now, now, {}};
    REQUIRE(store.add(u) == Outcome::done);
    return u;
  }
  LoginAnswer log_in(const std::string& name, const std::string& password) {
    return access.log_in(name, password, here);
  }
  Tokens begin(const std::string& name) {
    const LoginAnswer answer = log_in(name, "password of " + name);
    REQUIRE(answer.result == LoginResult::success);
    return answer.tokens;
  }
  std::string give(const User& owner, Permission scope, hours life = hours{24}) {
    const std::string secret = make_api_token_text();
    REQUIRE(store.add(ApiToken{
                random_id(), owner.id, "t", digest_of(secret), scope, now, now + life, {}}) ==
            Outcome::done);
    return secret;
  }
  std::string told() {
    std::string text;
    for (const AuditEntry& e : audit.page({})) {
      text = e.action + ":" + e.user + ":" + std::to_string(e.status) + " " + text;
    }
    return text;
  }
};

}  // namespace

TEST_CASE("access: who has logged in is known by the access token, for its life") {
  Fixture f;
  const User ada = f.add("ada");
  const Tokens tokens = f.log_in("Ada", "password of ada").tokens;  // names have no case
  const auto caller = f.access.who(tokens.access);
  REQUIRE(caller.has_value());
  CHECK(caller->name == "ada");
  CHECK(caller->permission == Permission::analyst);
  CHECK(caller->user == ada.id);
  CHECK_FALSE(caller->session.is_none());
  CHECK(f.store.user(ada.id)->last_login == f.now);
  const auto sessions = f.store.sessions(ada.id, f.now);
  REQUIRE(sessions.size() == 1);
  CHECK(sessions[0].address == "192.0.2.1");
  CHECK(sessions[0].agent == "a?b");
  CHECK(tokens.refresh.find(sessions[0].refresh_digest) == std::string::npos);
  f.now += minutes{30};
  CHECK_FALSE(f.access.who(tokens.access).has_value());
  CHECK_FALSE(f.access.who("").has_value());
  CHECK_FALSE(f.access.who(tokens.refresh).has_value());
  CHECK_FALSE(f.access.who(std::string(100'000, 'x')).has_value());
}

TEST_CASE("access: wrong password, unknown, inactive and impossible users get one answer") {
  Fixture f;
  const User bob = f.add("bob");
  f.add("ada");
  f.access.change(bob.id, {{}, false, {}});
  const std::pair<std::string, std::string> cases[] = {
      {"ada", "password of bob"},
      {"ada", ""},
      {"ada", std::string(60'000, 'x')},
      {"nobody", "password of nobody"},
      {"bob", "password of bob"},
      {"", ""},
      {"a\nda", "password of ada"},
      {"ada ", "password of ada"},
      {std::string("ada\0", 4), "password of ada"},
  };
  for (const auto& [name, password] : cases) {
    CAPTURE(name);
    const LoginAnswer answer = f.log_in(name, password);
    CHECK(answer.result == LoginResult::refused);
    CHECK(answer.tokens.access.empty());
    CHECK_FALSE(answer.user.has_value());
  }
  // Names that are nobody's may be passwords, and are not told.
  CHECK(f.told().find("nobody") == std::string::npos);
}

TEST_CASE("access: an unknown user's log-in takes as long as a known one's") {
  Fixture f;
  f.add("ada");
  const auto time_of = [&](const std::string& name) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(f.log_in(name, "wrong").result == LoginResult::refused);
    return std::chrono::steady_clock::now() - begun;
  };
  // Not a measurement: without a hash to verify it would be a hundred times shorter.
  CHECK(time_of("nobody") * 10 > time_of("ada"));
}

TEST_CASE(
    "access: after five failures even the right password waits, and nothing tells names apart") {
  Fixture f;
  f.add("ada");
  for (const std::string name : {"ada", "nobody"}) {
    for (int i = 0; i < 5; ++i) CHECK(f.log_in(name, "wrong").result == LoginResult::refused);
    const LoginAnswer locked = f.log_in(name, "password of ada");
    CHECK(locked.result == LoginResult::locked);
    CHECK(locked.wait == seconds{30});
  }
  CHECK(f.access.counters().locked.users == 2);
  f.now += seconds{30};
  CHECK(f.log_in("ada", "password of ada").result == LoginResult::success);
  CHECK(f.access.counters().logins[0] == 1);
  CHECK(f.access.counters().logins[1] == 10);
  CHECK(f.access.counters().logins[2] == 2);
}

TEST_CASE("access: a refresh gives new tokens; the old refresh token ends the session, at once") {
  Fixture f;
  const User ada = f.add("ada");
  const Tokens first = f.begin("ada");
  const Tokens other = f.begin("ada");
  const RefreshAnswer second = f.access.refresh(first.refresh, f.here);
  REQUIRE(second.result == RefreshResult::success);
  CHECK(second.tokens.refresh != first.refresh);
  CHECK(second.user->name == "ada");
  CHECK(f.access.who(second.tokens.access).has_value());
  const RefreshAnswer third = f.access.refresh(second.tokens.refresh, f.here);
  REQUIRE(third.result == RefreshResult::success);
  CHECK(f.access.who(third.tokens.access).has_value());

  const RefreshAnswer replay = f.access.refresh(first.refresh, f.here);
  CHECK(replay.result == RefreshResult::replayed);
  CHECK(replay.tokens.access.empty());
  for (const Tokens& t : {first, second.tokens, third.tokens}) {
    CHECK_FALSE(f.access.who(t.access).has_value());
    CHECK(f.access.refresh(t.refresh, f.here).result == RefreshResult::refused);
  }
  CHECK(f.access.who(other.access).has_value());
  CHECK(f.store.sessions(ada.id, f.now).size() == 1);
  CHECK(f.told().find("refresh_replayed:ada:401") != std::string::npos);
}

TEST_CASE("access: what is no refresh token is refused and ends nothing") {
  Fixture f;
  f.add("ada");
  const Tokens tokens = f.begin("ada");
  for (const std::string& text :
       {std::string{}, std::string{"."}, std::string{"a.b"}, tokens.access,
        std::string(100'000, '.'), "." + tokens.refresh, std::string("\0.\0", 3)}) {
    CHECK(f.access.refresh(text, f.here).result == RefreshResult::refused);
  }
  CHECK(f.access.who(tokens.access).has_value());
  f.now += hours{7 * 24};
  CHECK(f.access.refresh(tokens.refresh, f.here).result == RefreshResult::refused);
}

TEST_CASE("access: what is taken from a user is gone with the next request") {
  Fixture f;
  const User root = f.add("root", Permission::admin);
  const User ada = f.add("ada", Permission::analyst);
  const auto permission = [&](const std::string& bearer) {
    const auto caller = f.access.who(bearer);
    return caller ? caller->permission : Permission::anonymous;
  };
  std::string bearer = f.begin("ada").access;
  CHECK(permission(bearer) == Permission::analyst);
  f.access.change(ada.id, {Permission::admin, {}, {}});
  CHECK(permission(bearer) == Permission::admin);
  f.access.change(ada.id, {Permission::viewer, {}, {}});
  CHECK(permission(bearer) == Permission::anonymous);
  bearer = f.begin("ada").access;
  CHECK(permission(bearer) == Permission::viewer);
  f.access.end_session(f.access.who(bearer)->session);
  CHECK(permission(bearer) == Permission::anonymous);
  bearer = f.begin("ada").access;
  const std::string token = f.give(ada, Permission::viewer);
  CHECK(permission(bearer) == Permission::viewer);
  CHECK(permission(token) == Permission::viewer);
  f.access.change(ada.id, {{}, false, {}});
  CHECK(permission(bearer) == Permission::anonymous);
  CHECK(permission(token) == Permission::anonymous);
  f.access.remove(ada.id);
  CHECK(permission(bearer) == Permission::anonymous);
  CHECK(permission(f.begin("root").access) == Permission::admin);
  CHECK(f.access.remove(root.id) == Outcome::last_admin);
}

TEST_CASE("access: what another process ended is gone when trust ends") {
  Fixture f;
  f.add("ada");
  const Tokens tokens = f.begin("ada");
  const auto caller = f.access.who(tokens.access);
  REQUIRE(caller.has_value());
  f.store.end_session(caller->session);  // behind the back of this Access
  f.now += seconds{4};
  CHECK(f.access.who(tokens.access).has_value());
  f.now += seconds{1};
  CHECK_FALSE(f.access.who(tokens.access).has_value());
}

TEST_CASE("access: what ends while it is looked up is not remembered as good") {
  Fixture f;
  const User ada = f.add("ada");
  const std::string bearer = f.begin("ada").access;
  const Id session = f.store.sessions(ada.id, f.now).at(0).id;
  f.after_read = [&] { f.access.end_session(session); };
  static_cast<void>(f.access.who(bearer));  // the answer of a moment ago will do for this one
  CHECK_FALSE(f.access.who(bearer).has_value());
}

TEST_CASE("access: an API token has its scope, at most what its owner has, until it ends") {
  Fixture f;
  f.add("root", Permission::admin);
  const User ada = f.add("ada", Permission::analyst);
  const std::string viewer = f.give(ada, Permission::viewer);
  const std::string admin = f.give(ada, Permission::admin);
  CHECK(viewer.size() > 40);
  CHECK(f.access.who(viewer)->permission == Permission::viewer);
  CHECK(f.access.who(viewer)->session.is_none());
  CHECK(f.access.who(admin)->permission == Permission::analyst);
  CHECK(f.store.tokens(ada.id)[0].last_used == f.now);
  CHECK_FALSE(f.access.who(viewer + "x").has_value());
  CHECK_FALSE(f.access.who("fl_").has_value());
  CHECK_FALSE(f.access.who(digest_of(viewer)).has_value());
  f.access.end_token(f.store.token_of_digest(digest_of(viewer))->id);
  CHECK_FALSE(f.access.who(viewer).has_value());
  f.now += hours{24} - seconds{1};
  CHECK(f.access.who(admin).has_value());
  f.now += seconds{1};
  CHECK_FALSE(f.access.who(admin).has_value());
}

TEST_CASE("access: while the store is away, who was let in stays in, and nobody else comes") {
  Fixture f;
  f.add("ada");
  const Tokens seen = f.begin("ada");
  const Tokens unseen = f.begin("ada");
  CHECK(f.access.who(seen.access).has_value());
  f.is_away = true;
  f.now += minutes{10};
  CHECK(f.access.who(seen.access)->name == "ada");
  CHECK_THROWS_AS(static_cast<void>(f.access.who(unseen.access)), flowlens::IoError);
  CHECK_THROWS_AS(f.log_in("ada", "password of ada"), flowlens::IoError);
  CHECK_FALSE(f.access.who("forged").has_value());
  f.now += minutes{20};
  CHECK_FALSE(f.access.who(seen.access).has_value());
}

TEST_CASE("access: where log-in is off everybody may do everything") {
  Fixture f;
  AccessOptions options = f.options();
  options.is_on = false;
  Access access{options, f.store, f.audit};
  CHECK(access.who("")->permission == Permission::admin);
  CHECK(access.who("anything")->user.is_none());
}

TEST_CASE("access: the first administrator is made once, with a password that works") {
  Fixture f;
  const auto first = make_first_admin(f.store, f.access);
  REQUIRE(first.has_value());
  CHECK_FALSE(make_first_admin(f.store, f.access).has_value());
  CHECK(f.log_in(first->name, first->password).user->permission == Permission::admin);
}

TEST_CASE(
    "audit log: entries are written, refusals are bounded, and a store that is away loses the "
    "surplus") {
  Fixture f;
  AuditOptions options;
  options.refusals_at_once = 3;
  options.refusals_per_second = 2;
  options.max_waiting = 6;
  AuditLog audit{f.store, options};
  AuditEntry entry;
  entry.at = f.now;
  entry.action = "login";
  for (int i = 0; i < 10; ++i) audit.record_refusal(entry);
  CHECK(audit.counters().recorded == 3);
  CHECK(audit.counters().dropped_rate == 7);
  entry.at += seconds{1};
  for (int i = 0; i < 10; ++i) audit.record_refusal(entry);
  CHECK(audit.counters().recorded == 5);
  f.is_away = true;
  CHECK_THROWS_AS(static_cast<void>(audit.page({})), flowlens::IoError);
  for (int i = 0; i < 3; ++i) audit.record(entry);
  CHECK(audit.counters().dropped_full == 2);
  f.is_away = false;
  CHECK(audit.page({}).size() == 6);
  CHECK(audit.page({}).size() == 6);
}

TEST_CASE("audit log: its thread writes what waits, and all of it at the end") {
  Fixture f;
  AuditLog audit{f.store, {}};
  audit.start();
  AuditEntry entry;
  entry.at = std::chrono::system_clock::now();
  for (int i = 0; i < 1'200; ++i) audit.record(entry);
  audit.stop();
  CHECK(f.store.audit({{}, {}, {}, {}, 0, 5'000}).size() == 1'200);
}
