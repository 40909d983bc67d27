#include "analyze/policy_document.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <ostream>

#include "graph/export_text.hpp"

namespace flowlens::policy {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads as a text without quotes, whatever the version of YAML.
bool is_plain(std::string_view text) {
  if (text.empty() || !is_letter(text.front())) return false;
  const bool has_plain_characters = std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == '/';
  });
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  constexpr std::array<std::string_view, 9> kWords{"true", "false", "yes", "no", "on",
                                                   "off",  "null",  "y",   "n"};
  return has_plain_characters && std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

/// JSON's way of quoting, in ASCII, is YAML's, too; but characters past U+FFFF would be two escapes,
/// which YAML does not put together: they become `?`.
std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  const std::string clean = graph::to_utf8(text);
  std::string narrow;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const bool is_of_another_plane = static_cast<unsigned char>(clean[i]) >= 0xf0;
    narrow += is_of_another_plane ? '?' : clean[i];
    if (is_of_another_plane) i += 3;
  }
  return Json(narrow).dump(-1, ' ', true, Json::error_handler_t::replace);
}

void write_value(const Json& value, std::size_t indent, std::ostream& out);

void write_object(const Json& object, std::size_t indent, std::ostream& out) {
  bool is_first = true;
  for (const auto& [name, value] : object.items()) {
    if (!is_first) out << std::string(indent, ' ');
    is_first = false;
    out << yaml_text(name) << ':';
    const bool is_nested = value.is_structured() && !value.empty();
    if (!is_nested) {
      out << ' ';
    } else {
      out << '\n' << std::string(indent + 2, ' ');
    }
    write_value(value, indent + 2, out);
  }
}

/// The cursor is where the value begins; after it, a line is complete.
void write_value(const Json& value, std::size_t indent, std::ostream& out) {
  if (value.is_object() && !value.empty()) return write_object(value, indent, out);
  if (value.is_array() && !value.empty()) {
    bool is_first = true;
    for (const Json& item : value) {
      if (!is_first) out << std::string(indent, ' ');
      is_first = false;
      out << "- ";
      write_value(item, indent + 2, out);
    }
    return;
  }
  out << (value.is_string() ? yaml_text(value.get_ref<const std::string&>()) : value.dump())
      << '\n';
}

}  // namespace

void write_yaml(const Json& document, std::ostream& out) { write_value(document, 0, out); }

std::string harmless(std::string_view text, std::size_t most) {
  std::string clean(text.substr(0, most));
  for (char& c : clean) {
    const bool is_kept =
        is_letter(c) || is_digit(c) || std::string_view(" ._:/-").find(c) != std::string_view::npos;
    if (!is_kept) c = '_';
  }
  return clean;
}

bool has_ports(std::uint8_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}
bool is_tcp(std::uint8_t protocol) { return protocol == kTcp; }

std::string_view upper_name(std::uint8_t protocol) {
  return protocol == kTcp ? "TCP" : protocol == kUdp ? "UDP" : "SCTP";
}

std::string cidr(const IpPrefix& network) {
  return network.length == 128 ? cidr(network.address) : network.to_string();
}
std::string cidr(const IpAddress& address) {
  return address.to_string() + (address.is_v4() ? "/32" : "/128");
}

std::vector<Clause> clauses_of(const PolicyGroup& group, bool is_egress,
                               bool (*is_known)(std::uint8_t), std::string_view what,
                               Remarks& remarks) {
  std::map<Service, std::vector<PolicyPeer>> by_service;
  std::map<std::uint8_t, std::size_t> unknown;
  for (const PolicyRule& r : is_egress ? group.egress : group.ingress) {
    if (is_known(r.protocol)) {
      by_service[{r.protocol, r.port}].push_back(r.peer);
    } else {
      ++unknown[r.protocol];
    }
  }
  for (const auto& [protocol, rules] : unknown) {
    remarks.add(group.name + ": " + std::to_string(rules) + (is_egress ? " egress" : " ingress") +
                " rules of protocol " + std::to_string(protocol) + " are left out; " +
                std::string(what));
  }
  std::map<std::vector<PolicyPeer>, std::vector<Service>> by_peers;
  for (auto& [service, peers] : by_service) by_peers[std::move(peers)].push_back(service);
  std::vector<Clause> clauses;
  for (auto& [peers, services] : by_peers) clauses.push_back({peers, std::move(services)});
  std::sort(clauses.begin(), clauses.end(),
            [](const Clause& a, const Clause& b) { return a.services < b.services; });
  return clauses;
}

}  // namespace flowlens::policy
