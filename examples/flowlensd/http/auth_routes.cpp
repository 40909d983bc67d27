#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "auth/access.hpp"
#include "auth/secrets.hpp"
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/auth_rows.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"

namespace flowlensd::http {
namespace {

// The page keeps its refresh token where no script can read it, and no other site can make use of it.
constexpr std::string_view kCookie = "flowlens_refresh";
constexpr std::uint64_t kMostTokenDays = 366;
constexpr std::uint64_t kUsualTokenDays = 90;
constexpr std::size_t kMaxTokenName = 64;

Origin origin_of(const Request& r) { return {r.peer, std::string(r.header("user-agent"))}; }

std::string cookie(const Request& request, std::string_view value, std::chrono::seconds life) {
  return std::string(kCookie) + "=" + std::string(value) +
         "; Path=/api/v1/auth; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(life.count()) +
         (request.is_encrypted ? "; Secure" : "");
}

/// Empty: there is none.
std::string_view cookie_of(const Request& request) {
  std::string_view rest = request.header("cookie");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part.size() > kCookie.size() && part.starts_with(kCookie) && part[kCookie.size()] == '=') {
      return part.substr(kCookie.size() + 1);
    }
  }
  return {};
}

/// `in_cookie`: the refresh token goes where the page's scripts do not see it.
Response tokens_answer(const Request& request, const Tokens& tokens, const User& user,
                       bool in_cookie) {
  Json body{{"access_token", tokens.access},
            {"token_type", "Bearer"},
            {"expires_in", tokens.access_life.count()},
            {"refresh_expires_in", tokens.refresh_life.count()},
            {"user",
             {{"id", user.id.to_string()},
              {"name", user.name},
              {"permission", to_string(user.permission)}}}};
  if (!in_cookie) body["refresh_token"] = tokens.refresh;
  Response r = fresh(body);
  if (in_cookie) {
    r.headers.emplace_back("Set-Cookie", cookie(request, tokens.refresh, tokens.refresh_life));
  }
  return r;
}

bool wants_cookie(const Json& body) {
  if (!body.contains("refresh")) return false;
  const std::string where = text_member(body, "refresh");
  if (where != "cookie" && where != "body") bad_body("refresh: give cookie or body");
  return where == "cookie";
}

/// Throws where a password was not even looked at.
void need_look(const LoginAnswer& answer) {
  const std::string wait = std::to_string(answer.wait.count());
  if (answer.result == LoginResult::locked) {
    throw Problem{429,
                  "Too many failed log-ins",
                  "wait " + wait + " s before the next attempt",
                  {{"Retry-After", wait}}};
  }
  if (answer.result == LoginResult::busy) {
    throw Problem{
        429, "Too many log-ins at once", "try again in a second", {{"Retry-After", wait}}};
  }
}

Response log_in(Access& access, const Request& request) {
  const Json body = object_of(request, {"name", "password", "refresh"});
  const bool in_cookie = wants_cookie(body);
  const LoginAnswer answer =
      access.log_in(text_member(body, "name"), text_member(body, "password"), origin_of(request));
  need_look(answer);
  if (answer.result == LoginResult::refused) {
    throw Problem{401,
                  "Log-in refused",
                  "name and password do not fit, or the user is not active",
                  {{"WWW-Authenticate", R"(Bearer realm="flowlens")"}}};
  }
  return tokens_answer(request, answer.tokens, *answer.user, in_cookie);
}

Response refresh(Access& access, const Request& request) {
  const Json body = object_of(request, {"refresh_token"});
  const bool in_cookie = !body.contains("refresh_token");
  const std::string token =
      in_cookie ? std::string(cookie_of(request)) : text_member(body, "refresh_token");
  // Browsers say who makes them ask. SameSite keeps other sites out, this other ports of this host.
  const std::string_view site = request.header("sec-fetch-site");
  if (in_cookie && !site.empty() && site != "same-origin") {
    throw Problem{403, "Forbidden", "another page may not use this page's log-in"};
  }
  const RefreshAnswer answer = access.refresh(token, origin_of(request));
  if (answer.result == RefreshResult::success) {
    return tokens_answer(request, answer.tokens, *answer.user, in_cookie);
  }
  Problem refused{
      401,
      "Refresh refused",
      "the refresh token is none of ours, has expired, or was used before; log in again",
      {{"WWW-Authenticate", R"(Bearer realm="flowlens", error="invalid_token")"}}};
  if (in_cookie && !token.empty()) {
    refused.headers.emplace_back("Set-Cookie", cookie(request, "", std::chrono::seconds{0}));
  }
  throw refused;
}

Response nothing() {
  Response r;
  r.status = 204;
  return r;
}

Response log_out(Access& access, const Request& request) {
  if (!request.caller.session.is_none()) access.end_session(request.caller.session);
  Response r = nothing();
  r.headers.emplace_back("Set-Cookie", cookie(request, "", std::chrono::seconds{0}));
  return r;
}

const char* kind_of(const Access& access, const Caller& caller) {
  if (!access.is_on()) return "everybody";
  return caller.session.is_none() ? "api_token" : "session";
}

Response who_am_i(const Access& access, const Request& request) {
  const Caller& c = request.caller;
  return fresh({{"auth_enabled", access.is_on()},
                {"name", c.name},
                {"permission", to_string(c.permission)},
                {"kind", kind_of(access, c)},
                {"user_id", c.user.is_none() ? Json(nullptr) : Json(c.user.to_string())},
                {"session_id", c.session.is_none() ? Json(nullptr) : Json(c.session.to_string())}});
}

/// What belongs to a user is changed by who has logged in as that user: a stolen API token must not
/// be good for another one.
void need_session(const Request& request) {
  if (!request.caller.session.is_none()) return;
  throw Problem{403, "Forbidden",
                "this is for a user who has logged in by name and password, not for an API token"};
}

Response change_password(Access& access, AuthStore& store, const Request& request) {
  need_session(request);
  const Json body = object_of(request, {"current", "new"});
  const std::string wanted = text_member(body, "new");
  const auto user = store.user(request.caller.user);
  if (!user) throw Problem{404, "Unknown user", "the user was removed meanwhile"};
  const LoginAnswer answer =
      access.check_password(*user, text_member(body, "current"), origin_of(request));
  need_look(answer);
  if (answer.result == LoginResult::refused) {
    throw Problem{403, "Forbidden", "current: this is not the password"};
  }
  if (const std::string problem = password_problem(wanted, user->name); !problem.empty()) {
    bad_body("new: " + problem);
  }
  access.change(user->id, {std::nullopt, std::nullopt, access.hash(wanted)});
  return nothing();
}

/// Whose rows to show: one's own; an administrator may name a user.
std::optional<Id> asked_user(const Request& request) {
  const auto named = request.query.find("user_id");
  if (named == request.query.end()) {
    return request.caller.user.is_none() ? std::nullopt : std::optional(request.caller.user);
  }
  const auto id = Id::parse(named->second);
  if (!id) throw Problem{400, "Bad parameter", "user_id: `" + named->second + "` is no id"};
  if (request.caller.permission != Permission::admin && *id != request.caller.user) {
    throw Problem{403, "Forbidden", "user_id: only administrators see what belongs to others"};
  }
  return id;
}

Response list_of(Json items) {
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

Response list_sessions(const Access& access, AuthStore& store, const Request& request) {
  Json items = Json::array();
  for (const Session& s : store.sessions(asked_user(request), access.now())) {
    items.push_back(session_json(s, request.caller.session));
  }
  return list_of(std::move(items));
}

/// Throws unless the caller may end what belongs to `owner`; nobody learns that others' is there.
void need_right_to_end(const Request& request, const std::optional<Id>& owner, const char* what) {
  const bool is_own = owner == request.caller.user && !request.caller.session.is_none();
  if (owner && (is_own || request.caller.permission == Permission::admin)) return;
  throw Problem{404, "Not found", std::string("you have no ") + what + " of this id"};
}

Response end_session(Access& access, AuthStore& store, const Request& request) {
  const auto session = store.session(id_parameter(request));
  need_right_to_end(request, session ? std::optional(session->user) : std::nullopt, "session");
  access.end_session(session->id);
  return nothing();
}

Response end_other_sessions(Access& access, const Request& request) {
  need_session(request);
  access.end_sessions(request.caller.user, request.caller.session);
  return nothing();
}

Response list_tokens(AuthStore& store, const Request& request) {
  Json items = Json::array();
  for (const ApiToken& t : store.tokens(asked_user(request))) items.push_back(token_json(t));
  return list_of(std::move(items));
}

std::string token_name(const Json& body) {
  std::string name = text_member(body, "name");
  const bool is_fit =
      !name.empty() && name.size() <= kMaxTokenName && one_line(name, kMaxTokenName) == name;
  if (!is_fit) {
    bad_body("name: give 1 to " + std::to_string(kMaxTokenName) +
             " printable ASCII characters that say what the token is for");
  }
  return name;
}

Response make_token(const Access& access, AuthStore& store, const Request& request) {
  need_session(request);
  const Json body = object_of(request, {"name", "scope", "expires_in_days"});
  ApiToken token;
  token.name = token_name(body);
  const auto scope = parse_permission(text_member(body, "scope"));
  if (!scope) bad_body("scope: give viewer, analyst or admin");
  if (*scope > request.caller.permission) {
    bad_body("scope: you have " + std::string(to_string(request.caller.permission)) +
             ", and a token cannot have more");
  }
  const std::uint64_t days =
      number_member(body, "expires_in_days", kUsualTokenDays, 1, kMostTokenDays);
  const std::string secret = make_api_token_text();
  token.id = random_id();
  token.user = request.caller.user;
  token.digest = digest_of(secret);
  token.scope = *scope;
  token.created = access.now();
  token.expires = token.created + std::chrono::hours(24 * days);
  if (store.add(token) == Outcome::full) {
    throw Problem{409, "Too many tokens", "revoke one that is not used any more"};
  }
  Json answer = token_json(token);
  answer["token"] = secret;  // for the only time
  return fresh(answer, 201);
}

Response end_token(Access& access, AuthStore& store, const Request& request) {
  const auto token = store.token(id_parameter(request));
  need_right_to_end(request, token ? std::optional(token->user) : std::nullopt, "token");
  access.end_token(token->id);
  return nothing();
}

}  // namespace

void add_auth_routes(Router& router, const Service& s) {
  const auto add = [&](const char* method, const char* pattern, Permission permission,
                       Handler handler, std::vector<std::string> parameters = {}) {
    router.add(
        {pattern, with_users(std::move(handler)), std::move(parameters), method, permission});
  };
  add("POST", "/api/v1/auth/login", Permission::anonymous,
      [&s](const Request& r) { return log_in(*s.access, r); });
  add("POST", "/api/v1/auth/refresh", Permission::anonymous,
      [&s](const Request& r) { return refresh(*s.access, r); });
  add("POST", "/api/v1/auth/logout", Permission::viewer,
      [&s](const Request& r) { return log_out(*s.access, r); });
  add("GET", "/api/v1/auth/me", Permission::viewer,
      [&s](const Request& r) { return who_am_i(*s.access, r); });
  add("POST", "/api/v1/auth/password", Permission::viewer,
      [&s](const Request& r) { return change_password(*s.access, *s.users, r); });
  add("GET", "/api/v1/auth/sessions", Permission::viewer,
      [&s](const Request& r) { return list_sessions(*s.access, *s.users, r); }, {"user_id"});
  add("DELETE", "/api/v1/auth/sessions", Permission::viewer,
      [&s](const Request& r) { return end_other_sessions(*s.access, r); });
  add("DELETE", "/api/v1/auth/sessions/{id}", Permission::viewer,
      [&s](const Request& r) { return end_session(*s.access, *s.users, r); });
  add("GET", "/api/v1/auth/tokens", Permission::viewer,
      [&s](const Request& r) { return list_tokens(*s.users, r); }, {"user_id"});
  add("POST", "/api/v1/auth/tokens", Permission::viewer,
      [&s](const Request& r) { return make_token(*s.access, *s.users, r); });
  add("DELETE", "/api/v1/auth/tokens/{id}", Permission::viewer,
      [&s](const Request& r) { return end_token(*s.access, *s.users, r); });
}

}  // namespace flowlensd::http
