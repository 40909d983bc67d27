#include "config/known_network.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "config/text_file.hpp"
#include "flowlens/csv_table.hpp"

namespace flowlensd {
namespace {

enum Column : std::size_t { kind, addresses, exporters, vrf, site, port, protocol, expires };
constexpr std::array<std::string_view, 8> kColumns = {"kind", "addresses", "exporters", "vrf",
                                                      "site", "port",      "protocol",  "expires"};

class Reader {
 public:
  Reader(std::string_view csv, const std::string& name) : row_(csv, name, kColumns, 1) {}

  KnownNetwork read() {
    while (row_.next()) take();
    return std::move(found_);
  }

 private:
  void take() {
    const std::string& what = row_[kind];
    if (what == "site") return take_site();
    if (what == "internal") {
      found_.enricher.internal_networks.push_back(needed_prefix(addresses));
    } else if (what == "service") {
      found_.services.push_back({needed_prefix(addresses), port_number(), protocol_number()});
    } else if (what == "listener") {
      take_listener();
    } else {
      row_.fail("kind: `" + what + "` is not valid; give site, internal, service or listener");
    }
  }

  void take_site() {
    SiteRule rule;
    rule.site = row_[site];
    if (rule.site.empty()) row_.fail("site: is missing");
    if (row_[addresses].empty() && row_[exporters].empty() && row_[vrf].empty()) {
      row_.fail("a site needs addresses, exporters, a vrf or several of them");
    }
    if (!row_[addresses].empty()) rule.addresses = needed_prefix(addresses);
    if (!row_[exporters].empty()) rule.exporters = needed_prefix(exporters);
    take_vrf(rule);
    found_.enricher.sites.push_back(std::move(rule));
  }

  /// An id, or a name; `name:` is before names that look like an id.
  void take_vrf(SiteRule& rule) {
    constexpr std::string_view kName = "name:";
    const std::string_view text = row_[vrf];
    if (text.starts_with(kName)) {
      rule.vrf_name = text.substr(kName.size());
      if (rule.vrf_name.empty()) row_.fail("vrf: the name behind `name:` is missing");
    } else if (text.find_first_not_of("0123456789") != std::string_view::npos) {
      rule.vrf_name = text;
    } else if (!text.empty()) {
      rule.vrf_id = number(vrf);
      if (!rule.vrf_id) {
        row_.fail("vrf: `" + row_[vrf] +
                  "` is past the largest id, 4294967295; for a name write `" + std::string(kName) +
                  row_[vrf] + "`");
      }
      if (row_[exporters].empty()) {
        row_.fail("vrf: each router numbers its own, so the id " + row_[vrf] +
                  " needs exporters beside it; or give the VRF's name");
      }
    }
  }

  /// Where it is, the sites' rules say when all are known.
  void take_listener() {
    Listener listener;
    const auto address = IpAddress::parse(row_[addresses]);
    if (!address) row_.fail("addresses: `" + row_[addresses] + "` is not one address");
    listener.endpoint.address = *address;
    listener.port = port_number();
    listener.protocol = protocol_number();
    if (listener.protocol == 0) row_.fail("protocol: is missing; give tcp, udp or a number");
    listener.expires = Timestamp::max();
    if (!row_[expires].empty()) {
      const auto time = parse_timestamp(row_[expires]);
      if (!time) {
        row_.fail("expires: `" + row_[expires] +
                  "` is no time; give one such as 2027-01-31T00:00:00Z");
      }
      listener.expires = *time;
    }
    found_.listeners.push_back(listener);
  }

  [[nodiscard]] IpPrefix needed_prefix(Column column) const {
    const auto prefix = IpPrefix::parse(row_[column]);
    if (!prefix) {
      row_.fail(std::string(kColumns[column]) + ": `" + row_[column] +
                "` is no address or network, such as 10.1.0.0/16");
    }
    return *prefix;
  }

  [[nodiscard]] std::optional<unsigned> number(Column column) const {
    const std::string_view text = row_[column];
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  }

  [[nodiscard]] std::uint16_t port_number() const {
    const auto value = number(port);
    if (!value || *value == 0 || *value > 65'535) {
      row_.fail("port: `" + row_[port] + "` is not a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(*value);
  }

  /// \return 0 where nothing is said: all that have ports.
  [[nodiscard]] std::uint8_t protocol_number() const {
    if (row_[protocol].empty()) return 0;
    if (row_[protocol] == "tcp") return 6;
    if (row_[protocol] == "udp") return 17;
    const auto value = number(protocol);
    if (!value || *value == 0 || *value > 255) {
      row_.fail("protocol: `" + row_[protocol] + "` is not tcp, udp or a number from 1 to 255");
    }
    return static_cast<std::uint8_t>(*value);
  }

  CsvTable row_;
  KnownNetwork found_;
};

}  // namespace

KnownNetwork parse_known_network(std::string_view csv, const std::string& name) {
  KnownNetwork known = Reader(csv, name).read();
  const Enricher enricher{known.enricher};
  for (Listener& listener : known.listeners) {
    listener.endpoint = enricher.endpoint({}, listener.endpoint.address);
  }
  return known;
}

KnownNetwork read_known_network(const std::string& path) {
  if (path.empty()) return {};
  const std::string csv = read_file_of("dependency_resolution.network_file", path);
  return parse_known_network(csv, path);
}

}  // namespace flowlensd
