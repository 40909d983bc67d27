#include <algorithm>

#include "http/api.hpp"
#include "http/embedded.hpp"

namespace flowlensd::http {
namespace {

Response page(const EmbeddedFile& file, const Request& request) {
  Response r;
  r.headers.emplace_back("ETag", file.etag);
  r.headers.emplace_back("Cache-Control", "no-cache");
  if (request.header("if-none-match").find(file.etag) != std::string::npos) {
    r.status = 304;
    return r;
  }
  r.content_type = "text/html; charset=utf-8";
  r.body = std::string(file.text);
  // Everything is in the page: nothing may come from or go elsewhere.
  r.headers.emplace_back("Content-Security-Policy",
                         "default-src 'none'; script-src 'unsafe-inline'; style-src "
                         "'unsafe-inline'; connect-src 'self'; img-src data:; "
                         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  r.headers.emplace_back("Referrer-Policy", "no-referrer");
  return r;
}

void add(Router& router, const char* pattern, std::string_view name) {
  const auto files = embedded_files();
  const auto file = std::find_if(files.begin(), files.end(),
                                 [&](const EmbeddedFile& f) { return f.name == name; });
  router.add({pattern,
              [&file = *file](const Request& request) { return page(file, request); },
              {},
              "GET",
              Permission::anonymous});
}

}  // namespace

void add_page_routes(Router& router) {
  add(router, "/", "ui/index.html");
  add(router, "/docs", "ui/docs.html");
}

}  // namespace flowlensd::http
