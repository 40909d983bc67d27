// From dependencies to groups and rules.
#include "flowlens/policy.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "analyze/policy_networks.hpp"
#include "flowlens/error.hpp"
#include "flowlens/service_graph.hpp"

namespace flowlens {

namespace {

using namespace policy;

constexpr std::uint32_t kNone = PolicyPeer::kNetwork;
constexpr std::size_t kMaxName = 40;

void check(const PolicyOptions& o) {
  if (o.max_groups == 0 || o.max_rules == 0 || o.max_addresses == 0) {
    throw ConfigError("policy: max_groups, max_rules and max_addresses must be at least 1");
  }
  if (!(o.min_confidence >= 0 && o.min_confidence <= 1)) {
    throw ConfigError("policy: min_confidence: give 0 to 1");
  }
}

/// Why a dependency is not to be allowed, by itself.
std::optional<PolicyGap> gap_of(const DependencyRow& d, const PolicyOptions& o) {
  if (d.direction == Direction::unknown) return PolicyGap::unclear_direction;
  const float sure = d.reasons.empty() ? confidence(d.rung) : confidence(d.reasons);
  if (sure < o.min_confidence) return PolicyGap::low_confidence;
  if (d.hours.count() < o.min_hours) return PolicyGap::low_support;
  return std::nullopt;
}

std::string title_of(const AssetRow& a) {
  if (!a.name.empty() || a.endpoints.empty()) return a.name;
  return a.endpoints.front().endpoint.address.to_string();
}

/// Lower case letters, digits, and single `-` between them.
std::string plain_name(std::string_view title) {
  std::string name;
  for (const char c : title) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_kept = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_kept) {
      name += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
    if (name.size() == kMaxName - 8) break;  // room for a number
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "group" : name;
}

std::string numbered(const std::string& name, std::set<std::string>& taken) {
  std::string unique = name;
  for (int i = 2; !taken.insert(unique).second; ++i) unique = name + "-" + std::to_string(i);
  return unique;
}

/// One use as a rule of one side, before rules of one peer are put together.
struct Allowance {
  std::uint32_t group;
  bool is_egress;
  PolicyRule rule;
};

class Proposer {
 public:
  Proposer(const Revision& rows, const PolicyOptions& options) : rows_(rows), options_(options) {}

  Policy propose() {
    policy_.revision = rows_.number;
    find_guarded();
    find_candidates();
    group_by_address();
    if (options_.has_replica_groups) group_replicas();
    make_groups();
    make_rules();
    tell_coverage();
    return std::move(policy_);
  }

 private:
  [[nodiscard]] std::uint32_t guarded(const Id& id) const {
    const auto at =
        std::lower_bound(guarded_.begin(), guarded_.end(), id,
                         [](const AssetRow* a, const Id& wanted) { return a->id < wanted; });
    if (at == guarded_.end() || (*at)->id != id) return kNone;
    return static_cast<std::uint32_t>(at - guarded_.begin());
  }
  std::uint32_t root(std::uint32_t i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  void join(std::uint32_t a, std::uint32_t b) {
    const auto [low, high] = std::minmax({root(a), root(b)});
    parents_[high] = low;
  }

  void find_guarded() {
    std::vector<Id> scope = options_.assets;
    std::sort(scope.begin(), scope.end());
    for (const AssetRow& a : rows_.assets) {
      const bool is_in =
          scope.empty() ? a.is_internal : std::binary_search(scope.begin(), scope.end(), a.id);
      if (is_in) guarded_.push_back(&a);
    }
    std::sort(guarded_.begin(), guarded_.end(),
              [](const AssetRow* a, const AssetRow* b) { return a->id < b->id; });
    parents_.resize(guarded_.size());
    std::iota(parents_.begin(), parents_.end(), 0u);
    addresses_.resize(guarded_.size());
    uses_.resize(guarded_.size());
    for (std::uint32_t i = 0; i < guarded_.size(); ++i) {
      for (const HeldEndpoint& e : guarded_[i]->endpoints) {
        if (!e.until) add_address(i, e.endpoint.address);
      }
    }
  }
  void add_address(std::uint32_t asset, const IpAddress& address) {
    if (is_of_host(address)) addresses_[asset].push_back(address);
  }

  /// What has an end to be guarded, and what of it may become rules.
  void find_candidates() {
    served_.resize(guarded_.size());
    for (const DependencyRow& d : rows_.dependencies) {
      const std::uint32_t client = guarded(d.client_asset), server = guarded(d.server_asset);
      if (client == kNone && server == kNone) continue;
      if (client != kNone) add_address(client, d.key.client.address);
      if (server != kNone) add_address(server, d.key.server.address);
      observed_.push_back(&d);
      if (gap_of(d, options_)) continue;
      candidates_.push_back(&d);
      if (client != kNone) ++uses_[client];
      if (server == kNone) continue;
      ++uses_[server];
      served_[server].emplace(d.key.protocol, d.key.port);
    }
    std::sort(candidates_.begin(), candidates_.end(),
              [](const DependencyRow* a, const DependencyRow* b) { return a->id < b->id; });
  }

  void group_by_address() {
    std::map<IpAddress, std::uint32_t> holder;
    for (std::uint32_t i = 0; i < guarded_.size(); ++i) {
      for (const IpAddress& a : addresses_[i]) join(holder.try_emplace(a, i).first->second, i);
    }
  }
  void group_replicas() {
    std::map<std::pair<std::string, std::set<std::pair<std::uint8_t, std::uint16_t>>>,
             std::uint32_t>
        first;
    for (std::uint32_t i = 0; i < guarded_.size(); ++i) {
      std::string stem = name_stem(guarded_[i]->name);
      if (stem.empty() || is_named_by_address(i)) continue;
      join(first.try_emplace({std::move(stem), served_[i]}, i).first->second, i);
    }
  }

  /// `ip-10-0-0-5`: only the number tells one from the other.
  [[nodiscard]] bool is_named_by_address(std::uint32_t asset) const {
    return std::any_of(addresses_[asset].begin(), addresses_[asset].end(), [&](const IpAddress& a) {
      std::string text = a.to_string();
      std::replace(text.begin(), text.end(), '.', '-');
      return guarded_[asset]->name.find(text) != std::string::npos;
    });
  }

  void make_groups() {
    std::map<std::uint32_t, std::vector<std::uint32_t>> members;  // by root, the lowest of them
    for (std::uint32_t i = 0; i < guarded_.size(); ++i) members[root(i)].push_back(i);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;  // by fewness of uses
    for (const auto& [first, list] : members) {
      std::uint64_t uses = 0, addresses = 0;
      for (const std::uint32_t i : list) uses += uses_[i], addresses += addresses_[i].size();
      if (addresses > 0) order.emplace_back(~uses, first);
    }
    std::sort(order.begin(), order.end());
    if (order.size() > options_.max_groups) order.resize(options_.max_groups);
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.second < b.second; });
    std::set<std::string> taken;
    for (const auto& [uses, first] : order) add_group(members[first], taken);
    std::sort(group_of_.begin(), group_of_.end());
  }
  void add_group(const std::vector<std::uint32_t>& members, std::set<std::string>& taken) {
    PolicyGroup g;
    g.title = title_of(*guarded_[members.front()]);
    const std::string stem = members.size() > 1 ? name_stem(g.title) : std::string{};
    g.name = numbered(plain_name(stem.empty() ? g.title : stem), taken);
    for (const std::uint32_t i : members) {
      g.assets.push_back(guarded_[i]->id);
      g.addresses.insert(g.addresses.end(), addresses_[i].begin(), addresses_[i].end());
    }
    std::sort(g.addresses.begin(), g.addresses.end());
    g.addresses.erase(std::unique(g.addresses.begin(), g.addresses.end()), g.addresses.end());
    const auto number = static_cast<std::uint32_t>(policy_.groups.size());
    for (const IpAddress& a : g.addresses) group_of_.emplace_back(a, number);
    policy_.groups.push_back(std::move(g));
  }
  [[nodiscard]] std::uint32_t group_of(const IpAddress& address) const {
    const auto at = std::lower_bound(group_of_.begin(), group_of_.end(), std::pair{address, 0u});
    return at == group_of_.end() || at->first != address ? kNone : at->second;
  }

  void make_rules() {
    for (const DependencyRow* d : candidates_) {
      allow(*d, d->key.client.address, d->key.server.address);
      if (d->direction == Direction::peer) {
        allow(*d, d->key.server.address, d->key.client.address);
      }
    }
    const auto key = [](const Allowance& a) {
      return std::tuple{a.group, a.is_egress, a.rule.protocol, a.rule.port};
    };
    std::stable_sort(allowances_.begin(), allowances_.end(),
                     [&](const Allowance& a, const Allowance& b) { return key(a) < key(b); });
    std::vector<Allowance> rules;
    for (auto at = allowances_.begin(); at != allowances_.end();) {
      const auto end = std::find_if(at, allowances_.end(),
                                    [&](const Allowance& a) { return key(a) != key(*at); });
      put_together({at, end}, rules);
      at = end;
    }
    keep_most_used(rules);
    for (Allowance& a : rules) {
      PolicyGroup& g = policy_.groups[a.group];
      policy_.widened_rules += a.rule.is_widened ? 1 : 0;
      (a.is_egress ? g.egress : g.ingress).push_back(a.rule);
    }
  }
  void allow(const DependencyRow& d, const IpAddress& client, const IpAddress& server) {
    const std::uint32_t of_client = group_of(client), of_server = group_of(server);
    if (of_client != kNone) add_allowance(of_client, true, d, of_server, server);
    if (of_server != kNone) add_allowance(of_server, false, d, of_client, client);
  }
  void add_allowance(std::uint32_t group, bool is_egress, const DependencyRow& d,
                     std::uint32_t peer, const IpAddress& address) {
    PolicyRule rule;
    rule.protocol = d.key.protocol;
    rule.port = d.key.port;
    rule.dependencies = 1;
    rule.flows = d.totals.flows;
    rule.peer.group = peer;
    if (peer != kNone) return allowances_.push_back({group, is_egress, rule});
    for (const IpPrefix& network : networks_of(address)) {
      rule.peer.network = network;
      allowances_.push_back({group, is_egress, rule});
    }
  }

  /// Rules of one group and port become one for each peer.
  void put_together(std::span<const Allowance> same, std::vector<Allowance>& rules) const {
    std::vector<IpPrefix> networks;
    std::map<PolicyPeer, PolicyRule> by_peer;
    for (const Allowance& a : same) {
      if (a.rule.peer.group == kNone) networks.push_back(a.rule.peer.network);
    }
    networks = widened(std::move(networks), options_.max_addresses);
    for (const Allowance& a : same) {
      PolicyPeer peer = a.rule.peer;
      if (peer.group == kNone) {
        peer.network = *std::find_if(networks.begin(), networks.end(), [&](const IpPrefix& n) {
          return holds(n, a.rule.peer.network);
        });
      }
      PolicyRule& rule =
          by_peer.try_emplace(peer, PolicyRule{a.rule.protocol, a.rule.port, peer, 0, 0, false})
              .first->second;
      rule.dependencies += a.rule.dependencies;
      rule.flows += a.rule.flows;
      rule.is_widened = peer.group == kNone && peer.network.length < 128;
    }
    for (const auto& [peer, rule] : by_peer) {
      rules.push_back({same.front().group, same.front().is_egress, rule});
    }
  }
  void keep_most_used(std::vector<Allowance>& rules) const {
    if (rules.size() <= options_.max_rules) return;
    const auto key = [](const Allowance& a) {
      return std::tuple{a.group, a.is_egress, a.rule.protocol, a.rule.port, a.rule.peer};
    };
    std::sort(rules.begin(), rules.end(), [&](const Allowance& a, const Allowance& b) {
      return a.rule.dependencies != b.rule.dependencies ? a.rule.dependencies > b.rule.dependencies
                                                        : key(a) < key(b);
    });
    rules.resize(options_.max_rules);
    std::sort(rules.begin(), rules.end(),
              [&](const Allowance& a, const Allowance& b) { return key(a) < key(b); });
  }

  /// What was left out is what the policy does not allow in the end.
  void tell_coverage() {
    const PolicyEvaluator evaluator{policy_};
    PolicyCoverage& coverage = policy_.coverage;
    for (const DependencyRow* d : observed_) {
      ++coverage.dependencies;
      coverage.flows += d->totals.flows;
      const PolicyVerdict v = evaluator.verdict(d->key.client.address, d->key.server.address,
                                                d->key.protocol, d->key.port);
      const auto gap = gap_of(*d, options_);
      if (v.is_covered && v.is_allowed() && gap != PolicyGap::unclear_direction) {
        ++coverage.allowed;
        coverage.flows_allowed += d->totals.flows;
        continue;
      }
      const PolicyGap why = gap.value_or(PolicyGap::over_limit);
      ++policy_.left_out_counts[static_cast<std::size_t>(why)];
      policy_.left_out.push_back({d->id, why});
    }
    std::sort(
        policy_.left_out.begin(), policy_.left_out.end(),
        [](const PolicyLeftOut& a, const PolicyLeftOut& b) { return a.dependency < b.dependency; });
    if (policy_.left_out.size() > options_.max_listed) policy_.left_out.resize(options_.max_listed);
  }

  const Revision& rows_;
  const PolicyOptions& options_;
  Policy policy_;
  std::vector<const AssetRow*> guarded_;  // by id; the vectors after it go by position in it
  std::vector<std::uint32_t> parents_;
  std::vector<std::vector<IpAddress>> addresses_;
  std::vector<std::uint64_t> uses_;
  std::vector<std::set<std::pair<std::uint8_t, std::uint16_t>>> served_;
  std::vector<const DependencyRow*> observed_, candidates_;
  std::vector<std::pair<IpAddress, std::uint32_t>> group_of_;
  std::vector<Allowance> allowances_;
};

}  // namespace

std::string_view to_string(PolicyGap g) noexcept {
  constexpr std::string_view kNames[] = {"unclear_direction", "low_confidence", "low_support",
                                         "over_limit"};
  static_assert(std::size(kNames) == kPolicyGapCount);
  return kNames[static_cast<std::size_t>(g)];
}

Policy propose_policy(const Revision& rows, const PolicyOptions& options) {
  check(options);
  return Proposer{rows, options}.propose();
}

}  // namespace flowlens
