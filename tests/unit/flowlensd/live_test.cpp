// What followers of the map are told, in which order, and what becomes of those who fall behind.
#include "http/live.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "support/flows.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

AssetRow asset(const std::string& name, std::string_view address) {
  AssetRow row;
  row.id = derive_id({}, name);
  row.name = name;
  row.endpoints.push_back({{{}, flowlens::testing::address(address)}, {}, {}, {}});
  return row;
}

struct Fixture {
  DependencyGraph graph;
  LiveOptions options;
  std::unique_ptr<LiveUpdates> live;
  std::uint64_t number = 10;

  void begin() {
    options.instance = "run1";
    options.revision = number;
    options.epoch = 3;
    live = std::make_unique<LiveUpdates>(options, graph.sites(), nullptr,
                                         [](const std::string& why) { FAIL(why); });
    live->start();
  }
  /// Waits until it is kept.
  void publish(std::vector<AssetRow> assets, std::vector<ChangeEvent> events = {}) {
    Revision revision;
    revision.number = ++number;
    revision.epoch = {3};
    revision.assets = std::move(assets);
    revision.events = std::move(events);
    const auto before = live->counters().updates;
    live->publish(revision);
    wait_for(before + 1);
  }
  void wait_for(std::uint64_t updates) const {
    while (live->counters().updates < updates) std::this_thread::sleep_for(1ms);
  }
};

LiveSubscription wish(const char* json) { return live_request(Json::parse(json)).subscription; }

Json next(Fixture& f, LivePosition& at, const LiveSubscription& wanted) {
  const LiveMessage message = f.live->next(at, wanted);
  return message.text ? Json::parse(*message.text) : Json();
}

}  // namespace

TEST_CASE("live: each revision is told once, in order, to all with the same words") {
  Fixture f;
  f.begin();
  const LiveSubscription wanted = wish(R"({"topics": ["assets"]})");
  LivePosition one = f.live->end(), two = f.live->end();
  CHECK(f.live->next(one, wanted).text == nullptr);
  f.publish({asset("a", "10.0.0.1")});
  f.publish({});
  const LiveMessage first = f.live->next(one, wanted);
  REQUIRE(first.text != nullptr);
  CHECK(first.text == f.live->next(two, wanted).text);  // shared, not made again
  const Json message = Json::parse(*first.text);
  CHECK(message["type"] == "revision");
  CHECK(message["revision"] == 11);
  CHECK(message["epoch"] == 3);
  CHECK(message["assets"]["changed"][0]["name"] == "a");
  CHECK(message["assets"]["count"] == 1);
  const Json second = next(f, one, wanted);
  CHECK(second["revision"] == 12);
  CHECK_FALSE(second.contains("assets"));
  CHECK(f.live->next(one, wanted).text == nullptr);
}

TEST_CASE("live: topics and filters choose what is told") {
  Fixture f;
  f.begin();
  LivePosition all = f.live->end(), some = f.live->end(), groups = f.live->end();
  ChangeEvent joined;
  joined.type = ChangeType::application_changed;
  ChangeEvent scan;
  scan.type = ChangeType::scan;
  f.publish({asset("web", "10.0.0.1"), asset("db", "10.0.0.2")}, {joined, scan});
  const Json everything =
      next(f, all, wish(R"({"topics": ["assets", "changes", "applications"]})"));
  CHECK(everything["assets"]["count"] == 2);
  CHECK(everything["changes"]["count"] == 2);
  CHECK(everything["applications"]["count"] == 1);
  const Json filtered = next(f, some, wish(R"({"topics": ["assets", "changes"],
                        "filters": {"assets": "name = db", "changes": "type = scan"}})"));
  CHECK(filtered["assets"]["count"] == 1);
  CHECK(filtered["assets"]["changed"][0]["name"] == "db");
  CHECK(filtered["changes"]["changed"][0]["type"] == "scan");
  CHECK_FALSE(next(f, groups, wish(R"({"topics": ["applications"]})")).contains("assets"));
}

TEST_CASE("live: alerts are told beside revisions, and again to who comes back") {
  Fixture f;
  f.begin();
  const LiveSubscription wanted = wish(R"({"topics": ["alerts"]})");
  LivePosition at = f.live->end();
  f.publish({});
  AlertChanges changes;
  changes.alerts.emplace_back();
  changes.removed.push_back(derive_id({}, "gone"));
  f.live->publish(changes);
  f.wait_for(2);
  CHECK(next(f, at, wanted)["type"] == "revision");
  const Json alerts = next(f, at, wanted);
  CHECK(alerts["type"] == "alerts");
  CHECK(alerts["revision"] == 11);
  CHECK(alerts["alerts"]["count"] == 2);
  LivePosition back = f.live->after(11, "run1");
  CHECK(next(f, back, wanted)["type"] == "alerts");
  LivePosition other = f.live->after(11, "run1");
  CHECK(next(f, other, wish(R"({"topics": ["assets"]})")).is_null());
}

TEST_CASE("live: who comes back goes on where it was, or is told to read the map anew") {
  Fixture f;
  f.options.max_updates = 3;
  f.begin();
  const LiveSubscription wanted = wish(R"({"topics": ["assets"]})");
  for (int i = 0; i < 5; ++i) f.publish({});  // 11 to 15, of which 13 to 15 are kept
  struct Case {
    const char* name;
    std::uint64_t revision;
    const char* instance;
    std::uint64_t want;  ///< 0: a notice
  };
  const Case cases[] = {{"the last", 14, "run1", 15},
                        {"the oldest that works", 12, "", 13},
                        {"too old", 11, "run1", 0},
                        {"of another run", 14, "run0", 0},
                        {"not yet there", 16, "run1", 0}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    LivePosition at = f.live->after(c.revision, c.instance);
    const Json message = next(f, at, wanted);
    CHECK(message["revision"] == (c.want == 0 ? 15 : c.want));
    CHECK(message["type"] == (c.want == 0 ? "snapshot_required" : "revision"));
    if (c.want == 0) CHECK(next(f, at, wanted).is_null());  // one notice, then what is new
  }
}

TEST_CASE("live: a slow client gets one notice, not a queue") {
  Fixture f;
  f.options.max_updates = 4;
  f.begin();
  const LiveSubscription wanted = wish(R"({"topics": ["assets"]})");
  LivePosition slow = f.live->end();
  for (int i = 0; i < 50; ++i) f.publish({asset("a", "10.0.0.1")});
  CHECK(next(f, slow, wanted)["type"] == "snapshot_required");
  CHECK(next(f, slow, wanted).is_null());
  f.publish({asset("b", "10.0.0.1")});
  CHECK(next(f, slow, wanted)["assets"]["changed"][0]["name"] == "b");
  const LiveCounters c = f.live->counters();
  CHECK(c.coalesced == 1);
  CHECK(c.kept_updates == 4);
}

TEST_CASE("live: a revision that alerts pushed out is the one to read the map anew at") {
  Fixture f;
  f.options.max_waiting = 2;
  f.begin();
  const LiveSubscription wanted = wish(R"({"topics": ["assets", "alerts"]})");
  f.publish({asset("a", "10.0.0.1")});
  LivePosition behind = f.live->after(10, "run1");
  f.live->stop();  // what comes now waits
  Revision revision;
  revision.number = ++f.number;
  revision.epoch = {3};
  revision.assets = {asset("b", "10.0.0.2")};
  f.live->publish(revision);
  for (int i = 0; i < 2; ++i) {
    AlertChanges changes;
    changes.alerts.resize(1);
    f.live->publish(changes);
  }
  f.live->start();
  f.wait_for(3);
  CHECK(f.live->revision() == 12);
  const Json told = next(f, behind, wanted);
  CHECK(told["type"] == "snapshot_required");
  CHECK(told["revision"] == 12);
  LivePosition before = f.live->after(11, "run1"), has_it = f.live->after(12, "run1");
  CHECK(next(f, before, wanted)["type"] == "snapshot_required");
  CHECK(next(f, has_it, wanted)["type"] != "snapshot_required");
}

TEST_CASE("live: what is kept and what is on its way is bounded in octets") {
  Fixture f;
  f.options.max_octets = 20'000;
  f.options.max_sending_octets = 10'000;
  f.begin();
  for (int i = 0; i < 50; ++i) f.publish({asset(std::string(2'000, 'x'), "10.0.0.1")});
  CHECK(f.live->counters().kept_octets <= 20'000);
  CHECK(f.live->counters().kept_updates >= 1);
  std::vector<LiveMessage> held;  // clients that take nothing, each with a wish of its own
  bool is_noticed = false;
  for (int i = 0; i < 30 && !is_noticed; ++i) {
    LivePosition from = f.live->after(f.number - 1, "");
    const std::string filter = "name != client" + std::to_string(i);
    held.push_back(f.live->next(
        from,
        wish((R"({"topics": ["assets"], "filters": {"assets": ")" + filter + "\"}}").c_str())));
    is_noticed = held.back().text->find("snapshot_required") != std::string::npos;
  }
  CHECK(is_noticed);
  CHECK(f.live->counters().sending_octets < 20'000);
}

TEST_CASE("live: too many rows are counted, not told") {
  Fixture f;
  f.options.max_rows = 3;
  f.options.max_told = 2;
  f.begin();
  const LiveSubscription wanted = wish(R"({"topics": ["assets"]})");
  const LiveSubscription one = wish(R"({"topics": ["assets"], "filters": {"assets": "name = a"}})");
  LivePosition at = f.live->end(), filtered = f.live->end();
  const std::vector<AssetRow> three{asset("a", "10.0.0.1"), asset("b", "10.0.0.2"),
                                    asset("c", "10.0.0.3")};
  f.publish(three);
  Json message = next(f, at, wanted);
  CHECK(message["assets"]["truncated"] == true);
  CHECK(message["assets"]["count"] == 3);
  CHECK(message["assets"]["changed"].empty());
  message = next(f, filtered, one);  // there are few enough of these
  CHECK(message["assets"]["truncated"] == false);
  CHECK(message["assets"]["count"] == 1);
  std::vector<AssetRow> four = three;
  four.push_back(asset("d", "10.0.0.4"));
  f.publish(four);
  CHECK(next(f, filtered, one)["assets"]["truncated"] == true);
  CHECK(f.live->counters().truncated == 1);
}

TEST_CASE("live: a wish that makes no sense is refused, and the message says why") {
  struct Case {
    const char* json;
    const char* why;
  };
  const Case cases[] = {
      {R"({"topics": ["asset"]})", "`asset` is none; there are assets, "},
      {R"({"topics": []})", "name some of"},
      {R"({"topics": "assets"})", "give an array"},
      {R"({"topics": ["assets"], "filters": {"assets": "nme = a"}})", "nme"},
      {R"({"topics": ["assets"], "filters": {"changes": "type = scan"}})", "not among the topics"},
      {R"({"topics": ["assets"], "resume_from": -1})", "whole number"},
      {R"({"topics": ["assets"], "depth": 2})", "`depth` is no member"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.json);
    try {
      static_cast<void>(live_request(Json::parse(c.json)));
      FAIL("taken");
    } catch (const Problem& p) {
      CHECK(p.status == 400);
      CHECK(p.detail.find(c.why) != std::string::npos);
    }
  }
}
