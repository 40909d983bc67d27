/// \file
/// config: the effective settings in the forms that people and programs read. Secrets are masked in all.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "config/load.hpp"

namespace flowlensd {

/// One object a setting, in the order of the table.
[[nodiscard]] nlohmann::ordered_json settings_json(const Loaded& loaded);
/// For people: name, value, where from.
[[nodiscard]] std::string settings_text(const Loaded& loaded);
/// `NAME=value` lines, as env_file of Docker Compose and EnvironmentFile= of systemd take them; secrets are
/// comments.
[[nodiscard]] std::string settings_env(const Loaded& loaded);
/// A file for Docker Compose that runs flowlensd by these settings, beside PostgreSQL if they name it.
[[nodiscard]] std::string settings_compose(const Loaded& loaded);
/// The page docs/settings.md: all settings with their defaults.
[[nodiscard]] std::string settings_page();

}  // namespace flowlensd
