#include "auth/access.hpp"

#include <algorithm>
#include <utility>

#include "auth/secrets.hpp"
#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

using flowlens::IoError;
using http::Caller;
using std::chrono::milliseconds;

constexpr std::string_view kTokenMark = "fl_";
constexpr std::size_t kSecretOctets = 32;
constexpr std::size_t kFamilyOctets = 16;
constexpr std::size_t kMaxRefreshOctets = 256;
constexpr std::size_t kMaxBearerOctets = 4'096;
constexpr std::size_t kMaxKnown = 10'000;
constexpr std::size_t kMaxUserName = 64;
constexpr std::size_t kMaxAgent = 100;
constexpr milliseconds kPatience{5'000};  // of those who have logged in
constexpr std::chrono::minutes kNoteUseEvery{1};

template <typename Enum>
std::size_t index(Enum e) {
  return static_cast<std::size_t>(e);
}

}  // namespace

std::string user_name_of(std::string_view text) {
  if (text.empty() || text.size() > kMaxUserName) return {};
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool is_between = c == '.' || c == '_' || c == '-' || c == '@';
    if (!is_plain && (!is_between || &c == &name.front())) return {};
  }
  return name;
}

std::string make_api_token_text() { return std::string(kTokenMark) + random_text(kSecretOctets); }

Access::Access(AccessOptions options, AuthStore& store, AuditLog& audit)
    : options_(std::move(options)),
      store_(store),
      audit_(audit),
      access_tokens_(options_.algorithm, options_.key),
      lockout_(options_.lockout) {}

LoginAnswer Access::log_in(std::string_view given_name, std::string_view password,
                           const Origin& origin) {
  const Timestamp now = options_.now();
  const std::string name = user_name_of(given_name);
  LoginAnswer answer = try_log_in(name, password, origin, now);
  ++logins_[index(answer.result)];
  return answer;
}

LoginAnswer Access::try_log_in(const std::string& name, std::string_view password,
                               const Origin& origin, Timestamp now) {
  // Before anything is looked up: whoever must wait learns nothing, not even by the time it takes.
  if (const auto wait = lockout_.wait(name, origin.address, now); wait.count() > 0) {
    tell("login", {}, origin, 429, now);
    return {LoginResult::locked, {}, {}, wait};
  }
  const std::optional<User> user = name.empty() ? std::optional<User>{} : store_.user_named(name);
  const bool is_too_long = password.size() > kMaxPasswordOctets;
  const auto verified =
      hasher_.verify(user && !is_too_long ? user->password_hash : std::string{},
                     is_too_long ? std::string_view{} : password, milliseconds{0});
  // Only others' log-ins can be in the way; they must not hold the threads that answer everybody.
  if (!verified) return {LoginResult::busy, {}, {}, std::chrono::seconds{1}};
  if (!*verified || !user->is_active) {
    lockout_.failed(name, origin.address, now);
    // What was given for a name may be a password: only names of users are told.
    tell("login", user ? user->name : std::string{}, origin, 401, now);
    return {};
  }
  lockout_.succeeded(name);
  LoginAnswer answer{LoginResult::success, begin_session(*user, origin, now), user, {}};
  store_.note_login(user->id, now);
  tell("login", user->name, origin, 200, now);
  return answer;
}

Tokens Access::begin_session(const User& user, const Origin& origin, Timestamp now) {
  const std::string family = random_text(kFamilyOctets);
  const std::string secret = random_text(kSecretOctets);
  Session session;
  session.id = random_id();
  session.user = user.id;
  session.family_digest = digest_of(family);
  session.refresh_digest = digest_of(secret);
  session.created = session.last_used = now;
  session.expires = now + options_.session_life;
  session.address = origin.address.to_string();
  session.agent = one_line(origin.agent, kMaxAgent);
  store_.add(session);
  return tokens_of(user.id, session.id, family + '.' + secret, now);
}

Tokens Access::tokens_of(const Id& user, const Id& session, std::string refresh,
                         Timestamp now) const {
  const AccessClaims claims{user, session, now + options_.access_life};
  return {access_tokens_.make(claims, now), std::move(refresh), options_.access_life,
          options_.session_life};
}

RefreshAnswer Access::refresh(std::string_view token, const Origin& origin) {
  const Timestamp now = options_.now();
  const auto end_as = [&](RefreshResult result) {
    ++refreshes_[index(result)];
    return RefreshAnswer{result, {}, {}};
  };
  const std::size_t dot = token.find('.');
  if (token.size() > kMaxRefreshOctets || dot == token.npos) return end_as(RefreshResult::refused);
  const std::string family(token.substr(0, dot));
  const std::string next = random_text(kSecretOctets);
  const Rotation rotation = store_.rotate(digest_of(family), digest_of(token.substr(dot + 1)),
                                          digest_of(next), now, now + options_.session_life);
  if (rotation.result == Rotation::Result::unknown) return end_as(RefreshResult::refused);
  const auto user = store_.user(rotation.user);
  if (rotation.result == Rotation::Result::replayed) {
    forget_all();
    const std::string name = user ? user->name : std::string{};
    log::warning("auth",
                 "a refresh token was used twice, so somebody else may hold a copy: the session "
                 "was ended",
                 {{"user", name}, {"address", origin.address.to_string()}});
    tell("refresh_replayed", name, origin, 401, now);
    return end_as(RefreshResult::replayed);
  }
  if (!user || !user->is_active) return end_as(RefreshResult::refused);
  ++refreshes_[index(RefreshResult::success)];
  return {RefreshResult::success, tokens_of(user->id, rotation.session, family + '.' + next, now),
          user};
}

Caller Access::everybody() { return {"", Permission::admin, {}, {}}; }

std::optional<Caller> Access::who(std::string_view bearer) {
  if (!options_.is_on) return everybody();
  if (bearer.size() > kMaxBearerOctets) return std::nullopt;
  const Timestamp now = options_.now();
  return bearer.starts_with(kTokenMark) ? who_has_token(bearer, now) : who_has_session(bearer, now);
}

std::optional<Caller> Access::who_has_session(std::string_view bearer, Timestamp now) {
  const auto claims = access_tokens_.read(bearer, now);
  if (!claims) return std::nullopt;
  return known("session " + claims->session.to_string(), now, [&]() -> std::optional<Known> {
    const auto session = store_.session(claims->session);
    if (!session || session->user != claims->user || session->expires <= now) return std::nullopt;
    const auto user = store_.user(session->user);
    if (!user || !user->is_active) return std::nullopt;
    return Known{{user->name, user->permission, user->id, session->id}, now, session->expires};
  });
}

std::optional<Caller> Access::who_has_token(std::string_view bearer, Timestamp now) {
  const std::string digest = digest_of(bearer);
  return known("token " + digest, now, [&]() -> std::optional<Known> {
    const auto token = store_.token_of_digest(digest);
    if (!token || token->expires <= now) return std::nullopt;
    const auto user = store_.user(token->user);
    if (!user || !user->is_active) return std::nullopt;
    if (!token->last_used || *token->last_used + kNoteUseEvery <= now) {
      store_.note_use_of_token(token->id, now);
    }
    return Known{
        {user->name, std::min(token->scope, user->permission), user->id, {}}, now, token->expires};
  });
}

std::optional<Caller> Access::known(const std::string& key, Timestamp now, const Load& load) {
  std::optional<Known> before;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    if (const auto found = known_.find(key); found != known_.end()) before = found->second;
  }
  const bool is_over = before && before->until <= now;
  if (before && !is_over && before->asked + options_.trust > now && before->asked <= now) {
    return before->caller;
  }
  std::optional<Known> fresh;
  try {
    fresh = load();
  } catch (const IoError&) {
    // Who was let in stays in while the store is away, until the credential ends.
    if (!before || is_over) throw;
    fresh = before;
    fresh->asked = now;
  }
  const std::lock_guard lock(mutex_);
  if (generation == generation_) {
    if (known_.size() >= kMaxKnown) known_.clear();
    if (fresh) {
      known_.insert_or_assign(key, *fresh);
    } else {
      known_.erase(key);
    }
  }
  return fresh ? std::optional(fresh->caller) : std::nullopt;
}

void Access::forget_all() {
  const std::lock_guard lock(mutex_);
  known_.clear();
  ++generation_;
}

LoginAnswer Access::check_password(const User& user, std::string_view password,
                                   const Origin& origin) {
  const Timestamp now = options_.now();
  if (const auto wait = lockout_.wait(user.name, origin.address, now); wait.count() > 0) {
    return {LoginResult::locked, {}, {}, wait};
  }
  const bool is_too_long = password.size() > kMaxPasswordOctets;
  const auto verified =
      hasher_.verify(user.password_hash, is_too_long ? std::string_view{} : password, kPatience);
  if (!verified) return {LoginResult::busy, {}, {}, std::chrono::seconds{1}};
  if (*verified) return {LoginResult::success, {}, user, {}};
  lockout_.failed(user.name, origin.address, now);
  return {};
}

Outcome Access::change(const Id& user, const UserChange& change) {
  const Outcome outcome = store_.change(user, change, options_.now());
  forget_all();
  return outcome;
}

Outcome Access::remove(const Id& user) {
  const Outcome outcome = store_.remove(user);
  forget_all();
  return outcome;
}

bool Access::end_session(const Id& session) {
  const bool is_ended = store_.end_session(session);
  forget_all();
  return is_ended;
}

void Access::end_sessions(const Id& user, const std::optional<Id>& but) {
  store_.end_sessions(user, but);
  forget_all();
}

bool Access::end_token(const Id& token) {
  const bool is_ended = store_.end_token(token);
  forget_all();
  return is_ended;
}

AccessCounters Access::counters() const {
  AccessCounters out;
  for (std::size_t i = 0; i < 4; ++i) out.logins[i] = logins_[i];
  for (std::size_t i = 0; i < 3; ++i) out.refreshes[i] = refreshes_[i];
  out.unauthenticated = unauthenticated_;
  out.forbidden = forbidden_;
  out.locked = lockout_.locked(options_.now());
  return out;
}

void Access::tell(std::string_view action, std::string user, const Origin& origin, unsigned status,
                  Timestamp now) {
  AuditEntry entry;
  entry.at = now;
  entry.user = std::move(user);
  entry.address = origin.address.to_string();
  entry.action = action;
  entry.method = "POST";
  entry.route = action == "login" ? "/api/v1/auth/login" : "/api/v1/auth/refresh";
  entry.status = status;
  status == 200 ? audit_.record(std::move(entry)) : audit_.record_refusal(std::move(entry));
}

}  // namespace flowlensd
