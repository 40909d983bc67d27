// What a policy allows, and what it would have blocked.
#include <algorithm>
#include <tuple>

#include "analyze/policy_networks.hpp"
#include "flowlens/policy.hpp"

namespace flowlens {

namespace {

using namespace policy;

constexpr std::uint32_t kNoGroup = PolicyPeer::kNetwork;

struct Service {
  std::uint8_t protocol;
  std::uint16_t port;
};
bool operator<(const PolicyRule& r, const Service& s) {
  return std::tuple{r.protocol, r.port} < std::tuple{s.protocol, s.port};
}
bool operator<(const Service& s, const PolicyRule& r) {
  return std::tuple{s.protocol, s.port} < std::tuple{r.protocol, r.port};
}

}  // namespace

PolicyEvaluator::PolicyEvaluator(const Policy& policy) : policy_(policy) {
  for (std::uint32_t g = 0; g < policy.groups.size(); ++g) {
    for (const IpAddress& a : policy.groups[g].addresses) group_of_.emplace_back(a, g);
  }
  std::sort(group_of_.begin(), group_of_.end());
}

std::uint32_t PolicyEvaluator::group_of(const IpAddress& address) const noexcept {
  const auto at = std::lower_bound(group_of_.begin(), group_of_.end(), std::pair{address, 0u});
  return at == group_of_.end() || at->first != address ? kNoGroup : at->second;
}

bool PolicyEvaluator::allows(const std::vector<PolicyRule>& rules, const IpAddress& peer,
                             std::uint8_t protocol, std::uint16_t port) const {
  const std::uint32_t group = group_of(peer);
  const auto is_allowed = [&](const IpPrefix& network, Service service) {
    const auto [first, end] = std::equal_range(rules.begin(), rules.end(), service);
    return std::any_of(first, end, [&](const PolicyRule& r) {
      return r.peer.group == kNoGroup ? holds(r.peer.network, network) : r.peer.group == group;
    });
  };
  const std::vector<IpPrefix> networks = networks_of(peer);
  return std::all_of(networks.begin(), networks.end(), [&](const IpPrefix& network) {
    return is_allowed(network, {protocol, port}) ||
           (port != 0 && is_allowed(network, {protocol, 0}));
  });
}

PolicyVerdict PolicyEvaluator::verdict(const IpAddress& client, const IpAddress& server,
                                       std::uint8_t protocol, std::uint16_t port) const {
  const std::uint32_t of_client = group_of(client), of_server = group_of(server);
  PolicyVerdict v;
  v.is_covered = of_client != kNoGroup || of_server != kNoGroup;
  if (of_client != kNoGroup) {
    v.is_egress_blocked = !allows(policy_.groups[of_client].egress, server, protocol, port);
  }
  if (of_server != kNoGroup) {
    v.is_ingress_blocked = !allows(policy_.groups[of_server].ingress, client, protocol, port);
  }
  return v;
}

PolicyPreview preview_policy(const Policy& policy, std::span<const DependencyRow> traffic,
                             std::size_t max_listed) {
  const PolicyEvaluator evaluator{policy};
  PolicyPreview preview;
  for (const DependencyRow& d : traffic) {
    const IpAddress &client = d.key.client.address, &server = d.key.server.address;
    PolicyVerdict v = evaluator.verdict(client, server, d.key.protocol, d.key.port);
    if (!v.is_covered) continue;
    ++preview.dependencies;
    preview.flows += d.totals.flows;
    if (!v.is_allowed() && d.direction != Direction::client_server &&
        evaluator.verdict(server, client, d.key.protocol, d.key.port).is_allowed()) {
      continue;
    }
    if (v.is_allowed()) continue;
    ++preview.blocked_dependencies;
    preview.blocked_flows += d.totals.flows;
    preview.blocked.push_back({d.id, v, d.totals.flows});
  }
  std::sort(preview.blocked.begin(), preview.blocked.end(),
            [](const BlockedTraffic& a, const BlockedTraffic& b) {
              return a.flows != b.flows ? a.flows > b.flows : a.dependency < b.dependency;
            });
  if (preview.blocked.size() > max_listed) preview.blocked.resize(max_listed);
  return preview;
}

}  // namespace flowlens
