#include <algorithm>
#include <array>

#include "config/load.hpp"
#include "config/reference_names.hpp"
#include "config/suggest.hpp"
#include "flowlens/error.hpp"

extern char** environ;

namespace flowlensd {
namespace {

constexpr std::array<std::string_view, 11> kOurPrefixes{
    "FLOWLENS_", "INGESTION_", "ENRICHMENT_", "RESOLUTION_", "CLASSIFICATION_", "API_",
    "AUTH_",     "LOG_",       "POSTGRES_",   "REDIS_",      "KAFKA_"};

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

/// Kubernetes describes a Service called `flowlens` or `flowlens-db` by variables of its own
/// making.
bool is_service_link(std::string_view name, std::string_view value) {
  const auto holds_part = [&](std::string_view part) { return name.find(part) != name.npos; };
  return value.starts_with("tcp://") || value.starts_with("udp://") ||
         holds_part("_SERVICE_HOST") || holds_part("_SERVICE_PORT") || holds_part("_TCP_") ||
         holds_part("_UDP_");
}

bool is_ours(std::string_view name) {
  return find_variable(name) != nullptr || holds(later_variables(), name) ||
         std::any_of(kOurPrefixes.begin(), kOurPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
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
  std::string links;
  const auto append = [](std::string& list, const std::string& name) {
    list += (list.empty() ? "" : ", ") + name;
  };
  for (const auto& [name, value] : environment) {
    if (!is_ours(name) || holds(other_variables(), name) || name == "FLOWLENS_CONFIG") continue;
    if (is_service_link(name, value)) {
      append(links, name);
    } else if (const Setting* setting = find_variable(name)) {
      assign(loaded.settings, *setting, value, name);
    } else if (holds(later_variables(), name)) {
      append(later, name);
    } else if (name.starts_with("FLOWLENS_")) {
      throw flowlens::ConfigError("environment: unknown variable " + name +
                                  suggestion(name, names));
    } else {
      loaded.warnings.push_back("environment: " + name +
                                " is no setting of flowlensd and is ignored" +
                                suggestion(name, names));
    }
  }
  if (!later.empty()) {
    loaded.warnings.push_back("environment: these have no effect yet in this release: " + later);
  }
  if (!links.empty()) {
    loaded.warnings.push_back("environment: these describe Kubernetes services and are ignored: " +
                              links);
  }
}

std::string default_data_dir(const Environment& environment) {
  if (std::string given = variable(environment, "STATE_DIRECTORY"); !given.empty()) {
    return given.substr(0, given.find(':'));
  }
  return "flowlens-data";
}

}  // namespace flowlensd
