/// \file
/// http: requests and responses as the handlers see them; no HTTP library shows through.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlensd::http {

/// What a caller may do; each may do what those before it may.
enum class Permission : std::uint8_t { anonymous, viewer, analyst, admin };

/// Who asks.
struct Caller {
  std::string name;  ///< of the user; empty: nobody has said who they are
  Permission permission = Permission::anonymous;
  flowlens::Id user{};     ///< none: nobody, or there is no log-in
  flowlens::Id session{};  ///< of the log-in; none for an API token
};

struct Request {
  std::string method;                          ///< HEAD arrives as GET
  std::string target;                          ///< as sent
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  flowlens::IpAddress peer;   ///< who asks; behind a trusted proxy, whom that names
  bool is_encrypted = false;  ///< by TLS, up to us or to a proxy that is trusted
  /// A connection of live updates is still open: may it be? Counts for no limit.
  bool is_asked_again = false;

  /// Wanted on the answer, whatever it is; by the guard.
  std::vector<std::pair<std::string, std::string>> answer_headers;

  // Filled in by the router.
  std::map<std::string, std::string> path_parameters;
  std::map<std::string, std::string> query;
  Caller caller;
  /// What views show of the dependencies, in the filter language; empty: all.
  std::string shown_dependencies;

  /// \param name  in lower case. \return empty if there is none.
  [[nodiscard]] std::string_view header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string_view{} : at->second;
  }
};

struct LiveRequest;

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string route;  ///< the template of the route that answered, for metrics
  /// Not null: no body, but the connection becomes one of live updates. shared_ptr: answers are
  /// copied for metrics.
  std::shared_ptr<const LiveRequest> live;
};

/// An answer of RFC 9457, `application/problem+json`.
/// \param detail  what was wrong, where, and what would be right.
[[nodiscard]] Response problem(unsigned status, std::string_view title, std::string_view detail);

/// Thrown by handlers, answered as problem().
struct Problem {
  unsigned status;
  std::string title;
  std::string detail;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< of the answer
};

}  // namespace flowlensd::http
