#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "flowlens/classification_rules.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

constexpr std::size_t kMostRules = 4'096;
constexpr std::array<std::string_view, kNetworkLabelCount> kLabels = {
    "environment", "datacenter", "location", "owner", "asset_type"};

std::string value_of(const NetworkRule& rule, NetworkLabel label) {
  switch (label) {
    case NetworkLabel::environment:
      return rule.environment;
    case NetworkLabel::datacenter:
      return rule.datacenter;
    case NetworkLabel::location:
      return rule.location;
    case NetworkLabel::owner:
      return rule.owner;
    case NetworkLabel::type:
      break;
  }
  return rule.type ? std::string(to_string(*rule.type)) : std::string{};
}

std::string why(const NetworkRule& winner, const NetworkRule* second, std::size_t others) {
  const std::string of = "rule `" + winner.name + "` (" + winner.prefix.to_string() + ")";
  if (second == nullptr) return of + " is the only one that says so.";
  const std::string over = " of " + std::to_string(others + 1) + " that speak of it: ";
  const std::string next = "`" + second->name + "` (" + second->prefix.to_string() + ")";
  if (winner.priority != second->priority) {
    return of + " wins" + over + "its priority is " + std::to_string(winner.priority) +
           ", that of " + next + " " + std::to_string(second->priority) + ".";
  }
  if (winner.prefix.length != second->prefix.length) {
    return of + " wins" + over + "its prefix is longer than that of " + next + ".";
  }
  return of + " wins" + over + "its name comes before " + next + ".";
}

std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t comma = std::min(line.find(',', start), line.size());
    std::string_view cell = line.substr(start, comma - start);
    while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
    while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
    cells.emplace_back(cell);
    start = comma + 1;
  }
  return cells;
}

class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  NetworkRules read(std::string_view csv) {
    std::vector<NetworkRule> rules;
    for (std::size_t start = 0; start < csv.size();) {
      const std::size_t end = std::min(csv.find('\n', start), csv.size());
      ++line_;
      const std::vector<std::string> cells = cells_of(csv.substr(start, end - start));
      start = end + 1;
      if (cells.size() == 1 && cells[0].empty()) continue;
      if (header_.empty()) {
        take_header(cells);
      } else {
        rules.push_back(rule(cells));
      }
    }
    if (header_.empty()) fail("is empty; its first line names the columns: name,cidr,environment");
    return NetworkRules(std::move(rules));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  void take_header(const std::vector<std::string>& cells) {
    static constexpr std::array<std::string_view, 8> kColumns = {
        "name", "cidr", "priority", "environment", "datacenter", "location", "owner", "asset_type"};
    for (const std::string& cell : cells) {
      if (std::find(kColumns.begin(), kColumns.end(), cell) == kColumns.end()) {
        fail("'" + cell +
             "' is no column; there are name, cidr, priority, environment, datacenter, location, "
             "owner, asset_type");
      }
    }
    header_ = cells;
    for (const char* needed : {"name", "cidr"}) {
      if (std::find(cells.begin(), cells.end(), needed) == cells.end()) {
        fail("has no column '" + std::string(needed) + "'");
      }
    }
  }

  NetworkRule rule(const std::vector<std::string>& cells) const {
    if (cells.size() != header_.size()) {
      fail("has " + std::to_string(cells.size()) + " cells; the header has " +
           std::to_string(header_.size()));
    }
    NetworkRule r;
    for (std::size_t i = 0; i < cells.size(); ++i) set(r, header_[i], cells[i]);
    return r;
  }

  void set(NetworkRule& r, const std::string& column, const std::string& cell) const {
    if (column == "name") r.name = cell;
    if (column == "environment") r.environment = cell;
    if (column == "datacenter") r.datacenter = cell;
    if (column == "location") r.location = cell;
    if (column == "owner") r.owner = cell;
    if (column == "cidr") {
      const auto prefix = IpPrefix::parse(cell);
      if (!prefix)
        fail("cidr: '" + cell + "' is no prefix such as 10.1.0.0/16, or has bits past it");
      r.prefix = *prefix;
    }
    if (column == "priority" && !cell.empty()) {
      const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), r.priority);
      if (error != std::errc{} || end != cell.data() + cell.size()) {
        fail("priority: '" + cell + "' is no whole number");
      }
    }
    if (column == "asset_type" && !cell.empty()) {
      r.type = parse_asset_type(cell);
      if (!r.type) fail("asset_type: '" + cell + "' is no type; such are database, printer");
    }
  }

  const std::string& name_;
  std::vector<std::string> header_;
  std::size_t line_ = 0;
};

}  // namespace

std::string_view to_string(NetworkLabel l) noexcept { return kLabels[static_cast<std::size_t>(l)]; }

NetworkRules::NetworkRules(std::vector<NetworkRule> rules) : rules_(std::move(rules)) {
  if (rules_.size() > kMostRules) {
    throw ConfigError("there are " + std::to_string(rules_.size()) +
                      " network rules; at most 4,096 can be");
  }
  std::set<std::string_view> names;
  for (const NetworkRule& r : rules_) {
    if (r.name.empty()) {
      throw ConfigError("the network rule for " + r.prefix.to_string() + " has no name");
    }
    if (!names.insert(r.name).second) {
      throw ConfigError("two network rules are named `" + r.name + "`");
    }
  }
  std::sort(rules_.begin(), rules_.end(), [](const NetworkRule& a, const NetworkRule& b) {
    if (a.priority != b.priority) return a.priority > b.priority;
    if (a.prefix.length != b.prefix.length) return a.prefix.length > b.prefix.length;
    return a.name < b.name;
  });
}

std::vector<NetworkDecision> NetworkRules::decide(const IpAddress& address) const {
  std::vector<NetworkDecision> decisions;
  for (std::size_t i = 0; i < kNetworkLabelCount; ++i) {
    const auto label = static_cast<NetworkLabel>(i);
    const NetworkRule *winner = nullptr, *second = nullptr;
    std::size_t others = 0;
    std::string value;
    for (const NetworkRule& rule : rules_) {
      if (!rule.prefix.contains(address)) continue;
      std::string said = value_of(rule, label);
      if (said.empty()) continue;
      if (winner == nullptr) {
        winner = &rule;
        value = std::move(said);
        continue;
      }
      if (second == nullptr) second = &rule;
      ++others;
    }
    if (winner == nullptr) continue;
    decisions.push_back({label, value, winner->name, winner->prefix, why(*winner, second, others)});
  }
  return decisions;
}

const NetworkRule* NetworkRules::type_rule(const IpAddress& address) const noexcept {
  const auto found = std::find_if(rules_.begin(), rules_.end(), [&](const NetworkRule& rule) {
    return rule.type && rule.prefix.contains(address);
  });
  return found == rules_.end() ? nullptr : &*found;
}

NetworkRules parse_network_rules(std::string_view csv, const std::string& name) {
  return Reader(name).read(csv);
}

}  // namespace flowlens
