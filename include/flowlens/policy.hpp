/// \file
/// analyze: from observed dependencies to a proposed policy: who may talk to whom, in no dialect yet.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

/// Why a dependency is not in a policy.
enum class PolicyGap : std::uint8_t {
  unclear_direction,  ///< nothing says who serves
  low_confidence,     ///< in who serves
  low_support,        ///< seen in too few hours
  over_limit,         ///< no room for its group or rule
};
inline constexpr std::size_t kPolicyGapCount = 4;
/// `low_support`
[[nodiscard]] std::string_view to_string(PolicyGap g) noexcept;

struct PolicyOptions {
  std::vector<Id> assets;          ///< whom the policy guards; empty: every internal asset
  float min_confidence = 0.6f;     ///< in who serves, 0 to 1
  std::uint32_t min_hours = 2;     ///< with traffic, of the last 28 days
  bool has_replica_groups = true;  ///< assets named alike but for digits that serve the same ports
                                   ///< are one group; else each is its own
  std::size_t max_addresses = 32;  ///< of one rule; past it they are widened to networks
  std::size_t max_groups = 5'000;  ///< past it, those with the fewest dependencies are not guarded
  std::size_t max_rules = 100'000;
  std::size_t max_listed = 1'000;  ///< dependencies left out that are named; all are counted
};

/// Whom a rule is about: a group of the policy, or a network.
struct PolicyPeer {
  static constexpr std::uint32_t kNetwork = 0xffff'ffffu;
  std::uint32_t group = kNetwork;  ///< position in Policy::groups; kNetwork: `network` counts
  IpPrefix network;
  friend auto operator<=>(const PolicyPeer&, const PolicyPeer&) noexcept = default;
  friend bool operator==(const PolicyPeer&, const PolicyPeer&) noexcept = default;
};

/// One thing that is allowed.
struct PolicyRule {
  std::uint8_t protocol = 0;       ///< IANA protocol number
  std::uint16_t port = 0;          ///< of the server; 0: the protocol has none, or any
  PolicyPeer peer;                 ///< ingress: the client; egress: the server
  std::uint32_t dependencies = 0;  ///< that it comes from
  std::uint64_t flows = 0;         ///< of these
  bool is_widened = false;         ///< the network holds more than the addresses seen
};

/// Endpoints that one set of rules guards.
struct PolicyGroup {
  std::string
      name;  ///< unique; 1 to 40 of a-z, 0-9 and `-`, of which the first and last are no `-`
  std::string title;       ///< of its first asset, as the network or a person named it: quote it
  std::vector<Id> assets;  ///< ascending
  std::vector<IpAddress> addresses;  ///< ascending; each is in one group only
  std::vector<PolicyRule> ingress;   ///< by protocol, port and peer
  std::vector<PolicyRule> egress;
};

struct PolicyLeftOut {
  Id dependency;
  PolicyGap why = PolicyGap::low_support;
};

/// What the policy was made from and how much of it it allows.
struct PolicyCoverage {
  std::uint64_t dependencies = 0;  ///< with an end that is to be guarded
  std::uint64_t allowed = 0;       ///< of these
  std::uint64_t flows = 0;
  std::uint64_t flows_allowed = 0;
};

/// A proposed policy. What a group's rules do not allow is blocked; what touches no group is not its
/// business. A use between two groups needs both: egress of the client, ingress of the server.
struct Policy {
  std::uint64_t revision = 0;       ///< of the map it was made from
  std::vector<PolicyGroup> groups;  ///< by first asset
  PolicyCoverage coverage;
  std::array<std::uint64_t, kPolicyGapCount> left_out_counts{};  ///< by PolicyGap
  std::vector<PolicyLeftOut> left_out;  ///< by dependency, at most PolicyOptions::max_listed
  std::uint64_t widened_rules = 0;
};

/// Proposes a policy that allows the dependencies among `rows` that are sure and steady enough.
/// External peers shown together stand for their prefix where they have one, else for all networks.
/// Addresses that several sites use are one: make a policy for each such site.
/// \param rows  as DependencyGraph::copy() gives them: now, or of a time. Kept by nobody.
/// \throws ConfigError for a limit of 0 or a confidence above 1.
[[nodiscard]] Policy propose_policy(const Revision& rows, const PolicyOptions& options = {});

/// What a policy says of one use.
struct PolicyVerdict {
  bool is_covered = false;          ///< an end of it is in a group
  bool is_ingress_blocked = false;  ///< by the group of the server
  bool is_egress_blocked = false;   ///< by the group of the client
  [[nodiscard]] bool is_allowed() const noexcept {
    return !is_ingress_blocked && !is_egress_blocked;
  }
};

/// Answers what a policy allows, as whoever enforces it would. Immutable: share freely.
class PolicyEvaluator {
 public:
  /// \param policy  must outlive the evaluator and stay as it is.
  explicit PolicyEvaluator(const Policy& policy);
  PolicyEvaluator(Policy&&) = delete;

  /// \param port  of the server.
  [[nodiscard]] PolicyVerdict verdict(const IpAddress& client, const IpAddress& server,
                                      std::uint8_t protocol, std::uint16_t port) const;

 private:
  [[nodiscard]] std::uint32_t group_of(const IpAddress& address) const noexcept;
  [[nodiscard]] bool allows(const std::vector<PolicyRule>& rules, const IpAddress& peer,
                            std::uint8_t protocol, std::uint16_t port) const;

  const Policy& policy_;
  std::vector<std::pair<IpAddress, std::uint32_t>> group_of_;  ///< by address
};

/// Traffic that a policy would have blocked.
struct BlockedTraffic {
  Id dependency;
  PolicyVerdict verdict;
  std::uint64_t flows = 0;
};
struct PolicyPreview {
  std::uint64_t dependencies = 0;  ///< looked at, with an end in a group
  std::uint64_t flows = 0;         ///< of these
  std::uint64_t blocked_dependencies = 0;
  std::uint64_t blocked_flows = 0;
  std::vector<BlockedTraffic> blocked;  ///< most flows first, then by id; at most `max_listed`
};
/// Replays stored traffic. What nothing says the direction of is tried both ways, and is blocked if
/// neither way is allowed.
[[nodiscard]] PolicyPreview preview_policy(const Policy& policy,
                                           std::span<const DependencyRow> traffic,
                                           std::size_t max_listed = 1'000);

}  // namespace flowlens
