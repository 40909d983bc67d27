// What is done to requests before the router, and to answers after it.
#include "http/front.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

#include "flowlens/error.hpp"
#include "http/forwarded.hpp"
#include "http/gzip.hpp"
#include "http/input_checks.hpp"

using namespace flowlensd::http;
using flowlens::IpAddress;

namespace {

Request request(std::map<std::string, std::string> headers, const char* peer = "192.0.2.9") {
  Request r;
  r.method = "GET";
  r.target = "/api/v1/assets";
  r.headers = std::move(headers);
  r.peer = IpAddress::parse(peer).value();
  return r;
}

std::string all_of(const Response& r, std::string_view name) {
  std::string out;
  for (const auto& [key, value] : r.headers) {
    if (key == name) out += (out.empty() ? "" : " | ") + value;
  }
  return out;
}

std::string gunzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string in = text, out(1u << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

struct Handled {
  Request seen;
  Response answer;
};

Response through(const Front& front, Request r) { return front.handle(std::move(r)); }

Front front_to(Handled& handled, const char* origins = "https://a.example, http://b.example:8080",
               bool has_log_in = true, const char* proxies = "") {
  return Front(Cors(origins, has_log_in), parse_trusted_proxies(proxies), [&handled](Request r) {
    handled.seen = std::move(r);
    return handled.answer;
  });
}

}  // namespace

TEST_CASE("front: whom a proxy speaks for, and who may say so") {
  struct Case {
    const char* name;
    std::map<std::string, std::string> headers;
    const char* peer;
    const char* want;
  };
  const Case cases[] = {
      {"nobody is believed", {{"x-forwarded-for", "203.0.113.7"}}, "192.0.2.9", "192.0.2.9"},
      {"the proxy is", {{"x-forwarded-for", "203.0.113.7"}}, "10.0.0.1", "203.0.113.7"},
      {"the last one counts",
       {{"x-forwarded-for", "1.1.1.1, 203.0.113.7"}},
       "10.0.0.1",
       "203.0.113.7"},
      {"through two proxies",
       {{"x-forwarded-for", "1.1.1.1, 203.0.113.7, 10.0.0.2"}},
       "10.0.0.1",
       "203.0.113.7"},
      {"all are proxies", {{"x-forwarded-for", "10.0.0.3, 10.0.0.2"}}, "10.0.0.1", "10.0.0.3"},
      {"nonsense", {{"x-forwarded-for", "203.0.113.7, unknown"}}, "10.0.0.1", "10.0.0.1"},
      {"with a port", {{"x-forwarded-for", "203.0.113.7:4711"}}, "10.0.0.1", "203.0.113.7"},
      {"RFC 7239",
       {{"forwarded", "for=\"[2001:db8::7]:80\";proto=https, for=10.0.0.2"}},
       "10.0.0.1",
       "2001:db8::7"},
      {"RFC 7239 is stronger",
       {{"forwarded", "For=203.0.113.8"}, {"x-forwarded-for", "1.1.1.1"}},
       "10.0.0.1",
       "203.0.113.8"},
      {"RFC 7239, hidden", {{"forwarded", "for=203.0.113.8, for=_hidden"}}, "10.0.0.1", "10.0.0.1"},
      {"nothing is said", {}, "10.0.0.1", "10.0.0.1"},
  };
  const auto trusted = parse_trusted_proxies("10.0.0.0/24, 2001:db8:1::/48");
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(client_of(request(c.headers, c.peer), trusted).to_string() == c.want);
  }
  CHECK_THROWS_AS(parse_trusted_proxies("10.0.0.0/33"), flowlens::ConfigError);
  CHECK(parse_trusted_proxies("").empty());
}

TEST_CASE("front: whether the client spoke TLS, by us or by a proxy that is trusted") {
  const auto trusted = parse_trusted_proxies("10.0.0.0/24");
  const auto said = [&](std::map<std::string, std::string> headers, const char* peer) {
    return is_encrypted(request(std::move(headers), peer), trusted);
  };
  CHECK(said({{"x-forwarded-proto", "https"}}, "10.0.0.1"));
  CHECK(said({{"forwarded", "for=203.0.113.8;Proto=HTTPS"}}, "10.0.0.1"));
  CHECK_FALSE(said({{"x-forwarded-proto", "https"}}, "203.0.113.7"));
  CHECK_FALSE(said({{"x-forwarded-proto", "https, http"}}, "10.0.0.1"));
  CHECK_FALSE(said({{"forwarded", "for=203.0.113.8"}, {"x-forwarded-proto", "https"}}, "10.0.0.1"));
  CHECK_FALSE(said({}, "10.0.0.1"));
  Request direct = request({}, "203.0.113.7");
  direct.is_encrypted = true;
  CHECK(is_encrypted(direct, trusted));
}

TEST_CASE("front: pages of other origins") {
  struct Case {
    const char* name;
    const char* origins;
    bool has_log_in;
    const char* origin;
    const char* allowed;  ///< Access-Control-Allow-Origin
  };
  const Case cases[] = {
      {"named", "https://a.example,http://b.example:8080", true, "http://b.example:8080",
       "http://b.example:8080"},
      {"not named", "https://a.example", true, "https://evil.example", ""},
      {"another scheme", "https://a.example", true, "http://a.example", ""},
      {"a longer name", "https://a.example", true, "https://a.example.evil.example", ""},
      {"all, with a log-in", "*", true, "https://evil.example", "*"},
      {"all, without one", "*", false, "https://evil.example", ""},
      {"named, without one", "https://a.example", false, "https://a.example", "https://a.example"},
      {"null", "https://a.example", true, "null", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Handled handled;
    const Front front = front_to(handled, c.origins, c.has_log_in);
    const Response plain = through(front, request({{"origin", c.origin}}));
    CHECK(all_of(plain, "Access-Control-Allow-Origin") == c.allowed);
    CHECK(all_of(plain, "Access-Control-Allow-Credentials").empty());
    CHECK(all_of(plain, "Vary") == (std::string(c.origins) == "*" ? "" : "Origin"));
    Request ask = request({{"origin", c.origin}, {"access-control-request-method", "PATCH"}});
    ask.method = "OPTIONS";
    const Response preflight = through(front, ask);
    CHECK(preflight.status == (*c.allowed ? 204 : 403));
    CHECK(all_of(preflight, "Access-Control-Allow-Origin") == c.allowed);
    const Response socket = through(
        front, request({{"origin", c.origin}, {"upgrade", "websocket"}, {"host", "f.example"}}));
    CHECK(socket.status == (*c.allowed ? 200 : 403));
  }
  for (const char* bad :
       {"a.example", "https://a.example/path", "https://", "*,https://a.example"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Cors(bad, true), flowlens::ConfigError);
  }
}

TEST_CASE("front: a WebSocket of our own page, and its token") {
  Handled handled;
  const Front front = front_to(handled);
  Request r = request({{"origin", "http://f.example:8000"},
                       {"host", "F.example:8000"},
                       {"upgrade", "websocket"},
                       {"sec-websocket-protocol", "flowlens.v1, flowlens.token.aa.bb-cc_dd"}});
  CHECK(through(front, r).status == 200);
  CHECK(handled.seen.header("authorization") == "Bearer aa.bb-cc_dd");
  r.headers["authorization"] = "Bearer other";  // what is said outright is stronger
  static_cast<void>(through(front, r));
  CHECK(handled.seen.header("authorization") == "Bearer other");
  r.headers.erase("upgrade");
  r.headers.erase("authorization");
  static_cast<void>(through(front, r));
  CHECK(handled.seen.header("authorization").empty());
}

TEST_CASE("front: long texts are compressed for who can read that, and ETags tell them apart") {
  Handled handled;
  handled.answer.body = std::string(5'000, 'x');
  handled.answer.headers = {{"ETag", "\"7\""}};
  const Front front = front_to(handled, "*", true);
  Response r = through(front, request({{"accept-encoding", "br, gzip;q=0.5"}}));
  CHECK(all_of(r, "Content-Encoding") == "gzip");
  CHECK(all_of(r, "Vary") == "Accept-Encoding");
  CHECK(all_of(r, "ETag") == "\"7-gzip\"");
  CHECK(gunzip(r.body) == handled.answer.body);
  r = through(front, request({}));
  CHECK(all_of(r, "Content-Encoding").empty());
  CHECK(all_of(r, "Vary") == "Accept-Encoding");
  CHECK(all_of(r, "ETag") == "\"7\"");

  handled.answer.status = 304;
  handled.answer.body.clear();
  r = through(front, request({{"accept-encoding", "gzip"}, {"if-none-match", "\"7-gzip\""}}));
  CHECK(handled.seen.header("if-none-match") == "\"7\"");
  CHECK(all_of(r, "ETag") == "\"7-gzip\"");
  handled.answer.status = 200;
  static_cast<void>(through(front, request({{"if-match", "\"a\", \"7-gzip\""}})));
  CHECK(handled.seen.header("if-match") == "\"a\", \"7\"");

  struct Case {
    const char* name;
    std::size_t size;
    const char* type;
    const char* target;
    const char* accept;
  };
  const Case untouched[] = {
      {"short", 1'000, "application/json", "/api/v1/assets", "gzip"},
      {"an image", 5'000, "image/png", "/api/v1/assets", "gzip"},
      {"beside a secret", 5'000, "application/json", "/api/v1/auth/login", "gzip"},
      {"refused", 5'000, "application/json", "/api/v1/assets", "gzip;q=0"},
      {"another", 5'000, "application/json", "/api/v1/assets", "br"},
  };
  for (const Case& c : untouched) {
    CAPTURE(c.name);
    handled.answer.body = std::string(c.size, 'x');
    handled.answer.content_type = c.type;
    Request ask = request({{"accept-encoding", c.accept}});
    ask.target = c.target;
    CHECK(all_of(through(front, ask), "Content-Encoding").empty());
  }
}

TEST_CASE("input checks: UTF-8 and depth") {
  struct Case {
    const char* text;
    bool is_good;
  };
  const Case cases[] = {
      {"plain", true},         {"\xc3\xbc", true},          {"\xf0\x9f\x98\x80", true},
      {"\xff", false},         {"\xc0\xaf", false},         {"\xe0\x80\xaf", false},
      {"\xed\xa0\x80", false}, {"\xf4\x90\x80\x80", false}, {"\xe2\x82", false},
      {"a\x80", false}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(is_utf8(c.text) == c.is_good);
  }
  CHECK_FALSE(is_deeper(std::string(64, '[')));
  CHECK(is_deeper(std::string(65, '[')));
  CHECK_FALSE(is_deeper("\"" + std::string(1'000, '[') + "\""));
  CHECK(is_deeper("\"\\\"\"" + std::string(65, '{')));
  CHECK_FALSE(is_deeper("[[]]", 2));
}
