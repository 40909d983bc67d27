// Traffic over time, from a real store.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "service_fixture.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Three windows of the one dependency, from noon on.
struct Fixture : ServiceFixture {
  Fixture() {
    std::filesystem::create_directory(folder);
    add_traffic_routes(router, service);
    add_map_routes(router, service);
    use("10.0.0.1", "10.0.0.9", 443, 0h);
    (void)resolver.finish(kNoon + 1h);
    id = get("/api/v1/dependencies")["items"][0]["id"].get<std::string>();

    SqliteStoreOptions options;
    options.path = folder / "flowlens.db";
    const auto store = make_sqlite_store(options);
    Revision revision;
    revision.epoch = store->open().epoch;
    revision.number = 1;
    for (const std::uint64_t n : {1, 2, 4}) {
      TrafficCounts counts;
      counts.flows = n;
      counts.octets_to_server = 10 * n;
      revision.windows.push_back({kNoon + 20min * n, *Id::parse(id), counts});
    }
    store->apply(revision);
    while (store->expire({}, kNoon + 48h)) {
    }
    archive = std::make_unique<TrafficArchive>(
        [options] { return make_sqlite_traffic_reader(options); }, ReaderPoolOptions{});
    service.traffic = archive.get();
  }
  ~Fixture() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  [[nodiscard]] std::string path(const std::string& query = {}) const {
    return "/api/v1/dependencies/" + id + "/traffic" + query;
  }

  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("flowlens-traffic-" + std::to_string(::getpid()));
  std::string id;
  std::unique_ptr<TrafficArchive> archive;
};

}  // namespace

TEST_CASE("traffic: window by window, by hour, by day") {
  Fixture f;
  const auto windows = f.get(f.path())["items"];
  REQUIRE(windows.size() == 3);
  CHECK(windows[0]["start"] == "2026-11-21T12:20:00Z");
  CHECK(windows[2]["flows"] == 4);
  CHECK(windows[2]["octets_to_server"] == 40);
  const auto hours = f.get(f.path("?step=hour"))["items"];
  REQUIRE(hours.size() == 2);
  CHECK(hours[0]["start"] == "2026-11-21T12:00:00Z");
  CHECK(hours[0]["flows"] == 3);
  CHECK(hours[1]["start"] == "2026-11-21T13:00:00Z");
  CHECK(hours[1]["flows"] == 4);
  const auto days = f.get(f.path("?step=day"))["items"];
  REQUIRE(days.size() == 1);
  CHECK(days[0]["flows"] == 7);
}

TEST_CASE("traffic: page by page, within a time") {
  Fixture f;
  const auto first = f.get(f.path("?limit=2"));
  CHECK(first["items"].size() == 2);
  CHECK(first["next_from"] == "2026-11-21T13:20:00Z");
  const auto second = f.get(f.path("?limit=2&from=" + first["next_from"].get<std::string>()));
  CHECK(second["items"].size() == 1);
  CHECK(second["next_from"].is_null());
  CHECK(f.get(f.path("?from=2026-11-21T12:30:00Z&to=2026-11-21T13:20:00Z"))["items"].size() == 1);
}

TEST_CASE("traffic: what is wrong is said") {
  Fixture f;
  CHECK(f.get(f.path("?step=year"), 400)["detail"] == "step: `year` is not window, hour or day");
  CHECK(f.get(f.path("?from=yesterday"), 400)["status"] == 400);
  CHECK(f.get(f.path("?limit=0"), 400)["status"] == 400);
  (void)f.get("/api/v1/dependencies/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/traffic", 404);
  struct Away final : TrafficReader {
    void scan(const WindowScan&, const std::function<bool(const WindowRow&)>&) override {
      throw IoError("PostgreSQL database db.example.com:5432/map: gone");
    }
  };
  const TrafficArchive away{[] { return std::make_unique<Away>(); }, {}};
  f.service.traffic = &away;
  const std::string said = f.get(f.path(), 503)["detail"];
  CHECK(said.find("db.example.com") == std::string::npos);
  f.service.traffic = nullptr;
  CHECK(f.get(f.path(), 409)["status"] == 409);
}

TEST_CASE("traffic: a store that does not answer holds up as many as there are readers, not all") {
  struct Stuck final : TrafficReader {
    explicit Stuck(std::atomic<int>& a, const std::atomic<bool>& r) : asked(a), released(r) {}
    void scan(const WindowScan&, const std::function<bool(const WindowRow&)>&) override {
      ++asked;
      while (!released) std::this_thread::yield();
    }
    std::atomic<int>& asked;
    const std::atomic<bool>& released;
  };
  std::atomic<int> asked{0}, made{0};
  std::atomic<bool> released{false};
  const auto make = [&] {
    ++made;
    return std::make_unique<Stuck>(asked, released);
  };
  const TrafficArchive archive{make, {2, 10ms, 0s}};
  std::vector<std::thread> held;
  for (int i = 0; i < 2; ++i) held.emplace_back([&] { (void)archive.rows({}, 1); });
  while (asked < 2) std::this_thread::yield();
  CHECK_THROWS_AS((void)archive.rows({}, 1), IoError);
  released = true;
  for (std::thread& t : held) t.join();
  CHECK(archive.rows({}, 1).empty());
  CHECK(made == 2);
}

TEST_CASE("traffic: a reader that is old enough is made anew") {
  struct Empty final : TrafficReader {
    void scan(const WindowScan&, const std::function<bool(const WindowRow&)>&) override {}
  };
  int made = 0;
  const auto make = [&] {
    ++made;
    return std::make_unique<Empty>();
  };
  const TrafficArchive archive{make, {1, 10ms, 1s}};
  (void)archive.rows({}, 1);
  (void)archive.rows({}, 1);
  CHECK(made == 1);
  std::this_thread::sleep_for(1'100ms);
  (void)archive.rows({}, 1);  // given back, it goes
  (void)archive.rows({}, 1);
  CHECK(made == 2);
}
