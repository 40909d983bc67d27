// The Docker Compose export (DECISIONS D4 to D6): no container_name, no merge keys, ports on loopback but
// for the exporters'; secrets by files, so that the file can be shown and kept.
#include <array>
#include <vector>

#include "config/effective.hpp"
#include "flowlens/version.hpp"

namespace flowlensd {
namespace {

/// A YAML scalar between quotes: all of these are text to YAML, whatever they look like. Compose reads `$` as
/// the beginning of a variable.
std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '$') out += '$';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// `postgres_password` of POSTGRES_PASSWORD.
std::string secret_name(std::string_view variable) {
  std::string name(variable);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

/// Set by the container itself.
bool is_container_s(const Setting& s) {
  return s.name() == "data_dir" || s.name() == "api.host" || s.name() == "ingestion.bind_address";
}

bool is_default(const Setting& s, const Loaded& loaded) {
  return value_text(loaded.settings, s) == value_text(Settings{}, s);
}

struct Parts {
  std::string environment;
  std::vector<std::string> secrets;
};

Parts parts_of(const Loaded& loaded, bool has_database) {
  Parts parts;
  const auto add = [&](std::string_view name, std::string_view value) {
    parts.environment += "      " + std::string(name) + ": " + yaml_text(value) + "\n";
  };
  add("FLOWLENS_DATA_DIR", "/data");
  add("API_HOST", "0.0.0.0");
  for (const Setting& s : settings_table()) {
    if (is_second_name(s) || s.variable.empty() || is_container_s(s)) continue;
    const bool is_database_s = has_database && s.name().starts_with("postgres.");
    if (!is_database_s && is_default(s, loaded)) continue;
    if (!s.is_secret()) {
      add(s.variable, s.name() == "postgres.host" ? "postgres" : value_text(loaded.settings, s));
      continue;
    }
    const std::string name = secret_name(s.variable);
    add(std::string(s.variable) + "_FILE", "/run/secrets/" + name);
    parts.secrets.push_back(name);
  }
  return parts;
}

std::string port(std::uint64_t number, std::string_view where, std::string_view protocol) {
  if (number == 0) return {};
  const std::string n = std::to_string(number);
  return "      - " + yaml_text(std::string(where) + n + ":" + n + std::string(protocol)) + "\n";
}

std::string secret_list(const std::vector<std::string>& secrets) {
  if (secrets.empty()) return {};
  std::string out = "    secrets:\n";
  for (const std::string& name : secrets) out += "      - " + name + "\n";
  return out;
}

std::string postgres_service(const Settings& s) {
  return "  postgres:\n"
         "    image: postgres:15-alpine\n"
         "    environment:\n"
         "      POSTGRES_USER: " +
         yaml_text(s.postgres_user) +
         "\n"
         "      POSTGRES_DB: " +
         yaml_text(s.postgres_database) +
         "\n"
         "      POSTGRES_PASSWORD_FILE: \"/run/secrets/postgres_password\"\n"
         "    secrets:\n      - postgres_password\n"
         "    volumes:\n      - postgres_data:/var/lib/postgresql/data\n"
         "    healthcheck:\n"
         "      test: [\"CMD-SHELL\", \"pg_isready -U $$POSTGRES_USER\"]\n"
         "      interval: 10s\n      timeout: 5s\n      retries: 5\n"
         "    restart: unless-stopped\n";
}

}  // namespace

std::string settings_compose(const Loaded& loaded) {
  const Settings& s = loaded.settings;
  const bool has_database = !s.postgres_host.empty() && s.database_url.empty();
  const Parts parts = parts_of(loaded, has_database);
  std::string out =
      "# Made by `flowlensd config --format compose`. What each name means: docs/settings.md.\n"
      "# Files that the settings name must be mounted; each secret stands in a file of its own.\n"
      "services:\n"
      "  flowlensd:\n"
      "    image: \"flowlens/flowlensd:${FLOWLENS_VERSION:-" +
      std::string(flowlens::kVersion) +
      "}\"\n"
      "    environment:\n" +
      parts.environment;
  out += "    ports:\n" + port(s.api_port, "127.0.0.1:", "");
  for (const std::uint64_t udp : {s.netflow_port, s.ipfix_port, s.sflow_port}) {
    out += port(udp, "", "/udp");
  }
  out += secret_list(parts.secrets);
  out += "    volumes:\n      - flowlens_data:/data\n";
  if (has_database) out += "    depends_on:\n      postgres:\n        condition: service_healthy\n";
  out += "    restart: unless-stopped\n";
  if (has_database) out += postgres_service(s);
  out += "volumes:\n  flowlens_data:\n";
  if (has_database) out += "  postgres_data:\n";
  if (!parts.secrets.empty()) out += "secrets:\n";
  for (const std::string& name : parts.secrets) {
    out += "  " + name + ":\n    file: \"./secrets/" + name + "\"\n";
  }
  return out;
}

}  // namespace flowlensd
