#include <algorithm>
#include <chrono>
#include <utility>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "http/said_by.hpp"
#include "notify/alert_json.hpp"
#include "notify/channels.hpp"
#include "pipeline/alerting.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostAtOnce = 1'000;    // alerts of one bulk change
constexpr std::size_t kMostRules = 100;       // of one dry run
constexpr std::size_t kMostEvents = 100'000;  // the same
constexpr std::size_t kLongestName = 100;
constexpr std::size_t kLongestNote = 1'000;

Timestamp now() { return std::chrono::system_clock::now(); }

Alerting& alerting_of(const Service& s) {
  if (s.alerting != nullptr) return *s.alerting;
  throw Problem{503, "Not available", "this process keeps no alerts"};
}

AlertOrder order_parameter(const Request& request) {
  const auto found = request.query.find("sort");
  if (found == request.query.end() || found->second == "last") return AlertOrder::last;
  if (found->second == "created") return AlertOrder::opened;
  if (found->second == "severity") return AlertOrder::severity;
  if (found->second == "count") return AlertOrder::count;
  throw Problem{
      400, "Bad query parameter",
      "sort: `" + found->second + "` is not valid; give last, created, severity or count"};
}

Response list_alerts(const Request& request, const Service& s) {
  AlertQuery query;
  query.filter = filter_parameter(request, alert_fields());
  query.order = order_parameter(request);
  query.limit = number_parameter(request, "page_size", s.settings.default_page_size, 1,
                                 s.settings.max_page_size);
  query.after = cursor_parameter(request);
  const auto page = alerting_of(s).ask([&](const AlertEngine& e) { return e.alerts(query); });
  Json items = Json::array();
  for (const Alert& a : page.rows) items.push_back(alert_json(a));
  return fresh({{"items", std::move(items)},
                {"total", page.total},
                {"next_cursor", page.has_more ? Json(std::to_string(page.next)) : Json(nullptr)}});
}

Response get_alert(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const auto alert = alerting_of(s).ask([&](const AlertEngine& e) { return e.alert(id); });
  if (!alert) throw Problem{404, "Not found", "there is no alert " + id.to_string()};
  return fresh(alert_detail_json(*alert));
}

/// What somebody says of alerts.
struct Word {
  AlertStatus status = AlertStatus::open;
  std::string by, note;
};

Word word_of(const Request& request, const Json& body) {
  Word word;
  const std::string status = text_member(body, "status");
  const auto known = parse_alert_status(status);
  if (!known) bad_body("status: `" + status + "` is none; give acknowledged, resolved or open");
  word.status = *known;
  word.by = said_by(request, body);
  if (word.by.empty() || word.by.size() > kLongestName) bad_body("by: say who, in 1 to 100 octets");
  if (body.contains("note") && !body["note"].is_null()) word.note = text_member(body, "note");
  if (word.note.size() > kLongestNote) bad_body("note: give at most 1000 octets");
  return word;
}

AlertAnswer say(AlertEngine& engine, const Id& id, const Word& word) {
  switch (word.status) {
    case AlertStatus::acknowledged:
      return engine.acknowledge(id, word.by, word.note, now());
    case AlertStatus::resolved:
      return engine.resolve(id, word.by, word.note, now());
    case AlertStatus::open:
      break;
  }
  return engine.reopen(id, word.by, word.note, now());
}

Response change_alert(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  const Word word = word_of(request, object_of(request, {"status", "by", "note"}));
  const auto answer = alerting_of(s).change([&](AlertEngine& e) { return say(e, id, word); });
  if (answer == AlertAnswer::not_now) {
    throw Problem{409, "Conflict",
                  "the alert cannot become " + std::string(to_string(word.status)) +
                      " as it stands, or a later one of the same is open"};
  }
  return get_alert(request, s);
}

std::vector<Id> ids_of(const Json& list) {
  if (!list.is_array() || list.empty() || list.size() > kMostAtOnce) {
    bad_body("ids: give a list of 1 to " + std::to_string(kMostAtOnce));
  }
  std::vector<Id> ids;
  for (const Json& item : list) {
    const auto id = item.is_string() ? Id::parse(item.get<std::string>()) : std::nullopt;
    if (!id) bad_body("ids: `" + item.dump() + "` is no id");
    ids.push_back(*id);
  }
  return ids;
}

/// Those that match; the most recent, if they are many.
std::vector<Id> ids_of(const AlertEngine& engine, const Filter<Alert>& filter) {
  AlertQuery query;
  query.filter = filter;
  query.limit = kMostAtOnce;
  std::vector<Id> ids;
  for (const Alert& a : engine.alerts(query).rows) ids.push_back(a.id);
  return ids;
}

Response change_alerts(const Request& request, const Service& s) {
  const Json body = object_of(request, {"ids", "filter", "status", "by", "note"});
  if (body.contains("ids") == body.contains("filter")) bad_body("give either ids or filter");
  const Word word = word_of(request, body);
  Filter<Alert> filter;
  std::vector<Id> ids;
  if (body.contains("ids")) {
    ids = ids_of(body["ids"]);
  } else {
    const std::string text = text_member(body, "filter");
    FilterError error;
    filter = Filter<Alert>::compile(text, alert_fields(), now(), error);
    if (!filter) throw bad_filter(text, error);
  }
  std::size_t count[3] = {};
  alerting_of(s).change([&](AlertEngine& e) {
    if (filter) ids = ids_of(e, filter);
    for (const Id& id : ids) ++count[static_cast<std::size_t>(say(e, id, word))];
    return true;
  });
  return fresh({{"changed", count[0]}, {"unknown", count[1]}, {"unchanged", count[2]}});
}

// Rules and maintenance windows.

Json rule_json(const AlertRuleEntry& entry) {
  Json json = Json::parse(flowlens::to_json(entry.rule));
  json["origin"] = entry.is_own ? (entry.is_shipped ? "changed" : "own") : "shipped";
  return json;
}
Json window_json(const MaintenanceWindow& window) {
  Json json = Json::parse(flowlens::to_json(window));
  json["active"] = window.holds(now());
  return json;
}

const std::string& name_of(const Request& request) { return request.path_parameters.at("name"); }

/// The body with the name of the path, and without what only answers have.
std::string named_body(const Request& request, const char* of_answers) {
  Json body = object_of(request);
  body.erase(of_answers);
  if (body.contains("name") && body["name"] != name_of(request)) {
    bad_body("name: the path says `" + name_of(request) + "`; leave it out, or give the same");
  }
  body["name"] = name_of(request);
  return body.dump();
}

template <typename Parse>
auto parsed_body(const Parse& parse, const std::string& json, const char* name) {
  try {
    return parse(json, name);
  } catch (const ConfigError& e) {
    bad_body(e.what());
  }
}

Response list_rules(const Service& s) {
  Json items = Json::array();
  for (const AlertRuleEntry& entry :
       alerting_of(s).ask([](const AlertEngine& e) { return e.rules(); })) {
    items.push_back(rule_json(entry));
  }
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

AlertRuleEntry known_rule(const Request& request, const Service& s) {
  const auto entry =
      alerting_of(s).ask([&](const AlertEngine& e) { return e.rule(name_of(request)); });
  if (!entry) throw Problem{404, "Not found", "there is no rule `" + name_of(request) + "`"};
  return *entry;
}

/// A rule that tells nobody does so by an empty list, not by a name that nobody has.
void check_channels(const AlertRule& rule, const Service& s) {
  const auto names = s.channels == nullptr ? std::vector<std::string>{"log"} : s.channels->names();
  for (const std::string& channel : rule.channels) {
    if (std::find(names.begin(), names.end(), channel) != names.end()) continue;
    std::string there;
    for (const std::string& name : names) there += (there.empty() ? "" : ", ") + name;
    bad_body("rule.channels: there is no channel `" + channel + "`; there is " + there);
  }
}

/// The body as named_body() has it; who names no channels is told where all are.
std::string rule_body(const Request& request, const Service& s) {
  Json body = Json::parse(named_body(request, "origin"));
  if (!body.contains("channels")) body["channels"] = s.default_channels;
  return body.dump();
}

Response put_rule(const Request& request, const Service& s) {
  AlertRule rule = parsed_body(parse_alert_rule, rule_body(request, s), "rule");
  check_channels(rule, s);
  if (!alerting_of(s).change([&](AlertEngine& e) { return e.put(std::move(rule)); })) {
    throw Problem{409, "Conflict", "there is no room for another rule; remove one first"};
  }
  return fresh(rule_json(known_rule(request, s)));
}

Response remove_rule(const Request& request, const Service& s) {
  const AlertRuleEntry entry = known_rule(request, s);
  if (!entry.is_own) {
    throw Problem{409, "Conflict",
                  "this rule comes with FlowLens and cannot be removed; put it with \"enabled\": "
                  "false"};
  }
  alerting_of(s).change([&](AlertEngine& e) { return e.remove_rule(name_of(request)); });
  return fresh(entry.is_shipped ? rule_json(known_rule(request, s)) : Json::object());
}

Response list_windows(const Service& s) {
  Json items = Json::array();
  for (const MaintenanceWindow& window :
       alerting_of(s).ask([](const AlertEngine& e) { return e.windows(); })) {
    items.push_back(window_json(window));
  }
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

Response get_window(const Request& request, const Service& s) {
  const auto window =
      alerting_of(s).ask([&](const AlertEngine& e) { return e.window(name_of(request)); });
  if (!window) {
    throw Problem{404, "Not found", "there is no maintenance window `" + name_of(request) + "`"};
  }
  return fresh(window_json(*window));
}

Response put_window(const Request& request, const Service& s) {
  MaintenanceWindow window =
      parsed_body(parse_maintenance_window, named_body(request, "active"), "window");
  if (!alerting_of(s).change([&](AlertEngine& e) { return e.put(std::move(window)); })) {
    throw Problem{409, "Conflict", "there is no room for another window; remove one first"};
  }
  return get_window(request, s);
}

Response remove_window(const Request& request, const Service& s) {
  if (!alerting_of(s).change([&](AlertEngine& e) { return e.remove_window(name_of(request)); })) {
    throw Problem{404, "Not found", "there is no maintenance window `" + name_of(request) + "`"};
  }
  return fresh(Json::object());
}

// What rules would have raised.

/// Those of the body, or else the ones in force.
std::vector<AlertRule> rules_to_try(const Json& body, const Service& s) {
  std::vector<AlertRule> rules;
  if (!body.contains("rules")) {
    for (AlertRuleEntry& e : alerting_of(s).ask([](const AlertEngine& x) { return x.rules(); })) {
      rules.push_back(std::move(e.rule));
    }
    return rules;
  }
  const Json& list = body["rules"];
  if (!list.is_array() || list.empty() || list.size() > kMostRules) {
    bad_body("rules: give a list of 1 to " + std::to_string(kMostRules));
  }
  Json plain = list;
  for (Json& rule : plain) {
    if (rule.is_object()) rule.erase("origin");
  }
  return parsed_body(parse_alert_rules, plain.dump(), "rules");
}

std::vector<ChangeEvent> events_between(const Service& s, const std::optional<Timestamp>& from,
                                        const std::optional<Timestamp>& to) {
  ChangeQuery query;
  query.limit = kMostEvents;
  auto events = s.graph.changes(query).rows;
  std::erase_if(
      events, [&](const ChangeEvent& e) { return (from && e.at < *from) || (to && e.at >= *to); });
  return events;
}

Response try_rules(const Request& request, const Service& s) {
  const Json body = object_of(request, {"rules", "from", "to", "limit"});
  const auto limit =
      number_member(body, "limit", s.settings.default_page_size, 1, s.settings.max_page_size);
  const auto from = time_member(body, "from"), to = time_member(body, "to");
  const auto rules = rules_to_try(body, s);
  AlertDryRun run;
  try {
    run = alerting_of(s).dry_run(rules, events_between(s, from, to));
  } catch (const ConfigError& e) {
    bad_body(e.what());
  }
  Json items = Json::array();
  for (const Alert& a : run.alerts) {
    if (items.size() >= limit) break;
    items.push_back(alert_json(a));
  }
  const AlertCounters& c = run.counters;
  return fresh({{"events", c.events},
                {"unmatched", c.unmatched},
                {"raised", c.raised},
                {"raised_suppressed", c.raised_suppressed},
                {"counted", c.counted},
                {"reopened", c.reopened},
                {"cleared", c.cleared},
                {"notices", run.notices},
                {"items", std::move(items)},
                {"total", run.alerts.size()}});
}

}  // namespace

void add_alert_routes(Router& router, const Service& s) {
  // Before those of one alert, which would take their words for an id.
  router.add({"/api/v1/alerts/rules", [&s](const Request&) { return list_rules(s); }, {}});
  router.add({"/api/v1/alerts/rules/{name}",
              [&s](const Request& r) { return fresh(rule_json(known_rule(r, s))); },
              {}});
  router.add({"/api/v1/alerts/rules/{name}",
              [&s](const Request& r) { return put_rule(r, s); },
              {},
              "PUT"});
  router.add({"/api/v1/alerts/rules/{name}",
              [&s](const Request& r) { return remove_rule(r, s); },
              {},
              "DELETE"});
  router.add({"/api/v1/alerts/dry-run",
              [&s](const Request& r) { return try_rules(r, s); },
              {},
              "POST",
              Permission::viewer});
  router.add({"/api/v1/alerts",
              [&s](const Request& r) { return list_alerts(r, s); },
              {"page_size", "cursor", "filter", "sort"}});
  router.add(
      {"/api/v1/alerts", [&s](const Request& r) { return change_alerts(r, s); }, {}, "PATCH"});
  router.add({"/api/v1/alerts/{id}", [&s](const Request& r) { return get_alert(r, s); }, {}});
  router.add(
      {"/api/v1/alerts/{id}", [&s](const Request& r) { return change_alert(r, s); }, {}, "PATCH"});
  router.add({"/api/v1/maintenance", [&s](const Request&) { return list_windows(s); }, {}});
  router.add(
      {"/api/v1/maintenance/{name}", [&s](const Request& r) { return get_window(r, s); }, {}});
  router.add({"/api/v1/maintenance/{name}",
              [&s](const Request& r) { return put_window(r, s); },
              {},
              "PUT"});
  router.add({"/api/v1/maintenance/{name}",
              [&s](const Request& r) { return remove_window(r, s); },
              {},
              "DELETE"});
}

}  // namespace flowlensd::http
