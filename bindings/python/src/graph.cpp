// The map: its rows, how it changes, how it is kept.
#include <ostream>
#include <sstream>

#include "arrow.hpp"
#include "binding.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/error.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/map_codec.hpp"
#include "graph.hpp"
#include "revision.hpp"

namespace flowlens::python {
namespace {

constexpr std::size_t kPage = 10'000;

/// All pages of a list, as rows for Python.
template <typename Made, typename Query, typename List>
py::list all_pages(const Graph& graph, Query query, std::size_t limit, List&& list) {
  py::list out;
  while (limit > 0) {
    query.limit = std::min(limit, kPage);
    auto page = without_gil([&] { return list(query); });
    for (auto& row : page.rows) out.append(py::cast(Made{std::move(row), graph.map}));
    limit -= std::min(limit, page.rows.size());
    if (!page.has_more || page.rows.empty()) break;
    query.after = page.next;
    check_signals();
  }
  return out;
}
std::size_t limit_of(py::handle limit) {
  return limit.is_none() ? SIZE_MAX : py::cast<std::size_t>(limit);
}
std::optional<AsOf> as_of(py::handle at) {
  if (at.is_none()) return std::nullopt;
  return AsOf{time_of(at)};
}

py::list assets(const Graph& g, py::handle filter, py::handle at, py::handle limit) {
  AssetQuery q;
  q.filter = filter_of<AssetRow>(filter);
  q.as_of = as_of(at);
  return all_pages<Asset>(g, q, limit_of(limit),
                          [&](const auto& query) { return g.map->assets(query); });
}
py::list dependencies(const Graph& g, py::handle filter, py::handle asset, py::handle at,
                      py::handle limit) {
  DependencyQuery q;
  q.filter = filter_of<DependencyRow>(filter);
  q.as_of = as_of(at);
  if (!asset.is_none()) q.asset = asset_row(g, asset).id;
  return all_pages<Dependency>(g, q, limit_of(limit),
                               [&](const auto& query) { return g.map->dependencies(query); });
}
py::list changes(const Graph& g, py::handle filter, py::handle limit) {
  ChangeQuery q;
  q.filter = filter_of<ChangeEvent>(filter);
  return all_pages<Change>(g, q, limit_of(limit),
                           [&](const auto& query) { return g.map->changes(query); });
}

Asset asset(const Graph& g, py::handle which) { return {asset_row(g, which), g.map}; }

Dependency dependency(const Graph& g, py::handle which) {
  const std::string text = py::str(which);
  const auto id = Id::parse(text);
  if (!id) throw ConfigError("`" + text + "` is no id of a dependency");
  auto row = without_gil([&] { return g.map->dependency(*id); });
  if (!row) throw py::key_error("there is no dependency " + text);
  return {std::move(*row), g.map};
}

template <typename Made, typename Row>
py::list listed(const Graph& g, std::vector<Row>& rows) {
  py::list out;
  for (Row& row : rows) out.append(py::cast(Made{std::move(row), g.map}));
  return out;
}

py::dict diff_of_times(const Graph& g, py::handle earlier, py::handle later, std::uint32_t hours) {
  const AsOf from{time_of(earlier), hours}, to{time_of(later), hours};
  MapDifference found = without_gil([&] { return g.map->diff(from, to); });
  py::dict out;
  out["added_assets"] = listed<Asset>(g, found.added_assets);
  out["removed_assets"] = listed<Asset>(g, found.removed_assets);
  out["added"] = listed<Dependency>(g, found.added);
  out["removed"] = listed<Dependency>(g, found.removed);
  out["moved"] = listed<Dependency>(g, found.moved);
  out["unchanged"] = found.unchanged;
  return out;
}

py::object exported(const Graph& g, const std::string& name) {
  const auto format = parse_export_format(name);
  if (!format) {
    throw ConfigError("format: `" + name +
                      "`; `json`, `graphml`, `dot`, `mermaid` or `csv` is wanted");
  }
  std::ostringstream out;
  without_gil([&] { write_graph(*g.map, *format, out); });
  return text_of(out.str());
}

py::object arrow(const Graph& g, const std::string& rows) {
  if (rows == "assets") return arrow_of_assets(g);
  if (rows == "dependencies") return arrow_of_dependencies(g);
  if (rows == "changes") return arrow_of_changes(g);
  throw ConfigError("rows: `" + rows + "`; `dependencies`, `assets` or `changes` is wanted");
}

py::dict counters(const Graph& g) {
  const GraphCounters c = without_gil([&] { return g.map->counters(); });
  py::dict out;
  out["assets"] = c.assets;
  out["dependencies"] = c.dependencies;
  out["revision"] = c.revision;
  out["refused_flows"] = c.refused_flows;
  out["facts"] = c.facts;
  out["flows"] = c.totals.flows;
  out["octets"] = c.totals.octets_to_server + c.totals.octets_to_client;
  return out;
}

Graph from_bytes(py::handle octets) {
  const PinnedBuffer pinned(octets);
  return without_gil([&] {
    std::unique_ptr<DependencyGraph> map;
    const Diagnostic problem = decode_map(pinned.octets(), {}, map);
    if (problem.code != DiagnosticCode::none) {
      throw IoError("these octets are no map of FlowLens: " + to_string(problem));
    }
    return Graph{std::move(map)};
  });
}

}  // namespace

AssetRow asset_row(const Graph& g, py::handle which) {
  if (py::isinstance<Asset>(which)) return py::cast<const Asset&>(which).row;
  const std::string text = py::str(which);
  std::optional<AssetRow> row;
  if (const auto id = Id::parse(text)) {
    row = without_gil([&] { return g.map->asset(*id); });
  } else if (const auto address = IpAddress::parse(text)) {
    row = without_gil([&] { return g.map->asset_of(Endpoint{{}, *address}); });
  } else {
    row = without_gil([&] { return asset_named(*g.map, text); });
  }
  if (!row)
    throw py::key_error("there is no asset `" + text +
                        "`: ids, addresses and names are looked for");
  return std::move(*row);
}

std::optional<AssetRow> asset_named(const DependencyGraph& map, const std::string& name) {
  AssetQuery query;
  query.limit = kPage;
  while (true) {
    auto page = map.assets(query);
    for (AssetRow& row : page.rows) {
      if (row.name == name) return std::move(row);
    }
    if (!page.has_more) return std::nullopt;
    query.after = page.next;
  }
}

void add_graph(py::module_& m) {
  add_revision(m);
  py::class_<Graph>(
      m, "Graph",
      "The map: assets, and dependencies between them. Threads may read one while another writes.")
      .def(py::init(
               [](std::size_t max_assets, std::size_t max_dependencies, const Enricher* enricher) {
                 DependencyGraphOptions o;
                 o.max_assets = max_assets;
                 o.max_dependencies = max_dependencies;
                 return Graph{std::make_shared<DependencyGraph>(
                     o, enricher != nullptr ? enricher->sites() : SiteTable{})};
               }),
           py::kw_only(), py::arg("max_assets") = DependencyGraphOptions{}.max_assets,
           py::arg("max_dependencies") = DependencyGraphOptions{}.max_dependencies,
           py::arg("enricher") = py::none(),
           "An empty one, for revisions or summaries of somebody else's. enricher: whose sites "
           "theirs are.")
      .def("assets", &assets, py::arg("filter") = py::none(), py::kw_only(),
           py::arg("as_of") = py::none(), py::arg("limit") = py::none())
      .def("dependencies", &dependencies, py::arg("filter") = py::none(), py::kw_only(),
           py::arg("asset") = py::none(), py::arg("as_of") = py::none(),
           py::arg("limit") = py::none(), "asset: only what it uses or serves.")
      .def("changes", &changes, py::arg("filter") = py::none(), py::kw_only(),
           py::arg("limit") = py::none(), "The newest first.")
      .def("asset", &asset, py::arg("which"),
           "By id, address or name. Raises KeyError if there is none.")
      .def("dependency", &dependency, py::arg("which"), "By id. Raises KeyError if there is none.")
      .def("compare", &diff_of_times, py::arg("earlier"), py::arg("later"), py::kw_only(),
           py::arg("hours") = 1,
           "What was there at one of two times and not at the other, each with so many hours up to "
           "it.")
      .def("export", &exported, py::arg("format"),
           "`json`, `graphml`, `dot`, `mermaid` or `csv`, as text.")
      .def(
          "arrow", &arrow, py::arg("rows") = "dependencies",
          "Rows for pyarrow.table(), polars.from_arrow() and others who know `__arrow_c_stream__`.")
      .def(
          "apply",
          [](const Graph& g, const PyRevision& revision) {
            alone(*g.writing, [&] { g.map->apply(revision.revision); });
          },
          py::arg("revision"), "Takes over what a revision of another graph says.")
      .def(
          "__bytes__",
          [](const Graph& g) { return bytes_of(without_gil([&] { return encode_map(*g.map); })); },
          "The whole map, versioned and checksummed.")
      .def_static("from_bytes", &from_bytes, py::arg("octets"))
      .def_property_readonly("counters", &counters)
      .def_property_readonly("revision", [](const Graph& g) { return g.map->counters().revision; })
      .def("__len__", [](const Graph& g) { return g.map->counters().dependencies; })
      .def("__repr__", [](const Graph& g) {
        const GraphCounters c = g.map->counters();
        return "<flowlens.Graph, " + std::to_string(c.assets) + " assets, " +
               std::to_string(c.dependencies) + " dependencies>";
      });
}

}  // namespace flowlens::python
