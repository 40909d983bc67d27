/// \file
/// auth: what is kept of users, their sessions and API tokens, and of who did what.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "auth/permission.hpp"
#include "auth/sql.hpp"
#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlensd {

using flowlens::Id;
using flowlens::Timestamp;

struct User {
  Id id;
  std::string name;  ///< lower case
  std::string password_hash;
  Permission permission = Permission::viewer;
  bool is_active = true;
  Timestamp created{};
  Timestamp password_changed{};
  std::optional<Timestamp> last_login;
};

/// What shall become of a user; nothing: stays as it is.
struct UserChange {
  std::optional<Permission> permission;
  std::optional<bool> is_active;
  std::optional<std::string> password_hash;
};

/// A log-in, and the refresh tokens that came of it one after the other.
struct Session {
  Id id;
  Id user;
  std::string family_digest;   ///< of the part that all its refresh tokens share
  std::string refresh_digest;  ///< of the part that only the latest has
  Timestamp created{};
  Timestamp last_used{};
  Timestamp expires{};
  std::string address;  ///< from where it began
  std::string agent;    ///< the client's word for itself
};

/// What scripts show instead of logging in.
struct ApiToken {
  Id id;
  Id user;
  std::string name;
  std::string digest;
  Permission scope = Permission::viewer;  ///< the user's own permission where that is less
  Timestamp created{};
  Timestamp expires{};
  std::optional<Timestamp> last_used;
};

struct AuditEntry {
  std::uint64_t sequence = 0;  ///< given by the store
  Timestamp at{};
  std::string user;  ///< its name; empty: nobody who is known
  std::string address;
  std::string action;  ///< `login`, or the route's method and template
  std::string method;
  std::string route;
  std::string target;  ///< what stood in the template's places
  std::uint64_t status = 0;
};

/// Which entries, newest first.
struct AuditQuery {
  std::optional<Timestamp> from;   ///< this moment and later
  std::optional<Timestamp> until;  ///< before this moment
  std::optional<std::string> user;
  std::optional<std::string> action;
  std::uint64_t before = 0;  ///< sequences below this one; 0: all
  std::uint64_t limit = 100;
};

/// How a change of users ended.
enum class Outcome { done, unknown, name_taken, last_admin, full };

/// What a refresh token was good for.
struct Rotation {
  enum class Result { rotated, replayed, unknown };
  Result result = Result::unknown;
  Id user{};     ///< unless unknown
  Id session{};  ///< the same; gone if replayed
};

/// Bounds, so that nothing grows for ever.
struct AuthLimits {
  std::uint64_t users = 10'000;
  std::uint64_t sessions_of_user = 50;  ///< one more ends the one used longest ago
  std::uint64_t tokens_of_user = 100;
};

/// Thread-safe. Every function may throw flowlens::IoError.
class AuthStore {
 public:
  explicit AuthStore(std::unique_ptr<sql::Database> database, AuthLimits limits = {});

  [[nodiscard]] std::vector<User> users();
  [[nodiscard]] std::optional<User> user(const Id& id);
  [[nodiscard]] std::optional<User> user_named(const std::string& name);
  Outcome add(const User& user);
  /// \return false if there is a user already: of several that start at once, one makes the first.
  bool add_first(const User& user);
  /// A new password, less permission or an end of activity ends sessions as well.
  /// \return `last_admin` if no active administrator would be left.
  Outcome change(const Id& id, const UserChange& change, Timestamp now);
  Outcome remove(const Id& id);
  void note_login(const Id& id, Timestamp now);

  void add(const Session& session);
  /// Changes the refresh token. One that was changed before ends the session: somebody has a copy.
  Rotation rotate(const std::string& family_digest, const std::string& refresh_digest,
                  const std::string& next_digest, Timestamp now, Timestamp expires);
  /// Those that have not expired, newest first. \param user  nothing: of all, the latest 1,000.
  [[nodiscard]] std::vector<Session> sessions(const std::optional<Id>& user, Timestamp now);
  [[nodiscard]] std::optional<Session> session(const Id& id);
  [[nodiscard]] std::uint64_t session_count(Timestamp now);
  bool end_session(const Id& id);
  /// \param but  this one goes on.
  void end_sessions(const Id& user, const std::optional<Id>& but);

  Outcome add(const ApiToken& token);
  [[nodiscard]] std::vector<ApiToken> tokens(const std::optional<Id>& user);
  [[nodiscard]] std::optional<ApiToken> token(const Id& id);
  [[nodiscard]] std::optional<ApiToken> token_of_digest(const std::string& digest);
  bool end_token(const Id& id);
  void note_use_of_token(const Id& id, Timestamp now);

  void append(std::span<const AuditEntry> entries);
  [[nodiscard]] std::vector<AuditEntry> audit(const AuditQuery& query);
  /// Removes sessions and tokens that expired before `now`, entries older than `audit_from` and those past the latest
  /// `max_entries`. \return entries removed.
  std::uint64_t expire(Timestamp now, Timestamp audit_from, std::uint64_t max_entries);

 private:
  std::unique_ptr<sql::Database> database_;
  const AuthLimits limits_;
};

}  // namespace flowlensd
