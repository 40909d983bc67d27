// Questions to a map: impact, single points of failure, paths, communities, centrality, layout.
#include <algorithm>
#include <unordered_map>

#include "binding.hpp"
#include "flowlens/centrality.hpp"
#include "flowlens/communities.hpp"
#include "flowlens/error.hpp"
#include "flowlens/impact.hpp"
#include "flowlens/layout.hpp"
#include "flowlens/paths.hpp"
#include "flowlens/single_points.hpp"
#include "graph.hpp"

namespace flowlens::python {
namespace {

/// The structure of a map at the time of a question.
struct Question {
  std::shared_ptr<DependencyGraph> map;
  std::shared_ptr<const Snapshot> snapshot;

  explicit Question(const Graph& graph)
      : map(graph.map), snapshot(without_gil([&] { return graph.map->snapshot(); })) {}

  [[nodiscard]] std::string id_of(AssetIndex a) const {
    return snapshot->assets[a.value].to_string();
  }
  [[nodiscard]] AssetIndex index_of(const Graph& graph, py::handle which) const {
    const Id id = asset_row(graph, which).id;
    const auto& all = snapshot->assets;  // in the order of ids
    const auto found = std::lower_bound(all.begin(), all.end(), id);
    if (found == all.end() || *found != id) {
      throw py::key_error("asset " + id.to_string() + " has no dependencies");
    }
    return {static_cast<std::uint32_t>(found - all.begin())};
  }
  [[nodiscard]] ServiceGraph services() const {
    return ServiceGraph(*snapshot, {}, {}, replica_hints(*map, *snapshot));
  }
  /// What people call it: its name or first address.
  [[nodiscard]] std::string name_of(AssetIndex a) const {
    const auto row = map->asset(snapshot->assets[a.value]);
    if (!row) return id_of(a);
    return row->name.empty() ? row->endpoints.front().endpoint.address.to_string() : row->name;
  }
};

std::vector<AssetIndex> indexes_of(const Question& q, const Graph& graph, py::handle which) {
  std::vector<AssetIndex> out;
  if (py::isinstance<py::list>(which) || py::isinstance<py::tuple>(which)) {
    for (const py::handle one : py::iter(which)) out.push_back(q.index_of(graph, one));
  } else {
    out.push_back(q.index_of(graph, which));
  }
  if (out.empty()) throw ConfigError("assets: none was named");
  return out;
}

py::dict counts_of(const std::array<std::uint64_t, kCertaintyCount>& counts) {
  py::dict out;
  for (std::size_t i = 0; i < kCertaintyCount; ++i) {
    out[text_of(to_string(static_cast<Certainty>(i)))] = counts[i];
  }
  return out;
}

ImpactDirection direction_of(const std::string& word) {
  if (word == "upstream") return ImpactDirection::upstream;
  if (word == "downstream") return ImpactDirection::downstream;
  throw ConfigError("direction: `" + word + "`; `upstream` or `downstream` is wanted");
}

/// An affected asset, with its reason in words.
struct Told {
  Affected affected;
  std::string reason;
};

py::dict dict_of(const Question& q, const Told& t) {
  py::dict out;
  out["asset"] = q.id_of(t.affected.asset);
  out["label"] = text_of(q.name_of(t.affected.asset));
  out["because"] = q.id_of(t.affected.because);
  out["hops"] = t.affected.hops;
  out["certainty"] = text_of(to_string(t.affected.certainty));
  out["reason"] = text_of(t.reason);
  return out;
}

py::dict impact(const Graph& graph, py::handle assets, const std::string& direction,
                std::uint32_t depth, std::size_t limit) {
  const Question q(graph);
  ImpactQuery query;
  query.assets = indexes_of(q, graph, assets);
  query.direction = direction_of(direction);
  query.depth = depth;
  query.max_affected = limit;
  Impact found;
  std::vector<Told> told;
  without_gil([&] {
    const ServiceGraph services = q.services();
    found = find_impact(services, query);
    for (const Affected& a : found.affected) {
      told.push_back(
          {a, reason(services, a, query.direction, [&](AssetIndex i) { return q.name_of(i); })});
    }
  });
  py::list affected;
  for (const Told& t : told) affected.append(dict_of(q, t));
  py::dict out;
  out["direction"] = direction;
  out["counts"] = counts_of(found.counts);
  out["affected"] = affected;
  out["left_out"] = found.left_out();
  out["depth_reached"] = found.depth_reached;
  out["kept_by_replicas"] = found.kept_by_replicas;
  out["watchers"] = found.watchers;
  out["sampling"] = text_of(found.sampling.text());
  return out;
}

py::dict blast_radius(const Graph& graph, py::handle assets) {
  const Question q(graph);
  ImpactQuery query;
  query.assets = indexes_of(q, graph, assets);
  const BlastRadius found = without_gil([&] {
    const ServiceGraph services = q.services();
    return find_blast_radius(services, BlastScale(services), query);
  });
  py::dict out;
  out["lost"] = counts_of(found.lost);
  out["dependants"] = found.dependants;
  out["share"] = found.share;
  out["percentile"] = found.percentile;
  return out;
}

py::dict single_points(const Graph& graph, std::size_t limit, std::uint32_t min_clients) {
  const Question q(graph);
  SinglePointOptions o;
  o.limit = limit;
  o.min_clients = min_clients;
  SinglePoints found;
  std::vector<std::pair<SinglePoint, std::string>> points;
  without_gil([&] {
    const ServiceGraph services = q.services();
    const AssetGraph assets(*q.snapshot, services.own_edges(*q.snapshot));
    found = find_single_points(services, assets, o);
    for (const SinglePoint& p : found.points) points.emplace_back(p, remedy(services, p));
  });
  py::list named;
  for (const auto& [p, words] : points) {
    py::dict d;
    d["asset"] = q.id_of(p.asset);
    d["label"] = text_of(q.name_of(p.asset));
    d["clients"] = p.clients;
    d["cut_off"] = p.cut_off;
    d["dominated"] = p.dominated;
    d["remedy"] = text_of(words);
    named.append(d);
  }
  py::dict out;
  out["points"] = named;
  out["total"] = found.total;
  out["cut_points"] = found.cut_points;
  return out;
}

py::list paths(const Graph& graph, py::handle from, py::handle to, std::size_t k,
               std::uint32_t max_hops) {
  const Question q(graph);
  PathQuery query;
  query.from = q.index_of(graph, from);
  query.to = q.index_of(graph, to);
  query.k = k;
  query.max_hops = max_hops;
  const Paths found = without_gil([&] { return find_paths(AssetGraph(*q.snapshot), query); });
  py::list out;
  for (const AssetPath& path : found.paths) {
    py::list ids;
    for (const AssetIndex a : path) ids.append(q.id_of(a));
    out.append(ids);
  }
  return out;
}

py::list communities(const Graph& graph, double resolution, std::size_t min_members) {
  if (!(resolution > 0)) throw ConfigError("resolution must be more than 0");
  const Question q(graph);
  ApplicationOptions o;
  o.resolution = resolution;
  o.min_members = min_members;
  const auto found = without_gil([&] {
    return propose_applications(*q.snapshot, q.services().own_edges(*q.snapshot), {}, o);
  });
  py::list out;
  for (const Application& a : found) {
    py::list members;
    for (const Id& id : a.members) members.append(id.to_string());
    py::dict d;
    d["id"] = a.id.to_string();
    d["members"] = members;
    out.append(d);
  }
  return out;
}

py::dict centrality(const Graph& graph, std::size_t max_sources) {
  if (max_sources == 0) throw ConfigError("max_sources must be 1 or more");
  const Question q(graph);
  const auto [between, cores] = without_gil([&] {
    const AssetGraph assets(*q.snapshot);
    return std::pair{find_betweenness(assets, max_sources), find_cores(assets)};
  });
  py::dict out;
  for (std::size_t i = 0; i < q.snapshot->assets.size(); ++i) {
    py::dict d;
    d["betweenness"] = between.values[i];
    d["core"] = cores[i];
    out[py::str(q.snapshot->assets[i].to_string())] = d;
  }
  return out;
}

py::dict layout(const Graph& graph, std::uint32_t steps) {
  const Question q(graph);
  LayoutOptions o;
  o.steps = steps;
  const std::vector<DrawnAt> places = without_gil([&] {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    for (const Snapshot::Edge& e : q.snapshot->edges) {
      edges.emplace_back(e.client.value, e.server.value);
    }
    return lay_out(q.snapshot->assets, edges, o);
  });
  py::dict out;
  for (std::size_t i = 0; i < places.size(); ++i) {
    out[py::str(q.snapshot->assets[i].to_string())] =
        py::make_tuple(double{places[i].x}, double{places[i].y});
  }
  return out;
}

}  // namespace

void add_analysis(py::module_& m) {
  const ImpactQuery query;
  const SinglePointOptions points;
  py::reinterpret_borrow<py::class_<Graph>>(m.attr("Graph"))
      .def("impact", &impact, py::arg("assets"), py::kw_only(), py::arg("direction") = "upstream",
           py::arg("depth") = query.depth, py::arg("limit") = query.max_affected,
           "What is hit if assets (one, or a list) fail together; with direction=\"downstream\" "
           "what they need.")
      .def("blast_radius", &blast_radius, py::arg("assets"),
           "How many a failure takes with it, and how that compares to others.")
      .def("single_points", &single_points, py::kw_only(), py::arg("limit") = points.limit,
           py::arg("min_clients") = points.min_clients,
           "Assets whose loss nothing makes up for, the one that loses most first.")
      .def("paths", &paths, py::arg("from_asset"), py::arg("to_asset"), py::kw_only(),
           py::arg("k") = 1, py::arg("max_hops") = 16,
           "The shortest ways from a client to what it needs in the end, as lists of ids.")
      .def("communities", &communities, py::kw_only(), py::arg("resolution") = 1.0,
           py::arg("min_members") = 2, "Assets that belong together: proposed applications.")
      .def("centrality", &centrality, py::kw_only(), py::arg("max_sources") = 64,
           "{id: betweenness, core}: how much in the middle each asset is.")
      .def("layout", &layout, py::kw_only(), py::arg("steps") = LayoutOptions{}.steps,
           "{id: (x, y)}, from 0 to 1: where to draw what. The same map is drawn the same way.");
}

}  // namespace flowlens::python
