// Alerts by moving time: what raises, counts, clears, reopens, suppresses and releases them.
#include <doctest/doctest.h>

#include "flowlens/error.hpp"
#include "support/alerts.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  AlertEngine engine;

  Fixture(std::initializer_list<const char*> rules) : Fixture(AlertEngineOptions{}, rules) {}
  Fixture(AlertEngineOptions o, std::initializer_list<const char*> rules) : engine(std::move(o)) {
    for (const char* rule : rules) REQUIRE(engine.put(rule_of(rule)));
  }
  /// At the time of the event.
  std::vector<AlertNotice> tell(const NotedEvent& event) { return tell(event, event.event.at); }
  std::vector<AlertNotice> tell(const NotedEvent& event, Timestamp now) {
    return engine.take({&event, 1}, now);
  }
  std::vector<Alert> list(const char* filter = "") const {
    FilterError error;
    AlertQuery query;
    query.filter = Filter<Alert>::compile(filter, alert_fields(), Timestamp{}, error);
    REQUIRE(query.filter);
    query.order = AlertOrder::opened;
    query.limit = 100'000;
    return engine.alerts(query).rows;
  }
  Alert only() const {
    const auto all = list();
    REQUIRE(all.size() == 1);
    return all[0];
  }
};

constexpr const char* kOffline =
    R"({"name":"down","events":["asset_offline"],"title":"{asset} is down","channels":["log","pager"]})";

}  // namespace

TEST_CASE("alerts: one for each rule and subject, with a count and the last time") {
  Fixture f{kOffline};
  const auto notices = f.tell(noted(ChangeType::asset_offline, "web1", kMonday));
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].step == AlertStep::raised);
  CHECK(notices[0].channels == std::vector<std::string>{"log", "pager"});
  CHECK(notices[0].alert.title == "web1 is down");
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 1h)).empty());
  CHECK(f.tell(noted(ChangeType::asset_offline, "web2", kMonday + 2h)).size() == 1);
  CHECK(f.tell(noted(ChangeType::asset_online, "web3", kMonday + 2h)).empty());
  const auto all = f.list();
  REQUIRE(all.size() == 2);
  CHECK(all[1].asset == "web1");
  CHECK(all[1].count == 2);
  CHECK(all[1].opened_at == kMonday);
  CHECK(all[1].last_at == kMonday + 1h);
  CHECK(all[1].severity == Severity::warning);
  CHECK(all[1].environment == "production");
  // The same event again, and one that comes late.
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday)).empty());
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday - 1h)).empty());
  CHECK(f.list("asset web1")[0].count == 3);
  CHECK(f.list("asset web1")[0].last_at == kMonday + 1h);
  const AlertCounters c = f.engine.counters();
  CHECK(c.events == 6);
  CHECK(c.repeated == 1);
  CHECK(c.unmatched == 1);
  CHECK(c.raised == 2);
  CHECK(c.counted == 2);
  CHECK(c.open == 2);
}

TEST_CASE("alerts: services of one asset are told apart") {
  Fixture f{R"({"name":"gone","events":["service_vanished"]})"};
  NotedEvent e = noted(ChangeType::service_vanished, "db", kMonday);
  e.event.protocol = 6;
  for (const std::uint16_t port : {std::uint16_t{5432}, std::uint16_t{22}}) {
    e.event.port = port;
    e.event.id = test_id(std::to_string(port));
    CHECK(f.tell(e).size() == 1);
  }
  NotedEvent back = noted(ChangeType::service_appeared, "db", kMonday + 1h);
  back.event.protocol = 6;
  back.event.port = 22;
  REQUIRE(f.tell(back).size() == 1);
  REQUIRE(f.list("status open").size() == 1);
  CHECK(f.list("status open")[0].key.port == 5432);
}

TEST_CASE("alerts: a graver event of the same kind opens it again and is told") {
  Fixture f{R"({"name":"traffic"})"};
  f.tell(noted(ChangeType::traffic_spike, "web1", kMonday, Severity::info));
  CHECK(f.engine.acknowledge(f.only().id, "anna", "looking", kMonday + 1min) == AlertAnswer::done);
  const auto notices =
      f.tell(noted(ChangeType::traffic_spike, "web1", kMonday + 5min, Severity::critical));
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].step == AlertStep::escalated);
  CHECK(f.only().severity == Severity::critical);
  CHECK(f.only().status == AlertStatus::open);
  CHECK(f.tell(noted(ChangeType::traffic_spike, "web1", kMonday + 6min, Severity::info)).empty());
  CHECK(f.only().severity == Severity::critical);
}

TEST_CASE("alerts: the opposite event resolves, and says so to those who were told") {
  Fixture f{kOffline};
  f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 1h));
  f.tell(noted(ChangeType::asset_offline, "web2", kMonday + 1h));
  // It was back before it went again.
  CHECK(f.tell(noted(ChangeType::asset_online, "web1", kMonday), kMonday + 2h).empty());
  CHECK(f.list("status open").size() == 2);
  const auto notices = f.tell(noted(ChangeType::asset_online, "web1", kMonday + 3h));
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].step == AlertStep::cleared);
  CHECK(notices[0].channels.size() == 2);
  const Alert a = f.list("status resolved").at(0);
  CHECK(a.asset == "web1");
  CHECK(a.resolved_by.empty());
  CHECK(a.resolved_at == kMonday + 3h);
  CHECK(a.history.back().note == "web1 did it");
  CHECK(f.list("status open").at(0).asset == "web2");
  CHECK(f.engine.counters().cleared == 1);
  // Later it is another alert.
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 4h)).size() == 1);
  CHECK(f.list("asset web1").size() == 2);
  CHECK(can_clear(ChangeType::service_vanished));
  CHECK_FALSE(can_clear(ChangeType::new_dependency));
  CHECK(clears(ChangeType::dependency_resumed, ChangeType::dependency_silent));
}

TEST_CASE("alerts: within the cooldown what was resolved opens again, and nobody is told") {
  Fixture f{R"({"name":"down","events":["asset_offline"],"cooldown":"1h"})"};
  f.tell(noted(ChangeType::asset_offline, "web1", kMonday));
  f.tell(noted(ChangeType::asset_online, "web1", kMonday + 10min));
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 69min)).empty());
  CHECK(f.only().status == AlertStatus::open);
  CHECK(f.only().reopened == 1);
  CHECK(f.only().count == 2);
  CHECK(f.tell(noted(ChangeType::asset_online, "web1", kMonday + 80min)).size() == 1);
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 140min)).size() == 1);
  CHECK(f.list().size() == 2);
  CHECK(f.engine.counters().reopened == 1);
  CHECK(f.engine.counters().raised == 2);
}

TEST_CASE("alerts: of the rules that fit the highest priority raises, by its schedule") {
  Fixture f{
      {R"({"name":"b-all","priority":0,"title":"b"})",
       R"({"name":"a-all","priority":0,"title":"a"})",
       R"({"name":"z-night","priority":5,"title":"z","schedule":{"from":"20:00","duration":"12h"}})",
       R"({"name":"lab","priority":9,"title":"lab","filter":"environment = lab"})",
       R"({"name":"off","priority":99,"enabled":false})"}};
  const auto raised = [&](const char* asset, Timestamp at) {
    const auto notices = f.tell(noted(ChangeType::asset_offline, asset, at));
    REQUIRE(notices.size() == 1);
    return notices[0].alert.title;
  };
  CHECK(raised("web1", kMonday + 12h) == "a");
  CHECK(raised("web2", kMonday + 21h) == "z");
  CHECK(raised("web3", kMonday + 31h) == "z");
  CHECK(raised("web4", kMonday + 32h) == "a");
  CHECK(raised("lab1", kMonday + 33h) == "lab");
  CHECK(f.engine.rules().front().rule.name == "off");
}

TEST_CASE("maintenance: raised all the same, told to nobody, and released if it still stands") {
  Fixture f{kOffline, R"({"name":"new","events":["new_asset"]})"};
  REQUIRE(f.engine.put(window_of(R"({"name":"patch","environment":"production",
      "from":"2026-11-16T22:00:00Z","until":"2026-11-17T02:00:00Z"})")));
  CHECK(f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 23h)).empty());
  CHECK(f.tell(noted(ChangeType::asset_offline, "web2", kMonday + 23h)).empty());
  CHECK(f.tell(noted(ChangeType::new_asset, "web3", kMonday + 23h)).empty());
  CHECK(f.tell(noted(ChangeType::asset_offline, "lab1", kMonday + 23h)).size() == 1);
  CHECK(f.list("suppressed").size() == 3);
  CHECK(f.list("suppressed").at(0).maintenance == "patch");
  CHECK(f.engine.counters().raised_suppressed == 3);
  CHECK(f.tell(noted(ChangeType::asset_online, "web2", kMonday + 25h)).empty());
  CHECK(f.engine.advance(kMonday + 26h - 1s).empty());
  // Found later, but it was so in the window.
  CHECK(f.tell(noted(ChangeType::asset_offline, "web4", kMonday + 25h), kMonday + 27h).empty());
  const auto released = f.engine.advance(kMonday + 27h);
  REQUIRE(released.size() == 2);
  CHECK(released[0].step == AlertStep::released);
  CHECK(released[0].channels.size() == 2);
  // What is new is so for a moment only.
  CHECK(f.list("suppressed and status open").size() == 1);
  CHECK(f.engine.advance(kMonday + 30h).empty());
  CHECK(f.tell(noted(ChangeType::asset_offline, "web5", kMonday + 26h), kMonday + 30h).size() == 1);
}

TEST_CASE("maintenance: it comes again each week, and ends for good") {
  Fixture f{kOffline};
  REQUIRE(f.engine.put(window_of(
      R"({"name":"backup","filter":"asset ~ \"^web\"","until":"2026-12-01T00:00:00Z",
      "weekly":{"days":["sat"],"from":"22:00","duration":"6h","utc_offset":"+01:00"}})")));
  const Timestamp saturday = kMonday + 5 * 24h + 21h;
  int n = 0;
  const auto is_told = [&](Timestamp at) {
    return f.tell(noted(ChangeType::asset_offline, "web" + std::to_string(n++), at)).size() == 1;
  };
  CHECK(is_told(saturday - 1min));
  CHECK_FALSE(is_told(saturday));
  CHECK_FALSE(is_told(saturday + 6h - 1min));
  CHECK(is_told(saturday + 6h));
  CHECK_FALSE(is_told(saturday + 7 * 24h));
  CHECK(is_told(saturday + 14 * 24h));
  CHECK(f.tell(noted(ChangeType::asset_offline, "db", saturday)).size() == 1);
}

TEST_CASE("maintenance: on one asset; an event outside of the window ends the silence") {
  Fixture f{R"({"name":"all"})"};
  REQUIRE(f.engine.put(window_of(
      R"({"name":"one","asset":")" + test_id("web1").to_string() +
      R"(","datacenter":"north","from":"2026-11-16T00:00:00Z","until":"2026-11-16T01:00:00Z"})")));
  CHECK(f.tell(noted(ChangeType::new_asset, "web1", kMonday)).empty());
  CHECK(f.tell(noted(ChangeType::new_asset, "web2", kMonday)).size() == 1);
  CHECK(f.engine.advance(kMonday + 90min).empty());
  const auto notices = f.tell(noted(ChangeType::new_asset, "web1", kMonday + 2h));
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].step == AlertStep::released);
  CHECK(f.list("suppressed").empty());
  CHECK(f.engine.remove_window("one"));
  CHECK_FALSE(f.engine.remove_window("one"));
}

TEST_CASE("alerts: people acknowledge, resolve and reopen, with name, time and note") {
  Fixture f{kOffline};
  f.tell(noted(ChangeType::asset_offline, "web1", kMonday));
  const Id id = f.only().id;
  CHECK(f.engine.acknowledge(id, "anna", "on it", kMonday + 1h) == AlertAnswer::done);
  CHECK(f.engine.acknowledge(id, "bert", "", kMonday + 2h) == AlertAnswer::not_now);
  CHECK(f.only().acknowledged_by == "anna");
  CHECK(f.only().acknowledged_at == kMonday + 1h);
  CHECK(f.engine.resolve(id, "bert", "cable", kMonday + 3h) == AlertAnswer::done);
  CHECK(f.engine.resolve(id, "bert", "", kMonday + 3h) == AlertAnswer::not_now);
  CHECK(f.only().resolved_by == "bert");
  CHECK(f.only().status == AlertStatus::resolved);
  CHECK(f.engine.reopen(id, "anna", "no", kMonday + 4h) == AlertAnswer::done);
  CHECK(f.engine.reopen(id, "anna", "no", kMonday + 4h) == AlertAnswer::not_now);
  const Alert a = f.only();
  CHECK(a.status == AlertStatus::open);
  CHECK_FALSE(a.resolved_at.has_value());
  REQUIRE(a.history.size() == 4);
  CHECK(a.history[2] == AlertEntry{AlertStep::resolved, kMonday + 3h, "bert", "cable"});
  CHECK(f.engine.resolve(id, "bert", "", kMonday + 5h) == AlertAnswer::done);
  f.tell(noted(ChangeType::asset_offline, "web1", kMonday + 6h));
  // A later one has its place.
  CHECK(f.engine.reopen(id, "anna", "", kMonday + 7h) == AlertAnswer::not_now);
  CHECK(f.engine.acknowledge(test_id("none"), "anna", "", kMonday) == AlertAnswer::unknown_alert);
}

TEST_CASE("alerts: what nobody takes up ends after a time without events") {
  Fixture f{R"({"name":"new","resolve_after":"7d"})"};
  f.tell(noted(ChangeType::new_asset, "web1", kMonday));
  f.tell(noted(ChangeType::new_asset, "web1", kMonday + 24h));
  (void)f.engine.advance(kMonday + 7 * 24h);
  CHECK(f.only().status == AlertStatus::open);
  CHECK(f.engine.advance(kMonday + 8 * 24h).empty());
  CHECK(f.only().status == AlertStatus::resolved);
  CHECK(f.only().history.back().step == AlertStep::expired);
  CHECK(f.engine.counters().expired == 1);
}

TEST_CASE("alerts: past the bounds the least severe goes first, then the one longest quiet") {
  AlertEngineOptions o;
  o.max_open = 3;
  o.max_resolved = 2;
  o.max_seen = 4;
  o.max_history = 3;
  o.max_rules = 1;
  o.max_windows = 1;
  Fixture f(o, {R"({"name":"all"})"});
  CHECK_FALSE(f.engine.put(rule_of(R"({"name":"more"})")));
  CHECK(f.engine.put(window_of(R"({"name":"w","environment":"x","weekly":{}})")));
  CHECK_FALSE(f.engine.put(window_of(R"({"name":"v","environment":"x","weekly":{}})")));
  f.tell(noted(ChangeType::new_asset, "a", kMonday, Severity::critical));
  f.tell(noted(ChangeType::new_asset, "b", kMonday + 1min, Severity::info));
  f.tell(noted(ChangeType::new_asset, "c", kMonday + 2min, Severity::warning));
  f.tell(noted(ChangeType::new_asset, "d", kMonday + 3min, Severity::info));
  CHECK(f.list("status open").size() == 3);
  CHECK(f.list("asset b")[0].history.back().step == AlertStep::crowded_out);
  f.tell(noted(ChangeType::new_asset, "e", kMonday + 4min, Severity::warning));
  f.tell(noted(ChangeType::new_asset, "f", kMonday + 5min, Severity::warning));
  CHECK(f.list("status open and asset a").size() == 1);
  CHECK(f.list("asset b").empty());
  CHECK(f.engine.counters().crowded_out == 3);
  CHECK(f.engine.counters().forgotten == 1);
  CHECK(f.engine.counters().resolved == 2);
  const Id id = f.list("asset a")[0].id;
  for (int i = 0; i < 5; ++i) {
    CHECK(f.engine.acknowledge(id, "anna", "", kMonday + 1h) == AlertAnswer::done);
    CHECK(f.engine.reopen(id, "anna", "", kMonday + 1h) == AlertAnswer::done);
  }
  CHECK(f.list("asset a")[0].history.size() == 3);
  CHECK(f.list("asset a")[0].history.front().step == AlertStep::raised);
  o.max_history = 1;
  CHECK_THROWS_AS(AlertEngine{o}, ConfigError);
  o = {};
  o.shipped = {rule_of(R"({"name":"a"})"), rule_of(R"({"name":"a"})")};
  CHECK_THROWS_AS(AlertEngine{o}, ConfigError);
}

TEST_CASE("alerts: shipped rules hold until somebody changes them, and again afterwards") {
  AlertEngineOptions o;
  o.shipped = {rule_of(R"({"name":"all","title":"shipped"})")};
  Fixture f(o, {});
  CHECK(f.engine.rule("all")->is_shipped);
  CHECK_FALSE(f.engine.rule("all")->is_own);
  CHECK_FALSE(f.engine.remove_rule("all"));
  CHECK(f.engine.take_changes().empty());
  REQUIRE(f.engine.put(rule_of(R"({"name":"all","enabled":false})")));
  CHECK(f.engine.rules().size() == 1);
  CHECK(f.engine.rule("all")->is_own);
  CHECK(f.tell(noted(ChangeType::new_asset, "a", kMonday)).empty());
  REQUIRE(f.engine.take_changes().rules->size() == 1);
  CHECK(f.engine.remove_rule("all"));
  CHECK(f.engine.take_changes().rules->empty());
  CHECK(f.tell(noted(ChangeType::new_asset, "b", kMonday))[0].alert.title == "shipped");
}

TEST_CASE("dry run: what a rule would have raised, and nothing changes") {
  Fixture f{kOffline};
  const std::vector<NotedEvent> events{noted(ChangeType::asset_online, "web1", kMonday + 2h),
                                       noted(ChangeType::asset_offline, "web1", kMonday + 1h),
                                       noted(ChangeType::asset_offline, "web2", kMonday + 1h),
                                       noted(ChangeType::asset_offline, "web2", kMonday + 3h),
                                       noted(ChangeType::asset_offline, "lab1", kMonday + 90min)};
  for (const NotedEvent& e : events) (void)f.tell(e);
  const auto before = f.list();
  const AlertCounters counted = f.engine.counters();
  const AlertRule rule =
      rule_of(R"({"name":"try","events":["asset_offline"],"severity":"critical"})");
  const MaintenanceWindow window = window_of(R"({"name":"w","environment":"lab","weekly":{}})");
  const AlertDryRun run = dry_run(f.engine.options(), {&rule, 1}, {&window, 1}, events);
  REQUIRE(run.alerts.size() == 3);
  CHECK(run.alerts[0].severity == Severity::critical);
  CHECK(run.counters.raised == 3);
  CHECK(run.counters.raised_suppressed == 1);
  CHECK(run.counters.cleared == 1);
  CHECK(run.counters.counted == 1);
  CHECK(run.notices == 3);
  CHECK(f.list() == before);
  CHECK(f.engine.counters() == counted);
}

TEST_CASE("noted events: the assets at both ends, with what network rules say of them") {
  DependencyGraph graph;
  const ConnectionSummary s = summary("10.0.0.1", "10.1.0.9", 5432);
  std::vector<Id> ids;
  graph.apply({&s, 1}, &ids);
  const auto networks = parse_network_rules(
      "name,cidr,environment,datacenter,location,owner\nall,10.0.0.0/8,production,north,,\n"
      "lab,10.1.0.0/16,lab,,cellar,ops\n",
      "n");
  ChangeEvent e;
  e.type = ChangeType::new_dependency;
  e.subject = ids.at(0);
  e.object = graph.asset_of({{}, *IpAddress::parse("10.0.0.1")})->id;
  const NotedEvent n = note(e, graph, networks);
  REQUIRE(n.assets.size() == 2);
  CHECK(n.assets[0].id == e.object);
  CHECK(n.assets[0].label == "10.0.0.1");
  CHECK(n.assets[1].environment == "lab");
  CHECK(n.assets[1].datacenter == "north");
  CHECK(n.assets[1].location == "cellar");
  FilterError error;
  const auto matches = [&](const char* text) {
    const auto filter = Filter<NotedEvent>::compile(text, noted_event_fields(), Timestamp{}, error);
    REQUIRE_MESSAGE(filter, error.message);
    return filter.matches(n);
  };
  CHECK(matches("environment lab and environment production and location cellar"));
  CHECK(matches("asset ip in 10.1.0.0/16 and type new_dependency and owner ops"));
  CHECK_FALSE(matches("environment != lab"));
  CHECK(matches("has location and not asset web1"));
  CHECK(note(ChangeEvent{}, graph, networks).assets.empty());
  // Who only scans is nowhere on the map; whom he scans may be.
  e.type = ChangeType::scan;
  e.subject = test_id("stranger");
  e.endpoint.address = *IpAddress::parse("10.1.0.7");
  const NotedEvent scan = note(e, graph, networks);
  REQUIRE(scan.assets.size() == 2);
  CHECK(scan.assets[0].label == "10.1.0.7");
  CHECK(scan.assets[0].environment == "lab");
  CHECK(scan.assets[1].label == "10.0.0.1");
}

TEST_CASE("alerts: traffic that is usual again clears a spike and a drop") {
  for (const ChangeType type : {ChangeType::traffic_spike, ChangeType::traffic_drop}) {
    Fixture f{R"({"name":"traffic","events":["traffic_spike","traffic_drop"]})"};
    f.tell(noted(type, "web1", kMonday));
    f.tell(noted(ChangeType::traffic_normal, "web2", kMonday + 1h));
    CHECK(f.only().status == AlertStatus::open);
    const auto notices = f.tell(noted(ChangeType::traffic_normal, "web1", kMonday + 1h));
    REQUIRE(notices.size() == 1);
    CHECK(notices[0].step == AlertStep::cleared);
    CHECK(f.only().status == AlertStatus::resolved);
    CHECK(can_clear(type));
  }
}

TEST_CASE("alerts: those of an asset that goes into another go with it") {
  const auto merged = [](const char* from, const char* into, Timestamp at) {
    NotedEvent e = noted(ChangeType::asset_merged, into, at);
    e.event.object = e.event.subject;
    e.event.subject = test_id(from);
    e.event.id = change_id(e.event.type, e.event.subject, e.event.object, at);
    return e;
  };
  Fixture f{kOffline};
  f.tell(noted(ChangeType::asset_offline, "web1", kMonday));
  f.tell(noted(ChangeType::asset_offline, "db", kMonday));
  CHECK(f.tell(merged("web1", "web", kMonday + 1h)).empty());
  REQUIRE(f.list("asset web").size() == 1);
  const Alert moved = f.list("asset web")[0];
  CHECK(moved.key.subject == test_id("web"));
  CHECK(moved.status == AlertStatus::open);
  CHECK(f.list("asset db")[0].key.subject == test_id("db"));
  const AlertChanges changes = f.engine.take_changes();
  CHECK(changes.alerts.size() == 2);
  // What comes of the one is the other's, also after a restart.
  AlertEngine again;
  REQUIRE(again.put(rule_of(kOffline)));
  AlertState state;
  state.alerts = changes.alerts;
  again.restore(std::move(state));
  const NotedEvent online = noted(ChangeType::asset_online, "web", kMonday + 2h);
  REQUIRE(again.take({&online, 1}, online.event.at).size() == 1);
  CHECK(again.alert(moved.id)->status == AlertStatus::resolved);
  // Two of the same become one.
  f.tell(merged("db", "web", kMonday + 3h));
  REQUIRE(f.list("status resolved").size() == 1);
  CHECK(f.list("status resolved")[0].key.subject == test_id("db"));
  CHECK(f.tell(noted(ChangeType::asset_online, "web", kMonday + 4h)).size() == 1);
  CHECK(f.list("status resolved").size() == 2);
}
