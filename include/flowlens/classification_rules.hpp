/// \file
/// classify: the rules that say what a machine is, as text that people can read and change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/asset_features.hpp"
#include "flowlens/asset_type.hpp"
#include "flowlens/filter.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlens {

/// Where an asset stands to the service that a rule names.
enum class ServiceSide : std::uint8_t { none, serves, uses };

/// One line of the table: if the asset serves (or uses) that kind of service, and the condition
/// holds, `weight` speaks for the type; below 0 against it.
struct ClassificationRule {
  AssetType type = AssetType::unknown;
  ServiceSide side = ServiceSide::none;  ///< none: the rule is about the asset as a whole
  ServiceKind kind = ServiceKind::other;
  Filter<RuleSubject> condition;  ///< empty: none
  double weight = 0;              ///< log-odds
  std::string words;              ///< what it means, for people
  std::uint32_t line = 0;         ///< of the text, from 1
};

/// The table as text: a rule a line, `type | service | condition | weight | words`, with the service
/// as `serves dns`, `uses ldap` or empty and the condition in the filter language over rule_fields().
/// Empty lines and what follows a `#` at the begin of a line are passed over.
/// \throws ConfigError naming `name`, line and column, what is wrong and what would be right.
[[nodiscard]] std::vector<ClassificationRule> parse_classification_rules(std::string_view text,
                                                                         const std::string& name);
/// The table that FlowLens comes with. Static text.
[[nodiscard]] std::string_view default_classification_rules() noexcept;

/// What an administrator says of a network.
struct NetworkRule {
  std::string name;
  IpPrefix prefix{};
  std::int32_t priority = 0;  ///< the higher goes first
  std::string environment;    ///< empty, here and below: says nothing of it
  std::string datacenter;
  std::string location;
  std::string owner;
  std::optional<AssetType> type{};
};
enum class NetworkLabel : std::uint8_t { environment, datacenter, location, owner, type };
inline constexpr std::size_t kNetworkLabelCount = 5;
/// `asset_type`
[[nodiscard]] std::string_view to_string(NetworkLabel l) noexcept;

/// Which rule decided one label.
struct NetworkDecision {
  NetworkLabel label = NetworkLabel::environment;
  std::string value;
  std::string rule;  ///< its name
  IpPrefix prefix{};
  std::string why;  ///< one sentence: against which others, and by what it won
};

/// Rules by prefix. For each label by itself the rule wins that has the higher priority, then the longer
/// prefix, then the name that comes first. Immutable: share it freely.
class NetworkRules {
 public:
  NetworkRules() = default;
  /// \throws ConfigError for two rules of one name, a rule without a name, or more than 4,096.
  explicit NetworkRules(std::vector<NetworkRule> rules);

  /// At most one for each label, in the order of NetworkLabel.
  [[nodiscard]] std::vector<NetworkDecision> decide(const IpAddress& address) const;
  /// The rule that says of what type the address is. \return null for none. Valid as long as this.
  [[nodiscard]] const NetworkRule* type_rule(const IpAddress& address) const noexcept;
  /// In the order in which they win.
  [[nodiscard]] const std::vector<NetworkRule>& rules() const noexcept { return rules_; }

 private:
  std::vector<NetworkRule> rules_;
};

/// CSV with a header line. Columns, in any order: name, cidr; of choice priority, environment,
/// datacenter, location, owner, asset_type. \throws ConfigError naming `name` and line.
[[nodiscard]] NetworkRules parse_network_rules(std::string_view csv, const std::string& name);

}  // namespace flowlens
