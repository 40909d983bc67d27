#include "truth/true_map.hpp"

#include <charconv>
#include <fstream>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/error.hpp"

namespace truth {
namespace {

constexpr std::uint8_t kTcp = 6, kUdp = 17;

std::vector<std::string> cells_of(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::vector<std::string> cells;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t comma = std::min(line.find(',', start), line.size());
    cells.push_back(line.substr(start, comma - start));
    start = comma + 1;
  }
  return cells;
}

class Reader {
 public:
  Reader(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}

  TrueMap read() {
    if (!next()) fail("is empty; its first line names the columns: client,server,protocol,port");
    header_ = cells_;
    for (const char* needed : {"client", "server", "protocol", "port"}) {
      if (!column(needed)) fail("has no column '" + std::string(needed) + "'");
    }
    TrueMap map;
    while (next()) {
      if (cells_.size() == 1 && cells_[0].empty()) continue;
      if (cells_.size() != header_.size()) {
        fail("has " + std::to_string(cells_.size()) + " cells; the header has " +
             std::to_string(header_.size()));
      }
      take_row(map);
    }
    return map;
  }

 private:
  bool next() {
    std::string line;
    if (!std::getline(in_, line)) return false;
    ++line_;
    cells_ = cells_of(std::move(line));
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw flowlens::IoError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  std::optional<std::size_t> column(std::string_view name) const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (header_[i] == name) return i;
    }
    return std::nullopt;
  }

  std::string cell(std::string_view name) const {
    const auto at = column(name);
    return at ? cells_[*at] : std::string{};
  }

  std::uint64_t number(std::string_view name, std::uint64_t high) const {
    const std::string text = cell(name);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > high) {
      fail(std::string(name) + ": '" + text + "' is not a number from 0 to " +
           std::to_string(high));
    }
    return value;
  }

  flowlens::IpAddress address(std::string_view name) const {
    const std::string text = cell(name);
    const auto parsed = flowlens::IpAddress::parse(text);
    if (!parsed) fail(std::string(name) + ": '" + text + "' is not an IPv4 or IPv6 address");
    return *parsed;
  }

  std::uint8_t protocol() const {
    const std::string text = cell("protocol");
    if (text == "tcp") return kTcp;
    if (text == "udp") return kUdp;
    return static_cast<std::uint8_t>(number("protocol", 255));
  }

  bool is_peer() const {
    const std::string text = cell("direction");
    if (text == "peer") return true;
    if (text.empty() || text == "client_server") return false;
    fail("direction: '" + text + "' is neither client_server nor peer");
  }

  void take_row(TrueMap& map) const {
    DependencyKey key;
    key.client.address = address("client");
    key.server.address = address("server");
    key.protocol = protocol();
    key.port = static_cast<std::uint16_t>(number("port", 65535));
    TrueDependency row;
    row.is_peer = is_peer();
    row.is_wire_only = cell("view") == "wire";
    row.is_network_only = cell("view") == "network";
    row.is_application_only = cell("view") == "balanced";
    row.has_octets = column("octets_to_server") && column("octets_to_client");
    if (row.has_octets) {
      constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
      row.octets_to_server = number("octets_to_server", kAny);
      row.octets_to_client = number("octets_to_client", kAny);
    }
    if (row.is_peer && key.server < key.client) {
      std::swap(key.client, key.server);
      std::swap(row.octets_to_server, row.octets_to_client);
    }
    TrueDependency& held = map[key];
    row.octets_to_server += held.octets_to_server;
    row.octets_to_client += held.octets_to_client;
    held = row;
  }

  std::istream& in_;
  std::string name_;
  std::size_t line_ = 0;
  std::vector<std::string> header_;
  std::vector<std::string> cells_;
};

}  // namespace

TrueMap read_true_map(std::istream& in, const std::string& name) { return Reader(in, name).read(); }

TrueMap network_view(const TrueMap& map) {
  TrueMap view = map;
  std::erase_if(view, [](const auto& entry) { return entry.second.is_application_only; });
  return view;
}

TrueMap application_view(const TrueMap& map) {
  TrueMap view = map;
  std::erase_if(view, [](const auto& entry) {
    return entry.second.is_wire_only || entry.second.is_network_only;
  });
  return view;
}

TrueMap read_true_map(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw flowlens::IoError("cannot open " + path);
  return read_true_map(in, path);
}

}  // namespace truth
