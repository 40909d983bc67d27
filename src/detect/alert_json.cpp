// Rules and maintenance windows as people write them.
#include <algorithm>
#include <iterator>

#include "detect/alert_template.hpp"
#include "detect/json_reader.hpp"
#include "flowlens/alert_rules.hpp"

namespace flowlens {

namespace {

using detect::Json;
using detect::JsonNode;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kMaxList = 10'000;
constexpr std::size_t kMaxNote = 1'000;
constexpr std::size_t kMaxLabel = 100;
constexpr seconds kYear{365 * 86'400};
constexpr seconds kWeek{7 * 86'400};
constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::string list_of(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

std::string read_name(const JsonNode& node) {
  std::string name = node.text(1, kMaxRuleName);
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (!is_plain) node.fail("`" + name + "` is no name; they are of a-z, 0-9, _ and -");
  return name;
}

ChangeType read_type(const JsonNode& node) {
  const std::string text = node.text(0, 100);
  for (std::size_t i = 0; i < kChangeTypeCount; ++i) {
    if (to_string(static_cast<ChangeType>(i)) == text) return static_cast<ChangeType>(i);
  }
  std::string known;
  for (std::size_t i = 0; i < kChangeTypeCount; ++i) {
    known += " " + std::string(to_string(static_cast<ChangeType>(i)));
  }
  node.fail("`" + text + "` is no type of events; there are" + known);
}

std::vector<ChangeType> read_types(const JsonNode& node) {
  std::vector<ChangeType> types;
  for (const JsonNode& item : node.items(0, kChangeTypeCount)) types.push_back(read_type(item));
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

Severity read_severity(const JsonNode& node) {
  const std::string text = node.text(0, 100);
  for (std::size_t i = 0; i < kSeverityCount; ++i) {
    if (to_string(static_cast<Severity>(i)) == text) return static_cast<Severity>(i);
  }
  node.fail("`" + text +
            "` is no severity; give info, warning or critical, or null for the event's");
}

Filter<NotedEvent> read_filter(const JsonNode& node) {
  const std::string text = node.text(0, kMaxFilterLength);
  if (text.empty()) return {};
  FilterError error;
  auto filter = Filter<NotedEvent>::compile(text, noted_event_fields(), Timestamp{}, error);
  if (!filter) {
    node.fail("column " + std::to_string(error.column + 1) + " of `" + text +
              "`: " + error.message + "; expected " + error.expected);
  }
  return filter;
}

std::string read_template(const JsonNode& node, std::size_t least, std::size_t most) {
  std::string text = node.text(least, most);
  if (const auto at = detect::wrong_brace(text)) {
    node.fail("column " + std::to_string(*at + 1) + " of `" + text +
              "`: this brace is not of a placeholder; there are " + list_of(alert_placeholders()) +
              ", and {{ and }} for braces");
  }
  return text;
}

WeeklyHours read_weekly(const JsonNode& node) {
  node.expect_object({"days", "from", "duration", "utc_offset"});
  WeeklyHours weekly;
  if (const auto days = node.find("days")) {
    weekly.days = 0;
    for (const JsonNode& item : days->items(1, std::size(kDays))) {
      const std::string day = item.text(0, 32);
      const auto found = std::find(std::begin(kDays), std::end(kDays), day);
      if (found == std::end(kDays)) {
        item.fail("`" + day + "` is no day; there are " + list_of(kDays));
      }
      weekly.days |= static_cast<std::uint8_t>(1u << (found - std::begin(kDays)));
    }
  }
  if (const auto from = node.find("from")) weekly.from = from->time_of_day();
  if (const auto length = node.find("duration")) {
    const seconds given = length->duration(seconds{60}, kWeek);
    if (given % minutes{1} != seconds{0}) length->fail("give whole minutes");
    weekly.duration = std::chrono::duration_cast<minutes>(given);
  }
  if (const auto offset = node.find("utc_offset")) weekly.ahead_of_utc = offset->utc_offset();
  return weekly;
}

std::vector<std::string> read_channels(const JsonNode& node) {
  std::vector<std::string> channels;
  for (const JsonNode& item : node.items(0, kMaxChannels)) channels.push_back(read_name(item));
  return channels;
}

AlertRule read_rule(const JsonNode& node) {
  node.expect_object({"name", "enabled", "priority", "events", "filter", "severity", "title",
                      "text", "cooldown", "resolve_after", "schedule", "channels"});
  AlertRule r;
  r.name = read_name(node.at("name"));
  if (const auto v = node.find("enabled")) r.is_enabled = v->boolean();
  if (const auto v = node.find("priority")) r.priority = v->number();
  if (const auto v = node.find("events")) r.events = read_types(*v);
  if (const auto v = node.find("filter")) r.filter = read_filter(*v);
  if (const auto v = node.find("severity")) r.severity = read_severity(*v);
  if (const auto v = node.find("title")) r.title = read_template(*v, 1, kMaxTitleTemplate);
  if (const auto v = node.find("text")) r.text = read_template(*v, 0, kMaxTextTemplate);
  if (const auto v = node.find("cooldown")) r.cooldown = v->duration(seconds{0}, kYear);
  if (const auto v = node.find("resolve_after")) r.resolve_after = v->duration(seconds{0}, kYear);
  if (const auto v = node.find("schedule")) r.schedule = read_weekly(*v);
  if (const auto v = node.find("channels")) r.channels = read_channels(*v);
  return r;
}

MaintenanceWindow read_window(const JsonNode& node) {
  node.expect_object(
      {"name", "asset", "environment", "datacenter", "filter", "from", "until", "weekly", "note"});
  MaintenanceWindow w;
  w.name = read_name(node.at("name"));
  if (const auto v = node.find("asset")) {
    w.asset = Id::parse(v->text(0, 64));
    if (!w.asset) v->fail("give the id of an asset, like f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
  }
  if (const auto v = node.find("environment")) w.environment = v->text(0, kMaxLabel);
  if (const auto v = node.find("datacenter")) w.datacenter = v->text(0, kMaxLabel);
  if (const auto v = node.find("filter")) w.filter = read_filter(*v);
  if (const auto v = node.find("from")) w.from = v->time();
  if (const auto v = node.find("until")) w.until = v->time();
  if (const auto v = node.find("weekly")) w.weekly = read_weekly(*v);
  if (const auto v = node.find("note")) w.note = v->text(0, kMaxNote);
  if (!w.asset && w.environment.empty() && w.datacenter.empty() && !w.filter) {
    node.fail("say what it is about: asset, environment, datacenter or filter");
  }
  if (!w.weekly && (!w.from || !w.until)) {
    node.fail("say when: both from and until, or weekly");
  }
  if (w.from && w.until && *w.until <= *w.from) node.at("until").fail("it is not after from");
  return w;
}

template <typename Read>
auto read_list(std::string_view text, const std::string& name, const Read& read) {
  const Json json = detect::read_json(text, name);
  std::vector<decltype(read(JsonNode{json, name}))> all;
  for (const JsonNode& item : JsonNode{json, name}.items(0, kMaxList)) all.push_back(read(item));
  return all;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json filter_json(const Filter<NotedEvent>& filter) {
  return filter ? text_or_null(filter.canonical()) : Json(nullptr);
}

Json weekly_json(const std::optional<WeeklyHours>& weekly) {
  if (!weekly) return nullptr;
  Json days = Json::array();
  for (std::size_t i = 0; i < std::size(kDays); ++i) {
    if (weekly->days >> i & 1) days.push_back(kDays[i]);
  }
  return {{"days", std::move(days)},
          {"from", detect::time_of_day_text(weekly->from)},
          {"duration", detect::duration_text(weekly->duration)},
          {"utc_offset", detect::utc_offset_text(weekly->ahead_of_utc)}};
}

Json time_json(const std::optional<Timestamp>& time) {
  return time ? Json(to_string(*time)) : Json(nullptr);
}

std::string printed(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

AlertRule parse_alert_rule(std::string_view json, const std::string& name) {
  const Json read = detect::read_json(json, name);
  return read_rule({read, name});
}

std::vector<AlertRule> parse_alert_rules(std::string_view json, const std::string& name) {
  return read_list(json, name, read_rule);
}

MaintenanceWindow parse_maintenance_window(std::string_view json, const std::string& name) {
  const Json read = detect::read_json(json, name);
  return read_window({read, name});
}

std::vector<MaintenanceWindow> parse_maintenance_windows(std::string_view json,
                                                         const std::string& name) {
  return read_list(json, name, read_window);
}

std::string to_json(const AlertRule& r) {
  Json events = Json::array();
  for (const ChangeType t : r.events) events.push_back(to_string(t));
  return printed({{"name", r.name},
                  {"enabled", r.is_enabled},
                  {"priority", r.priority},
                  {"events", std::move(events)},
                  {"filter", filter_json(r.filter)},
                  {"severity", r.severity ? Json(to_string(*r.severity)) : Json(nullptr)},
                  {"title", r.title},
                  {"text", r.text},
                  {"cooldown", detect::duration_text(r.cooldown)},
                  {"resolve_after", detect::duration_text(r.resolve_after)},
                  {"schedule", weekly_json(r.schedule)},
                  {"channels", r.channels}});
}

std::string to_json(const MaintenanceWindow& w) {
  return printed({{"name", w.name},
                  {"asset", w.asset ? Json(w.asset->to_string()) : Json(nullptr)},
                  {"environment", text_or_null(w.environment)},
                  {"datacenter", text_or_null(w.datacenter)},
                  {"filter", filter_json(w.filter)},
                  {"from", time_json(w.from)},
                  {"until", time_json(w.until)},
                  {"weekly", weekly_json(w.weekly)},
                  {"note", w.note}});
}

}  // namespace flowlens
