#include "config/load.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "config/command_line.hpp"
#include "config/roles.hpp"
#include "config/suggest.hpp"
#include "config/text_file.hpp"
#include "flowlens/error.hpp"
#include "flowlens/version.hpp"
#include "pipeline/replace_file.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

constexpr std::size_t kMaxConfigOctets = 1 << 20;
constexpr const char* kCommandsHelp =
    "Commands, each with --help: flowlensd config | doctor | migrate | backup | restore | user";

struct RunLine {
  std::vector<std::string> inputs;
  std::string input_kind = "auto";
  bool serve = false;
  std::string export_path;
  std::string export_format = "json";
};

std::string help_text(const Setting& s) {
  const std::string value = value_text(Settings{}, s);
  std::string text = std::string(s.help) + (value.empty() ? "" : " [" + value + "]");
  if (!s.variable.empty()) text += " (" + std::string(s.variable) + ")";
  return text;
}

void declare_run(CLI::App& app, RunLine& line) {
  app.add_option(
         "--input", line.inputs,
         "read files instead of sockets: captures, of exporters' datagrams or of traffic itself; "
         "IPFIX files; flow logs of AWS VPC, Azure, GCP, Zeek (conn.log) and Suricata (EVE)")
      ->type_name("FILE ...");
  app.add_option("--input-kind", line.input_kind,
                 "what the packets of --input are: exporters (every UDP payload is an export), "
                 "traffic (every packet is traffic), or auto: a whole NetFlow, IPFIX or sFlow "
                 "message, or one that goes to a port of theirs, is an export, all else is traffic "
                 "[auto]")
      ->type_name("KIND");
  app.add_flag("--serve", line.serve, "after --input: keep serving the API, and receive");
  app.add_option("--export", line.export_path, "after --input: write the map; `-`: standard output")
      ->type_name("FILE");
  app.add_option("--export-format", line.export_format, "json, graphml, dot, mermaid or csv [json]")
      ->type_name("FORMAT");
}

[[noreturn]] void refuse_extra(const CLI::App& app, const std::string& extra) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::string name = extra.substr(0, extra.find('='));
  if (!extra.starts_with("-")) {
    throw ConfigError("command line: `" + extra +
                      "` belongs to no option; files to read go behind --input");
  }
  throw ConfigError("command line: unknown option " + name +
                    suggestion(name, {names.begin(), names.end()}) + " (see --help)");
}

flowlens::CaptureContent input_kind(const std::string& name) {
  using flowlens::CaptureContent;
  if (name == "auto") return CaptureContent::automatic;
  if (name == "exporters") return CaptureContent::exports;
  if (name == "traffic") return CaptureContent::traffic;
  throw ConfigError("--input-kind: `" + name + "` is not valid; give auto, exporters or traffic");
}

void apply_run_options(const CLI::App& app, const RunLine& line, RunOptions& run) {
  run.inputs.assign(line.inputs.begin(), line.inputs.end());
  run.input_kind = input_kind(line.input_kind);
  run.serve = line.serve;
  run.export_path = line.export_path;
  const auto format = flowlens::parse_export_format(line.export_format);
  if (!format) {
    throw ConfigError("--export-format: `" + line.export_format +
                      "` is not valid; give json, graphml, dot, mermaid or csv");
  }
  run.export_format = *format;
  if (run.inputs.empty() && app.count("--input-kind") != 0) {
    throw ConfigError("--input-kind goes with --input");
  }
  if (run.inputs.empty() && run.serve) {
    throw ConfigError("--serve goes with --input; a start without --input serves anyway");
  }
  if (run.inputs.empty() && !run.export_path.empty()) {
    throw ConfigError(
        "--export goes with --input; from a running daemon take /api/v1/topology/export");
  }
}

void apply_command_line(const CLI::App& app, const SettingOptions& options, Loaded& loaded) {
  for (const Setting& s : settings_table()) {
    if (s.option.empty() || app.count(std::string(s.option)) == 0) continue;
    assign(loaded.settings, s, options.values.at(s.option), s.option);
    loaded.origins.set(s, {ValueOrigin::Kind::command_line, std::string(s.option)});
  }
}

const Setting& data_dir_setting() { return *find_setting("data_dir"); }

/// One member of the file of changes.
void apply_change(const std::string& file, const std::string& name, const nlohmann::json& value,
                  Loaded& loaded) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr || !setting->is_live() || !value.is_string()) {
    throw ConfigError(
        file + ": `" + name +
        "` is no setting that can be changed while flowlensd runs, or its value is no "
        "text; remove it, or the file");
  }
  assign(loaded.settings, *setting, value.get<std::string>(), file + ": " + name);
  loaded.origins.set(*setting, {ValueOrigin::Kind::api, file});
}

constexpr std::array<std::string_view, 6> kOriginNames{"default",     "file",         "environment",
                                                       "secret file", "command line", "api"};

}  // namespace

std::string_view to_string(ValueOrigin::Kind kind) noexcept {
  return kOriginNames[static_cast<std::size_t>(kind)];
}

void ValueOrigins::set(const Setting& setting, ValueOrigin origin) {
  for (auto& [field, held] : origins_) {
    if (field != setting.field) continue;
    held = std::move(origin);
    return;
  }
  origins_.emplace_back(setting.field, std::move(origin));
}

ValueOrigin ValueOrigins::of(const Setting& setting) const {
  for (const auto& [field, origin] : origins_) {
    if (field == setting.field) return origin;
  }
  return {};
}

void declare_settings(CLI::App& app, SettingOptions& options) {
  app.add_option("--config", options.config_file, "settings in YAML (FLOWLENS_CONFIG)")
      ->type_name("FILE");
  for (const Setting& s : settings_table()) {
    if (s.option.empty()) continue;
    app.add_option(std::string(s.option), options.values[s.option], help_text(s))
        ->type_name(std::string(s.unit));
  }
  app.allow_extras();  // so that the message about an unknown option is ours
}

bool parse_arguments(CLI::App& app, const std::vector<std::string>& arguments, std::ostream& out) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return false;
  } catch (const CLI::CallForVersion& e) {
    out << e.what() << '\n';
    return false;
  } catch (const CLI::ParseError& e) {
    throw ConfigError("command line: " + std::string(e.what()) + " (see --help)");
  }
  if (const auto extras = app.remaining(); !extras.empty()) refuse_extra(app, extras.front());
  return true;
}

Loaded load_settings(const CLI::App& app, const SettingOptions& options,
                     const Environment& environment, bool needs_data_dir) {
  Loaded loaded;
  loaded.config_file = options.config_file;
  for (const auto& [name, value] : environment) {
    if (name == "FLOWLENS_CONFIG" && loaded.config_file.empty()) loaded.config_file = value;
  }
  if (!loaded.config_file.empty()) {
    apply_yaml(read_text_file(loaded.config_file, kMaxConfigOctets), loaded.config_file, loaded,
               environment);
  }
  apply_environment(environment, loaded);
  apply_command_line(app, options, loaded);
  if (loaded.settings.data_dir.empty() && needs_data_dir) {
    loaded.settings.data_dir = default_data_dir(environment);
    if (loaded.settings.data_dir != kFallbackDataDir) {
      loaded.origins.set(data_dir_setting(), {ValueOrigin::Kind::environment, "STATE_DIRECTORY"});
    }
  }
  apply_changes_file(loaded);
  check_together(loaded.settings);
  return loaded;
}

std::filesystem::path changes_file(const Settings& settings) {
  if (settings.data_dir.empty()) return {};
  return std::filesystem::path(settings.data_dir) / "settings.json";
}

void apply_changes_file(Loaded& loaded) {
  const std::filesystem::path file = changes_file(loaded.settings);
  if (file.empty()) return;
  const auto text = read_file(file);
  if (!text) return;
  const auto changes = nlohmann::json::parse(*text, nullptr, false);
  if (!changes.is_object()) {
    throw ConfigError(file.string() +
                      ": is no JSON object of settings; remove it to start without "
                      "the changes that were made by the API");
  }
  for (const auto& [name, value] : changes.items()) {
    apply_change(file.string(), name, value, loaded);
  }
}

std::optional<Loaded> load(const std::vector<std::string>& arguments,
                           const Environment& environment, std::ostream& out) {
  CLI::App app{"NetFlow, IPFIX and sFlow in, a map of who depends on whom out", "flowlensd"};
  SettingOptions options;
  RunLine line;
  declare_settings(app, options);
  declare_run(app, line);
  app.set_version_flag("--version", "flowlensd " + std::string(flowlens::kVersion));
  app.footer(kCommandsHelp);
  if (!parse_arguments(app, arguments, out)) return std::nullopt;
  Loaded loaded = load_settings(app, options, environment, line.inputs.empty());
  apply_run_options(app, line, loaded.run);
  if (!loaded.run.inputs.empty() && !parse_roles(loaded.settings.roles).has(Role::resolve)) {
    throw ConfigError(
        "--input: captures become a map in the process that has the role resolve; roles are " +
        loaded.settings.roles);
  }
  return loaded;
}

}  // namespace flowlensd
