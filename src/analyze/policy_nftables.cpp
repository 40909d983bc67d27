// A policy as a table of nftables, for a machine that forwards between those it guards.
#include <ostream>

#include "analyze/policy_document.hpp"
#include "analyze/policy_networks.hpp"

namespace flowlens::policy {

namespace {

constexpr std::size_t kComment = 100;  // of 128 octets

struct Family {
  const char* suffix;
  const char* type;
  const char* word;  ///< before saddr and daddr
  const char* only;
  bool is_v4;
};
constexpr Family kFamilies[] = {{"v4", "ipv4_addr", "ip", "meta nfproto ipv4", true},
                                {"v6", "ipv6_addr", "ip6", "meta nfproto ipv6", false}};

bool is_any_protocol(std::uint8_t) { return true; }

/// Writes rules; the words of a line come from here, from names of groups, addresses and numbers.
class Table {
 public:
  Table(const Policy& policy, bool is_enforced, std::ostream& out)
      : policy_(policy), is_enforced_(is_enforced), out_(out) {}

  void write() {
    // Made first if it is not there, so that taking the old one away never fails.
    out_ << "table inet flowlens\ndelete table inet flowlens\n\ntable inet flowlens {\n";
    for (const PolicyGroup& g : policy_.groups) write_sets(g);
    write_blocked();
    for (const PolicyGroup& g : policy_.groups) {
      write_chain(g, true);
      write_chain(g, false);
    }
    write_base();
    out_ << "}\n";
  }

 private:
  static std::string set_name(const PolicyGroup& g, const Family& f) {
    return "group_" + g.name + "_" + f.suffix;
  }
  static std::string chain_name(const PolicyGroup& g, bool is_egress) {
    return (is_egress ? "egress_" : "ingress_") + g.name;
  }

  void write_sets(const PolicyGroup& g) {
    for (const Family& f : kFamilies) {
      out_ << "  set " << set_name(g, f) << " {\n    type " << f.type << "\n    comment \""
           << harmless(g.title, kComment) << "\"\n";
      const char* before = "    elements = { ";
      for (const IpAddress& a : g.addresses) {
        if (a.is_v4() != f.is_v4) continue;
        out_ << before << a.to_string();
        before = ",\n                 ";
      }
      out_ << (*before == ',' ? " }\n  }\n" : "  }\n");
    }
  }

  void write_blocked() {
    out_ << "  chain blocked {\n    limit rate 10/second burst 20 packets log prefix \"flowlens: "
            "\"\n"
         << (is_enforced_ ? "    counter drop\n" : "    counter accept\n") << "  }\n";
  }

  void write_chain(const PolicyGroup& g, bool is_egress) {
    out_ << "  chain " << chain_name(g, is_egress) << " {\n";
    Remarks none;  // nftables knows every protocol
    for (const Clause& c : clauses_of(g, is_egress, is_any_protocol, "", none)) {
      for (const std::string& services : services_of(c)) {
        for (const std::string& peers : peers_of(c, is_egress)) {
          out_ << "    " << peers << ' ' << services << " return\n";
        }
      }
    }
    out_ << "    goto blocked\n  }\n";
  }

  /// `tcp dport { 80, 443 }` and the like.
  static std::vector<std::string> services_of(const Clause& c) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < c.services.size();) {
      const std::uint8_t protocol = c.services[i].protocol;
      std::string ports;
      bool has_any = false;
      for (; i < c.services.size() && c.services[i].protocol == protocol; ++i) {
        has_any = has_any || c.services[i].port == 0 || !has_ports(protocol);
        ports += (ports.empty() ? "" : ", ") + std::to_string(c.services[i].port);
      }
      if (has_any) {
        parts.push_back("meta l4proto " + std::to_string(protocol));
      } else {
        const char* name = protocol == kTcp ? "tcp" : protocol == kUdp ? "udp" : "sctp";
        parts.push_back(std::string(name) + " dport { " + ports + " }");
      }
    }
    return parts;
  }

  /// `ip saddr @group_web_v4` and the like.
  std::vector<std::string> peers_of(const Clause& c, bool is_egress) const {
    const std::string side = is_egress ? " daddr " : " saddr ";
    std::vector<std::string> parts;
    for (const Family& f : kFamilies) {
      std::string networks;
      bool has_all = false;
      for (const PolicyPeer& p : c.peers) {
        if (p.group != PolicyPeer::kNetwork) {
          parts.push_back(f.word + side + '@' + set_name(policy_.groups[p.group], f));
        } else if (is_v4(p.network) == f.is_v4) {
          has_all = has_all || is_any(p.network);
          networks += (networks.empty() ? "" : ", ") + p.network.to_string();
        }
      }
      if (has_all) {
        parts.emplace_back(f.only);
      } else if (!networks.empty()) {
        parts.push_back(f.word + side + "{ " + networks + " }");
      }
    }
    return parts;
  }

  void write_base() {
    out_ << "  chain forward {\n    type filter hook forward priority filter\n    policy accept\n"
            "    ct state established,related accept\n";
    for (const PolicyGroup& g : policy_.groups) {
      for (const Family& f : kFamilies) {
        const std::string set = '@' + set_name(g, f);
        out_ << "    " << f.word << " saddr " << set << " jump " << chain_name(g, true) << "\n    "
             << f.word << " daddr " << set << " jump " << chain_name(g, false) << '\n';
      }
    }
    out_ << "  }\n";
  }

  const Policy& policy_;
  bool is_enforced_;
  std::ostream& out_;
};

}  // namespace

void write_nftables(const Policy& policy, const PolicyExportOptions& o, std::ostream& out) {
  Table{policy, o.is_enforced, out}.write();
}

}  // namespace flowlens::policy
