#include "auth/auth_store.hpp"

#include <utility>

namespace flowlensd {
namespace {

using sql::Result;
using sql::Row;
using sql::Transaction;
using sql::Value;

Value value_of(Timestamp t) { return flowlens::to_unix_ns(t); }
Value value_of(const std::optional<Timestamp>& t) { return t ? value_of(*t) : Value{nullptr}; }
Value value_of(const Id& id) { return id.to_string(); }
Value value_of(Permission p) { return std::string(to_string(p)); }
Value value_of(std::uint64_t n) { return static_cast<std::int64_t>(n); }

/// Reads the columns of a row from the first on.
class Reader {
 public:
  explicit Reader(const Row& row) : row_(row) {}
  std::string text() { return std::get<std::string>(row_.at(column_++)); }
  std::int64_t number() { return std::get<std::int64_t>(row_.at(column_++)); }
  Timestamp time() { return flowlens::from_unix_ns(number()); }
  std::optional<Timestamp> optional_time() {
    if (!std::holds_alternative<std::nullptr_t>(row_.at(column_))) return time();
    ++column_;
    return std::nullopt;
  }
  Id id() { return Id::parse(text()).value_or(Id{}); }
  Permission permission() { return parse_permission(text()).value_or(Permission::viewer); }

 private:
  const Row& row_;
  std::size_t column_ = 0;
};

constexpr const char* kUser =
    "SELECT id, name, password_hash, permission, is_active, created, password_changed, last_login "
    "FROM users ";
User read_user(const Row& row) {
  Reader in(row);
  return {in.id(),          in.text(), in.text(), in.permission(),
          in.number() != 0, in.time(), in.time(), in.optional_time()};
}

constexpr const char* kSession =
    "SELECT id, user_id, family_digest, refresh_digest, created, last_used, expires, address, "
    "agent "
    "FROM sessions ";
Session read_session(const Row& row) {
  Reader in(row);
  return {in.id(),   in.id(),   in.text(), in.text(), in.time(),
          in.time(), in.time(), in.text(), in.text()};
}

constexpr const char* kToken =
    "SELECT id, user_id, name, digest, scope, created, expires, last_used FROM api_tokens ";
ApiToken read_token(const Row& row) {
  Reader in(row);
  return {in.id(),         in.id(),   in.text(), in.text(),
          in.permission(), in.time(), in.time(), in.optional_time()};
}

constexpr const char* kAudit =
    "SELECT sequence, at, user_name, address, action, method, route, target, status FROM audit ";
AuditEntry read_entry(const Row& row) {
  Reader in(row);
  return {static_cast<std::uint64_t>(in.number()),
          in.time(),
          in.text(),
          in.text(),
          in.text(),
          in.text(),
          in.text(),
          in.text(),
          static_cast<std::uint64_t>(in.number())};
}

template <typename Read>
auto all_of(const Result& found, Read read) {
  std::vector<decltype(read(found.rows[0]))> out;
  for (const Row& row : found.rows) out.push_back(read(row));
  return out;
}

template <typename Read>
auto first_of(const Result& found, Read read) {
  using Out = std::optional<decltype(read(found.rows[0]))>;
  return found.rows.empty() ? Out{} : Out{read(found.rows[0])};
}

std::uint64_t count(Transaction& tx, const std::string& from,
                    const std::vector<Value>& values = {}) {
  const Result found = tx.run("SELECT count(*) FROM " + from, values);
  return static_cast<std::uint64_t>(std::get<std::int64_t>(found.rows.at(0).at(0)));
}

void insert(Transaction& tx, const User& u) {
  tx.run(
      "INSERT INTO users VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {value_of(u.id), u.name, u.password_hash, value_of(u.permission), std::int64_t{u.is_active},
       value_of(u.created), value_of(u.password_changed), value_of(u.last_login)});
}

bool is_last_admin(Transaction& tx, const User& user) {
  const bool is_admin = user.is_active && user.permission == Permission::admin;
  return is_admin && count(tx, "users WHERE is_active = 1 AND permission = 'admin'") == 1;
}

void end_sessions_of(Transaction& tx, const Id& user) {
  tx.run("DELETE FROM sessions WHERE user_id = $1", {value_of(user)});
}

}  // namespace

AuthStore::AuthStore(std::unique_ptr<sql::Database> database, AuthLimits limits)
    : database_(std::move(database)), limits_(limits) {}

std::vector<User> AuthStore::users() {
  std::vector<User> found;
  database_->read([&](Transaction& tx) {
    found = all_of(tx.run(std::string(kUser) + "ORDER BY name"), read_user);
  });
  return found;
}

std::optional<User> AuthStore::user(const Id& id) {
  std::optional<User> found;
  database_->read([&](Transaction& tx) {
    found = first_of(tx.run(std::string(kUser) + "WHERE id = $1", {value_of(id)}), read_user);
  });
  return found;
}

std::optional<User> AuthStore::user_named(const std::string& name) {
  std::optional<User> found;
  database_->read([&](Transaction& tx) {
    found = first_of(tx.run(std::string(kUser) + "WHERE name = $1", {name}), read_user);
  });
  return found;
}

Outcome AuthStore::add(const User& user) {
  Outcome outcome = Outcome::done;
  database_->write([&](Transaction& tx) {
    if (count(tx, "users") >= limits_.users) {
      outcome = Outcome::full;
    } else if (count(tx, "users WHERE name = $1", {user.name}) > 0) {
      outcome = Outcome::name_taken;
    } else {
      insert(tx, user);
    }
  });
  return outcome;
}

bool AuthStore::add_first(const User& user) {
  bool is_first = false;
  database_->write([&](Transaction& tx) {
    is_first = count(tx, "users") == 0;
    if (is_first) insert(tx, user);
  });
  return is_first;
}

Outcome AuthStore::change(const Id& id, const UserChange& change, Timestamp now) {
  Outcome outcome = Outcome::done;
  database_->write([&](Transaction& tx) {
    auto user = first_of(tx.run(std::string(kUser) + "WHERE id = $1", {value_of(id)}), read_user);
    if (!user) {
      outcome = Outcome::unknown;
      return;
    }
    const bool was_last = is_last_admin(tx, *user);
    const Permission before = user->permission;
    user->permission = change.permission.value_or(user->permission);
    user->is_active = change.is_active.value_or(user->is_active);
    if (was_last && !(user->is_active && user->permission == Permission::admin)) {
      outcome = Outcome::last_admin;
      return;
    }
    if (change.password_hash) {
      user->password_hash = *change.password_hash;
      user->password_changed = now;
    }
    tx.run(
        "UPDATE users SET permission = $1, is_active = $2, password_hash = $3, "
        "password_changed = $4 WHERE id = $5",
        {value_of(user->permission), std::int64_t{user->is_active}, user->password_hash,
         value_of(user->password_changed), value_of(id)});
    if (change.password_hash || !user->is_active || user->permission < before) {
      end_sessions_of(tx, id);
    }
  });
  return outcome;
}

Outcome AuthStore::remove(const Id& id) {
  Outcome outcome = Outcome::done;
  database_->write([&](Transaction& tx) {
    const auto user =
        first_of(tx.run(std::string(kUser) + "WHERE id = $1", {value_of(id)}), read_user);
    if (!user) {
      outcome = Outcome::unknown;
    } else if (is_last_admin(tx, *user)) {
      outcome = Outcome::last_admin;
    } else {
      tx.run("DELETE FROM users WHERE id = $1", {value_of(id)});  // sessions and tokens follow
    }
  });
  return outcome;
}

void AuthStore::note_login(const Id& id, Timestamp now) {
  database_->write([&](Transaction& tx) {
    tx.run("UPDATE users SET last_login = $1 WHERE id = $2", {value_of(now), value_of(id)});
  });
}

void AuthStore::add(const Session& s) {
  database_->write([&](Transaction& tx) {
    tx.run(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 "
        "ORDER BY last_used DESC, id LIMIT 1000 OFFSET $2)",
        {value_of(s.user), value_of(limits_.sessions_of_user - 1)});
    tx.run("INSERT INTO sessions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
           {value_of(s.id), value_of(s.user), s.family_digest, s.refresh_digest,
            value_of(s.created), value_of(s.last_used), value_of(s.expires), s.address, s.agent});
  });
}

Rotation AuthStore::rotate(const std::string& family_digest, const std::string& refresh_digest,
                           const std::string& next_digest, Timestamp now, Timestamp expires) {
  Rotation rotation;
  database_->write([&](Transaction& tx) {
    const auto session = first_of(
        tx.run(std::string(kSession) + "WHERE family_digest = $1", {family_digest}), read_session);
    if (!session) return;
    const bool is_current = session->refresh_digest == refresh_digest;
    if (is_current && session->expires <= now) return;
    rotation = {is_current ? Rotation::Result::rotated : Rotation::Result::replayed, session->user,
                session->id};
    if (is_current) {
      tx.run("UPDATE sessions SET refresh_digest = $1, last_used = $2, expires = $3 WHERE id = $4",
             {next_digest, value_of(now), value_of(expires), value_of(session->id)});
    } else {
      tx.run("DELETE FROM sessions WHERE id = $1", {value_of(session->id)});
    }
  });
  return rotation;
}

std::vector<Session> AuthStore::sessions(const std::optional<Id>& user, Timestamp now) {
  std::vector<Session> found;
  std::string where = "WHERE expires > $1";
  std::vector<Value> values{value_of(now)};
  if (user) {
    where += " AND user_id = $2";
    values.push_back(value_of(*user));
  }
  database_->read([&](Transaction& tx) {
    found = all_of(tx.run(kSession + where + " ORDER BY last_used DESC, id LIMIT 1000", values),
                   read_session);
  });
  return found;
}

std::optional<Session> AuthStore::session(const Id& id) {
  std::optional<Session> found;
  database_->read([&](Transaction& tx) {
    found = first_of(tx.run(std::string(kSession) + "WHERE id = $1", {value_of(id)}), read_session);
  });
  return found;
}

std::uint64_t AuthStore::session_count(Timestamp now) {
  std::uint64_t sum = 0;
  database_->read(
      [&](Transaction& tx) { sum = count(tx, "sessions WHERE expires > $1", {value_of(now)}); });
  return sum;
}

bool AuthStore::end_session(const Id& id) {
  bool is_ended = false;
  database_->write([&](Transaction& tx) {
    is_ended = tx.run("DELETE FROM sessions WHERE id = $1", {value_of(id)}).changed > 0;
  });
  return is_ended;
}

void AuthStore::end_sessions(const Id& user, const std::optional<Id>& but) {
  database_->write([&](Transaction& tx) {
    tx.run("DELETE FROM sessions WHERE user_id = $1 AND id <> $2",
           {value_of(user), value_of(but.value_or(Id{}))});
  });
}

Outcome AuthStore::add(const ApiToken& t) {
  Outcome outcome = Outcome::done;
  database_->write([&](Transaction& tx) {
    if (count(tx, "api_tokens WHERE user_id = $1", {value_of(t.user)}) >= limits_.tokens_of_user) {
      outcome = Outcome::full;
      return;
    }
    tx.run("INSERT INTO api_tokens VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
           {value_of(t.id), value_of(t.user), t.name, t.digest, value_of(t.scope),
            value_of(t.created), value_of(t.expires), value_of(t.last_used)});
  });
  return outcome;
}

std::vector<ApiToken> AuthStore::tokens(const std::optional<Id>& user) {
  std::vector<ApiToken> found;
  const std::string where = user ? "WHERE user_id = $1 " : "";
  const std::vector<Value> values = user ? std::vector{value_of(*user)} : std::vector<Value>{};
  database_->read([&](Transaction& tx) {
    found =
        all_of(tx.run(kToken + where + "ORDER BY created DESC, id LIMIT 1000", values), read_token);
  });
  return found;
}

std::optional<ApiToken> AuthStore::token(const Id& id) {
  std::optional<ApiToken> found;
  database_->read([&](Transaction& tx) {
    found = first_of(tx.run(std::string(kToken) + "WHERE id = $1", {value_of(id)}), read_token);
  });
  return found;
}

std::optional<ApiToken> AuthStore::token_of_digest(const std::string& digest) {
  std::optional<ApiToken> found;
  database_->read([&](Transaction& tx) {
    found = first_of(tx.run(std::string(kToken) + "WHERE digest = $1", {digest}), read_token);
  });
  return found;
}

bool AuthStore::end_token(const Id& id) {
  bool is_ended = false;
  database_->write([&](Transaction& tx) {
    is_ended = tx.run("DELETE FROM api_tokens WHERE id = $1", {value_of(id)}).changed > 0;
  });
  return is_ended;
}

void AuthStore::note_use_of_token(const Id& id, Timestamp now) {
  database_->write([&](Transaction& tx) {
    tx.run("UPDATE api_tokens SET last_used = $1 WHERE id = $2", {value_of(now), value_of(id)});
  });
}

void AuthStore::append(std::span<const AuditEntry> entries) {
  database_->write([&](Transaction& tx) {
    for (const AuditEntry& e : entries) {
      tx.run(
          "INSERT INTO audit (at, user_name, address, action, method, route, target, status) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
          {value_of(e.at), e.user, e.address, e.action, e.method, e.route, e.target,
           value_of(e.status)});
    }
  });
}

std::vector<AuditEntry> AuthStore::audit(const AuditQuery& query) {
  std::string where = "WHERE sequence > 0";
  std::vector<Value> values;
  const auto also = [&](const char* condition, Value value) {
    values.push_back(std::move(value));
    where += std::string(" AND ") + condition + " $" + std::to_string(values.size());
  };
  if (query.from) also("at >=", value_of(*query.from));
  if (query.until) also("at <", value_of(*query.until));
  if (query.user) also("user_name =", *query.user);
  if (query.action) also("action =", *query.action);
  if (query.before > 0) also("sequence <", value_of(query.before));
  values.push_back(value_of(query.limit));
  where += " ORDER BY sequence DESC LIMIT $" + std::to_string(values.size());
  std::vector<AuditEntry> found;
  database_->read(
      [&](Transaction& tx) { found = all_of(tx.run(kAudit + where, values), read_entry); });
  return found;
}

std::uint64_t AuthStore::expire(Timestamp now, Timestamp audit_from, std::uint64_t max_entries) {
  std::int64_t removed = 0;
  database_->write([&](Transaction& tx) {
    tx.run("DELETE FROM sessions WHERE expires <= $1", {value_of(now)});
    tx.run("DELETE FROM api_tokens WHERE expires <= $1", {value_of(now)});
    removed += tx.run("DELETE FROM audit WHERE at < $1", {value_of(audit_from)}).changed;
    removed += tx.run(
                     "DELETE FROM audit WHERE sequence <= (SELECT sequence FROM audit "
                     "ORDER BY sequence DESC LIMIT 1 OFFSET $1)",
                     {value_of(max_entries)})
                   .changed;
  });
  return static_cast<std::uint64_t>(removed);
}

}  // namespace flowlensd
