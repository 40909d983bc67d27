#include "lookup/snmp/tables.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "graph/export_text.hpp"
#include "lookup/fact_sheet.hpp"

namespace flowlens::lookup {

namespace {

// Subtypes of IEEE 802.1AB that are told as text or as MAC address.
constexpr std::int64_t kChassisMac = 4;
constexpr std::int64_t kPortMac = 3, kPortInterfaceName = 5;

std::string hex_mac(std::string_view octets) {
  std::string text;
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : octets) {
    if (!text.empty()) text += ':';
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return octets.size() == 6 ? mac_text(text) : "";
}

/// One line of UTF-8 that is fit for a fact: IOS describes itself in four.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : graph::to_utf8(text.substr(0, kLongestFactValue / 3))) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (!is_control) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return std::string(trimmed(line));
}

/// An InetAddress of an index: its octets.
std::optional<IpAddress> address_of(std::span<const std::uint32_t> index) {
  std::array<std::byte, 16> octets{};
  if (index.size() > octets.size()) return std::nullopt;
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] > 0xff) return std::nullopt;
    octets[i] = static_cast<std::byte>(index[i]);
  }
  return IpAddress::from_octets(std::span{octets}.first(index.size()));
}

/// `type, length, octets`, with a zone's number behind the octets in types 3 and 4 (RFC 4001).
std::optional<IpAddress> typed_address_of(std::span<const std::uint32_t> index) {
  if (index.size() < 2 || index[1] != index.size() - 2) return std::nullopt;
  const std::uint32_t type = index[0];
  const std::size_t octets = type == 1 || type == 3 ? 4 : 16;
  const std::size_t zone = type == 3 || type == 4 ? 4 : 0;
  if (type < 1 || type > 4 || index[1] != octets + zone) return std::nullopt;
  return address_of(index.subspan(2, octets));
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end())
    list.push_back(text);
}

/// Takes facts up to a limit.
class Facts {
 public:
  Facts(const Endpoint& exporter, Timestamp now, std::size_t most, std::uint64_t& beyond)
      : site_(exporter.site), now_(now), most_(most), beyond_(beyond) {}

  void add(const IpAddress& address, std::string_view attribute, const std::string& value) {
    if (!is_value(value)) return;
    if (facts_.size() >= most_) {
      ++beyond_;
      return;
    }
    Fact& fact = facts_.emplace_back();
    fact.subject = {site_, address};
    fact.attribute = attribute;
    fact.value = value;
    fact.source = FactSource::observed;
    fact.at = now_;
    fact.origin = "snmp";
  }
  std::vector<Fact> take() noexcept { return std::move(facts_); }

 private:
  SiteId site_;
  Timestamp now_;
  std::size_t most_;
  std::uint64_t& beyond_;
  std::vector<Fact> facts_;
};

}  // namespace

const Oid& oid_of(SnmpColumn column) {
  static const std::array<Oid, kSnmpColumns> kColumns = {{
      {1, 3, 6, 1, 2, 1, 2, 2, 1, 2},
      {1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1},
      {1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18},
      {1, 3, 6, 1, 2, 1, 4, 35, 1, 4},
      {1, 3, 6, 1, 2, 1, 4, 22, 1, 2},
      {1, 0, 8802, 1, 1, 2, 1, 3, 7, 1, 2},
      {1, 0, 8802, 1, 1, 2, 1, 3, 7, 1, 3},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 4},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 5},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 6},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 7},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 8},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 9},
      {1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 10},
      {1, 0, 8802, 1, 1, 2, 1, 4, 2, 1, 3},
  }};
  return kColumns[static_cast<std::size_t>(column)];
}

void SnmpTables::take_system(std::string_view name, std::string_view description) {
  name_ = one_line(name);
  description_ = one_line(description);
}

bool SnmpTables::take(SnmpColumn column, const SnmpValue& value) {
  switch (column) {
    case SnmpColumn::if_descr:
    case SnmpColumn::if_name:
    case SnmpColumn::if_alias:
      return take_interface(column, value);
    case SnmpColumn::physical_address:
    case SnmpColumn::media_address:
      return take_arp(column, value);
    case SnmpColumn::local_port_type:
    case SnmpColumn::local_port:
      return take_local_port(column, value);
    default:
      return take_neighbor(column, value);
  }
}

bool SnmpTables::take_interface(SnmpColumn column, const SnmpValue& value) {
  if (value.index.size() != 1 || value.type != SnmpValue::Type::octets) return false;
  Interface& known = interfaces_[value.index[0]];
  std::string& part = column == SnmpColumn::if_descr  ? known.description
                      : column == SnmpColumn::if_name ? known.name
                                                      : known.alias;
  part = one_line(value.octets);
  return true;
}

/// Both begin with the ifIndex; the older table goes on with an IPv4 address.
bool SnmpTables::take_arp(SnmpColumn column, const SnmpValue& value) {
  if (value.index.empty() || value.type != SnmpValue::Type::octets) return false;
  const auto index = std::span{value.index}.subspan(1);
  const auto address =
      column == SnmpColumn::physical_address ? typed_address_of(index) : address_of(index);
  if (!address) return false;
  const std::string mac = hex_mac(value.octets);
  if (!mac.empty()) macs_.emplace(*address, mac);  // what is not resolved yet has none
  return true;
}

bool SnmpTables::take_local_port(SnmpColumn column, const SnmpValue& value) {
  const bool is_type = column == SnmpColumn::local_port_type;
  const auto wanted = is_type ? SnmpValue::Type::number : SnmpValue::Type::octets;
  if (value.index.size() != 1 || value.type != wanted) return false;
  LocalPort& port = ports_[value.index[0]];
  if (is_type) {
    port.type = value.number;
  } else {
    port.id = one_line(value.octets);
  }
  return true;
}

bool SnmpTables::take_neighbor(SnmpColumn column, const SnmpValue& value) {
  if (value.index.size() < 3) return false;
  const NeighborKey key{value.index[0], value.index[1], value.index[2]};
  if (column == SnmpColumn::management_address) {
    const auto found = neighbors_.find(key);
    const auto address = typed_address_of(std::span{value.index}.subspan(3));
    // Of other kinds than IP, and of neighbours that say nothing else: no use.
    constexpr std::size_t kMostAddresses = 16;
    if (found != neighbors_.end() && address && found->second.addresses.size() < kMostAddresses) {
      found->second.addresses.push_back(*address);
    }
    return true;
  }
  const bool is_type = column == SnmpColumn::chassis_type || column == SnmpColumn::port_type;
  const auto wanted = is_type ? SnmpValue::Type::number : SnmpValue::Type::octets;
  if (value.index.size() != 3 || value.type != wanted) return false;
  Neighbor& known = neighbors_[key];
  switch (column) {
    case SnmpColumn::chassis_type:
      known.chassis_type = value.number;
      break;
    case SnmpColumn::chassis:
      known.chassis =
          known.chassis_type == kChassisMac ? hex_mac(value.octets) : one_line(value.octets);
      break;
    case SnmpColumn::port_type:
      known.port_type = value.number;
      break;
    case SnmpColumn::port:
      known.port = known.port_type == kPortMac ? hex_mac(value.octets) : one_line(value.octets);
      break;
    case SnmpColumn::port_description:
      known.port_description = one_line(value.octets);
      break;
    case SnmpColumn::system_name:
      known.name = one_line(value.octets);
      break;
    default:
      known.description = one_line(value.octets);
  }
  return true;
}

/// The ifIndex of each port of LLDP's: by its name where it has one, else agents number both alike.
std::map<std::uint32_t, std::uint32_t> SnmpTables::interfaces_of_ports() const {
  std::map<std::string_view, std::uint32_t> by_name;
  for (const auto& [index, known] : interfaces_) {
    by_name.emplace(known.name, index);
    by_name.emplace(known.description, index);
  }
  std::map<std::uint32_t, std::uint32_t> indexes;
  for (const auto& [key, neighbor] : neighbors_) {
    const auto port = ports_.find(key.port);
    const bool has_name = port != ports_.end() && port->second.type == kPortInterfaceName;
    const auto named = has_name ? by_name.find(port->second.id) : by_name.end();
    if (named != by_name.end()) {
      indexes[key.port] = named->second;
    } else if (interfaces_.contains(key.port)) {
      indexes[key.port] = key.port;
    }
  }
  return indexes;
}

std::map<std::uint32_t, SnmpTables::Interface> SnmpTables::with_neighbors() const {
  std::map<std::uint32_t, Interface> interfaces = interfaces_;
  const auto indexes = interfaces_of_ports();
  for (const auto& [key, neighbor] : neighbors_) {
    const auto known = indexes.find(key.port);
    if (known == indexes.end()) continue;
    Interface& here = interfaces[known->second];
    constexpr std::size_t kMostNeighbors = 64;  // of one interface that are named
    if (here.neighbors.size() >= kMostNeighbors) continue;
    add_once(here.neighbors, neighbor.name.empty() ? neighbor.chassis : neighbor.name);
    const bool has_name = neighbor.port_type != kPortMac && !neighbor.port.empty();
    const std::string& port =
        has_name || neighbor.port_description.empty() ? neighbor.port : neighbor.port_description;
    add_once(here.neighbor_ports, port);
  }
  return interfaces;
}

std::vector<Fact> SnmpTables::tell(const Endpoint& exporter, Timestamp now, std::size_t max_facts,
                                   std::uint64_t& beyond) const {
  Facts facts{exporter, now, max_facts, beyond};
  facts.add(exporter.address, "snmp.name", name_);
  facts.add(exporter.address, "name", std::string(host_name(name_)));
  facts.add(exporter.address, "snmp.description", description_);
  for (const auto& [index, known] : with_neighbors()) {
    const std::string front = "interface." + std::to_string(index) + '.';
    facts.add(exporter.address, front + "name", known.called());
    facts.add(exporter.address, front + "description", known.alias);
    facts.add(exporter.address, front + "neighbor", joined(known.neighbors));
    facts.add(exporter.address, front + "neighbor_port", joined(known.neighbor_ports));
  }
  for (const auto& [address, mac] : macs_) {
    if (is_of_one_machine(address)) facts.add(address, "mac", mac);
  }
  for (const auto& [key, neighbor] : neighbors_) {
    for (const IpAddress& address : neighbor.addresses) {
      if (!is_of_one_machine(address)) continue;
      facts.add(address, "snmp.name", neighbor.name);
      facts.add(address, "snmp.description", neighbor.description);
      if (neighbor.chassis_type == kChassisMac) facts.add(address, "mac", neighbor.chassis);
    }
  }
  return facts.take();
}

}  // namespace flowlens::lookup
