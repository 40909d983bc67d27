#include <algorithm>
#include <array>
#include <filesystem>

#include "config/load.hpp"
#include "config/reference_names.hpp"
#include "config/suggest.hpp"
#include "config/text_file.hpp"
#include "flowlens/error.hpp"

extern char** environ;

namespace flowlensd {
namespace {

constexpr std::array<std::string_view, 11> kOurPrefixes{
    "FLOWLENS_", "INGESTION_", "ENRICHMENT_", "RESOLUTION_", "CLASSIFICATION_", "API_",
    "AUTH_",     "LOG_",       "POSTGRES_",   "REDIS_",      "KAFKA_"};

constexpr std::string_view kFileSuffix = "_FILE";
constexpr std::size_t kMaxSecretOctets = 65'536;
constexpr std::array<std::string_view, 5> kLaterSecrets{
    "AUTH_SECRET_KEY", "JWT_SECRET", "REDIS_PASSWORD", "REDIS_URL", "KAFKA_SASL_PASSWORD"};

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
  if (value.starts_with("tcp://") || value.starts_with("udp://")) return true;
  if (find_variable(name) != nullptr) return false;  // INGESTION_IPFIX_TCP_PORT
  return holds_part("_SERVICE_HOST") || holds_part("_SERVICE_PORT") || holds_part("_TCP_") ||
         holds_part("_UDP_");
}

const std::string* find(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// The secret setting whose file this variable names: POSTGRES_PASSWORD_FILE.
const Setting* find_secret_file(std::string_view name) {
  if (!name.ends_with(kFileSuffix)) return nullptr;
  const Setting* setting = find_variable(name.substr(0, name.size() - kFileSuffix.size()));
  return setting != nullptr && setting->is_secret() ? setting : nullptr;
}

/// The file of a secret that has no effect in this release.
bool is_later_secret_file(std::string_view name) {
  if (!name.ends_with(kFileSuffix)) return false;
  const std::string_view secret = name.substr(0, name.size() - kFileSuffix.size());
  return holds(kLaterSecrets, secret) && holds(later_variables(), secret);
}

bool is_ours(std::string_view name) {
  return find_variable(name) != nullptr || find_secret_file(name) != nullptr ||
         is_later_secret_file(name) || holds(later_variables(), name) ||
         std::any_of(kOurPrefixes.begin(), kOurPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string read_secret(const std::string& name, const std::string& path, Loaded& loaded) {
  std::string secret = read_file_of(name, path, kMaxSecretOctets);
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) throw flowlens::ConfigError(name + ": " + path + " is empty");
  std::error_code ignored;
  const auto mode = std::filesystem::status(path, ignored).permissions();
  if ((mode & std::filesystem::perms::others_read) != std::filesystem::perms::none) {
    loaded.warnings.push_back("environment: " + name + ": everybody on this machine can read " +
                              path + "; chmod o-r it");
  }
  return secret;
}

/// \param name  ends with _FILE.
void take_secret_file(const Environment& environment, const Setting& setting,
                      const std::string& name, const std::string& path, Loaded& loaded) {
  if (find(environment, setting.variable) != nullptr) {
    throw flowlens::ConfigError("environment: " + std::string(setting.variable) + " and " + name +
                                " are both set; keep one");
  }
  assign(loaded.settings, setting, read_secret(name, path, loaded), name);
  loaded.origins.set(setting, {ValueOrigin::Kind::secret_file, path});
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
      loaded.origins.set(*setting, {ValueOrigin::Kind::environment, name});
    } else if (const Setting* secret = find_secret_file(name)) {
      take_secret_file(environment, *secret, name, value, loaded);
    } else if (holds(later_variables(), name) || is_later_secret_file(name)) {
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
    loaded.warnings.push_back("environment: these have no effect in this release: " + later);
  }
  if (!links.empty()) {
    loaded.warnings.push_back("environment: these describe Kubernetes services and are ignored: " +
                              links);
  }
}

std::string default_data_dir(const Environment& environment) {
  const std::string* given = find(environment, "STATE_DIRECTORY");
  if (given != nullptr && !given->empty()) return given->substr(0, given->find(':'));
  return std::string(kFallbackDataDir);
}

}  // namespace flowlensd
