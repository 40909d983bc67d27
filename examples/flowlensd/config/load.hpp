/// \file
/// config: defaults ← YAML ← environment ← command line.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.hpp"

namespace flowlensd {

/// Where a value comes from, in the order in which they give way to each other.
struct ValueOrigin {
  enum class Kind : std::uint8_t { built_in, file, environment, secret_file, command_line, api };
  Kind kind = Kind::built_in;
  std::string where;  ///< `flowlensd.yaml:3`, the variable, the option or the file; empty: built in
};
[[nodiscard]] std::string_view to_string(ValueOrigin::Kind kind) noexcept;

/// Where each value comes from. Two rows that set the same field share it.
class ValueOrigins {
 public:
  void set(const Setting& setting, ValueOrigin origin);
  [[nodiscard]] ValueOrigin of(const Setting& setting) const;

 private:
  std::vector<std::pair<SettingField, ValueOrigin>> origins_;
};

struct Loaded {
  Settings settings;
  RunOptions run;
  std::string config_file;            ///< empty: none
  std::vector<std::string> warnings;  ///< to be logged once the log is there
  ValueOrigins origins;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The environment of this process.
[[nodiscard]] Environment process_environment();

/// Reads all sources. Data lies in default_data_dir() if none names a folder; only reading captures for
/// their summary needs none.
/// \param out  where `--help` and `--version` print.
/// \return nothing if only help or the version was asked for.
/// \throws flowlens::ConfigError, flowlens::IoError.
[[nodiscard]] std::optional<Loaded> load(const std::vector<std::string>& arguments,
                                         const Environment& environment, std::ostream& out);

/// One source each; later ones overwrite. Exposed for tests.
/// \param environment  for variables that stand in values.
void apply_yaml(std::string_view text, std::string_view file, Loaded& loaded,
                const Environment& environment = {});
void apply_environment(const Environment& environment, Loaded& loaded);

/// Where the settings are kept that were changed by the API; they go before all other sources.
/// \return empty without a folder for data.
[[nodiscard]] std::filesystem::path changes_file(const Settings& settings);
/// Applies such a file, if there is one. \throws flowlens::ConfigError, flowlens::IoError.
void apply_changes_file(Loaded& loaded);

inline constexpr std::string_view kFallbackDataDir = "flowlens-data";
/// Where data lies if nobody says: systemd's STATE_DIRECTORY, else ./flowlens-data.
[[nodiscard]] std::string default_data_dir(const Environment& environment);

}  // namespace flowlensd
