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

}  // namespace flowlensd::http
