// flowlensd doctor: whether this machine, the settings and a running daemon are well, and what would help.
#include <CLI/CLI.hpp>
#include <iomanip>
#include <nlohmann/json.hpp>

#include "commands/checks.hpp"
#include "commands/commands.hpp"
#include "config/command_line.hpp"
#include "flowlens/error.hpp"
#include "flowlens/version.hpp"

namespace flowlensd {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::vector<Check>& checks, bool is_good) {
  Json items = Json::array();
  for (const Check& c : checks) {
    items.push_back({{"name", c.name},
                     {"result", to_string(c.result)},
                     {"says", c.says},
                     {"advice", c.advice.empty() ? Json(nullptr) : Json(c.advice)}});
  }
  return {{"version", flowlens::kVersion}, {"is_good", is_good}, {"checks", std::move(items)}};
}

void print(const std::vector<Check>& checks, std::ostream& out) {
  for (const Check& c : checks) {
    out << std::left << std::setw(8) << to_string(c.result) << std::setw(18) << c.name << c.says
        << '\n';
    if (!c.advice.empty()) out << std::string(26, ' ') << "-> " << c.advice << '\n';
  }
}

std::vector<Check> all_checks(const CLI::App& app, const SettingOptions& options,
                              const Environment& environment) {
  std::vector<Check> checks;
  Loaded loaded;
  try {
    loaded = load_settings(app, options, environment, true);
  } catch (const flowlens::Error& e) {
    checks.push_back({"settings", Check::Result::bad, e.what(), "nothing else was looked at"});
    return checks;
  }
  check_settings(loaded, checks);
  check_files(loaded.settings, checks);
  const RunningDaemon running = find_running(loaded.settings);
  check_data_dir(loaded.settings, running, checks);
  check_database(loaded.settings, running, checks);
  check_dns(loaded.settings, checks);
  check_clock(checks);
  check_sockets(loaded.settings, running, checks);
  check_lookups(loaded.settings, checks);
  check_daemon(running, checks);
  return checks;
}

}  // namespace

int run_doctor(const std::vector<std::string>& arguments, const Environment& environment,
               std::ostream& out) {
  CLI::App app{
      "Looks at settings, files, database, clock, sockets and a running daemon, and says "
      "what would help. 0: nothing is wrong (there may be warnings), 1: something is",
      "flowlensd doctor"};
  bool is_json = false;
  app.add_flag("--json", is_json, "one JSON object");
  SettingOptions options;
  declare_settings(app, options);
  if (!parse_arguments(app, arguments, out)) return kGood;
  const std::vector<Check> checks = all_checks(app, options, environment);
  bool is_good = true;
  for (const Check& c : checks) is_good = is_good && c.result != Check::Result::bad;
  if (is_json) {
    out << json_of(checks, is_good).dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    print(checks, out);
  }
  return is_good ? kGood : kFailed;
}

}  // namespace flowlensd
