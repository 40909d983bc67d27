// Rules and maintenance windows as people write them: what is taken, what is refused and how that is
// said, one spelling; times of the week; templates.
#include <doctest/doctest.h>

#include <set>

#include "flowlens/error.hpp"
#include "support/alerts.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

template <typename Parse>
std::string refusal(const Parse& parse) {
  try {
    parse();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "taken";
}

constexpr const char* kFull = R"({
  "name": "db_down-1",
  "enabled": false,
  "priority": -5,
  "events": ["asset_offline", "service_vanished"],
  "filter": "environment = production and port = 5432",
  "severity": "critical",
  "title": "{asset} {{gone}}",
  "text": "{reason}\nsince {at}",
  "cooldown": "15m",
  "resolve_after": "7d",
  "schedule": {"days": ["mon", "fri"], "from": "08:30", "duration": "10h", "utc_offset": "-05:30"},
  "channels": ["log", "pager"]
})";

}  // namespace

TEST_CASE("alert rules: what is printed is read back, and prints the same") {
  const AlertRule r = rule_of(kFull);
  CHECK(r.name == "db_down-1");
  CHECK_FALSE(r.is_enabled);
  CHECK(r.priority == -5);
  CHECK(r.events == std::vector{ChangeType::service_vanished, ChangeType::asset_offline});
  CHECK(r.severity == Severity::critical);
  CHECK(r.cooldown == 15min);
  CHECK(r.resolve_after == 24h * 7);
  REQUIRE(r.schedule.has_value());
  CHECK(r.schedule->days == 0b10001);
  CHECK(r.schedule->from == 8h + 30min);
  CHECK(r.schedule->duration == 10h);
  CHECK(r.schedule->ahead_of_utc == -(5h + 30min));
  const std::string printed = to_json(r);
  CHECK(to_json(rule_of(printed)) == printed);
  CHECK(printed.find(R"("cooldown": "15m")") != std::string::npos);
  CHECK(printed.find(R"("utc_offset": "-05:30")") != std::string::npos);

  const AlertRule least = rule_of(R"({"name":"a"})");
  CHECK(least.is_enabled);
  CHECK(least.title == "{reason}");
  CHECK(least.channels == std::vector<std::string>{"log"});
  CHECK(to_json(rule_of(to_json(least))) == to_json(least));

  const auto w = window_of(R"({"name":"patch","environment":"lab","weekly":
      {"days":["sat"],"from":"22:00","duration":"6h","utc_offset":"+01:00"},"note":"kernels"})");
  CHECK(to_json(window_of(to_json(w))) == to_json(w));
  CHECK(parse_maintenance_windows("[" + to_json(w) + "]", "w").size() == 1);
}

TEST_CASE("alert rules: what is refused is named, with its place and what would be right") {
  struct Case {
    const char* json;
    const char* says;
  };
  const Case cases[] = {
      {R"([{"name":"a"},{"name":"A b"}])",
       "r[1].name: `A b` is no name; they are of a-z, 0-9, _ and -"},
      {R"([{}])", "r[0]: `name` is missing"},
      {R"([{"name":"a","colour":"red"}])", "r[0]: `colour` is no member here; there are name"},
      {R"([{"name":"a","events":["asset_gone"]}])",
       "r[0].events[0]: `asset_gone` is no type of events; there are dependency_redirected"},
      {R"([{"name":"a","filter":"environment >"}])", "r[0].filter: column "},
      {R"([{"name":"a","filter":"port 70000"}])", "expected a port"},
      {R"([{"name":"a","severity":"fatal"}])",
       "r[0].severity: `fatal` is no severity; give info, warning or critical"},
      {R"([{"name":"a","title":"{asset} is {gone}"}])",
       "r[0].title: column 12 of `{asset} is {gone}`: this brace is not of a placeholder"},
      {R"([{"name":"a","title":"}"}])", "r[0].title: column 1"},
      {R"([{"name":"a","title":"{asset"}])", "r[0].title: column 1"},
      {R"([{"name":"a","title":""}])", "r[0].title: give a text of 1 to 255 octets"},
      {R"([{"name":"a","title":"a\u0007"}])", "control character"},
      {R"([{"name":"a","cooldown":"soon"}])",
       "r[0].cooldown: give a duration from 0s to 365d, like 90s, 15m, 10h or 7d"},
      {R"([{"name":"a","cooldown":"-5m"}])", "r[0].cooldown: give a duration"},
      {R"([{"name":"a","cooldown":"366d"}])", "r[0].cooldown: give a duration"},
      {R"([{"name":"a","cooldown":60}])", "r[0].cooldown: give a text"},
      {R"([{"name":"a","priority":1.5}])", "r[0].priority: give a whole number"},
      {R"([{"name":"a","enabled":"yes"}])", "r[0].enabled: give true or false"},
      {R"([{"name":"a","schedule":{"days":[]}}])", "r[0].schedule.days: give a list of 1 to 7"},
      {R"([{"name":"a","schedule":{"days":["lundi"]}}])",
       "r[0].schedule.days[0]: `lundi` is no day; there are mon, tue"},
      {R"([{"name":"a","schedule":{"from":"24:00"}}])",
       "r[0].schedule.from: give a time of day from 00:00 to 23:59"},
      {R"([{"name":"a","schedule":{"duration":"8d"}}])", "r[0].schedule.duration: give a duration"},
      {R"([{"name":"a","schedule":{"duration":"90s"}}])",
       "r[0].schedule.duration: give whole minutes"},
      {R"([{"name":"a","schedule":{"utc_offset":"CET"}}])",
       "r[0].schedule.utc_offset: give UTC, or"},
      {R"([{"name":"a","schedule":{"utc_offset":"+14:01"}}])",
       "r[0].schedule.utc_offset: give UTC, or"},
      {R"([{"name":"a","channels":"log"}])", "r[0].channels: give a list of 0 to 16"},
      {R"({"name":"a"})", "r: give a list of 0 to 10000"},
      {"[{\n\"name\" \"a\"}]", "r:2:"},
      {"", "r:1:1: this is no JSON"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.json);
    const std::string said = refusal([&] { (void)parse_alert_rules(c.json, "r"); });
    CAPTURE(said);
    CHECK(said.find(c.says) != std::string::npos);
  }
  const Case windows[] = {
      {R"({"name":"w","weekly":{}})", "w: say what it is about"},
      {R"({"name":"w","environment":"lab"})", "w: say when: both from and until, or weekly"},
      {R"({"name":"w","environment":"lab","from":"2026-11-16T00:00:00Z"})", "w: say when"},
      {R"({"name":"w","environment":"lab","from":"2026-11-16T00:00:00Z","until":"2026-11-16T00:00:00Z"})",
       "w.until: it is not after from"},
      {R"({"name":"w","asset":"x","weekly":{}})", "w.asset: give the id of an asset"},
      {R"({"name":"w","environment":"lab","from":"noon","weekly":{}})",
       "w.from: give a time like 2026-11-21T10:09:00Z"},
  };
  for (const Case& c : windows) {
    CAPTURE(c.json);
    const std::string said = refusal([&] { (void)parse_maintenance_window(c.json, "w"); });
    CAPTURE(said);
    CHECK(said.find(c.says) != std::string::npos);
  }
}

TEST_CASE("alert rules: those that FlowLens comes with") {
  const auto rules = parse_alert_rules(default_alert_rules(), "default");
  std::set<std::string> names;
  for (const AlertRule& r : rules) {
    CAPTURE(r.name);
    CHECK(names.insert(r.name).second);
    CHECK_FALSE(r.events.empty());
    CHECK(r.channels == std::vector<std::string>{"log"});
    CHECK(to_json(rule_of(to_json(r))) == to_json(r));
    // What is merely stale is never more than a note (DECISIONS C5).
    for (const ChangeType t : r.events) {
      if (t == ChangeType::dependency_silent) CHECK(r.severity == Severity::info);
    }
  }
  CHECK(rules.size() >= 10);
}

TEST_CASE("weekly hours: days, hours that reach into the next day, offsets from UTC") {
  struct Case {
    const char* weekly;
    const char* at;
    bool holds;
  };
  const Case cases[] = {
      {R"({})", "2026-11-16T00:00:00Z", true},
      {R"({"days":["mon"]})", "2026-11-16T00:00:00Z", true},
      {R"({"days":["mon"]})", "2026-11-16T23:59:59Z", true},
      {R"({"days":["mon"]})", "2026-11-17T00:00:00Z", false},
      {R"({"days":["mon"]})", "2026-11-15T23:59:59Z", false},
      {R"({"days":["sun"],"from":"22:00","duration":"6h"})", "2026-11-15T22:00:00Z", true},
      {R"({"days":["sun"],"from":"22:00","duration":"6h"})", "2026-11-16T03:59:59Z", true},
      {R"({"days":["sun"],"from":"22:00","duration":"6h"})", "2026-11-16T04:00:00Z", false},
      {R"({"days":["sun"],"from":"22:00","duration":"6h"})", "2026-11-15T21:59:59Z", false},
      {R"({"from":"08:00","duration":"10h","utc_offset":"+01:00"})", "2026-11-16T07:00:00Z", true},
      {R"({"from":"08:00","duration":"10h","utc_offset":"+01:00"})", "2026-11-16T06:59:00Z", false},
      {R"({"from":"08:00","duration":"10h","utc_offset":"+01:00"})", "2026-11-16T17:00:00Z", false},
      {R"({"days":["mon"],"from":"00:00","duration":"1h","utc_offset":"-05:00"})",
       "2026-11-16T05:30:00Z", true},
      {R"({"days":["fri"],"from":"18:00","duration":"2d"})", "2026-11-15T12:00:00Z", true},
      {R"({"days":["fri"],"from":"18:00","duration":"2d"})", "2026-11-15T18:00:00Z", false},
      {R"({"days":["wed"],"duration":"7d"})", "2026-11-17T23:00:00Z", true},
      {R"({"days":["wed"]})", "1969-12-31T12:00:00Z", true},
      {R"({"days":["thu"]})", "1970-01-01T12:00:00Z", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.weekly);
    CAPTURE(c.at);
    const AlertRule r = rule_of(std::string(R"({"name":"a","schedule":)") + c.weekly + "}");
    CHECK(r.schedule->holds(*parse_timestamp(c.at)) == c.holds);
  }
}

TEST_CASE("templates: placeholders, braces, and what is not known") {
  NotedEvent e = noted(ChangeType::asset_offline, "web1", kMonday);
  e.event.protocol = 6;
  e.event.port = 443;
  const AlertRule r = rule_of(R"({"name":"down","severity":"critical"})");
  CHECK(fill_in("{asset} ({ip}, {environment}): {service} {{x}} {peer}|{severity} {type} by {rule}",
                e,
                r) == "web1 (10.0.0.1, production): tcp/443 {x} |critical asset_offline by down");
  CHECK(fill_in("{reason} {at}", e, r) == "web1 did it 2026-11-16T00:00:00Z");
  for (const std::string_view name : alert_placeholders()) {
    CAPTURE(name);
    CHECK_NOTHROW(rule_of(R"({"name":"a","title":"{)" + std::string(name) + R"(}"})"));
  }
}
