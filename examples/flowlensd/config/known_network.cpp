#include "config/known_network.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

enum Column : std::size_t { kind, addresses, exporters, site, port, protocol, expires };
constexpr std::array<std::string_view, 7> kColumns = {"kind", "addresses", "exporters", "site",
                                                      "port", "protocol",  "expires"};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t comma = std::min(line.find(',', start), line.size());
    cells.push_back(trimmed(line.substr(start, comma - start)));
    start = comma + 1;
  }
  return cells;
}

class Reader {
 public:
  Reader(std::string_view csv, const std::string& name) : csv_(csv), name_(name) {}

  KnownNetwork read() {
    bool has_header = false;
    for (std::size_t start = 0; start < csv_.size();) {
      const std::size_t end = std::min(csv_.find('\n', start), csv_.size());
      const std::string_view line = trimmed(csv_.substr(start, end - start));
      start = end + 1;
      ++line_;
      if (line.empty() || line.front() == '#') continue;
      has_header ? take(cells_of(line)) : take_header(cells_of(line));
      has_header = true;
    }
    return std::move(found_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  void take_header(const std::vector<std::string_view>& cells) {
    for (const std::string_view cell : cells) {
      const auto known = std::find(kColumns.begin(), kColumns.end(), cell);
      if (known == kColumns.end()) {
        fail("there is no column `" + std::string(cell) +
             "`; columns are kind,addresses,exporters,site,port,protocol,expires");
      }
      header_.push_back(static_cast<std::size_t>(known - kColumns.begin()));
    }
    if (std::find(header_.begin(), header_.end(), kind) == header_.end()) {
      fail("the first line names the columns; `kind` must be one");
    }
  }

  void take(const std::vector<std::string_view>& cells) {
    if (cells.size() != header_.size()) {
      fail("has " + std::to_string(cells.size()) + " cells; the first line has " +
           std::to_string(header_.size()));
    }
    row_ = {};
    for (std::size_t i = 0; i < cells.size(); ++i) row_[header_[i]] = cells[i];
    const std::string_view what = row_[kind];
    if (what == "site") return take_site();
    if (what == "internal") {
      found_.enricher.internal_networks.push_back(needed_prefix(addresses));
    } else if (what == "service") {
      found_.services.push_back({needed_prefix(addresses), port_number(), protocol_number()});
    } else if (what == "listener") {
      take_listener();
    } else {
      fail("kind: `" + std::string(what) +
           "` is not valid; give site, internal, service or listener");
    }
  }

  void take_site() {
    SiteRule rule;
    rule.site = row_[site];
    if (rule.site.empty()) fail("site: is missing");
    if (row_[addresses].empty() && row_[exporters].empty()) {
      fail("a site needs addresses, exporters or both");
    }
    if (!row_[addresses].empty()) rule.addresses = needed_prefix(addresses);
    if (!row_[exporters].empty()) rule.exporters = needed_prefix(exporters);
    found_.enricher.sites.push_back(std::move(rule));
  }

  /// Where it is, the sites' rules say when all are known.
  void take_listener() {
    Listener listener;
    const auto address = IpAddress::parse(row_[addresses]);
    if (!address) fail("addresses: `" + std::string(row_[addresses]) + "` is not one address");
    listener.endpoint.address = *address;
    listener.port = port_number();
    listener.protocol = protocol_number();
    if (listener.protocol == 0) fail("protocol: is missing; give tcp, udp or a number");
    listener.expires = Timestamp::max();
    if (!row_[expires].empty()) {
      const auto time = parse_timestamp(row_[expires]);
      if (!time) {
        fail("expires: `" + std::string(row_[expires]) +
             "` is no time; give one such as 2027-01-31T00:00:00Z");
      }
      listener.expires = *time;
    }
    found_.listeners.push_back(listener);
  }

  [[nodiscard]] IpPrefix needed_prefix(Column column) const {
    const auto prefix = IpPrefix::parse(row_[column]);
    if (!prefix) {
      fail(std::string(kColumns[column]) + ": `" + std::string(row_[column]) +
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
      fail("port: `" + std::string(row_[port]) + "` is not a number from 1 to 65535");
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
      fail("protocol: `" + std::string(row_[protocol]) +
           "` is not tcp, udp or a number from 1 to 255");
    }
    return static_cast<std::uint8_t>(*value);
  }

  std::string_view csv_;
  const std::string& name_;
  std::size_t line_ = 0;
  std::vector<std::size_t> header_;
  std::array<std::string_view, kColumns.size()> row_;
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
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() || std::filesystem::is_directory(path)) {
    throw ConfigError("dependency_resolution.network_file: `" + path +
                      "` cannot be read; give a CSV file");
  }
  const std::string csv{std::istreambuf_iterator<char>(file), {}};
  return parse_known_network(csv, path);
}

}  // namespace flowlensd
