#include "http/auth_rows.hpp"

#include <utility>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

Json time_json(const std::optional<Timestamp>& time) {
  return time ? Json(to_string(*time)) : Json(nullptr);
}

}  // namespace

Json user_json(const User& user) {
  return {{"id", user.id.to_string()},
          {"name", user.name},
          {"permission", to_string(user.permission)},
          {"is_active", user.is_active},
          {"created", to_string(user.created)},
          {"password_changed", to_string(user.password_changed)},
          {"last_login", time_json(user.last_login)}};
}

Json session_json(const Session& session, const Id& own) {
  return {{"id", session.id.to_string()},
          {"user_id", session.user.to_string()},
          {"is_this", session.id == own},
          {"created", to_string(session.created)},
          {"last_used", to_string(session.last_used)},
          {"expires", to_string(session.expires)},
          {"address", session.address},
          {"agent", session.agent}};
}

Json token_json(const ApiToken& token) {
  return {{"id", token.id.to_string()},
          {"user_id", token.user.to_string()},
          {"name", token.name},
          {"scope", to_string(token.scope)},
          {"created", to_string(token.created)},
          {"expires", to_string(token.expires)},
          {"last_used", time_json(token.last_used)}};
}

Json audit_json(const AuditEntry& entry) {
  return {{"sequence", entry.sequence}, {"at", to_string(entry.at)}, {"user", entry.user},
          {"address", entry.address},   {"action", entry.action},    {"method", entry.method},
          {"route", entry.route},       {"target", entry.target},    {"status", entry.status}};
}

Handler with_users(Handler handler) {
  return [handler = std::move(handler)](const Request& request) {
    try {
      Response response = handler(request);
      for (auto& [name, value] : response.headers) {
        if (name == "Cache-Control") value = "no-store";
      }
      return response;
    } catch (const flowlens::IoError& e) {
      log::warning("auth", "the store of users does not answer", {{"reason", e.what()}});
      throw Problem{503,
                    "Users not readable",
                    "the store of users does not answer; try again in a moment",
                    {{"Retry-After", "5"}}};
    }
  };
}

}  // namespace flowlensd::http
