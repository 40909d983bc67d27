// The description of the API itself.
#include "http/api.hpp"
#include "http/openapi.hpp"

namespace flowlensd::http {

void add_openapi_routes(Router& router) {
  const std::string text = text_of(openapi_document());
  const std::string etag =
      "\"" + flowlens::derive_id(flowlens::Id{}, text).to_string() + "\"";  // a hash of it
  router.add({"/openapi.json",
              [text, etag](const Request& request) {
                Response r;
                r.headers.emplace_back("ETag", etag);
                r.headers.emplace_back("Cache-Control", "no-cache");
                if (request.header("if-none-match").find(etag) != std::string::npos) {
                  r.status = 304;
                } else {
                  r.body = text;
                }
                return r;
              },
              {},
              "GET",
              Permission::anonymous});
}

}  // namespace flowlensd::http
