/// \file
/// http: who says what a body says.
#pragma once

#include <string>

#include "http/body.hpp"

namespace flowlensd::http {

/// The user who has logged in; nobody speaks for others. Without log-in, member `by`, which must be there.
[[nodiscard]] inline std::string said_by(const Request& request, const Json& body) {
  const std::string& name = request.caller.name;
  if (name.empty()) return text_member(body, "by");
  if (body.contains("by") && text_member(body, "by") != name) {
    bad_body("by: you are logged in as " + name + "; leave it out");
  }
  return name;
}

/// The same where `by` may be absent: empty then.
[[nodiscard]] inline std::string said_by_anyone(const Request& request, const Json& body) {
  const bool is_told = !request.caller.name.empty() || body.contains("by");
  return is_told ? said_by(request, body) : std::string();
}

}  // namespace flowlensd::http
