// Policies of Kubernetes, Cilium and Calico: workloads are selected by the label that names their group.
#include <algorithm>

#include "analyze/policy_document.hpp"

namespace flowlens::policy {

namespace {

constexpr std::size_t kCiliumPorts = 40;  // that one rule may name

Json metadata(const PolicyGroup& g, const PolicyExportOptions& o) {
  Json data{{"name", "flowlens-" + g.name}};
  if (!o.k8s_namespace.empty()) data["namespace"] = o.k8s_namespace;
  data["annotations"] = {{"flowlens/seen-as", g.title}};
  return data;
}
Json labels(const PolicyGroup& g, const PolicyExportOptions& o) {
  return {{"matchLabels", {{o.label_key, g.name}}}};
}
bool is_group(const PolicyPeer& p) { return p.group != PolicyPeer::kNetwork; }

Json kubernetes_ports(const std::vector<Service>& services) {
  Json ports = Json::array();
  for (const Service& s : services) {
    Json port{{"protocol", upper_name(s.protocol)}};
    if (s.port != 0) port["port"] = s.port;
    ports.push_back(std::move(port));
  }
  return ports;
}

Json kubernetes_rules(const Policy& policy, const PolicyGroup& g, bool is_egress,
                      const PolicyExportOptions& o, Remarks& remarks) {
  Json rules = Json::array();
  for (const Clause& c : clauses_of(g, is_egress, has_ports,
                                    "a NetworkPolicy knows TCP, UDP and SCTP only", remarks)) {
    Json peers = Json::array();
    for (const PolicyPeer& p : c.peers) {
      if (is_group(p)) {
        // Where the other group runs is not known: the same namespace or another.
        peers.push_back({{"namespaceSelector", Json::object()},
                         {"podSelector", labels(policy.groups[p.group], o)}});
      } else {
        peers.push_back({{"ipBlock", {{"cidr", cidr(p.network)}}}});
      }
    }
    rules.push_back(
        {{is_egress ? "to" : "from", std::move(peers)}, {"ports", kubernetes_ports(c.services)}});
  }
  return rules;
}

/// At most 40 ports each; none for a protocol as a whole.
std::vector<Json> cilium_ports(const std::vector<Service>& services) {
  std::vector<Json> parts;
  for (std::size_t i = 0; i < services.size(); i += kCiliumPorts) {
    Json ports = Json::array();
    for (std::size_t j = i; j < std::min(services.size(), i + kCiliumPorts); ++j) {
      ports.push_back({{"port", std::to_string(services[j].port)},
                       {"protocol", upper_name(services[j].protocol)}});
    }
    parts.push_back(Json::array({{{"ports", std::move(ports)}}}));
  }
  return parts;
}

Json cilium_rules(const Policy& policy, const PolicyGroup& g, bool is_egress,
                  const PolicyExportOptions& o, Remarks& remarks) {
  Json rules = Json::array();
  for (const Clause& c : clauses_of(g, is_egress, has_ports,
                                    "they are written for TCP, UDP and SCTP only", remarks)) {
    Json endpoints = Json::array(), networks = Json::array();
    for (const PolicyPeer& p : c.peers) {
      if (is_group(p)) {
        endpoints.push_back(labels(policy.groups[p.group], o));
      } else {
        networks.push_back(cidr(p.network));
      }
    }
    for (const Json& ports : cilium_ports(c.services)) {
      if (!endpoints.empty()) {
        rules.push_back(
            {{is_egress ? "toEndpoints" : "fromEndpoints", endpoints}, {"toPorts", ports}});
      }
      if (!networks.empty()) {
        rules.push_back({{is_egress ? "toCIDR" : "fromCIDR", networks}, {"toPorts", ports}});
      }
    }
  }
  return rules;
}

bool is_calicos(std::uint8_t) { return true; }
Json calico_protocol(std::uint8_t protocol) {
  if (has_ports(protocol)) return upper_name(protocol);
  if (protocol == kIcmp) return "ICMP";
  if (protocol == kIcmp6) return "ICMPv6";
  return protocol;
}
std::string calico_selector(const PolicyGroup& g, const PolicyExportOptions& o) {
  return o.label_key + " == '" + g.name + "'";
}
Json calico_rules(const Policy& policy, const PolicyGroup& g, bool is_egress,
                  const PolicyExportOptions& o, Remarks& remarks) {
  Json rules = Json::array();
  const auto add = [&](const Service& s, Json peer) {
    Json rule{{"action", "Allow"}, {"protocol", calico_protocol(s.protocol)}};
    Json server = is_egress ? peer : Json::object();
    if (s.port != 0) server["ports"] = {s.port};
    if (!is_egress) rule["source"] = std::move(peer);
    if (!server.empty()) rule["destination"] = std::move(server);
    rules.push_back(std::move(rule));
  };
  for (const Clause& c : clauses_of(g, is_egress, is_calicos, "", remarks)) {
    Json v4 = Json::array(), v6 = Json::array();  // of one family in one rule
    for (const PolicyPeer& p : c.peers) {
      if (!is_group(p))
        (cidr(p.network).find(':') == std::string::npos ? v4 : v6).push_back(cidr(p.network));
    }
    for (const Service& s : c.services) {
      for (const PolicyPeer& p : c.peers) {
        if (is_group(p)) {
          add(s, {{"namespaceSelector", "all()"},
                  {"selector", calico_selector(policy.groups[p.group], o)}});
        }
      }
      if (!v4.empty()) add(s, {{"nets", v4}});
      if (!v6.empty()) add(s, {{"nets", v6}});
    }
  }
  return rules;
}

}  // namespace

std::vector<Json> kubernetes_documents(const Policy& policy, const PolicyExportOptions& o,
                                       Remarks& remarks) {
  std::vector<Json> documents;
  for (const PolicyGroup& g : policy.groups) {
    Json spec{{"podSelector", labels(g, o)}, {"policyTypes", {"Ingress", "Egress"}}};
    spec["ingress"] = kubernetes_rules(policy, g, false, o, remarks);
    spec["egress"] = kubernetes_rules(policy, g, true, o, remarks);
    documents.push_back({{"apiVersion", "networking.k8s.io/v1"},
                         {"kind", "NetworkPolicy"},
                         {"metadata", metadata(g, o)},
                         {"spec", std::move(spec)}});
  }
  return documents;
}

std::vector<Json> cilium_documents(const Policy& policy, const PolicyExportOptions& o,
                                   Remarks& remarks) {
  std::vector<Json> documents;
  for (const PolicyGroup& g : policy.groups) {
    Json spec{{"endpointSelector", labels(g, o)}};
    spec["enableDefaultDeny"] = {{"ingress", o.is_enforced}, {"egress", o.is_enforced}};
    // An empty rule allows nothing, and makes the direction one that the policy is about.
    const auto rules = [&](bool is_egress) {
      Json list = cilium_rules(policy, g, is_egress, o, remarks);
      if (list.empty()) list.push_back(Json::object());
      return list;
    };
    spec["ingress"] = rules(false);
    spec["egress"] = rules(true);
    documents.push_back({{"apiVersion", "cilium.io/v2"},
                         {"kind", "CiliumNetworkPolicy"},
                         {"metadata", metadata(g, o)},
                         {"spec", std::move(spec)}});
  }
  return documents;
}

std::vector<Json> calico_documents(const Policy& policy, const PolicyExportOptions& o,
                                   Remarks& remarks) {
  std::vector<Json> documents;
  for (const PolicyGroup& g : policy.groups) {
    Json spec{{"selector", calico_selector(g, o)}, {"types", {"Ingress", "Egress"}}};
    spec["ingress"] = calico_rules(policy, g, false, o, remarks);
    spec["egress"] = calico_rules(policy, g, true, o, remarks);
    documents.push_back({{"apiVersion", "projectcalico.org/v3"},
                         {"kind", o.is_enforced ? "NetworkPolicy" : "StagedNetworkPolicy"},
                         {"metadata", metadata(g, o)},
                         {"spec", std::move(spec)}});
  }
  return documents;
}

}  // namespace flowlens::policy
