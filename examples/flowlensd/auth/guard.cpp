#include "auth/guard.hpp"

#include <algorithm>
#include <string>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

using http::Caller;
using http::Permission;
using http::Problem;
using http::Request;
using http::Response;
using http::Route;

constexpr std::size_t kMaxTarget = 128;

Problem unauthenticated(bool has_credential) {
  const char* challenge = has_credential ? R"(Bearer realm="flowlens", error="invalid_token")"
                                         : R"(Bearer realm="flowlens")";
  return {401,
          "Unauthorized",
          has_credential ? "the token is none of ours, has expired or was revoked; log in again"
                         : "log in by POST /api/v1/auth/login and send its access_token, or an API "
                           "token, as `Authorization: Bearer TOKEN`",
          {{"WWW-Authenticate", challenge}}};
}

Problem forbidden(Permission has, Permission wanted) {
  return {403, "Forbidden",
          "this needs the permission " + std::string(to_string(wanted)) + "; you have " +
              std::string(to_string(has))};
}

Caller caller_of(Access& access, std::string_view bearer) {
  std::optional<Caller> caller;
  try {
    if (!bearer.empty() || !access.is_on()) caller = access.who(bearer);
  } catch (const flowlens::IoError& e) {
    log::warning("auth", "a caller cannot be looked up", {{"reason", e.what()}});
    throw Problem{503,
                  "Users not readable",
                  "the store of users does not answer; try again in a moment",
                  {{"Retry-After", "5"}}};
  }
  if (!caller) {
    access.count_unauthenticated();
    throw unauthenticated(!bearer.empty());
  }
  return *caller;
}

/// Questions that come in a body, because they are long; whoever may read may ask them.
bool is_question(const Route& route) {
  return route.permission() == Permission::viewer && !route.pattern.starts_with("/api/v1/auth/");
}

/// What stood in the places of the template.
std::string target_of(const Request& request) {
  std::string text;
  for (const auto& [name, value] : request.path_parameters) {
    text += (text.empty() ? "" : " ") + value;
  }
  return one_line(text, kMaxTarget);
}

}  // namespace

std::string_view bearer_of(const Request& request) {
  std::string_view value = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  const auto is_same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  };
  if (value.size() < kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), value.begin(),
                                                   [&](char b, char a) { return is_same(a, b); })) {
    return {};
  }
  value.remove_prefix(kScheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

http::Guard make_guard(Access& access) {
  return [&access](Request& request, const Route& route) {
    const Permission wanted = route.permission();
    if (wanted == Permission::anonymous) return;
    request.caller = caller_of(access, bearer_of(request));
    if (request.caller.permission < wanted) {
      access.count_forbidden();
      throw forbidden(request.caller.permission, wanted);
    }
  };
}

http::Witness make_witness(AuditLog& audit, const Access& access) {
  return [&](const Request& request, const Route& route, const Response& response) {
    if (route.method == "GET" || route.permission() == Permission::anonymous) return;
    if (is_question(route)) return;
    if (request.caller.permission == Permission::anonymous) return;  // refused, and counted
    AuditEntry entry;
    entry.at = access.now();
    entry.user = request.caller.name;
    entry.address = request.peer.to_string();
    entry.action = route.method + " " + route.pattern;
    entry.method = route.method;
    entry.route = route.pattern;
    entry.target = target_of(request);
    entry.status = response.status;
    audit.record(std::move(entry));
  };
}

}  // namespace flowlensd
