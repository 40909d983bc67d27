// Single flows, from a real store.
#include <atomic>
#include <thread>

#include "pipeline/flow_archive.hpp"
#include "service_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kTime = "from=2026-11-21T12:00:00Z&to=2026-11-21T13:00:00Z";

/// Ten connections of one client to two servers, a minute apart from noon on.
struct Fixture : ServiceFixture {
  Fixture() {
    add_flow_routes(router, service);
    SqliteStoreOptions options;
    options.path = folder.path / "flows.db";
    std::vector<FlowRecord> flows;
    for (int n = 0; n < 10; ++n) {
      Flow f = tcp("10.0.0.1", static_cast<std::uint16_t>(40'000 + n),
                   n % 2 ? "10.0.0.8" : "10.0.0.9", 443);
      f.octets(1'000u * static_cast<unsigned>(n + 1)).came(kNoon + n * 1min);
      flows.push_back(f);
    }
    make_sqlite_flow_store(options, Epoch{1})->append(flows, 1);
    archive = std::make_unique<FlowArchive>([options] { return make_sqlite_flow_reader(options); },
                                            ReaderPoolOptions{});
    service.flow_archive = archive.get();
  }
  Answer flows(const std::string& query, unsigned status = 200) {
    return get("/api/v1/flows?" + std::string{kTime} + "&" + query, status);
  }

  flowlens::test::TemporaryFolder folder;
  std::unique_ptr<FlowArchive> archive;
};

}  // namespace

TEST_CASE("flows: who talked to whom, and when") {
  Fixture f;
  const auto all = f.flows("");
  REQUIRE(all["items"].size() == 10);
  CHECK(all["next_cursor"].is_null());
  const auto first = all["items"][0];
  CHECK(first["received"] == "2026-11-21T12:00:00Z");
  CHECK(first["source"]["address"] == "10.0.0.1");
  CHECK(first["source"]["port"] == 40'000);
  CHECK(first["destination"]["address"] == "10.0.0.9");
  CHECK(first["protocol"] == "tcp");
  CHECK(first["octets"] == 1'000);
  CHECK(f.flows("address=10.0.0.8")["items"].size() == 5);
  CHECK(f.flows("source=10.0.0.8")["items"].empty());
  CHECK(f.flows("destination=10.0.0.8/31&port=443&protocol=tcp")["items"].size() == 10);
  CHECK(f.flows("protocol=17")["items"].empty());
  CHECK(f.flows("exporter=192.0.2.1")["items"].size() == 10);
  CHECK(f.flows("port=40003")["items"].size() == 1);
  CHECK(f.flows("filter=bytes%20%3E%208k&address=10.0.0.8")["items"].size() == 1);
  CHECK(f.get("/api/v1/flows")["items"].empty());  // of the last hour
}

TEST_CASE("flows: page by page, with a filter too") {
  Fixture f;
  std::vector<unsigned> ports;
  std::string cursor;
  for (int page = 0; page < 10; ++page) {
    const auto answer = f.flows("limit=2&filter=dst%20ip%20%3D%2010.0.0.9" +
                                (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& item : answer["items"]) ports.push_back(item["source"]["port"]);
    if (answer["next_cursor"].is_null()) break;
    cursor = answer["next_cursor"];
  }
  CHECK(ports == std::vector<unsigned>{40'000, 40'002, 40'004, 40'006, 40'008});
}

TEST_CASE("flows: as CSV") {
  Fixture f;
  const Response r = f.send("GET", std::string{"/api/v1/flows?"} + kTime + "&format=csv&limit=1");
  CHECK(r.content_type == "text/csv; charset=utf-8");
  CHECK(r.body.find("received,start,end,exporter,source_address,") == 0);
  CHECK(r.body.find("\r\n2026-11-21T12:00:00Z,") != std::string::npos);
  CHECK(r.body.find(",192.0.2.1,10.0.0.1,40000,10.0.0.9,443,tcp,1000,10,1,") != std::string::npos);
  CHECK(std::any_of(r.headers.begin(), r.headers.end(),
                    [](const auto& h) { return h.first == "X-Next-Cursor"; }));
}

TEST_CASE("flows: sums over time and by what they have in common") {
  Fixture f;
  const auto ask = [&](const std::string& query) {
    return f.get("/api/v1/flows/statistics?" + std::string{kTime} + "&" + query);
  };
  const auto total = ask("");
  REQUIRE(total["items"].size() == 1);
  CHECK(total["items"][0]["flows"] == 10);
  CHECK(total["items"][0]["estimated_octets"] == 55'000);
  const auto servers = ask("group_by=destination")["items"];
  REQUIRE(servers.size() == 2);
  CHECK(servers[0]["destination"] == "10.0.0.8");
  CHECK(servers[0]["estimated_octets"] == 30'000);
  const auto steps = ask("step_seconds=300&group_by=protocol")["items"];
  REQUIRE(steps.size() == 2);
  CHECK(steps[1]["start"] == "2026-11-21T12:05:00Z");
  CHECK(steps[1]["protocol"] == "tcp");
  CHECK(steps[1]["flows"] == 5);
  CHECK(ask("group_by=port&limit=1")["is_cut"] == false);
  CHECK(ask("group_by=destination&limit=1")["is_cut"] == true);
}

TEST_CASE("flows: what is wrong is said") {
  Fixture f;
  for (const char* query :
       {"address=10.0.0.1/33", "exporter=me", "port=70000", "protocol=carrier-pigeon", "limit=0",
        "cursor=1", "cursor=1-", "cursor=-", "cursor=1-2x", "format=xml", "filter=nonsense",
        "from=yesterday", "from=2027-01-01T00:00:00Z"}) {
    CAPTURE(query);
    const std::string path = std::string{query}.starts_with("from")
                                 ? "/api/v1/flows?"
                                 : "/api/v1/flows?" + std::string{kTime} + "&";
    (void)f.get(path + query, 400);
  }
  (void)f.get("/api/v1/flows/statistics?group_by=colour", 400);
  f.service.flow_archive = nullptr;
  CHECK(f.flows("", 409)["detail"].get<std::string>().find("ingestion.routing.mode") !=
        std::string::npos);
}

TEST_CASE(
    "flows: a store in trouble is answered 503, without its name; one that is stuck holds one") {
  Fixture f;
  struct Away final : FlowReader {
    void scan(const FlowScan&,
              const std::function<bool(const FlowPosition&, const FlowRecord&)>&) override {
      asked = true;
      while (is_stuck) std::this_thread::yield();
      throw IoError("PostgreSQL database db.example.com:5432/map: gone");
    }
    std::vector<FlowSums> sum(const FlowScan&, const FlowSumming&) override { return {}; }
    std::atomic<bool> asked{false}, is_stuck{false};
  };
  auto reader = std::make_unique<Away>();
  Away& away = *reader;
  const FlowArchive archive{[&] { return std::move(reader); }, {1, 10ms, 0s}};
  f.service.flow_archive = &archive;
  const std::string said = f.flows("", 503)["detail"];
  CHECK(said.find("db.example.com") == std::string::npos);
  away.asked = false;
  away.is_stuck = true;
  std::thread first([&] {
    CHECK_THROWS_AS(archive.scan({}, [](const auto&, const auto&) { return true; }), IoError);
  });
  while (!away.asked) std::this_thread::yield();
  (void)f.flows("", 503);
  away.is_stuck = false;
  first.join();
}
