#include "http/caching.hpp"

#include <utility>

namespace flowlensd::http {

namespace {

std::string etag_of(const Service& s, std::uint64_t revision, std::uint64_t said) {
  return "\"" + std::to_string(to_unix_ns(s.life.begun())) + "-" +
         std::to_string(s.writer.view().epoch) + "-" + std::to_string(revision) + "-" +
         std::to_string(said) + "\"";
}

}  // namespace

std::string etag_of(const Service& s) {
  const GraphCounters counters = s.graph.counters();
  return etag_of(s, counters.revision, counters.said);
}

std::string etag_of(const Service& s, std::uint64_t revision) {
  return etag_of(s, revision, s.graph.counters().said);
}

std::optional<Response> not_modified(const Request& request, const std::string& etag) {
  if (request.header("if-none-match").find(etag) == std::string_view::npos) return std::nullopt;
  Response r;
  r.status = 304;
  r.headers.emplace_back("ETag", etag);
  return r;
}

Response cached_text(std::string body, const std::string& etag) {
  Response r;
  r.body = std::move(body);
  r.headers.emplace_back("ETag", etag);
  r.headers.emplace_back("Cache-Control", "no-cache");
  return r;
}

Response cached_json(const Json& body, const std::string& etag) {
  return cached_text(text_of(body), etag);
}

}  // namespace flowlensd::http
