#include "http/answer.hpp"

namespace flowlensd::http {

Response fresh(const Json& body, unsigned status) {
  Response r;
  r.status = status;
  r.body = text_of(body);
  r.headers.emplace_back("Cache-Control", "no-cache");
  return r;
}

}  // namespace flowlensd::http
