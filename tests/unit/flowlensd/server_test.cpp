#include <doctest/doctest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "http/server.hpp"

using namespace flowlensd::http;

namespace {

namespace asio = boost::asio;

Server make_server(std::size_t max_connections = 16) {
  ServerOptions options;
  options.address = flowlens::IpAddress::v4(0x7f000001);
  options.port = 0;
  options.max_connections = max_connections;
  options.read_time = std::chrono::seconds{1};
  return Server(options,
                [](const Request& r) {
                  Response out;
                  out.content_type = "text/plain";
                  out.body = r.method + " " + r.target + " " + std::to_string(r.body.size());
                  return out;
                },
                {});
}

/// Sends `text` as it is and reads until the server closes.
std::string talk(const Server& server, const std::string& text) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), server.port()});
  boost::system::error_code error;
  asio::write(socket, asio::buffer(text), error);
  std::string answer;
  asio::read(socket, asio::dynamic_buffer(answer), error);
  return answer;
}

std::string status_of(const std::string& answer) { return answer.substr(0, 12); }

}  // namespace

TEST_CASE("server: hostile requests get the right answer, and the next one is served") {
  const std::string host = "Host: 127.0.0.1\r\n";
  const std::string close = "Connection: close\r\n";
  struct Case {
    const char* name;
    std::string request;
    const char* status;
  };
  const Case cases[] = {
      {"plain", "GET /a HTTP/1.1\r\n" + host + close + "\r\n", "HTTP/1.1 200"},
      {"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "HTTP/1.1 200"},
      {"no Host", "GET /a HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
      {"two Hosts", "GET /a HTTP/1.1\r\n" + host + "Host: b\r\n\r\n", "HTTP/1.1 400"},
      {"a name rebound to loopback", "GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n",
       "HTTP/1.1 421"},
      {"giant header", "GET /a HTTP/1.1\r\n" + host + "X: " + std::string(9'000, 'x') + "\r\n\r\n",
       "HTTP/1.1 431"},
      {"giant target", "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n",
       "HTTP/1.1 431"},
      {"giant body", "POST /a HTTP/1.1\r\n" + host + "Content-Length: 70000\r\n\r\n",
       "HTTP/1.1 413"},
      {"giant chunk",
       "POST /a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
       "HTTP/1.1 413"},
      {"two lengths",
       "POST /a HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       "HTTP/1.1 400"},
      {"length and chunks",
       "POST /a HTTP/1.1\r\n" + host +
           "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400"},
      {"space before the colon", "GET /a HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", "HTTP/1.1 400"},
      {"bare CR in a header", "GET /a HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n", "HTTP/1.1 400"},
      {"folded header", "GET /a HTTP/1.1\r\n" + host + "X: a\r\n b\r\nConnection: close\r\n\r\n",
       "HTTP/1.1 200"},
      {"no HTTP", "\x16\x03\x01\x02junk\r\n\r\n", "HTTP/1.1 400"},
      {"a later HTTP", "PRI * HTTP/2.0\r\n\r\n", "HTTP/1.1 "},
  };
  Server server = make_server();
  server.start();
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string answer = talk(server, c.request);
    CAPTURE(answer);
    CHECK(answer.starts_with(c.status));
    CHECK(status_of(talk(server, cases[0].request)) == "HTTP/1.1 200");
  }
}

TEST_CASE("server: requests sent ahead are answered in their order") {
  Server server = make_server();
  server.start();
  std::string requests;
  for (int i = 0; i < 5; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost:1\r\n" +
                (i == 4 ? "Connection: close\r\n" : "") + "\r\n";
  }
  const std::string answer = talk(server, requests);
  std::size_t at = 0;
  for (int i = 0; i < 5; ++i) {
    at = answer.find("GET /" + std::to_string(i) + " 0", at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("server: HEAD gives the length and no body") {
  Server server = make_server();
  server.start();
  const std::string answer =
      talk(server, "HEAD /a HTTP/1.1\r\nHost: [::1]:8\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("Content-Length: 8\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("server: one that says nothing is sent away, and too many are told so") {
  Server server = make_server(1);
  server.start();
  asio::io_context io;
  asio::ip::tcp::socket silent(io);
  silent.connect({asio::ip::address_v4::loopback(), server.port()});
  while (server.counters().connections < 1)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  CHECK(status_of(talk(server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")) == "HTTP/1.1 503");
  std::string nothing;
  boost::system::error_code error;
  asio::read(silent, asio::dynamic_buffer(nothing), error);  // ends by the server's time-out
  CHECK(nothing.empty());
  CHECK(server.counters().refused == 1);
}
