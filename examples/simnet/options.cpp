#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <stdexcept>

#include "scenario.hpp"

namespace simnet {
namespace {

constexpr std::uint64_t kMaxRate = 20'000;
constexpr std::uint64_t kMaxExporters = 64;
constexpr std::uint32_t kSflowSampling = 32;
// Monday 2026-01-05 09:00:00 UTC: where simulated time starts, unless told otherwise.
constexpr std::int64_t kDefaultStart = 1'767'603'600;

struct Option {
  std::string_view name;
  std::string_view value;  ///< what the help calls it; empty: takes none
  std::string_view help;
  std::function<void(Options&, const std::string&)> set;
};

std::uint64_t number(std::string_view option, const std::string& text, std::uint64_t low,
                     std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    throw std::invalid_argument(std::string(option) + ": '" + text + "' is not a number from " +
                                std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

std::uint16_t port(std::string_view option, const std::string& text) {
  return static_cast<std::uint16_t>(number(option, text, 1, 65535));
}

void set_destination(Options& options, const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string host = text.substr(0, colon);
  options.send_to = Address::parse_ipv4(host == "localhost" ? "127.0.0.1" : host);
  if (!options.send_to->is_loopback()) {
    throw std::invalid_argument("--send: " + host +
                                " is not a loopback address; made-up flows stay on this machine");
  }
  if (colon == std::string::npos) return;
  const std::uint16_t all = port("--send", text.substr(colon + 1));
  options.ports = {all, all, all};
}

std::vector<ExporterPlan> exporter_list(const std::string& text) {
  std::vector<ExporterPlan> exporters;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    const std::string name = text.substr(start, comma - start);
    const std::optional<Protocol> protocol = protocol_named(name);
    if (!protocol) {
      throw std::invalid_argument("--exporters: '" + name + "' is not one of v5, v9, ipfix, sflow");
    }
    ExporterPlan& exporter = exporters.emplace_back();
    exporter.protocol = *protocol;
    if (*protocol == Protocol::sflow) exporter.sampling = kSflowSampling;
    start = comma + 1;
  }
  if (exporters.size() > kMaxExporters) {
    throw std::invalid_argument("--exporters: at most " + std::to_string(kMaxExporters));
  }
  return exporters;
}

/// In the order of the help.
const std::vector<Option>& option_table() {
  using O = Options;
  using S = const std::string&;
  static const std::vector<Option> table = {
      {"--send", "HOST[:PORT]", "send live to a collector on this machine; PORT for all protocols",
       [](O& o, S v) { set_destination(o, v); }},
      {"--pcap", "FILE", "write the datagrams as a capture, in simulated time",
       [](O& o, S v) { o.pcap = v; }},
      {"--list", "", "print hosts, dependencies and attempts, and stop",
       [](O& o, S) { o.list = true; }},
      {"--truth", "FILE", "write the true dependencies as CSV at the end",
       [](O& o, S v) { o.truth = v; }},
      {"--attempts", "FILE", "write the vain attempts as CSV at the end",
       [](O& o, S v) { o.attempts = v; }},
      {"--assets", "FILE", "write what stands at each address as CSV at the end",
       [](O& o, S v) { o.assets = v; }},
      {"--gateways", "FILE", "write by which next hops exporters sent as CSV at the end",
       [](O& o, S v) { o.gateways = v; }},
      {"--scenario", "FILE", "what happens, in YAML; options behind it win over what it says",
       [](O& o, S v) { load_scenario(v, o); }},
      {"--seed", "N", "another seed, another enterprise (1)",
       [](O& o, S v) { o.world.seed = number("--seed", v, 0, UINT64_MAX); }},
      {"--clients", "N", "client machines (16)",
       [](O& o, S v) {
         o.world.clients = static_cast<std::uint32_t>(number("--clients", v, 1, 50000));
       }},
      {"--scale", "N", "times the servers of each tier (1: 22 servers)",
       [](O& o, S v) { o.world.scale = static_cast<std::uint32_t>(number("--scale", v, 1, 200)); }},
      {"--ipv6", "PERCENT", "of the dependencies (10)",
       [](O& o, S v) {
         o.world.ipv6_percent = static_cast<std::uint32_t>(number("--ipv6", v, 0, 100));
       }},
      {"--rate", "N", "flows a second, at most 20000; two flows a conversation (100)",
       [](O& o, S v) {
         // A conversation is two flows.
         o.simulation.traffic.gap = Micros{2'000'000 / number("--rate", v, 2, kMaxRate)};
       }},
      {"--duration", "SECONDS", "of traffic (60)",
       [](O& o, S v) {
         o.simulation.traffic.duration = std::chrono::seconds{number("--duration", v, 1, 864000)};
       }},
      {"--exporters", "LIST", "protocols, one exporter each (v5,v9,ipfix,sflow)",
       [](O& o, S v) { o.simulation.exporters = exporter_list(v); }},
      {"--overlap", "PERCENT", "of the conversations, seen by two exporters (0)",
       [](O& o, S v) {
         o.simulation.traffic.overlap_percent =
             static_cast<std::uint32_t>(number("--overlap", v, 0, 100));
       }},
      {"--attempt-share", "PERCENT", "attempts on closed ports, per conversation (2)",
       [](O& o, S v) {
         o.simulation.traffic.attempt_percent =
             static_cast<std::uint32_t>(number("--attempt-share", v, 0, 100));
       }},
      {"--sflow-sampling", "N", "one packet in N (32)",
       [](O& o, S v) {
         o.sflow_sampling = static_cast<std::uint32_t>(number("--sflow-sampling", v, 1, 1'000'000));
       }},
      {"--template-every", "N", "datagrams; 0: at the start only (20)",
       [](O& o, S v) {
         o.simulation.template_every =
             static_cast<std::uint32_t>(number("--template-every", v, 0, 1'000'000));
       }},
      {"--start", "EPOCH", "simulated time of a capture, seconds (1767603600)",
       [](O& o, S v) {
         o.simulation.traffic.start =
             Time{std::chrono::seconds{number("--start", v, 864000 * 2, 4'000'000'000)}};
       }},
      {"--netflow-port", "N", "of v5 and v9 (2055)",
       [](O& o, S v) { o.ports.netflow = port("--netflow-port", v); }},
      {"--ipfix-port", "N", "(4739)", [](O& o, S v) { o.ports.ipfix = port("--ipfix-port", v); }},
      {"--sflow-port", "N", "(6343)", [](O& o, S v) { o.ports.sflow = port("--sflow-port", v); }},
      {"--help-scenario", "", "the keys of a scenario", [](O& o, S) { o.help_scenario = true; }},
      {"--quiet", "", "no summary", [](O& o, S) { o.quiet = true; }},
      {"--help", "", "this text", [](O& o, S) { o.help = true; }},
  };
  return table;
}

const Option& option_named(const std::string& name) {
  for (const Option& option : option_table()) {
    if (option.name == name || (name == "-h" && option.name == "--help")) return option;
  }
  throw std::invalid_argument("unknown option '" + name + "'; --help lists all");
}

void check(const Options& options) {
  if (options.help || options.help_scenario || options.list) return;
  if (options.send_to.has_value() == !options.pcap.empty()) {
    throw std::invalid_argument("give one of --send, --pcap and --list");
  }
}

}  // namespace

Options parse_options(std::span<char* const> arguments) {
  Options options;
  options.simulation.exporters = exporter_list("v5,v9,ipfix,sflow");
  options.simulation.traffic.duration = std::chrono::seconds{60};
  options.simulation.traffic.start = Time{std::chrono::seconds{kDefaultStart}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    std::optional<std::string> value;
    if (const std::size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    const Option& option = option_named(name);
    if (option.value.empty() && value) throw std::invalid_argument(name + " takes no value");
    if (!option.value.empty() && !value) {
      if (i + 1 == arguments.size()) {
        throw std::invalid_argument(name + " needs a value: " + std::string(option.value));
      }
      value = arguments[++i];
    }
    option.set(options, value.value_or(""));
  }
  options.simulation.traffic.seed = options.world.seed;
  for (ExporterPlan& exporter : options.simulation.exporters) {
    if (options.sflow_sampling && exporter.protocol == Protocol::sflow) {
      exporter.sampling = *options.sflow_sampling;
    }
  }
  check(options);
  return options;
}

std::string help_text() {
  std::string text =
      "flowlens-simnet: a simulated enterprise that exports flows and knows the truth\n\n"
      "  flowlens-simnet --send 127.0.0.1 [--rate 200] [--duration 60] [--truth truth.csv]\n"
      "  flowlens-simnet --pcap flows.pcap --truth truth.csv\n"
      "  flowlens-simnet --list\n\n"
      "The same options write the same bytes. Live, every exporter sends from its own address\n"
      "127.0.0.11, 127.0.0.12, …, and every dependency is used once before any is used again.\n"
      "Ctrl-C ends it early; the truth then covers what was sent.\n\n";
  for (const Option& option : option_table()) {
    std::string line = "  " + std::string(option.name) + " " + std::string(option.value);
    line.resize(std::max<std::size_t>(line.size() + 2, 30), ' ');
    text += line + std::string(option.help) + "\n";
  }
  return text;
}

}  // namespace simnet
