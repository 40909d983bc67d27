#include "http/cors.hpp"

#include <algorithm>

#include "flowlens/error.hpp"

namespace flowlensd::http {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// What follows `https://`; empty if it is no origin.
std::string_view authority_of(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!origin.starts_with(scheme)) continue;
    const std::string_view rest = origin.substr(scheme.size());
    return rest.find_first_of("/?#@ *") == std::string_view::npos ? rest : std::string_view{};
  }
  return {};
}

[[noreturn]] void fail(const std::string& origin) {
  throw flowlens::ConfigError("API_CORS_ORIGINS: `" + origin +
                              "` is no origin; give https://host or https://host:port without a "
                              "path, with commas between, or * alone");
}

}  // namespace

Cors::Cors(std::string_view origins, bool has_log_in) {
  if (origins == "*") {
    allows_all_ = has_log_in;
    return;
  }
  while (true) {
    const std::size_t comma = origins.find(',');
    std::string origin = lower(origins.substr(0, comma));
    origin.erase(0, origin.find_first_not_of(' '));
    origin.erase(origin.find_last_not_of(' ') + 1);
    if (authority_of(origin).empty()) fail(origin);
    origins_.push_back(std::move(origin));
    if (comma == std::string_view::npos) return;
    origins.remove_prefix(comma + 1);
  }
}

bool Cors::allows(std::string_view origin) const {
  if (origin.empty()) return false;
  return allows_all_ ||
         std::find(origins_.begin(), origins_.end(), lower(origin)) != origins_.end();
}

std::optional<Response> Cors::preflight(const Request& request) const {
  const std::string_view origin = request.header("origin");
  if (request.method != "OPTIONS" || origin.empty() ||
      request.header("access-control-request-method").empty()) {
    return std::nullopt;
  }
  if (!allows(origin)) {
    return problem(403, "Origin not allowed",
                   "API_CORS_ORIGINS does not let pages of `" + std::string(origin) + "` in");
  }
  Response r;
  r.status = 204;
  add_headers(r, origin);
  r.headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  r.headers.emplace_back("Access-Control-Allow-Headers",
                         "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID");
  r.headers.emplace_back("Access-Control-Max-Age", "600");
  return r;
}

bool Cors::may_connect(const Request& request) const {
  const std::string_view origin = request.header("origin");
  if (origin.empty() || allows(origin)) return true;
  return authority_of(lower(origin)) == lower(request.header("host"));
}

void Cors::add_headers(Response& response, std::string_view origin) const {
  if (!allows_all_ && !origins_.empty()) response.headers.emplace_back("Vary", "Origin");
  if (!allows(origin)) return;
  // Never with Access-Control-Allow-Credentials: a page must bring a token, a browser adds none.
  response.headers.emplace_back("Access-Control-Allow-Origin",
                                allows_all_ ? "*" : std::string(origin));
  response.headers.emplace_back("Access-Control-Expose-Headers",
                                "ETag, Retry-After, RateLimit-Limit, RateLimit-Remaining, "
                                "RateLimit-Reset");
}

}  // namespace flowlensd::http
