#include "flowlens/graph_export.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/error.hpp"
#include "graph/export_text.hpp"

namespace flowlens {

namespace {

using namespace graph;

/// What is written, sorted, with the texts of sites.
struct Map {
  std::vector<AssetRow> assets;
  std::vector<DependencyRow> dependencies;
  const SiteTable& sites;
};

Map sorted_map(Revision all, const SiteTable& sites) {
  const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
  std::sort(all.assets.begin(), all.assets.end(), by_id);
  std::sort(all.dependencies.begin(), all.dependencies.end(), by_id);
  return {std::move(all.assets), std::move(all.dependencies), sites};
}

/// One value of a dependency: its name, its text, and whether JSON writes the text bare.
struct Column {
  std::string_view name;
  std::string text;
  bool is_bare = false;
  bool is_whole = false;  ///< a whole number
};

Column text_column(std::string_view name, std::string text) { return {name, std::move(text)}; }
Column number(std::string_view name, std::uint64_t n) {
  return {name, std::to_string(n), true, true};
}

/// Two decimals, whatever the locale.
std::string hundredths(float value) {
  const int n = static_cast<int>(value * 100.0f + 0.5f);
  return std::to_string(n / 100) + "." + std::to_string(n / 10 % 10) + std::to_string(n % 10);
}

std::string protocol_text(std::uint8_t protocol) {
  const std::string_view name = protocol_name(protocol);
  return name.empty() ? std::to_string(protocol) : std::string(name);
}

std::string observer_text(const DependencyRow& d) {
  std::string text;
  for (std::size_t i = 0; i < d.observer_count; ++i) {
    if (i != 0) text += ' ';
    text += d.observers[i].to_string();
  }
  return text;
}

/// Everything a table says of a dependency, in the order of its columns.
std::vector<Column> columns_of(const DependencyRow& d, const SiteTable& sites) {
  const TrafficCounts& t = d.totals;
  return {
      text_column("id", d.id.to_string()),
      text_column("client_address", d.key.client.address.to_string()),
      text_column("client_site", std::string(sites.name(d.key.client.site))),
      text_column("server_address", d.key.server.address.to_string()),
      text_column("server_site", std::string(sites.name(d.key.server.site))),
      text_column("protocol", protocol_text(d.key.protocol)),
      number("port", d.key.port),
      text_column("service", std::string(service_name(d.service))),
      text_column("direction", std::string(to_string(d.direction))),
      text_column("rung", std::string(to_string(d.rung))),
      {"confidence", hundredths(confidence(d.rung)), true, false},
      number("flows", t.flows),
      number("octets_to_server", t.octets_to_server),
      number("octets_to_client", t.octets_to_client),
      number("packets_to_server", t.packets_to_server),
      number("packets_to_client", t.packets_to_client),
      number("estimated_octets_to_server", t.estimated_octets_to_server),
      number("estimated_octets_to_client", t.estimated_octets_to_client),
      text_column("first_seen", to_string(d.first_seen)),
      text_column("last_seen", to_string(d.last_seen)),
      {"provisional", d.provisional ? "true" : "false", true, false},
      text_column("observers", observer_text(d)),
      number("active_hours", d.hours.count()),
      number("flips", d.flips),
  };
}

std::string title_of(const AssetRow& a, const SiteTable& sites) {
  if (!a.name.empty() || a.endpoints.empty()) return a.name;
  const Endpoint& first = a.endpoints.front().endpoint;
  std::string title = first.address.to_string();
  if (first.site != SiteId{}) title += " (" + std::string(sites.name(first.site)) + ")";
  return title;
}

/// `postgresql 5432/tcp`, `8500/tcp`, `icmp`
std::string title_of(const DependencyRow& d) {
  std::string title;
  if (d.service.value != 0) title = std::string(service_name(d.service)) + " ";
  if (d.key.port != 0) title += std::to_string(d.key.port) + "/";
  return title + protocol_text(d.key.protocol);
}

void write_asset_json(const AssetRow& a, const SiteTable& sites, std::ostream& out) {
  out << "{\"id\":\"" << a.id.to_string() << "\",\"name\":" << json_text(a.name)
      << ",\"asset_type\":" << json_text(a.asset_type)
      << ",\"is_internal\":" << (a.is_internal ? "true" : "false") << ",\"endpoints\":[";
  for (std::size_t i = 0; i < a.endpoints.size(); ++i) {
    const HeldEndpoint& held = a.endpoints[i];
    out << (i == 0 ? "" : ",") << "{\"site\":" << json_text(sites.name(held.endpoint.site))
        << ",\"address\":\"" << held.endpoint.address.to_string() << "\",\"from\":\""
        << to_string(held.from) << "\",\"until\":";
    if (held.until) {
      out << '"' << to_string(*held.until) << "\"}";
    } else {
      out << "null}";
    }
  }
  out << "],\"first_seen\":\"" << to_string(a.first_seen) << "\",\"last_seen\":\""
      << to_string(a.last_seen) << "\"}";
}

void write_dependency_json(const DependencyRow& d, const SiteTable& sites, std::ostream& out) {
  out << "{\"client_asset\":\"" << d.client_asset.to_string() << "\",\"server_asset\":\""
      << d.server_asset.to_string() << '"';
  for (const Column& c : columns_of(d, sites)) {
    out << ",\"" << c.name << "\":";
    if (c.name == "observers") {
      out << '[';
      for (std::size_t i = 0; i < d.observer_count; ++i) {
        out << (i == 0 ? "\"" : ",\"") << d.observers[i].to_string() << '"';
      }
      out << ']';
    } else if (c.is_bare) {
      out << c.text;
    } else {
      out << json_text(c.text);
    }
  }
  out << '}';
}

void write_json(const Map& map, std::ostream& out) {
  out << "{\"assets\":[";
  const char* between = "\n";
  for (const AssetRow& a : map.assets) {
    out << std::exchange(between, ",\n");
    write_asset_json(a, map.sites, out);
  }
  out << "\n],\"dependencies\":[";
  between = "\n";
  for (const DependencyRow& d : map.dependencies) {
    out << std::exchange(between, ",\n");
    write_dependency_json(d, map.sites, out);
  }
  out << "\n]}\n";
}

std::string_view graphml_type(const Column& c) noexcept {
  if (c.is_whole) return "long";
  if (c.name == "confidence") return "double";
  return c.is_bare ? "boolean" : "string";
}

void write_graphml(const Map& map, std::ostream& out) {
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
         "<key id=\"name\" for=\"node\" attr.name=\"name\" attr.type=\"string\"/>\n"
         "<key id=\"address\" for=\"node\" attr.name=\"address\" attr.type=\"string\"/>\n"
         "<key id=\"asset_type\" for=\"node\" attr.name=\"asset_type\" attr.type=\"string\"/>\n"
         "<key id=\"is_internal\" for=\"node\" attr.name=\"is_internal\" attr.type=\"boolean\"/>\n";
  for (const Column& c : columns_of(DependencyRow{}, map.sites)) {
    if (c.name == "id") continue;
    out << "<key id=\"" << c.name << "\" for=\"edge\" attr.name=\"" << c.name << "\" attr.type=\""
        << graphml_type(c) << "\"/>\n";
  }
  out << "<graph id=\"flowlens\" edgedefault=\"directed\">\n";
  for (const AssetRow& a : map.assets) {
    out << "<node id=\"" << a.id.to_string() << "\"><data key=\"name\">" << xml_text(a.name)
        << "</data><data key=\"address\">"
        << (a.endpoints.empty() ? "" : a.endpoints.front().endpoint.address.to_string())
        << "</data><data key=\"asset_type\">" << xml_text(a.asset_type)
        << "</data><data key=\"is_internal\">" << (a.is_internal ? "true" : "false")
        << "</data></node>\n";
  }
  for (const DependencyRow& d : map.dependencies) {
    out << "<edge id=\"" << d.id.to_string() << "\" source=\"" << d.client_asset.to_string()
        << "\" target=\"" << d.server_asset.to_string() << "\">";
    for (const Column& c : columns_of(d, map.sites)) {
      if (c.name == "id") continue;
      out << "<data key=\"" << c.name << "\">" << xml_text(c.text) << "</data>";
    }
    out << "</edge>\n";
  }
  out << "</graph>\n</graphml>\n";
}

void write_dot(const Map& map, std::ostream& out) {
  out << "digraph flowlens {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const AssetRow& a : map.assets) {
    out << "  \"" << a.id.to_string() << "\" [label=" << dot_text(title_of(a, map.sites)) << "];\n";
  }
  for (const DependencyRow& d : map.dependencies) {
    out << "  \"" << d.client_asset.to_string() << "\" -> \"" << d.server_asset.to_string()
        << "\" [label=" << dot_text(title_of(d));
    if (d.direction != Direction::client_server) {
      out << ", dir=" << (d.direction == Direction::peer ? "both" : "none");
    }
    out << "];\n";
  }
  out << "}\n";
}

void write_mermaid(const Map& map, std::ostream& out) {
  const auto node = [&map](const Id& id) {
    const auto at =
        std::lower_bound(map.assets.begin(), map.assets.end(), id,
                         [](const AssetRow& a, const Id& wanted) { return a.id < wanted; });
    return "n" + std::to_string(at - map.assets.begin());
  };
  out << "flowchart LR\n";
  for (const AssetRow& a : map.assets) {
    out << "  " << node(a.id) << "[\"" << mermaid_text(title_of(a, map.sites)) << "\"]\n";
  }
  for (const DependencyRow& d : map.dependencies) {
    const char* arrow = d.direction == Direction::client_server ? "-->"
                        : d.direction == Direction::peer        ? "<-->"
                                                                : "---";
    out << "  " << node(d.client_asset) << " " << arrow << "|\"" << mermaid_text(title_of(d))
        << "\"| " << node(d.server_asset) << "\n";
  }
}

void write_csv(const Map& map, std::ostream& out) {
  const char* between = "";
  for (const Column& c : columns_of(DependencyRow{}, map.sites)) {
    out << std::exchange(between, ",") << c.name;
  }
  out << "\r\n";
  for (const DependencyRow& d : map.dependencies) {
    between = "";
    for (const Column& c : columns_of(d, map.sites)) {
      out << std::exchange(between, ",") << csv_text(c.text);
    }
    out << "\r\n";
  }
}

struct Format {
  ExportFormat format;
  std::string_view name;
  std::string_view media_type;
  void (*write)(const Map& map, std::ostream& out);
};

constexpr Format kFormats[] = {
    {ExportFormat::json, "json", "application/json", write_json},
    {ExportFormat::graphml, "graphml", "application/graphml+xml", write_graphml},
    {ExportFormat::dot, "dot", "text/vnd.graphviz", write_dot},
    {ExportFormat::mermaid, "mermaid", "text/vnd.mermaid", write_mermaid},
    {ExportFormat::csv, "csv", "text/csv; charset=utf-8", write_csv},
};

const Format& find_format(ExportFormat format) noexcept {
  for (const Format& f : kFormats) {
    if (f.format == format) return f;
  }
  return kFormats[0];
}

}  // namespace

std::optional<ExportFormat> parse_export_format(std::string_view name) noexcept {
  for (const Format& f : kFormats) {
    if (f.name == name) return f.format;
  }
  return std::nullopt;
}

std::string_view media_type(ExportFormat format) noexcept { return find_format(format).media_type; }

void write_graph(const DependencyGraph& graph, ExportFormat format, std::ostream& out) {
  write_map(graph.copy(), graph.sites(), format, out);
}

void write_map(Revision rows, const SiteTable& sites, ExportFormat format, std::ostream& out) {
  find_format(format).write(sorted_map(std::move(rows), sites), out);
  if (!out) throw IoError("the map could not be written: the stream failed");
}

}  // namespace flowlens
