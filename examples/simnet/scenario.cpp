#include "scenario.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "options.hpp"

namespace simnet {
namespace {

/// A number and what it may be.
template <typename Target>
struct Key {
  std::string_view name;
  double low = 0;
  double high = 0;
  bool is_whole = true;
  std::string_view help;
  std::function<void(Target&, double)> set;
};

template <typename T>
T as(double value) {
  return static_cast<T>(value);
}
Micros seconds(double value) { return Micros{std::llround(value * 1e6)}; }

/// Numbers at the top of a scenario.
const std::vector<Key<Options>>& top_keys() {
  using O = Options;
  using U = std::uint32_t;
  static const std::vector<Key<Options>> keys = {
      {"seed", 0, 4294967295.0, true, "another seed, another enterprise",
       [](O& o, double v) { o.world.seed = as<std::uint64_t>(v); }},
      {"start", 1728000, 4e9, true, "seconds since 1970",
       [](O& o, double v) {
         o.simulation.traffic.start = Time{std::chrono::seconds{as<std::int64_t>(v)}};
       }},
      {"duration", 1, 5184000, true, "seconds of traffic, up to 60 days",
       [](O& o, double v) { o.simulation.traffic.duration = seconds(v); }},
      {"measure_from", 0, 5184000, true,
       "seconds of learning before the harness measures direction",
       [](O& o, double v) { o.measure_from = seconds(v); }},
      {"rate", 0.01, 20000, false, "flows a second; two flows a conversation",
       [](O& o, double v) { o.simulation.traffic.gap = seconds(2 / v); }},
      {"clients", 1, 50000, true, "client machines",
       [](O& o, double v) { o.world.clients = as<U>(v); }},
      {"tiers", 1, 8, true,
       "1: web alone, 2: and data, from 3 on rows of application servers between",
       [](O& o, double v) { o.world.tiers = as<U>(v); }},
      {"replicas", 1, 200, true, "times the servers of each tier",
       [](O& o, double v) { o.world.scale = as<U>(v); }},
      {"failover_pairs", 0, 50, true, "pairs of databases; at half time the standby takes over",
       [](O& o, double v) { o.world.failover_pairs = as<U>(v); }},
      {"load_balancers", 0, 16, true, "between clients and web servers; 0: none between",
       [](O& o, double v) { o.world.load_balancers = as<U>(v); }},
      {"proxies", 0, 16, true, "balancers that ask three replicas each in their own name",
       [](O& o, double v) { o.world.proxies = as<U>(v); }},
      {"virtual_servers", 0, 16, true,
       "balancers that put the address of one of three replicas in place of theirs",
       [](O& o, double v) { o.world.virtual_servers = as<U>(v); }},
      {"nat", 0, 100, true, "percent of the clients behind address translators, 50 an address",
       [](O& o, double v) { o.world.nat_percent = as<U>(v); }},
      {"ipv6", 0, 100, true, "percent of the dependencies",
       [](O& o, double v) { o.world.ipv6_percent = as<U>(v); }},
      {"dns", 0, 100, true, "percent of the servers that ask; clients always do, but for 0",
       [](O& o, double v) { o.world.dns_percent = as<U>(v); }},
      {"monitoring", 0, 100, true, "percent of the servers that are polled",
       [](O& o, double v) { o.world.monitoring_percent = as<U>(v); }},
      {"backup", 0, 100, true, "percent of the data, mail and directory servers",
       [](O& o, double v) { o.world.backup_percent = as<U>(v); }},
      {"attempts", 0, 100, true, "vain attempts per 100 conversations",
       [](O& o, double v) { o.simulation.traffic.attempt_percent = as<U>(v); }},
      {"scanners", 0, 20, true, "hosts that scan",
       [](O& o, double v) { o.world.scanners = as<U>(v); }},
      {"scans", 0, 1000, true, "scan packets per 100 conversations",
       [](O& o, double v) { o.simulation.traffic.scan_percent = as<U>(v); }},
      {"peers", 0, 200, true, "hosts that are client and server to each other",
       [](O& o, double v) { o.world.peers = as<U>(v); }},
      {"high_ports", 0, 100, true, "percent of the TCP services, on a port from 20000 on",
       [](O& o, double v) { o.world.high_port_percent = as<U>(v); }},
      {"low_client_ports", 0, 100, true,
       "percent of the TCP dependencies, clients on ports 600 to 1023",
       [](O& o, double v) { o.world.low_port_percent = as<U>(v); }},
      {"rpc_servers", 0, 50, true, "MS-RPC: port 135 first, then a dynamic one",
       [](O& o, double v) { o.world.rpc_servers = as<U>(v); }},
      {"monthly_jobs", 0, 50, true, "dependencies used once in 30 days",
       [](O& o, double v) { o.world.monthly_jobs = as<U>(v); }},
      {"equipment", 0, 50, true,
       "sets of printers, cameras, telephones, hypervisors, switches and the like, 49 hosts each",
       [](O& o, double v) { o.world.equipment = as<U>(v); }},
      {"long_connections", 0, 100, true, "percent of the TCP conversations that last 30 s and more",
       [](O& o, double v) { o.simulation.traffic.long_percent = as<U>(v); }},
      {"longest_connection", 30, 86400, true, "seconds",
       [](O& o, double v) { o.simulation.traffic.longest = seconds(v); }},
      {"observers", 1, 4, true, "exporters that see each conversation, if there are so many",
       [](O& o, double v) { o.simulation.traffic.observers = as<U>(v); }},
      {"overlap", 0, 100, true, "percent of the conversations, seen by one exporter more",
       [](O& o, double v) { o.simulation.traffic.overlap_percent = as<U>(v); }},
      {"next_hops", 0, 1, true, "1: exporters tell by which router they send on",
       [](O& o, double v) { o.simulation.routing.is_told = v == 1; }},
      {"gateway_failovers", 0, 5, true,
       "segments, from the office on, whose router fails at half time",
       [](O& o, double v) { o.simulation.routing.failovers = as<U>(v); }},
      {"balanced_gateways", 0, 5, true,
       "segments, from the services back, behind two routers that share the load",
       [](O& o, double v) { o.simulation.routing.balanced = as<U>(v); }},
      {"template_every", 0, 1000000, true, "datagrams; 0: at the start only",
       [](O& o, double v) { o.simulation.template_every = as<U>(v); }},
      {"loss", 0, 50, true, "percent of the datagrams",
       [](O& o, double v) { o.network.loss_percent = as<U>(v); }},
      {"reordering", 0, 50, false, "seconds by which a datagram may be late",
       [](O& o, double v) { o.network.longest_delay = seconds(v); }},
  };
  return keys;
}

/// Numbers of one exporter.
const std::vector<Key<ExporterPlan>>& exporter_keys() {
  using E = ExporterPlan;
  static const std::vector<Key<ExporterPlan>> keys = {
      {"sampling", 1, 4000, true, "one packet in so many, as announced",
       [](E& e, double v) { e.sampling = as<std::uint32_t>(v); }},
      {"clock_skew", -30, 30, false, "seconds by which its clock is ahead",
       [](E& e, double v) { e.clock_skew = seconds(v); }},
      {"active_timeout", 0, 3600, true, "seconds after which a flow is cut; 0: never",
       [](E& e, double v) { e.active_timeout = seconds(v); }},
      {"restarts", 0, 1000, true, "over the whole time",
       [](E& e, double v) { e.restarts = as<std::uint32_t>(v); }},
      {"translations", 0, 1, true, "1: tells addresses on both sides of a translator (ipfix)",
       [](E& e, double v) { e.tells_translations = v == 1; }},
  };
  return keys;
}

constexpr std::array<std::string_view, 4> kClientPortNames = {"linux", "windows", "wide", "mixed"};

std::string plain(double value) {
  std::ostringstream text;
  text.precision(12);
  text << value;
  return text.str();
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

class Loader {
 public:
  Loader(std::string path, Options& options) : path_(std::move(path)), options_(options) {}

  void load(std::istream& in) {
    YAML::Node root;
    try {
      root = YAML::Load(in);
    } catch (const YAML::Exception& error) {
      fail(error.mark, "this is no YAML: " + error.msg);
    }
    if (!root.IsMap()) fail(root.Mark(), "a scenario is a list of keys, such as `clients: 20`");
    each_key(
        root, "", [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
          if (name == "exporters") return take_exporters(value);
          if (name == "client_ports") return take_client_ports(value);
          if (take_number(top_keys(), name, value, "", options_)) return;
          fail(key.Mark(), "there is no key '" + name + "'" +
                               nearest(name, names(top_keys(), {"exporters", "client_ports"})));
        });
  }

 private:
  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& what) const {
    throw std::invalid_argument(path_ + ':' + std::to_string(mark.is_null() ? 1 : mark.line + 1) +
                                ": " + what);
  }

  template <typename Take>
  void each_key(const YAML::Node& map, const std::string& section, Take&& take) const {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) fail(entry.first.Mark(), "a key must be a name");
      const std::string& name = entry.first.Scalar();
      if (!seen.insert(name).second) {
        fail(entry.first.Mark(), section + name + " stands here twice; keep one of them");
      }
      take(name, entry.first, entry.second);
    }
  }

  template <typename Target>
  static std::vector<std::string> names(const std::vector<Key<Target>>& keys,
                                        std::vector<std::string> others) {
    for (const Key<Target>& key : keys) others.emplace_back(key.name);
    return others;
  }

  static std::string nearest(const std::string& name, const std::vector<std::string>& known) {
    const auto best = std::min_element(known.begin(), known.end(),
                                       [&](const std::string& a, const std::string& b) {
                                         return edit_distance(name, a) < edit_distance(name, b);
                                       });
    if (name.size() < 100 && edit_distance(name, *best) <= 1 + name.size() / 3) {
      return "; did you mean '" + *best + "'?";
    }
    std::string all = "; keys are ";
    for (const std::string& other : known) all += (&other == known.data() ? "" : ", ") + other;
    return all;
  }

  template <typename Target>
  bool take_number(const std::vector<Key<Target>>& keys, const std::string& name,
                   const YAML::Node& value, const std::string& section, Target& target) const {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const Key<Target>& k) { return k.name == name; });
    if (key == keys.end()) return false;
    const std::string text = value.IsScalar() ? value.Scalar() : "";
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = !text.empty() && error == std::errc{} &&
                           end == text.data() + text.size() && std::isfinite(number);
    const bool fits = is_number && number >= key->low && number <= key->high &&
                      (!key->is_whole || number == std::floor(number));
    if (!fits) {
      fail(value.Mark(), section + name + ": '" + text + "' is not a " +
                             (key->is_whole ? "whole " : "") + "number from " + plain(key->low) +
                             " to " + plain(key->high));
    }
    key->set(target, number);
    return true;
  }

  void take_client_ports(const YAML::Node& value) {
    const std::string text = value.IsScalar() ? value.Scalar() : "";
    const auto found = std::find(kClientPortNames.begin(), kClientPortNames.end(), text);
    if (found == kClientPortNames.end()) {
      fail(value.Mark(), "client_ports: '" + text + "' is not one of linux, windows, wide, mixed");
    }
    options_.simulation.traffic.client_ports =
        static_cast<ClientPorts>(found - kClientPortNames.begin());
  }

  void take_exporters(const YAML::Node& list) {
    constexpr std::size_t kMost = 16;
    if (!list.IsSequence() || list.size() == 0 || list.size() > kMost) {
      fail(list.Mark(), "exporters: must be a list of 1 to " + std::to_string(kMost) +
                            ", such as `- {protocol: v9, sampling: 100}`");
    }
    options_.simulation.exporters.clear();
    for (const YAML::Node& entry : list) {
      if (!entry.IsMap()) {
        fail(entry.Mark(), "exporters: each is a group of keys, such as `{protocol: v9}`");
      }
      options_.simulation.exporters.push_back(exporter(entry));
    }
  }

  ExporterPlan exporter(const YAML::Node& entry) const {
    ExporterPlan plan;
    bool has_protocol = false;
    each_key(entry, "exporters.",
             [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
               if (name == "protocol") {
                 plan.protocol = protocol(value);
                 has_protocol = true;
               } else if (!take_number(exporter_keys(), name, value, "exporters.", plan)) {
                 fail(key.Mark(), "an exporter has no key '" + name + "'" +
                                      nearest(name, names(exporter_keys(), {"protocol"})));
               }
             });
    if (!has_protocol) {
      fail(entry.Mark(), "exporters.protocol: is missing; give v5, v9, ipfix or sflow");
    }
    return plan;
  }

  Protocol protocol(const YAML::Node& value) const {
    const std::string text = value.IsScalar() ? value.Scalar() : "";
    const std::optional<Protocol> found = protocol_named(text);
    if (!found) {
      fail(value.Mark(), "exporters.protocol: '" + text + "' is not one of v5, v9, ipfix, sflow");
    }
    return *found;
  }

  std::string path_;
  Options& options_;
};

template <typename Target>
void describe(const std::vector<Key<Target>>& keys, std::string& text) {
  for (const Key<Target>& key : keys) {
    std::string line =
        "  " + std::string(key.name) + "  " + plain(key.low) + " … " + plain(key.high);
    line.resize(std::max<std::size_t>(line.size() + 2, 38), ' ');
    text += line + std::string(key.help) + "\n";
  }
}

}  // namespace

void load_scenario(const std::string& path, Options& options) {
  std::ifstream in(path);
  if (!in) throw std::invalid_argument(path + ": cannot be opened");
  Loader(path, options).load(in);
}

std::string scenario_help() {
  std::string text =
      "Keys of a scenario (YAML); what it does not say stays as the options have it:\n\n";
  describe(top_keys(), text);
  text +=
      "  client_ports  linux, windows, wide or mixed: where ephemeral ports come from\n"
      "  exporters  a list; each has protocol (v5, v9, ipfix, sflow) and of choice\n";
  describe(exporter_keys(), text);
  return text;
}

}  // namespace simnet
