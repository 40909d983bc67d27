#include <algorithm>
#include <array>

#include "config/load.hpp"
#include "config/reference_names.hpp"
#include "config/suggest.hpp"
#include "flowlens/error.hpp"

extern char** environ;

namespace flowlensd {
namespace {

constexpr std::array<std::string_view, 10> kOurPrefixes{
    "INGESTION_", "ENRICHMENT_", "RESOLUTION_", "CLASSIFICATION_", "API_",
    "AUTH_",      "LOG_",        "POSTGRES_",   "REDIS_",          "KAFKA_"};

std::vector<std::string_view> known_variables() {
  std::vector<std::string_view> names{"FLOWLENS_CONFIG"};
  for (const Setting& s : settings_table()) {
    if (!s.variable.empty()) names.push_back(s.variable);
  }
  names.insert(names.end(), later_variables().begin(), later_variables().end());
  return names;
}

bool holds(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const Setting* find_variable(std::string_view name) {
  for (const Setting& s : settings_table()) {
    if (!s.variable.empty() && s.variable == name) return &s;
  }
  return nullptr;
}

std::string variable(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

Environment process_environment() {
  Environment out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  // getenv order is the shell's; messages should not depend on it.
  std::sort(out.begin(), out.end());
  return out;
}

void apply_environment(const Environment& environment, Loaded& loaded) {
  const auto names = known_variables();
  std::string later;
  for (const auto& [name, value] : environment) {
    if (const Setting* setting = find_variable(name)) {
      assign(loaded.settings, *setting, value, name);
    } else if (name == "FLOWLENS_CONFIG" || holds(other_variables(), name)) {
      continue;
    } else if (holds(later_variables(), name)) {
      later += (later.empty() ? "" : ", ") + name;
    } else if (name.starts_with("FLOWLENS_")) {
      throw flowlens::ConfigError("environment: unknown variable " + name +
                                  suggestion(name, names));
    } else if (std::any_of(kOurPrefixes.begin(), kOurPrefixes.end(),
                           [&](std::string_view p) { return name.starts_with(p); })) {
      loaded.warnings.push_back("environment: " + name +
                                " is no setting of flowlensd and is ignored" +
                                suggestion(name, names));
    }
  }
  if (!later.empty()) {
    loaded.warnings.push_back("environment: these have no effect yet in this release: " + later);
  }
}

std::string default_data_dir(const Environment& environment) {
  if (std::string given = variable(environment, "STATE_DIRECTORY"); !given.empty()) {
    return given.substr(0, given.find(':'));
  }
  return "flowlens-data";
}

}  // namespace flowlensd
