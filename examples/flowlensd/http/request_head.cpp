#include "http/request_head.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

namespace flowlensd::http {
namespace {

namespace bhttp = boost::beast::http;

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The host of a Host header without its port, brackets kept.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// On loopback without a log-in, a name that an outside page made point here (DNS rebinding) is the
/// one way in from a browser. Literal addresses cannot be rebound.
bool is_trusted_host(std::string_view host) {
  std::string_view name = host_name(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return flowlens::IpAddress::parse(name).has_value();
}

/// A proxy hands on the name that it is known by.
bool may_send_any_host(const flowlens::IpAddress& peer, const ServerOptions& options) {
  if (!options.address.is_loopback()) return true;
  return std::any_of(options.trusted_proxies.begin(), options.trusted_proxies.end(),
                     [&](const flowlens::IpPrefix& p) { return p.contains(peer); });
}

}  // namespace

flowlens::IpAddress peer_of(const tcp::socket& socket) {
  beast::error_code ignored;
  const auto address = socket.remote_endpoint(ignored).address();
  return flowlens::IpAddress::parse(address.to_string()).value_or(flowlens::IpAddress{});
}

std::optional<Response> objection(const bhttp::request_header<>& head,
                                  const flowlens::IpAddress& peer, const ServerOptions& options) {
  if (head.version() != 11 && head.version() != 10) {
    return problem(505, "HTTP version not supported", "use HTTP/1.1");
  }
  if (head.version() == 11 && head.count(bhttp::field::host) != 1) {
    return problem(400, "Bad request", "an HTTP/1.1 request has exactly one Host header");
  }
  const std::string host(head[bhttp::field::host]);
  if (!host.empty() && !is_trusted_host(host) && !may_send_any_host(peer, options)) {
    return problem(421, "Misdirected request",
                   "this server listens on loopback and answers for an address or localhost; `" +
                       host +
                       "` is neither; of a proxy, api.trusted_proxies must name the address");
  }
  if (beast::iequals(head[bhttp::field::expect], "100-continue")) {
    return problem(417, "Expectation failed", "send the body at once");
  }
  return std::nullopt;
}

std::uint64_t body_limit_of(std::string_view target, const ServerOptions& options) {
  const std::string_view path = target.substr(0, target.find('?'));
  const auto& large = options.large_paths;
  const bool is_large = std::find(large.begin(), large.end(), path) != large.end();
  return is_large ? options.max_large_body_octets : options.max_body_octets;
}

Response body_too_long(std::uint64_t limit) {
  return problem(413, "Content too large", "a body may have " + std::to_string(limit) + " octets");
}

std::optional<Response> refusal_of(beast::error_code error, const ServerOptions& options,
                                   std::uint64_t body_limit) {
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) {
    return problem(431, "Request header too large",
                   "the header may have " + std::to_string(options.max_header_octets) + " octets");
  }
  if (error == bhttp::error::body_limit) return body_too_long(body_limit);
  const bool is_syntax = error.category() == make_error_code(bhttp::error::bad_method).category();
  const bool is_end =
      error == bhttp::error::end_of_stream || error == bhttp::error::partial_message;
  if (!is_syntax || is_end) return std::nullopt;
  return problem(400, "Bad request", "the request is not HTTP/1.1: " + error.message());
}

Request request_of(const bhttp::request<bhttp::string_body>& message,
                   const flowlens::IpAddress& peer, bool is_encrypted) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), lower_case);
    // The last of two would be another one than a proxy before us has looked at: both are told.
    const auto [at, is_new] = request.headers.emplace(std::move(name), field.value());
    if (!is_new) at->second += ", " + std::string(field.value());
  }
  request.body = message.body();
  request.peer = peer;
  request.is_encrypted = is_encrypted;
  return request;
}

}  // namespace flowlensd::http
