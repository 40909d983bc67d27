// The settings of the running daemon: what is in effect, where from, and changing what can change live.
#include "config/configuration.hpp"
#include "config/effective.hpp"
#include "flowlens/error.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

Response plain(std::string body, const char* content_type) {
  Response r;
  r.content_type = content_type;
  r.body = std::move(body);
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

Response settings_answer(const Loaded& loaded) {
  Json items = settings_json(loaded);
  const std::size_t total = items.size();
  return plain(text_of({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}}),
               "application/json");
}

Response change_answer(const ConfigurationChange& change) {
  return plain(text_of({{"changed", change.changed}, {"needs_restart", change.needs_restart}}),
               "application/json");
}

using Values = std::map<std::string, std::optional<std::string>>;

/// A setting's value as text, as the environment would have it; null takes a change back.
std::optional<std::string> value_of(const std::string& name, const Json& value) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  bad_body(name + ": give a text, a number, true, false, or null to take the change back");
}

Values values_of(const Request& request) {
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || body.empty()) {
    bad_body("give an object of settings, such as {\"log.level\": \"DEBUG\"}");
  }
  Values values;
  for (const auto& [name, value] : body.items()) values[name] = value_of(name, value);
  return values;
}

Response patch(Configuration& configuration, const Request& request) {
  const Values values = values_of(request);
  try {
    const ConfigurationChange change = configuration.change(values);
    log::info("config", "settings were changed by the API",
              {{"by", request.caller.name}, {"changed", change.changed}});
    return change_answer(change);
  } catch (const ConfigError& e) {
    throw Problem{400, "Bad setting", e.what()};
  } catch (const IoError& e) {
    log::error("config", "a change could not be kept", {{"reason", e.what()}});
    throw Problem{503, "Not kept", "the change could not be kept on disk, and was not made"};
  }
}

Configuration& configuration_of(const Service& s) {
  if (s.configuration != nullptr) return *s.configuration;
  throw Problem{503, "Not available", "the settings cannot be asked for here"};
}

}  // namespace

void add_config_routes(Router& router, const Service& s) {
  const auto add = [&](const char* pattern, const char* method, Handler handler) {
    router.add({pattern, std::move(handler), {}, method, Permission::admin});
  };
  add("/api/v1/admin/config", "GET",
      [&s](const Request&) { return settings_answer(*configuration_of(s).current()); });
  add("/api/v1/admin/config", "PATCH",
      [&s](const Request& r) { return patch(configuration_of(s), r); });
  add("/api/v1/admin/config/compose", "GET", [&s](const Request&) {
    return plain(settings_compose(*configuration_of(s).current()), "application/yaml");
  });
}

}  // namespace flowlensd::http
