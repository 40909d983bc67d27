// flowlensd config: what settings are in effect, and where each came from.
#include <CLI/CLI.hpp>
#include <iostream>

#include "commands/commands.hpp"
#include "config/command_line.hpp"
#include "config/effective.hpp"
#include "flowlens/error.hpp"
#include "pipeline/setting_files.hpp"

namespace flowlensd {
namespace {

std::string printed(const Loaded& loaded, const std::string& format) {
  if (format == "table") return settings_text(loaded);
  if (format == "json") return settings_json(loaded).dump(2) + "\n";
  if (format == "env") return settings_env(loaded);
  if (format == "compose") return settings_compose(loaded);
  if (format == "markdown") return settings_page();
  throw flowlens::ConfigError("--format: `" + format +
                              "` is not valid; give table, json, env, compose or markdown");
}

}  // namespace

int run_config(const std::vector<std::string>& arguments, const Environment& environment,
               std::ostream& out) {
  CLI::App app{"The settings in effect, and where each comes from; secrets are masked",
               "flowlensd config"};
  bool is_check = false;
  std::string format = "table";
  app.add_flag("--check", is_check,
               "only check: the settings, and the files that they name; 0: all is well, 2: not");
  app.add_option("--format", format,
                 "table, json, env (for env_file), compose (docker-compose.yml) or markdown "
                 "(docs/settings.md) [table]")
      ->type_name("FORMAT");
  SettingOptions options;
  declare_settings(app, options);
  if (!parse_arguments(app, arguments, out)) return kGood;
  const Loaded loaded = load_settings(app, options, environment, true);
  for (const std::string& warning : loaded.warnings) std::cerr << "warning: " << warning << '\n';
  if (is_check) {
    check_setting_files(loaded.settings);
    out << "the settings are sound\n";
    return kGood;
  }
  out << printed(loaded, format);
  return kGood;
}

}  // namespace flowlensd
