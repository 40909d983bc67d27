#include "config/load.hpp"

#include <CLI/CLI.hpp>

#include <map>

#include "config/suggest.hpp"
#include "config/text_file.hpp"
#include "flowlens/error.hpp"
#include "flowlens/version.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

constexpr std::size_t kMaxConfigOctets = 1 << 20;

struct CommandLine {
  std::map<std::string_view, std::string> values;  ///< by option
  std::string config_file;
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

void declare(CLI::App& app, CommandLine& line) {
  app.add_option("--config", line.config_file, "settings in YAML (FLOWLENS_CONFIG)")
      ->type_name("FILE");
  for (const Setting& s : settings_table()) {
    if (s.option.empty()) continue;
    app.add_option(std::string(s.option), line.values[s.option], help_text(s))
        ->type_name(std::string(s.unit));
  }
  app.add_option("--input", line.inputs,
                 "read captures instead of sockets: of exporters' datagrams, or of traffic itself")
      ->type_name("FILE.pcap ...");
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
  app.set_version_flag("--version", "flowlensd " + std::string(flowlens::kVersion));
  app.allow_extras();  // so that the message about an unknown option is ours
}

[[noreturn]] void refuse_extra(const CLI::App& app, const std::string& extra) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::string name = extra.substr(0, extra.find('='));
  if (!extra.starts_with("-")) {
    throw ConfigError("command line: `" + extra +
                      "` belongs to no option; captures go behind --input");
  }
  throw ConfigError("command line: unknown option " + name +
                    suggestion(name, {names.begin(), names.end()}) + " (see --help)");
}

/// \return false if help or the version was printed.
bool parse(CLI::App& app, const std::vector<std::string>& arguments, std::ostream& out) {
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

flowlens::CaptureContent input_kind(const std::string& name) {
  using flowlens::CaptureContent;
  if (name == "auto") return CaptureContent::automatic;
  if (name == "exporters") return CaptureContent::exports;
  if (name == "traffic") return CaptureContent::traffic;
  throw ConfigError("--input-kind: `" + name + "` is not valid; give auto, exporters or traffic");
}

void apply_command_line(const CLI::App& app, const CommandLine& line, Loaded& loaded) {
  for (const Setting& s : settings_table()) {
    if (s.option.empty() || app.count(std::string(s.option)) == 0) continue;
    assign(loaded.settings, s, line.values.at(s.option), s.option);
  }
  RunOptions& run = loaded.run;
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

}  // namespace

std::optional<Loaded> load(const std::vector<std::string>& arguments,
                           const Environment& environment, std::ostream& out) {
  CLI::App app{"NetFlow, IPFIX and sFlow in, a map of who depends on whom out", "flowlensd"};
  CommandLine line;
  declare(app, line);
  if (!parse(app, arguments, out)) return std::nullopt;

  Loaded loaded;
  loaded.config_file = line.config_file;
  for (const auto& [name, value] : environment) {
    if (name == "FLOWLENS_CONFIG" && loaded.config_file.empty()) loaded.config_file = value;
  }
  if (!loaded.config_file.empty()) {
    apply_yaml(read_text_file(loaded.config_file, kMaxConfigOctets), loaded.config_file, loaded);
  }
  apply_environment(environment, loaded);
  apply_command_line(app, line, loaded);
  check_together(loaded.settings);
  return loaded;
}

}  // namespace flowlensd
