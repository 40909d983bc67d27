// Policies of Istio and Envoy: what comes in over TCP.
#include "analyze/policy_document.hpp"
#include "analyze/policy_networks.hpp"

namespace flowlens::policy {

namespace {

constexpr const char* kRbac = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC";

void remark_egress(const PolicyGroup& g, const char* what, Remarks& remarks) {
  if (g.egress.empty()) return;
  remarks.add(g.name + ": " + std::to_string(g.egress.size()) + " egress rules are left out; " +
              what);
}

/// The networks of peers; a group's are its addresses.
std::vector<IpPrefix> networks_of(const Policy& policy, const std::vector<PolicyPeer>& peers) {
  std::vector<IpPrefix> networks;
  for (const PolicyPeer& p : peers) {
    if (p.group == PolicyPeer::kNetwork) {
      networks.push_back(p.network);
      continue;
    }
    for (const IpAddress& a : policy.groups[p.group].addresses) networks.push_back({a, 128});
  }
  return networks;
}

bool has_any_port(const Clause& c) { return c.services.front().port == 0; }

Json istio_rule(const Policy& policy, const Clause& c) {
  Json blocks = Json::array(), ports = Json::array();
  for (const IpPrefix& n : networks_of(policy, c.peers)) blocks.push_back(cidr(n));
  for (const Service& s : c.services) ports.push_back(std::to_string(s.port));
  Json rule{{"from", Json::array({{{"source", {{"ipBlocks", std::move(blocks)}}}}})}};
  if (!has_any_port(c)) {
    rule["to"] = Json::array({{{"operation", {{"ports", std::move(ports)}}}}});
  }
  return rule;
}

Json envoy_policy(const Policy& policy, const Clause& c) {
  Json permissions = Json::array(), principals = Json::array();
  for (const Service& s : c.services) {
    permissions.push_back(s.port == 0 ? Json{{"any", true}} : Json{{"destination_port", s.port}});
  }
  for (const IpPrefix& n : networks_of(policy, c.peers)) {
    const int length = is_v4(n) ? n.length - 96 : n.length;
    principals.push_back({{"direct_remote_ip",
                           {{"address_prefix", n.address.to_string()}, {"prefix_len", length}}}});
  }
  return {{"permissions", std::move(permissions)}, {"principals", std::move(principals)}};
}

}  // namespace

std::vector<Json> istio_documents(const Policy& policy, const PolicyExportOptions& o,
                                  Remarks& remarks) {
  std::vector<Json> documents;
  for (const PolicyGroup& g : policy.groups) {
    Json data{{"name", "flowlens-" + g.name}};
    if (!o.k8s_namespace.empty()) data["namespace"] = o.k8s_namespace;
    data["annotations"] = {{"flowlens/seen-as", g.title}};
    if (!o.is_enforced) data["annotations"]["istio.io/dry-run"] = "true";
    Json rules = Json::array();
    for (const Clause& c : clauses_of(g, false, is_tcp, "a mesh sees TCP only", remarks)) {
      rules.push_back(istio_rule(policy, c));
    }
    remark_egress(g, "an AuthorizationPolicy is about what comes in", remarks);
    Json spec{{"selector", {{"matchLabels", {{o.label_key, g.name}}}}}, {"action", "ALLOW"}};
    if (!rules.empty()) spec["rules"] = std::move(rules);  // without any, nothing is allowed
    documents.push_back({{"apiVersion", "security.istio.io/v1"},
                         {"kind", "AuthorizationPolicy"},
                         {"metadata", std::move(data)},
                         {"spec", std::move(spec)}});
  }
  return documents;
}

std::vector<Json> envoy_documents(const Policy& policy, const PolicyExportOptions& o,
                                  Remarks& remarks) {
  std::vector<Json> documents;
  for (const PolicyGroup& g : policy.groups) {
    Json policies = Json::object();
    std::size_t n = 0;
    for (const Clause& c : clauses_of(g, false, is_tcp, "the filter sees TCP only", remarks)) {
      policies["rule-" + std::to_string(++n)] = envoy_policy(policy, c);
    }
    remark_egress(g, "the filter stands before the service", remarks);
    documents.push_back({{"name", "envoy.filters.network.rbac"},
                         {"typed_config",
                          {{"@type", kRbac},
                           {"stat_prefix", "flowlens_" + g.name},
                           {o.is_enforced ? "rules" : "shadow_rules",
                            {{"action", "ALLOW"}, {"policies", std::move(policies)}}}}}});
  }
  return documents;
}

}  // namespace flowlens::policy
