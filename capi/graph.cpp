// The map: what changes it, and what it is asked row by row.
#include <memory>
#include <sstream>

#include "flowlens/graph_export.hpp"
#include "flowlens/revision_codec.hpp"
#include "graph_handle.hpp"

namespace capi = flowlens::capi;

namespace flowlens::capi {

static_assert(FLOWLENS_FACT_DECLARED == static_cast<int>(FactSource::declared));

flowlens_graph_options graph_options(const flowlens_graph_options* given) {
  return read_options(given, FLOWLENS_OLDEST(flowlens_graph_options, site_count));
}

DependencyGraphOptions graph_limits(const flowlens_graph_options& given) {
  DependencyGraphOptions options;
  set_unless_zero(options.max_assets, given.max_assets);
  set_unless_zero(options.max_dependencies, given.max_dependencies);
  return options;
}

DependencyGraph& own_graph(flowlens_graph* graph) {
  require(need(graph, "graph").own != nullptr, "the graph is a resolver's, which alone changes it");
  return *graph->own;
}

const DependencyGraph& graph_of(const flowlens_graph* graph) { return *need(graph, "graph").graph; }

SiteId site_of(const SiteTable& sites, const char* name) {
  if (name == nullptr) return {};
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const SiteId id{static_cast<std::uint16_t>(i)};
    const std::string_view known = sites.name(id);
    if (known == name) return id;
    if (i > 0 && known == sites.name(SiteId{})) break;  // past the last one
  }
  throw Refused{FLOWLENS_NOT_FOUND, "there is no site '" + std::string(name) + "'"};
}

Revision revision_of(const void* octets, std::size_t size, const SiteTable& sites) {
  Revision revision;
  const Diagnostic problem = decode_revision(octets_of(octets, size), sites, revision);
  if (problem.code != DiagnosticCode::none) throw Refused{FLOWLENS_DAMAGED, to_string(problem)};
  return revision;
}

namespace {

SiteTable site_table(const flowlens_graph_options& options) {
  SiteTable sites;
  if (options.site_count > 0) need(options.sites, "sites");
  for (std::size_t i = 0; i < options.site_count; ++i) {
    sites.add(need_text(options.sites[i], "the name of a site"));
  }
  return sites;
}

Fact fact_of(const flowlens_fact* given, const SiteTable& sites) {
  const auto c = read_options(&need(given, "fact"), FLOWLENS_OLDEST(flowlens_fact, expires_ns));
  require(c.source <= FLOWLENS_FACT_DECLARED, "source is none of FLOWLENS_FACT_…");
  Fact fact;
  fact.subject = {site_of(sites, c.site), address_of(c.address)};
  fact.attribute = need_text(c.attribute, "attribute");
  fact.value = need_text(c.value, "value");
  if (c.origin != nullptr) fact.origin = c.origin;
  fact.source = static_cast<FactSource>(c.source);
  fact.at = from_unix_ns(c.at_ns);
  if (c.expires_ns != 0) fact.expires = from_unix_ns(c.expires_ns);
  require(is_valid_attribute(fact.attribute),
          "attribute is none: words of lower-case letters with points");
  require(fact.value.size() <= kLongestFactValue, "value is too long: 1024 octets at most");
  require(fact.origin.size() <= kLongestOrigin, "origin is too long: 256 octets at most");
  return fact;
}

flowlens_asset c_asset(const AssetRow& row) noexcept {
  flowlens_asset c{};
  c.id = c_id(row.id);
  for (const HeldEndpoint& held : row.endpoints) {
    c.address = c_address(held.endpoint.address);
    if (!held.until) break;
  }
  c.first_seen_ns = to_unix_ns(row.first_seen);
  c.last_seen_ns = to_unix_ns(row.last_seen);
  c.type_confidence = row.type_confidence;
  c.is_internal = row.is_internal ? 1 : 0;
  copy_text(row.asset_type, c.asset_type);
  copy_text(row.name, c.name);
  return c;
}

flowlens_dependency c_dependency(const DependencyRow& row) noexcept {
  flowlens_dependency c{};
  c.id = c_id(row.id);
  c.client_asset = c_id(row.client_asset);
  c.server_asset = c_id(row.server_asset);
  c.client = c_address(row.key.client.address);
  c.server = c_address(row.key.server.address);
  c.first_seen_ns = to_unix_ns(row.first_seen);
  c.last_seen_ns = to_unix_ns(row.last_seen);
  c.flows = row.totals.flows;
  c.octets_to_server = row.totals.octets_to_server;
  c.octets_to_client = row.totals.octets_to_client;
  c.packets_to_server = row.totals.packets_to_server;
  c.packets_to_client = row.totals.packets_to_client;
  c.estimated_octets_to_server = row.totals.estimated_octets_to_server;
  c.estimated_octets_to_client = row.totals.estimated_octets_to_client;
  c.direction_confidence = confidence(row.reasons);
  c.port = row.key.port;
  c.protocol = row.key.protocol;
  c.direction = static_cast<std::uint8_t>(row.direction);
  c.provisional = row.provisional ? 1 : 0;
  return c;
}

}  // namespace

}  // namespace flowlens::capi

flowlens_status flowlens_graph_create(const flowlens_graph_options* options, flowlens_graph** out,
                                      flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto given = capi::graph_options(options);
    auto made = std::make_unique<flowlens_graph>();
    made->own = std::make_unique<flowlens::DependencyGraph>(capi::graph_limits(given),
                                                            capi::site_table(given));
    made->graph = made->own.get();
    return made;
  });
}

void flowlens_graph_destroy(flowlens_graph* graph) {
  if (graph != nullptr && graph->own != nullptr) delete graph;
}

flowlens_status flowlens_graph_apply_summaries(flowlens_graph* graph, flowlens_summaries* summaries,
                                               flowlens_error* error) {
  return capi::guarded(error, [&] {
    auto& all = capi::need(summaries, "summaries");
    capi::own_graph(graph).apply(all.rows, all.redirections, &all.ids);
  });
}

flowlens_status flowlens_graph_apply(flowlens_graph* graph, const void* revision, size_t size,
                                     flowlens_error* error) {
  return capi::guarded(error, [&] {
    auto& g = capi::own_graph(graph);
    g.apply(capi::revision_of(revision, size, g.sites()));
  });
}

flowlens_status flowlens_graph_take_revision(flowlens_graph* graph, uint64_t number, uint64_t epoch,
                                             int64_t at_ns, flowlens_buffer** out,
                                             flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    auto& g = capi::own_graph(graph);
    const auto revision =
        g.take_revision(number, flowlens::Epoch{epoch}, flowlens::from_unix_ns(at_ns));
    return capi::buffer_of(encode_revision(revision, g.sites()));
  });
}

flowlens_status flowlens_graph_save(const flowlens_graph* graph, flowlens_buffer** out,
                                    flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& g = capi::graph_of(graph);
    return capi::buffer_of(encode_revision(g.copy(), g.sites()));
  });
}

flowlens_status flowlens_graph_add_fact(flowlens_graph* graph, const flowlens_fact* fact,
                                        flowlens_error* error) {
  return capi::guarded(error, [&] {
    auto& g = *capi::need(graph, "graph").graph;
    static_cast<void>(g.apply(capi::fact_of(fact, g.sites())));
  });
}

flowlens_status flowlens_graph_counts(const flowlens_graph* graph, flowlens_graph_counters* out,
                                      flowlens_error* error) {
  constexpr std::size_t kOldest = FLOWLENS_OLDEST(flowlens_graph_counters, octets_to_client);
  return capi::guarded_fill(out, kOldest, error, [&] {
    const flowlens::GraphCounters counters = capi::graph_of(graph).counters();
    flowlens_graph_counters c{};
    c.assets = counters.assets;
    c.dependencies = counters.dependencies;
    c.refused_flows = counters.refused_flows;
    c.facts = counters.facts;
    c.revision = counters.revision;
    c.flows = counters.totals.flows;
    c.octets_to_server = counters.totals.octets_to_server;
    c.octets_to_client = counters.totals.octets_to_client;
    return c;
  });
}

flowlens_status flowlens_graph_export(const flowlens_graph* graph, const char* format,
                                      flowlens_buffer** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto known = flowlens::parse_export_format(capi::need_text(format, "format"));
    capi::require(known.has_value(), "format is none of json, graphml, dot, mermaid, csv");
    std::ostringstream text;
    write_graph(capi::graph_of(graph), *known, text);
    return capi::buffer_of(text.str());
  });
}

flowlens_status flowlens_graph_find_asset(const flowlens_graph* graph, const char* site,
                                          const flowlens_address* address, flowlens_id* out,
                                          flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    const auto& g = capi::graph_of(graph);
    const auto where = capi::address_of(capi::need(address, "address"));
    const auto row = g.asset_of({capi::site_of(g.sites(), site), where});
    if (!row) throw capi::Refused{FLOWLENS_NOT_FOUND, "no asset holds " + where.to_string()};
    capi::need(out, "out") = capi::c_id(row->id);
  });
}

flowlens_status flowlens_graph_asset(const flowlens_graph* graph, const flowlens_id* id,
                                     flowlens_asset* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_asset, name), error, [&] {
    const auto row = capi::graph_of(graph).asset(capi::id_of(capi::need(id, "id")));
    if (!row) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such asset"};
    return capi::c_asset(*row);
  });
}

flowlens_status flowlens_graph_dependency(const flowlens_graph* graph, const flowlens_id* id,
                                          flowlens_dependency* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_dependency, provisional), error, [&] {
    const auto row = capi::graph_of(graph).dependency(capi::id_of(capi::need(id, "id")));
    if (!row) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such dependency"};
    return capi::c_dependency(*row);
  });
}
