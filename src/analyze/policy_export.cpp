#include "flowlens/policy_export.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "analyze/policy_document.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/error.hpp"
#include "graph/export_text.hpp"

namespace flowlens {

namespace {

using namespace policy;

struct FormatNames {
  std::string_view name, media_type;
  const char*
      checked_by;  ///< for the head, where it has one; null: nothing checks what FlowLens writes
};
constexpr FormatNames kFormats[] = {
    {"json", "application/json", ""},
    {"csv", "text/csv; charset=utf-8", ""},
    {"kubernetes", "application/yaml", "the schema of Kubernetes"},
    {"cilium", "application/yaml", nullptr},
    {"calico", "application/yaml", nullptr},
    {"nftables", "text/plain; charset=utf-8", "nft --check"},
    {"aws", "application/json", ""},
    {"istio", "application/yaml", "models of its custom resources"},
    {"envoy", "application/yaml", "envoy --mode validate"},
};
static_assert(std::size(kFormats) == kPolicyFormatCount);

const FormatNames& names_of(PolicyFormat f) { return kFormats[static_cast<std::size_t>(f)]; }

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
/// Of letters, digits and `others`, with a letter or digit at both ends.
bool is_name(std::string_view text, std::size_t most, std::string_view others) {
  return !text.empty() && text.size() <= most && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [&](char c) {
           return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
         });
}
bool is_lower(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

void check(const PolicyExportOptions& o) {
  const std::string_view key = o.label_key;
  const std::size_t slash = key.find('/');
  const bool has_prefix = slash != std::string_view::npos;
  const std::string_view prefix = has_prefix ? key.substr(0, slash) : std::string_view{};
  if (!is_name(has_prefix ? key.substr(slash + 1) : key, 63, "-_.") ||
      (has_prefix && !(is_name(prefix, 253, "-.") && is_lower(prefix)))) {
    throw ConfigError("label_key: give a label of Kubernetes, like app.kubernetes.io/name");
  }
  const std::string_view space = o.k8s_namespace;
  if (!space.empty() && !(is_name(space, 63, "-") && is_lower(space))) {
    throw ConfigError("namespace: give up to 63 of a-z, 0-9 and -, like shop");
  }
  if (o.aws_rules_per_group == 0 || o.aws_groups_per_interface == 0) {
    throw ConfigError("aws_rules_per_group and aws_groups_per_interface: give at least 1");
  }
}

Json peer_json(const Policy& policy, const PolicyPeer& p) {
  if (p.group != PolicyPeer::kNetwork) return {{"group", policy.groups[p.group].name}};
  return {{"network", p.network.to_string()}};
}
Json rules_json(const Policy& policy, const std::vector<PolicyRule>& rules) {
  Json list = Json::array();
  for (const PolicyRule& r : rules) {
    list.push_back({{"protocol", r.protocol},
                    {"port", r.port},
                    {"peer", peer_json(policy, r.peer)},
                    {"dependencies", r.dependencies},
                    {"flows", r.flows},
                    {"is_widened", r.is_widened}});
  }
  return list;
}
Json group_json(const Policy& policy, const PolicyGroup& g) {
  Json assets = Json::array(), addresses = Json::array();
  for (const Id& id : g.assets) assets.push_back(id.to_string());
  for (const IpAddress& a : g.addresses) addresses.push_back(a.to_string());
  return {{"name", g.name},
          {"title", g.title},
          {"assets", std::move(assets)},
          {"addresses", std::move(addresses)},
          {"ingress", rules_json(policy, g.ingress)},
          {"egress", rules_json(policy, g.egress)}};
}

void write_json(const Policy& policy, std::ostream& out) {
  Json groups = Json::array(), left_out = Json::array(), counts = Json::object();
  for (const PolicyGroup& g : policy.groups) groups.push_back(group_json(policy, g));
  for (const PolicyLeftOut& l : policy.left_out) {
    left_out.push_back({{"dependency", l.dependency.to_string()}, {"why", to_string(l.why)}});
  }
  for (std::size_t i = 0; i < kPolicyGapCount; ++i) {
    counts[std::string(to_string(static_cast<PolicyGap>(i)))] = policy.left_out_counts[i];
  }
  const PolicyCoverage& c = policy.coverage;
  const Json all{{"revision", policy.revision},
                 {"coverage",
                  {{"dependencies", c.dependencies},
                   {"allowed", c.allowed},
                   {"flows", c.flows},
                   {"flows_allowed", c.flows_allowed}}},
                 {"widened_rules", policy.widened_rules},
                 {"left_out_counts", std::move(counts)},
                 {"left_out", std::move(left_out)},
                 {"groups", std::move(groups)}};
  out << all.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

/// What a spreadsheet would take for a formula begins with `'`.
std::string cell(std::string_view text) {
  const bool is_formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  return graph::csv_text(is_formula ? "'" + std::string(text) : std::string(text));
}

void write_csv(const Policy& policy, std::ostream& out) {
  out << "group,title,direction,peer_group,peer_network,protocol,port,dependencies,flows,"
         "widened\r\n";
  for (const PolicyGroup& g : policy.groups) {
    for (const bool is_egress : {false, true}) {
      for (const PolicyRule& r : is_egress ? g.egress : g.ingress) {
        const bool is_group = r.peer.group != PolicyPeer::kNetwork;
        const std::string_view protocol = protocol_name(r.protocol);
        out << g.name << ',' << cell(g.title) << ',' << (is_egress ? "egress" : "ingress") << ','
            << (is_group ? policy.groups[r.peer.group].name : "") << ','
            << (is_group ? "" : r.peer.network.to_string()) << ','
            << (protocol.empty() ? std::to_string(r.protocol) : std::string(protocol)) << ','
            << r.port << ',' << r.dependencies << ',' << r.flows << ','
            << (r.is_widened ? "true" : "false") << "\r\n";
      }
    }
  }
}

void write_head(const Policy& policy, PolicyFormat format, const PolicyExportOptions& o,
                const Remarks& remarks, std::ostream& out) {
  const PolicyCoverage& c = policy.coverage;
  const char* checked_by = names_of(format).checked_by;
  out << "# Proposed by FlowLens from revision " << policy.revision << " of the map: allows "
      << c.allowed << " of " << c.dependencies << " dependencies.\n# "
      << (checked_by ? "FlowLens' tests check what it writes by " + std::string(checked_by)
                     : "Unverified: no program of this dialect has checked what FlowLens writes")
      << ".\n";
  const bool has_trial = format != PolicyFormat::kubernetes;
  if (!has_trial || o.is_enforced) {
    out << "# Once applied, it blocks what it does not allow.\n";
  } else {
    out << "# A trial: it tells what it would block, and blocks nothing.\n";
  }
  for (const std::string& sentence : remarks.list()) out << "# " << sentence << ".\n";
}

using Documents = std::vector<Json> (*)(const Policy&, const PolicyExportOptions&, Remarks&);
Documents documents_of(PolicyFormat f) {
  switch (f) {
    case PolicyFormat::kubernetes:
      return kubernetes_documents;
    case PolicyFormat::cilium:
      return cilium_documents;
    case PolicyFormat::calico:
      return calico_documents;
    case PolicyFormat::istio:
      return istio_documents;
    case PolicyFormat::envoy:
      return envoy_documents;
    default:
      return nullptr;
  }
}

}  // namespace

std::string_view to_string(PolicyFormat f) noexcept { return names_of(f).name; }
std::string_view media_type(PolicyFormat f) noexcept { return names_of(f).media_type; }
std::optional<PolicyFormat> parse_policy_format(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kPolicyFormatCount; ++i) {
    if (kFormats[i].name == name) return static_cast<PolicyFormat>(i);
  }
  return std::nullopt;
}

std::vector<std::string> write_policy(const Policy& policy, PolicyFormat format,
                                      const PolicyExportOptions& options, std::ostream& out) {
  check(options);
  Remarks remarks;
  if (const Documents make = documents_of(format)) {
    const std::vector<Json> documents = make(policy, options, remarks);
    write_head(policy, format, options, remarks, out);
    for (const Json& d : documents) {
      out << "---\n";
      write_yaml(d, out);
    }
  } else if (format == PolicyFormat::nftables) {
    write_head(policy, format, options, remarks, out);
    write_nftables(policy, options, out);
  } else if (format == PolicyFormat::aws) {
    out << aws_template(policy, options, remarks).dump(2, ' ', true) << '\n';
  } else if (format == PolicyFormat::csv) {
    write_csv(policy, out);
  } else {
    write_json(policy, out);
  }
  if (!out) throw IoError("policy: the stream failed");
  return remarks.list();
}

}  // namespace flowlens
