#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "flowlens/classification_rules.hpp"
#include "flowlens/csv_table.hpp"
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

enum Column : std::size_t { name, cidr, priority, environment, datacenter, location, owner, type };
constexpr std::array<std::string_view, 8> kColumns = {
    "name", "cidr", "priority", "environment", "datacenter", "location", "owner", "asset_type"};

NetworkRule rule_in(const CsvTable& row) {
  NetworkRule r;
  r.name = row[name];
  const auto prefix = IpPrefix::parse(row[cidr]);
  if (!prefix) {
    row.fail("cidr: `" + row[cidr] + "` is no prefix such as 10.1.0.0/16, or has bits past it");
  }
  r.prefix = *prefix;
  if (const std::string& text = row[priority]; !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), r.priority);
    if (error != std::errc{} || end != text.data() + text.size()) {
      row.fail("priority: `" + text + "` is no whole number");
    }
  }
  r.environment = row[environment];
  r.datacenter = row[datacenter];
  r.location = row[location];
  r.owner = row[owner];
  if (!row[type].empty()) {
    r.type = parse_asset_type(row[type]);
    if (!r.type) row.fail("asset_type: `" + row[type] + "` is no type; such are database, printer");
  }
  return r;
}

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

NetworkRules parse_network_rules(std::string_view csv, const std::string& file) {
  CsvTable table{csv, file, kColumns, 2};
  std::vector<NetworkRule> rules;
  while (table.next()) rules.push_back(rule_in(table));
  return NetworkRules(std::move(rules));
}

}  // namespace flowlens
