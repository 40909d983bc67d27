#include "http/body.hpp"

#include <chrono>

#include "http/parameters.hpp"

namespace flowlensd::http {
void bad_body(const std::string& detail) { throw Problem{400, "Bad body", detail}; }

Json object_of(const Request& request) {
  Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) bad_body("the body is no JSON object");
  return body;
}

Json object_of(const Request& request, const std::set<std::string>& members) {
  Json body = object_of(request);
  check_members(body, "this body", members);
  return body;
}

void check_members(const Json& object, const char* what, const std::set<std::string>& members) {
  if (!object.is_object()) bad_body(std::string(what) + " is no JSON object");
  for (const auto& [name, value] : object.items()) {
    if (!members.contains(name)) bad_body("`" + name + "` is no member of " + what);
  }
}

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    bad_body(std::string(name) + ": give a text");
  }
  return found->get<std::string>();
}

std::optional<std::string> optional_text_member(const Json& object, const char* name) {
  if (!object.contains(name)) return std::nullopt;
  if (object[name].is_null()) return std::string{};
  return text_member(object, name);
}

bool flag_member(const Json& object, const char* name, bool fallback) {
  const auto found = object.find(name);
  if (found == object.end()) return fallback;
  if (!found->is_boolean()) bad_body(std::string(name) + ": give true or false");
  return found->get<bool>();
}

Id id_member(const Json& object, const char* name) {
  const std::string text = text_member(object, name);
  const auto id = Id::parse(text);
  if (!id) bad_body(std::string(name) + ": `" + text + "` is no id");
  return *id;
}

Endpoint endpoint_of(const Json& item, const SiteTable& sites) {
  check_members(item, "an endpoint", {"address", "site"});
  const std::string text = text_member(item, "address");
  const auto address = IpAddress::parse(text);
  if (!address) bad_body("address: `" + text + "` is no IPv4 or IPv6 address");
  const std::string site = item.contains("site") ? text_member(item, "site") : "default";
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const SiteId id{static_cast<std::uint16_t>(i)};
    if (i > 0 && sites.name(id) == sites.name(SiteId{})) break;
    if (sites.name(id) == site) return {id, *address};
  }
  bad_body("site: there is no site `" + site + "`");
}

std::uint64_t number_member(const Json& object, const char* name, std::uint64_t fallback,
                            std::uint64_t least, std::uint64_t most) {
  const auto found = object.find(name);
  if (found == object.end()) return fallback;
  const bool is_whole = found->is_number_unsigned();
  const std::uint64_t n = is_whole ? found->get<std::uint64_t>() : 0;
  if (!is_whole || n < least || n > most) {
    bad_body(std::string(name) + ": give a whole number from " + std::to_string(least) + " to " +
             std::to_string(most));
  }
  return n;
}

std::optional<Timestamp> time_member(const Json& object, const char* name) {
  if (!object.contains(name) || object[name].is_null()) return std::nullopt;
  const std::string text = text_member(object, name);
  const auto time = parse_timestamp(text);
  if (!time) {
    bad_body(std::string(name) + ": `" + text +
             "` is no time; times look like 2026-11-21T10:09:00Z");
  }
  return time;
}

std::optional<AsOf> as_of_member(const Json& object) {
  const auto at = time_member(object, "as_of");
  const auto hours = number_member(object, "hours", 1, 1, HourBitmap::kHours);
  if (at) return AsOf{*at, static_cast<Hour>(hours)};
  if (object.contains("hours")) bad_body("hours: goes with as_of, which is absent");
  return std::nullopt;
}

Filter<DependencyRow> filter_member(const Request& request, const Json& object) {
  const std::optional<std::string> text =
      object.contains("filter") ? std::optional(text_member(object, "filter")) : std::nullopt;
  return compiled_filter<DependencyRow>(text, request.shown_dependencies, dependency_fields());
}

}  // namespace flowlensd::http
