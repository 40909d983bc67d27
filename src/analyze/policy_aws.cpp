// Security groups as a CloudFormation template, and whether they keep to AWS' limits.
#include <algorithm>
#include <set>

#include "analyze/policy_document.hpp"

namespace flowlens::policy {

namespace {

constexpr std::size_t kDescription = 200;  // of 255 octets
constexpr std::size_t kStack = 500;        // resources that one stack may have

/// `WebFrontend`, from `web-frontend`.
std::string logical_name(const PolicyGroup& g, std::set<std::string>& taken) {
  std::string name;
  bool is_start = true;
  for (const char c : g.name) {
    if (c == '-') {
      is_start = true;
      continue;
    }
    name += is_start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    is_start = false;
  }
  std::string unique = "Group" + name;
  for (int i = 2; !taken.insert(unique).second; ++i) {
    unique = "Group" + name + "N" + std::to_string(i);
  }
  return unique;
}

class Template {
 public:
  Template(const Policy& policy, const PolicyExportOptions& o, Remarks& remarks)
      : policy_(policy), options_(o), remarks_(remarks) {
    std::set<std::string> taken;
    for (const PolicyGroup& g : policy.groups) names_.push_back(logical_name(g, taken));
  }

  Json make() {
    for (std::uint32_t g = 0; g < policy_.groups.size(); ++g) add_group(g);
    if (resources_.size() > kStack) {
      remarks_.add(std::to_string(resources_.size()) + " resources; a stack has at most " +
                   std::to_string(kStack) + ": propose a policy for each application");
    }
    return {{"AWSTemplateFormatVersion", "2010-09-09"},
            {"Description", "Security groups proposed by FlowLens"},
            {"Parameters",
             {{"Vpc", {{"Type", "AWS::EC2::VPC::Id"}, {"Description", "where they are"}}}}},
            {"Resources", std::move(resources_)}};
  }

 private:
  /// Where one has no room for all rules, several, which an interface has together.
  void add_group(std::uint32_t g) {
    const PolicyGroup& group = policy_.groups[g];
    const std::size_t most = options_.aws_rules_per_group;
    const std::size_t longer = std::max(group.ingress.size(), group.egress.size());
    const std::size_t parts = std::max<std::size_t>(1, (longer + most - 1) / most);
    if (parts > options_.aws_groups_per_interface) {
      remarks_.add(group.name + ": " + std::to_string(longer) + " rules of one direction need " +
                   std::to_string(parts) + " security groups, an interface has at most " +
                   std::to_string(options_.aws_groups_per_interface));
    }
    for (std::size_t part = 0; part < parts; ++part) add_part(g, part);
    for (const bool is_egress : {false, true}) {
      const auto& rules = is_egress ? group.egress : group.ingress;
      for (std::size_t i = 0; i < rules.size(); ++i) add_rule(g, i / most, i, is_egress, rules[i]);
    }
  }
  [[nodiscard]] std::string part_name(std::uint32_t g, std::size_t part) const {
    return part == 0 ? names_[g] : names_[g] + "Part" + std::to_string(part + 1);
  }
  void add_part(std::uint32_t g, std::size_t part) {
    const PolicyGroup& group = policy_.groups[g];
    // Without an egress rule of its own, a security group gets one that allows all.
    const Json nowhere{{"IpProtocol", "-1"}, {"CidrIp", "127.0.0.1/32"}};
    resources_[part_name(g, part)] = {
        {"Type", "AWS::EC2::SecurityGroup"},
        {"Properties",
         {{"GroupDescription",
           harmless("FlowLens group " + group.name + " seen as " + group.title, kDescription)},
          {"VpcId", {{"Ref", "Vpc"}}},
          {"SecurityGroupEgress", Json::array({nowhere})}}}};
  }
  [[nodiscard]] static Json group_id(const std::string& name) {
    return {{"Fn::GetAtt", {name, "GroupId"}}};
  }
  void add_rule(std::uint32_t g, std::size_t part, std::size_t i, bool is_egress,
                const PolicyRule& r) {
    Json properties{{"GroupId", group_id(part_name(g, part))}};
    properties["IpProtocol"] = protocol_text(r.protocol);
    if (has_range(r.protocol)) {
      const bool is_any = r.port == 0;
      const bool is_icmp = r.protocol == kIcmp || r.protocol == kIcmp6;
      properties["FromPort"] = is_icmp ? -1 : is_any ? 0 : int{r.port};
      properties["ToPort"] = is_icmp ? -1 : is_any ? 65'535 : int{r.port};
    }
    if (r.peer.group != PolicyPeer::kNetwork) {
      properties[is_egress ? "DestinationSecurityGroupId" : "SourceSecurityGroupId"] =
          group_id(part_name(r.peer.group, 0));
    } else {
      const std::string network = cidr(r.peer.network);
      properties[network.find(':') == std::string::npos ? "CidrIp" : "CidrIpv6"] = network;
    }
    const std::string direction = is_egress ? "Egress" : "Ingress";
    resources_[names_[g] + direction + std::to_string(i + 1)] = {
        {"Type", "AWS::EC2::SecurityGroup" + direction}, {"Properties", std::move(properties)}};
  }
  [[nodiscard]] static bool has_range(std::uint8_t protocol) {
    return protocol == kTcp || protocol == kUdp || protocol == kIcmp || protocol == kIcmp6;
  }
  [[nodiscard]] static std::string protocol_text(std::uint8_t protocol) {
    if (protocol == kTcp) return "tcp";
    if (protocol == kUdp) return "udp";
    if (protocol == kIcmp) return "icmp";
    return protocol == kIcmp6 ? "icmpv6" : std::to_string(protocol);
  }

  const Policy& policy_;
  const PolicyExportOptions& options_;
  Remarks& remarks_;
  std::vector<std::string> names_;
  Json resources_ = Json::object();
};

}  // namespace

Json aws_template(const Policy& policy, const PolicyExportOptions& o, Remarks& remarks) {
  Json made = Template{policy, o, remarks}.make();
  made["Metadata"] = {{"FlowLens", {{"revision", policy.revision}, {"remarks", remarks.list()}}}};
  return made;
}

}  // namespace flowlens::policy
