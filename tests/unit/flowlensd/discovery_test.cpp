// Scans, of listeners that this test opens on loopback.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "discovery/found.hpp"
#include "discovery/scans.hpp"
#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

/// Listens on a free port of 127.0.0.1.
class Listening {
 public:
  Listening() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), length) == 0);
    REQUIRE(::listen(socket_, 16) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &length) == 0);
    port_ = ntohs(at.sin_port);
  }
  ~Listening() { close(); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

std::uint16_t closed_port() {
  Listening once;
  const std::uint16_t port = once.port();
  return port;
}

struct Fixture : ServiceFixture {
  Tasks tasks;
  Scans scans{tasks, [this](const Scan& scan) { tell_found(scan, resolver.graph()); }};
  Fixture() {
    service.scans = &scans;
    service.tasks = &tasks;
    add_discovery_routes(router, service);
    add_task_routes(router, service);
    add_map_routes(router, service);
  }
  ~Fixture() { tasks.stop(); }
  Answer ended(const std::string& id) {
    for (int i = 0; i < 500; ++i) {
      const Answer scan = get("/api/v1/discovery/scans/" + id);
      if (!scan["ended_at"].is_null()) return scan;
      std::this_thread::sleep_for(20ms);
    }
    FAIL("the scan does not end");
    return {};
  }
};

std::string order(const std::string& targets, std::uint16_t port, const char* more = "") {
  return R"({"targets": [")" + targets + R"("], "ports": [)" + std::to_string(port) + "]" + more +
         "}";
}

}  // namespace

TEST_CASE("scan: finds what listens, and nothing else") {
  Fixture f;
  Listening open;
  const std::uint16_t closed = closed_port();
  const Answer begun = f.post("/api/v1/discovery/scans",
                              R"({"targets": ["127.0.0.1/32", "127.0.0.1"], "ports": [)" +
                                  std::to_string(open.port()) + ", " + std::to_string(closed) +
                                  R"(], "by": "anna"})",
                              202);
  CHECK(begun["probes"] == 2);
  const Answer scan = f.ended(begun["id"]);
  CHECK(scan["state"] == "finished");
  CHECK(scan["done"] == 2);
  CHECK(scan["by"] == "anna");
  REQUIRE(scan["hosts"].size() == 1);
  CHECK(scan["hosts"][0]["address"] == "127.0.0.1");
  CHECK(scan["hosts"][0]["open_ports"] == Answer{open.port()});
  CHECK(scan["hosts"][0]["asset_id"].is_null());
  CHECK(f.get("/api/v1/assets")["total"] == 0);
  CHECK(f.get("/api/v1/discovery/scans")["total"] == 1);
  CHECK_FALSE(f.get("/api/v1/discovery/scans")["items"][0].contains("hosts"));
  // A scan is a task like others.
  const Answer task = f.get("/api/v1/tasks/" + begun["id"].get<std::string>());
  CHECK(task["kind"] == "scan");
  CHECK(task["state"] == "finished");
  CHECK(task["total"] == 2);
  CHECK(task["done"] == 2);
  CHECK(task["by"] == "anna");
}

TEST_CASE("scan: puts what it finds into the map where it is told to") {
  Fixture f;
  Listening open;
  const Answer begun =
      f.post("/api/v1/discovery/scans",
             order("127.0.0.0/30", open.port(), R"(, "declare": true, "names": true)"), 202);
  const Answer scan = f.ended(begun["id"]);
  REQUIRE(scan["hosts"].size() == 1);
  const Answer assets = f.get("/api/v1/assets?filter=tag%20=%20discovered");
  REQUIRE(assets["total"] == 1);
  CHECK(assets["items"][0]["id"] == scan["hosts"][0]["asset_id"]);
  CHECK(assets["items"][0]["name"] == scan["hosts"][0]["name"].get<std::string>());
}

TEST_CASE("scan: one that is cancelled ends") {
  Fixture f;
  // Two at once, each to be refused at once by loopback: 500 a second, so this takes 8 s.
  const Answer begun = f.post("/api/v1/discovery/scans", order("127.1.0.0/20", closed_port()), 202);
  const std::string path = "/api/v1/discovery/scans/" + begun["id"].get<std::string>();
  f.ask("DELETE", path, "");
  const Answer scan = f.ended(begun["id"]);
  CHECK(scan["state"] == "cancelled");
  CHECK(scan["done"] < 4'096);
  f.ask("DELETE", path, "", 409);
}

TEST_CASE("scan: too many wait") {
  Fixture f;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    Request request;
    request.method = "POST";
    request.target = "/api/v1/discovery/scans";
    request.headers["content-type"] = "application/json";
    request.body = order("127.1.0.0/20", 9);
    if (f.router.handle(request).status == 429) ++refused;
  }
  CHECK(refused >= 3);
  CHECK(refused <= 4);
}

TEST_CASE("scan: what is no order is refused") {
  Fixture f;
  for (const char* body :
       {R"({"targets": ["10.0.0.0/8"], "ports": [22]})", R"({"targets": [], "ports": [22]})",
        R"({"targets": ["10.0.0.1"]})", R"({"targets": ["10.0.0.1"], "ports": [0]})",
        R"({"targets": ["10.0.0.1"], "ports": [70000]})", R"({"targets": ["x"], "ports": [22]})",
        R"({"targets": ["224.0.0.1"], "ports": [22]})",
        R"({"targets": ["0.0.0.0"], "ports": [22]})",
        R"({"targets": ["10.0.0.1"], "ports": [22], "echo": 1})", R"({"ports": [22]})",
        R"({"targets": ["::/0"], "ports": [22]})"}) {
    CAPTURE(body);
    f.post("/api/v1/discovery/scans", body, 400);
  }
  f.get("/api/v1/discovery/scans/00000000-0000-4000-8000-000000000000", 404);
  for (const Route* route : f.router.routes()) {
    if (route->pattern.starts_with("/api/v1/discovery") && route->method != "GET") {
      CHECK(route->permission() == Permission::admin);
    }
  }
}
