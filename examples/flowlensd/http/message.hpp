/// \file
/// http: requests and responses as the handlers see them; no HTTP library shows through.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowlensd::http {

struct Request {
  std::string method;  ///< HEAD arrives as GET
  std::string target;  ///< as sent
  std::string if_none_match;
  std::string content_type;
  std::string body;

  // Filled in by the router.
  std::map<std::string, std::string> path_parameters;
  std::map<std::string, std::string> query;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string route;  ///< the template of the route that answered, for metrics
};

/// An answer of RFC 9457, `application/problem+json`.
/// \param detail  what was wrong, where, and what would be right.
[[nodiscard]] Response problem(unsigned status, std::string_view title, std::string_view detail);

/// Thrown by handlers, answered as problem().
struct Problem {
  unsigned status;
  std::string title;
  std::string detail;
};

}  // namespace flowlensd::http
