/// \file
/// config: the options of the settings table, for flowlensd itself and for its commands.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace flowlensd {

/// What the command line says of settings.
struct SettingOptions {
  std::map<std::string_view, std::string> values;  ///< by option
  std::string config_file;
};

/// \param options  outlives the parsing.
void declare_settings(CLI::App& app, SettingOptions& options);
/// \return false if help or the version was printed. \throws flowlens::ConfigError.
[[nodiscard]] bool parse_arguments(CLI::App& app, const std::vector<std::string>& arguments,
                                   std::ostream& out);
/// Defaults, YAML, environment, command line and what was changed by the API.
/// \param needs_data_dir  whether default_data_dir() is used if none is named.
[[nodiscard]] Loaded load_settings(const CLI::App& app, const SettingOptions& options,
                                   const Environment& environment, bool needs_data_dir);

}  // namespace flowlensd
