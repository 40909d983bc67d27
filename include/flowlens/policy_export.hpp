/// \file
/// analyze: a policy in the words of those who enforce it.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/policy.hpp"

namespace flowlens {

enum class PolicyFormat : std::uint8_t {
  json,        ///< the policy as it is
  csv,         ///< RFC 4180, a line for each rule
  kubernetes,  ///< NetworkPolicy, networking.k8s.io/v1
  cilium,      ///< CiliumNetworkPolicy, cilium.io/v2
  calico,      ///< StagedNetworkPolicy or NetworkPolicy, projectcalico.org/v3
  nftables,    ///< a table for `nft -f`, for a machine that forwards
  aws,         ///< security groups, as a CloudFormation template
  istio,       ///< AuthorizationPolicy, security.istio.io/v1
  envoy,       ///< configurations of the network filter RBAC
};
inline constexpr std::size_t kPolicyFormatCount = 9;
/// `kubernetes`
[[nodiscard]] std::string_view to_string(PolicyFormat f) noexcept;
[[nodiscard]] std::optional<PolicyFormat> parse_policy_format(std::string_view name) noexcept;
/// `application/yaml` and the like.
[[nodiscard]] std::string_view media_type(PolicyFormat f) noexcept;

struct PolicyExportOptions {
  /// False: as a trial that blocks nothing, where the dialect has one (Cilium, Calico, nftables,
  /// Istio, Envoy).
  bool is_enforced = false;
  /// The label whose value names a workload's group.
  std::string label_key = "app.kubernetes.io/name";
  std::string k8s_namespace;             ///< of the manifests; empty: they name none
  std::size_t aws_rules_per_group = 60;  ///< inbound, and outbound
  std::size_t aws_groups_per_interface = 5;
};

/// Writes a policy. Equal policies give equal octets. Names from the network are quoted as the format
/// asks, and never become syntax.
/// \return what the format cannot say or its limits do not allow, a sentence each, at most 1,000; they
///   stand in the output, too, as comments where it has such.
/// \throws ConfigError for a label key or namespace that Kubernetes would refuse, or a limit of 0.
/// \throws IoError if the stream fails.
std::vector<std::string> write_policy(const Policy& policy, PolicyFormat format,
                                      const PolicyExportOptions& options, std::ostream& out);

}  // namespace flowlens
