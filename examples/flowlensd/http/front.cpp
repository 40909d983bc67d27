#include "http/front.hpp"

#include <string>
#include <utility>

#include "http/forwarded.hpp"
#include "http/gzip.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

/// Two answers of a header that lists names are one with a comma.
void join_vary(Response& response) {
  std::string names;
  std::erase_if(response.headers, [&](const auto& header) {
    if (header.first != "Vary") return false;
    names += (names.empty() ? "" : ", ") + header.second;
    return true;
  });
  if (!names.empty()) response.headers.emplace_back("Vary", names);
}

void take_token(Request& request) {
  if (!request.header("authorization").empty()) return;
  const std::string_view offered = request.header("sec-websocket-protocol");
  const std::size_t at = offered.find(kTokenProtocol);
  if (at == std::string_view::npos) return;
  const std::string_view rest = offered.substr(at + kTokenProtocol.size());
  request.headers["authorization"] =
      "Bearer " + std::string(rest.substr(0, rest.find_first_of(", ")));
}

/// What repeats what it was sent beside a secret may not be compressed: its length would tell (BREACH).
bool may_compress(const Request& request) {
  return !request.target.starts_with("/api/v1/auth") &&
         accepts_gzip(request.header("accept-encoding"));
}

}  // namespace

Front::Front(Cors cors, std::vector<flowlens::IpPrefix> trusted_proxies,
             std::function<Response(Request)> handle)
    : cors_(std::move(cors)),
      trusted_proxies_(std::move(trusted_proxies)),
      handle_(std::move(handle)) {}

Response Front::handle(Request request) const noexcept {
  try {
    return answer(std::move(request));
  } catch (const std::exception& e) {
    log::error("api", "a request failed", {{"reason", e.what()}});
    return problem(500, "Internal error", "the request failed; the log says why");
  }
}

Response Front::answer(Request request) const {
  request.is_encrypted = is_encrypted(request, trusted_proxies_);
  request.peer = client_of(request, trusted_proxies_);
  if (auto preflight = cors_.preflight(request)) return *preflight;
  const bool is_upgrade = !request.header("upgrade").empty();
  if (is_upgrade && !cors_.may_connect(request)) {
    return problem(403, "Origin not allowed",
                   "a page of another origin may not open a WebSocket here; API_CORS_ORIGINS could "
                   "name it");
  }
  if (is_upgrade) take_token(request);
  const bool has_gzip_etag = take_gzip_etags(request);
  const std::string origin(request.header("origin"));
  const bool is_gzip_wanted = may_compress(request);
  Response response = handle_(std::move(request));
  if (response.status == 304 && has_gzip_etag) name_gzip_etag(response);
  compress(response, is_gzip_wanted);
  cors_.add_headers(response, origin);
  join_vary(response);
  return response;
}

}  // namespace flowlensd::http
