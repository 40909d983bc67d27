#include "http/live_subscription.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "http/parameters.hpp"

namespace flowlensd::http {
namespace {

using Filters = std::map<std::string, std::string>;

[[noreturn]] void refuse(const std::string& detail) {
  throw Problem{400, "Bad subscription", detail};
}

std::string all_topics() {
  std::string text;
  for (const std::string_view name : kLiveTopicNames) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

std::size_t topic_of(std::string_view name) {
  const auto at = std::find(kLiveTopicNames.begin(), kLiveTopicNames.end(), name);
  if (at == kLiveTopicNames.end()) {
    refuse("topics: `" + std::string(name) + "` is none; there are " + all_topics());
  }
  return static_cast<std::size_t>(at - kLiveTopicNames.begin());
}

template <typename Row>
Filter<Row> compiled(const Filters& filters, LiveTopic topic, const FieldTableOf<Row>& fields) {
  const auto found = filters.find(std::string(kLiveTopicNames[static_cast<std::size_t>(topic)]));
  if (found == filters.end() || found->second.empty()) return {};
  FilterError error;
  auto filter =
      Filter<Row>::compile(found->second, fields, std::chrono::system_clock::now(), error);
  if (!filter) throw bad_filter(found->second, error);
  return filter;
}

template <typename Row>
std::string key_of(const Filter<Row>& filter) {
  return "\n" + (filter ? filter.canonical() : std::string{});
}

void set_key(LiveSubscription& s) {
  s.key.clear();
  for (const bool is_wanted : s.topics) s.key += is_wanted ? '1' : '0';
  s.key += key_of(s.assets) + key_of(s.dependencies) + key_of(s.changes) + key_of(s.applications) +
           key_of(s.alerts);
}

void set_filters(LiveSubscription& s, const Filters& filters) {
  for (const auto& [name, text] : filters) {
    if (!s.topics[topic_of(name)]) refuse("filters: `" + name + "` is not among the topics");
  }
  s.assets = compiled(filters, LiveTopic::assets, asset_fields());
  s.dependencies = compiled(filters, LiveTopic::dependencies, dependency_fields());
  s.changes = compiled(filters, LiveTopic::changes, change_fields());
  s.applications = compiled(filters, LiveTopic::applications, change_fields());
  s.alerts = compiled(filters, LiveTopic::alerts, alert_fields());
  set_key(s);
}

std::uint64_t revision_of(std::string_view text) {
  std::uint64_t n = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || at != text.data() + text.size() || text.empty()) {
    refuse("resume_from: `" + std::string(text) + "` is no revision number");
  }
  return n;
}

void take_topics(LiveSubscription& s, std::string_view list) {
  while (true) {
    const std::size_t comma = list.find(',');
    s.topics[topic_of(list.substr(0, comma))] = true;
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

/// What a browser sends of its own accord when it comes back: `INSTANCE-REVISION`.
void take_last_event(LiveRequest& r, std::string_view id) {
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos) return;
  r.instance = id.substr(0, dash);
  r.after = revision_of(id.substr(dash + 1));
}

const Json& topics_of(const Json& message) {
  static const Json kNone = Json::array();
  const auto found = message.find("topics");
  if (found == message.end()) return kNone;
  const bool are_texts = found->is_array() && std::all_of(found->begin(), found->end(),
                                                          [](auto& t) { return t.is_string(); });
  if (!are_texts) refuse("topics: give an array of names");
  return *found;
}

Filters filters_of(const Json& message) {
  Filters filters;
  const auto found = message.find("filters");
  if (found == message.end()) return filters;
  if (!found->is_object()) refuse("filters: give an object, a filter for each topic");
  for (const auto& [name, text] : found->items()) {
    if (!text.is_string()) refuse("filters: `" + name + "` is no text");
    filters.emplace(name, text.template get<std::string>());
  }
  return filters;
}

void check_members(const Json& message, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : message.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      refuse("`" + name + "` is no member of this message");
    }
  }
}

}  // namespace

std::vector<std::string> live_parameters() {
  std::vector<std::string> names{"topics", "resume_from", "instance"};
  for (const std::string_view name : kLiveTopicNames)
    names.push_back("filter_" + std::string(name));
  return names;
}

LiveRequest live_request(const Request& request, bool fallback) {
  LiveRequest r;
  Filters filters;
  for (const auto& [name, value] : request.query) {
    if (name == "topics")
      take_topics(r.subscription, value);
    else if (name == "resume_from")
      r.after = revision_of(value);
    else if (name == "instance")
      r.instance = value;
    else
      filters.emplace(name.substr(std::string_view("filter_").size()), value);
  }
  if (fallback && r.subscription.empty()) r.subscription.topics.fill(true);
  set_filters(r.subscription, filters);
  if (fallback && !r.after) take_last_event(r, request.header("last-event-id"));
  return r;
}

LiveRequest live_request(const Json& message) {
  check_members(message, {"type", "topics", "filters", "resume_from", "instance"});
  LiveRequest r;
  for (const Json& topic : topics_of(message)) {
    r.subscription.topics[topic_of(topic.get<std::string>())] = true;
  }
  if (r.subscription.empty()) refuse("topics: name some of " + all_topics());
  set_filters(r.subscription, filters_of(message));
  if (message.contains("resume_from")) {
    if (!message["resume_from"].is_number_unsigned()) refuse("resume_from: give a whole number");
    r.after = message["resume_from"].get<std::uint64_t>();
  }
  if (message.contains("instance")) {
    if (!message["instance"].is_string()) refuse("instance: give a text");
    r.instance = message["instance"].get<std::string>();
  }
  return r;
}

void unsubscribe(LiveSubscription& from, const Json& message) {
  check_members(message, {"type", "topics"});
  const Json& topics = topics_of(message);
  for (const Json& topic : topics) from.topics[topic_of(topic.get<std::string>())] = false;
  if (topics.empty()) from.topics.fill(false);
  set_key(from);
}

}  // namespace flowlensd::http
