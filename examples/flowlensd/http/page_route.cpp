#include "http/api.hpp"
#include "http/page.hpp"

namespace flowlensd::http {

void add_page_route(Router& router) {
  router.add({"/",
              [](const Request& request) {
                Response r;
                r.headers.emplace_back("ETag", std::string(kPageEtag));
                r.headers.emplace_back("Cache-Control", "no-cache");
                if (request.header("if-none-match").find(kPageEtag) != std::string::npos) {
                  r.status = 304;
                  return r;
                }
                r.content_type = "text/html; charset=utf-8";
                r.body = std::string(page_html());
                // Everything is in the page: nothing may come from or go elsewhere.
                r.headers.emplace_back(
                    "Content-Security-Policy",
                    "default-src 'none'; script-src 'unsafe-inline'; style-src "
                    "'unsafe-inline'; connect-src 'self'; img-src data:; "
                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
                r.headers.emplace_back("Referrer-Policy", "no-referrer");
                return r;
              },
              {},
              "GET",
              Permission::anonymous});
}

}  // namespace flowlensd::http
