// Gateways over HTTP, and the ways of a dependency.
#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture : ServiceFixture {
  Fixture() {
    service.gateways = &resolver.gateways();
    add_map_routes(router, service);
    add_gateway_routes(router, service);
    use("10.5.0.1", "10.1.0.9", 443, 0h);
    FlowParcel parcel;
    parcel.batch.flows = {over("10.1.0.9", "10.0.0.1"), over("10.1.0.9", "10.0.0.2"),
                          over("10.2.0.9", "10.0.0.2"), over("10.5.0.1", "0.0.0.0")};
    writer.add(parcel, kNoon + 31s);
    (void)resolver.finish(kNoon + 1h);
  }
  static FlowRecord over(const char* destination, const char* next_hop) {
    FlowRecord f = tcp("10.5.0.1", 40000, destination, 443).begun_by(Initiator::source);
    f.next_hop = address(next_hop);
    f.present |= static_cast<std::uint32_t>(FlowField::next_hop);
    return f;
  }
};

}  // namespace

TEST_CASE("gateways: each with the networks behind it, page by page") {
  Fixture f;
  const Answer all = f.get("/api/v1/gateways");
  REQUIRE(all["total"] == 3);
  CHECK(all["next_cursor"].is_null());
  const Answer& second = all["items"][1];
  CHECK(second["address"] == "10.0.0.2");
  CHECK(second["site"] == "default");
  CHECK(second["asset"].is_null());
  CHECK(second["is_used"] == true);
  CHECK(second["total_networks"] == 2);
  CHECK(second["networks"][0]["network"] == "10.1.0.0/24");
  CHECK(second["networks"][0]["exporter"] == "192.0.2.1");
  CHECK(second["networks"][0]["next_hop"] == "10.0.0.2");
  CHECK(second["networks"][0]["share"] == 0.5);
  CHECK(second["networks"][0]["directly_attached"] == false);
  CHECK(second["networks"][0]["last_seen"] == "2026-11-21T12:00:30Z");
  const Answer& exporter = all["items"][2];
  CHECK(exporter["address"] == "192.0.2.1");
  CHECK(exporter["networks"][0]["network"] == "10.5.0.0/24");
  CHECK(exporter["networks"][0]["directly_attached"] == true);
  CHECK(exporter["networks"][0]["next_hop"].is_null());

  const Answer page = f.get("/api/v1/gateways?page_size=2");
  CHECK(page["items"].size() == 2);
  const Answer next =
      f.get("/api/v1/gateways?page_size=2&cursor=" + page["next_cursor"].get<std::string>());
  CHECK(next["items"].size() == 1);
  CHECK(next["next_cursor"].is_null());
  CHECK(f.get("/api/v1/gateways?address=10.0.0.2")["total"] == 1);
  CHECK(f.get("/api/v1/gateways?address=10.9.0.2")["total"] == 0);
  CHECK(f.get("/api/v1/gateways?exporter=192.0.2.9")["total"] == 0);
  CHECK(f.get("/api/v1/gateways?address=router", 400)["detail"] ==
        "address: `router` is no IP address");
  CHECK(f.get("/api/v1/gateways?page_size=0", 400)["status"] == 400);
  CHECK(f.get("/api/v1/gateways?name=x", 400)["status"] == 400);
}

TEST_CASE("gateways: a gateway that is an asset has its name") {
  Fixture f;
  f.use("10.5.0.1", "10.0.0.2", 22, 1h);
  (void)f.resolver.finish(kNoon + 3h);
  CHECK(f.get("/api/v1/gateways?address=10.0.0.2")["items"][0]["asset"]["id"] == f.id("10.0.0.2"));
}

TEST_CASE("gateways: a dependency tells by which its observers reach either end") {
  Fixture f;
  const Answer list = f.get("/api/v1/dependencies?filter=server%2010.1.0.9");
  REQUIRE(list["total"] == 1);
  const Answer one = f.get("/api/v1/dependencies/" + list["items"][0]["id"].get<std::string>());
  REQUIRE(one["ways"].size() == 2);
  CHECK(one["ways"][0]["exporter"] == "192.0.2.1");
  CHECK(one["ways"][0]["to"] == "server");
  CHECK(one["ways"][0]["network"] == "10.1.0.0/24");
  CHECK(one["ways"][0]["next_hops"].size() == 2);
  CHECK(one["ways"][1]["to"] == "client");
  CHECK(one["ways"][1]["next_hops"][0]["directly_attached"] == true);
}
