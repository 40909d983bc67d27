/// \file
/// config: defaults ← YAML ← environment ← command line.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.hpp"

namespace flowlensd {

struct Loaded {
  Settings settings;
  RunOptions run;
  std::string config_file;            ///< empty: none
  std::vector<std::string> warnings;  ///< to be logged once the log is there
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The environment of this process.
[[nodiscard]] Environment process_environment();

/// Reads all sources.
/// \param out  where `--help` and `--version` print.
/// \return nothing if only help or the version was asked for.
/// \throws flowlens::ConfigError, flowlens::IoError.
[[nodiscard]] std::optional<Loaded> load(const std::vector<std::string>& arguments,
                                         const Environment& environment, std::ostream& out);

/// One source each; later ones overwrite. Exposed for tests.
void apply_yaml(std::string_view text, std::string_view file, Loaded& loaded);
void apply_environment(const Environment& environment, Loaded& loaded);

/// Where data lies if nobody says: systemd's STATE_DIRECTORY, else ./flowlens-data.
[[nodiscard]] std::string default_data_dir(const Environment& environment);

}  // namespace flowlensd
