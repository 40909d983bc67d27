#include "auth/sql.hpp"
#include "flowlens/error.hpp"

namespace flowlensd::sql {

// Times are nanoseconds since 1970 UTC, ids as text. Secrets stand here as digests only.
std::vector<std::string> schema(const std::string& integer, const std::string& counter) {
  return {
      "CREATE TABLE users (id text PRIMARY KEY, name text NOT NULL UNIQUE, "
      "password_hash text NOT NULL, permission text NOT NULL, is_active " +
          integer + " NOT NULL, created " + integer + " NOT NULL, password_changed " + integer +
          " NOT NULL, last_login " + integer + ")",
      "CREATE TABLE sessions (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users (id) "
      "ON DELETE CASCADE, family_digest text NOT NULL UNIQUE, refresh_digest text NOT NULL, "
      "created " +
          integer + " NOT NULL, last_used " + integer + " NOT NULL, expires " + integer +
          " NOT NULL, address text NOT NULL, agent text NOT NULL)",
      "CREATE INDEX sessions_by_user ON sessions (user_id)",
      "CREATE TABLE api_tokens (id text PRIMARY KEY, user_id text NOT NULL REFERENCES users (id) "
      "ON DELETE CASCADE, name text NOT NULL, digest text NOT NULL UNIQUE, scope text NOT NULL, "
      "created " +
          integer + " NOT NULL, expires " + integer + " NOT NULL, last_used " + integer + ")",
      "CREATE INDEX api_tokens_by_user ON api_tokens (user_id)",
      "CREATE TABLE audit (sequence " + counter + ", at " + integer +
          " NOT NULL, user_name text NOT NULL, address text NOT NULL, action text NOT NULL, "
          "method text NOT NULL, route text NOT NULL, target text NOT NULL, status " +
          integer + " NOT NULL)",
      "CREATE INDEX audit_by_time ON audit (at)",
  };
}

void check_version(std::int64_t found, const std::string& where) {
  if (found <= kSchemaVersion) return;
  throw flowlens::IoError(where + ": the users are kept in form " + std::to_string(found) +
                          ", this flowlensd knows " + std::to_string(kSchemaVersion) +
                          "; start the release that wrote them, or a later one");
}

}  // namespace flowlensd::sql
