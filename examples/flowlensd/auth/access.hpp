/// \file
/// auth: who asks, and how they prove it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/access_token.hpp"
#include "auth/audit_log.hpp"
#include "auth/auth_store.hpp"
#include "auth/lockout.hpp"
#include "auth/password.hpp"
#include "flowlens/ip_address.hpp"
#include "http/message.hpp"

namespace flowlensd {

struct AccessOptions {
  bool is_on = true;  ///< false: everybody may do everything
  std::string algorithm = "HS256";
  std::string key;  ///< of access tokens; not empty
  std::chrono::minutes access_life{30};
  std::chrono::hours session_life{7 * 24};  ///< since its last use
  LockoutOptions lockout;
  /// How long another process that shares the store may go on with a user or session that this one ended.
  std::chrono::seconds trust{5};
  std::function<Timestamp()> now = [] { return std::chrono::system_clock::now(); };
};

/// From where somebody asks.
struct Origin {
  flowlens::IpAddress address;
  std::string agent;
};

/// What a log-in gives.
struct Tokens {
  std::string access;
  std::string refresh;
  std::chrono::seconds access_life{};
  std::chrono::seconds refresh_life{};
};

enum class LoginResult { success, refused, locked, busy };
struct LoginAnswer {
  LoginResult result = LoginResult::refused;
  Tokens tokens;                ///< after success
  std::optional<User> user;     ///< the same
  std::chrono::seconds wait{};  ///< where locked or busy: before the next attempt
};

enum class RefreshResult { success, refused, replayed };
struct RefreshAnswer {
  RefreshResult result = RefreshResult::refused;
  Tokens tokens;
  std::optional<User> user;
};

struct AccessCounters {
  std::uint64_t logins[4] = {};     ///< by LoginResult
  std::uint64_t refreshes[3] = {};  ///< by RefreshResult
  std::uint64_t unauthenticated = 0;
  std::uint64_t forbidden = 0;
  Lockout::Counts locked;
};

/// Who does something that ends a credential says so here, so that it holds from the next request on.
/// Thread-safe. Functions that ask the store may throw flowlens::IoError.
class Access {
 public:
  Access(AccessOptions options, AuthStore& store, AuditLog& audit);

  [[nodiscard]] bool is_on() const noexcept { return options_.is_on; }
  [[nodiscard]] Timestamp now() const { return options_.now(); }

  LoginAnswer log_in(std::string_view name, std::string_view password, const Origin& origin);
  RefreshAnswer refresh(std::string_view refresh_token, const Origin& origin);

  /// Who shows this access token or API token (`fl_…`), by whatever way it came: header, WebSocket
  /// subprotocol, query.
  /// \return nothing if it is none of ours, has expired or was revoked. Where log-in is off: everybody.
  /// \throws flowlens::IoError if the store is away and this one was not seen before.
  [[nodiscard]] std::optional<http::Caller> who(std::string_view bearer);
  /// What a caller is where log-in is off.
  [[nodiscard]] static http::Caller everybody();

  /// Whether `password` is that user's, of somebody who has logged in; wrong ones count as failed log-ins.
  [[nodiscard]] LoginAnswer check_password(const User& user, std::string_view password,
                                           const Origin& origin);
  [[nodiscard]] std::string hash(std::string_view password) { return hasher_.hash(password); }

  Outcome change(const Id& user, const UserChange& change);
  Outcome remove(const Id& user);
  bool end_session(const Id& session);
  void end_sessions(const Id& user, const std::optional<Id>& but);
  bool end_token(const Id& token);

  void count_unauthenticated() noexcept { ++unauthenticated_; }
  void count_forbidden() noexcept { ++forbidden_; }
  [[nodiscard]] AccessCounters counters() const;

 private:
  struct Known {
    http::Caller caller;
    Timestamp asked{};  ///< the store, for the last time
    Timestamp until{};  ///< end of the credential
  };
  using Load = std::function<std::optional<Known>()>;

  LoginAnswer try_log_in(const std::string& name, std::string_view password, const Origin& origin,
                         Timestamp now);
  Tokens begin_session(const User& user, const Origin& origin, Timestamp now);
  [[nodiscard]] Tokens tokens_of(const Id& user, const Id& session, std::string refresh,
                                 Timestamp now) const;
  [[nodiscard]] std::optional<http::Caller> who_has_session(std::string_view bearer, Timestamp now);
  [[nodiscard]] std::optional<http::Caller> who_has_token(std::string_view bearer, Timestamp now);
  /// From memory, or else from the store.
  [[nodiscard]] std::optional<http::Caller> known(const std::string& key, Timestamp now,
                                                  const Load& load);
  void forget_all();
  void tell(std::string_view action, std::string user, const Origin& origin, unsigned status,
            Timestamp now);

  const AccessOptions options_;
  AuthStore& store_;
  AuditLog& audit_;
  const AccessTokens access_tokens_;
  PasswordHasher hasher_;
  Lockout lockout_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;
  std::uint64_t generation_ =
      0;  ///< of known_: what was read before a change is not put in after it
  std::atomic<std::uint64_t> logins_[4] = {};
  std::atomic<std::uint64_t> refreshes_[3] = {};
  std::atomic<std::uint64_t> unauthenticated_{0};
  std::atomic<std::uint64_t> forbidden_{0};
};

/// A user's name in lower case. \return empty if it can be no user's.
[[nodiscard]] std::string user_name_of(std::string_view text);

/// A new API token. \return what its bearer shows; only its digest is kept.
[[nodiscard]] std::string make_api_token_text();

}  // namespace flowlensd
