// Questions to the map.
#include <algorithm>
#include <memory>
#include <vector>

#include "flowlens/asset_graph.hpp"
#include "flowlens/communities.hpp"
#include "flowlens/impact.hpp"
#include "flowlens/paths.hpp"
#include "flowlens/service_graph.hpp"
#include "flowlens/single_points.hpp"
#include "flowlens/snapshot.hpp"
#include "graph_handle.hpp"

namespace capi = flowlens::capi;

using flowlens::AssetIndex, flowlens::Snapshot;

struct flowlens_analysis {
  flowlens_analysis(std::shared_ptr<const Snapshot> structure,
                    const flowlens::DependencyGraph& graph)
      : snapshot(std::move(structure)),
        services(*snapshot, {}, {}, replica_hints(graph, *snapshot)),
        own_edges(services.own_edges(*snapshot)),
        assets(*snapshot, own_edges),
        all(*snapshot) {}

  std::shared_ptr<const Snapshot> snapshot;
  flowlens::ServiceGraph services;
  flowlens::EdgeMask own_edges;  ///< without what stands apart
  flowlens::AssetGraph assets;   ///< of those
  flowlens::AssetGraph all;

  [[nodiscard]] AssetIndex find(const flowlens_id& id) const {
    const flowlens::Id wanted = capi::id_of(id);
    const auto& ids = snapshot->assets;  // ascending
    const auto found = std::lower_bound(ids.begin(), ids.end(), wanted);
    if (found == ids.end() || *found != wanted) {
      throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no asset " + wanted.to_string()};
    }
    return {static_cast<std::uint32_t>(found - ids.begin())};
  }
  [[nodiscard]] flowlens_id id(AssetIndex asset) const noexcept {
    return capi::c_id(snapshot->assets[asset.value]);
  }
};

// Answers are copied out of the analysis, so that they may outlive it.
struct flowlens_impact {
  std::vector<flowlens_affected> affected;
  std::uint64_t total = 0;
};
struct flowlens_single_points {
  std::vector<flowlens_single_point> points;
};
struct flowlens_paths {
  std::vector<std::vector<flowlens_id>> paths;
};
struct flowlens_communities {
  std::vector<flowlens_id> assets;
  std::vector<std::uint32_t> of_asset;
  std::size_t count = 0;
};

namespace {

static_assert(FLOWLENS_POSSIBLE == static_cast<int>(flowlens::Certainty::possible));
static_assert(FLOWLENS_DOWNSTREAM == static_cast<int>(flowlens::ImpactDirection::downstream));

flowlens::ImpactQuery impact_query(const flowlens_analysis& analysis, const flowlens_id* assets,
                                   std::size_t count, const flowlens_impact_options* options) {
  const auto c =
      capi::read_options(options, FLOWLENS_OLDEST(flowlens_impact_options, max_affected));
  capi::require(c.direction <= FLOWLENS_DOWNSTREAM, "direction is none of FLOWLENS_UPSTREAM …");
  capi::require(count > 0, "there is no asset to ask about");
  flowlens::ImpactQuery query;
  for (std::size_t i = 0; i < count; ++i) {
    query.assets.push_back(analysis.find((&capi::need(assets, "assets"))[i]));
  }
  query.direction = static_cast<flowlens::ImpactDirection>(c.direction);
  capi::set_unless_zero(query.depth, c.depth);
  capi::set_unless_zero(query.max_affected, c.max_affected);
  return query;
}

flowlens_affected c_affected(const flowlens_analysis& analysis, const flowlens::Affected& hit) {
  flowlens_affected c{};
  c.asset = analysis.id(hit.asset);
  c.because = analysis.id(hit.because);
  c.hops = hit.hops;
  const auto members = analysis.services.members_of(hit.cluster);  // all of one port
  if (!members.empty()) {
    c.port = analysis.services[members.front()].port;
    c.protocol = analysis.services[members.front()].protocol;
  }
  c.certainty = static_cast<std::uint8_t>(hit.certainty);
  c.weight_percent = hit.weight_percent;
  return c;
}

/// One row of an answer.
template <typename Row>
const Row& row_of(const std::vector<Row>& rows, std::size_t index) {
  if (index >= rows.size()) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such row"};
  return rows[index];
}

}  // namespace

flowlens_status flowlens_analysis_create(const flowlens_graph* graph, flowlens_analysis** out,
                                         flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& g = capi::graph_of(graph);
    return std::make_unique<flowlens_analysis>(g.snapshot(), g);
  });
}

void flowlens_analysis_destroy(flowlens_analysis* analysis) { delete analysis; }

flowlens_status flowlens_analysis_impact(const flowlens_analysis* analysis,
                                         const flowlens_id* assets, size_t asset_count,
                                         const flowlens_impact_options* options,
                                         flowlens_impact** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& a = capi::need(analysis, "analysis");
    const auto impact = find_impact(a.services, impact_query(a, assets, asset_count, options));
    auto made = std::make_unique<flowlens_impact>();
    for (const auto& hit : impact.affected) made->affected.push_back(c_affected(a, hit));
    made->total = impact.total();
    return made;
  });
}

void flowlens_impact_destroy(flowlens_impact* impact) { delete impact; }

size_t flowlens_impact_count(const flowlens_impact* impact) {
  return impact != nullptr ? impact->affected.size() : 0;
}

uint64_t flowlens_impact_total(const flowlens_impact* impact) {
  return impact != nullptr ? impact->total : 0;
}

flowlens_status flowlens_impact_get(const flowlens_impact* impact, size_t index,
                                    flowlens_affected* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_affected, weight_percent), error,
                            [&] { return row_of(capi::need(impact, "impact").affected, index); });
}

flowlens_status flowlens_analysis_single_points(const flowlens_analysis* analysis, size_t limit,
                                                flowlens_single_points** out,
                                                flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& a = capi::need(analysis, "analysis");
    flowlens::SinglePointOptions options;
    capi::set_unless_zero(options.limit, limit);
    auto made = std::make_unique<flowlens_single_points>();
    for (const auto& point : find_single_points(a.services, a.assets, options).points) {
      flowlens_single_point c{};
      c.asset = a.id(point.asset);
      c.cut_off = point.cut_off;
      c.dominated = point.dominated;
      c.clients = point.clients;
      c.service_count = point.service_count;
      made->points.push_back(c);
    }
    return made;
  });
}

void flowlens_single_points_destroy(flowlens_single_points* points) { delete points; }

size_t flowlens_single_points_count(const flowlens_single_points* points) {
  return points != nullptr ? points->points.size() : 0;
}

flowlens_status flowlens_single_points_get(const flowlens_single_points* points, size_t index,
                                           flowlens_single_point* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_single_point, service_count), error,
                            [&] { return row_of(capi::need(points, "points").points, index); });
}

flowlens_status flowlens_analysis_paths(const flowlens_analysis* analysis, const flowlens_id* from,
                                        const flowlens_id* to, size_t k, flowlens_paths** out,
                                        flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& a = capi::need(analysis, "analysis");
    capi::require(k > 0, "k is 0; at least one way has to be wanted");
    flowlens::PathQuery query{a.find(capi::need(from, "from")), a.find(capi::need(to, "to"))};
    query.k = k;
    auto made = std::make_unique<flowlens_paths>();
    for (const flowlens::AssetPath& path : find_paths(a.all, query).paths) {
      auto& ids = made->paths.emplace_back();
      for (const AssetIndex asset : path) ids.push_back(a.id(asset));
    }
    return made;
  });
}

void flowlens_paths_destroy(flowlens_paths* paths) { delete paths; }

size_t flowlens_paths_count(const flowlens_paths* paths) {
  return paths != nullptr ? paths->paths.size() : 0;
}

size_t flowlens_paths_length(const flowlens_paths* paths, size_t path) {
  return path < flowlens_paths_count(paths) ? paths->paths[path].size() : 0;
}

flowlens_status flowlens_paths_get(const flowlens_paths* paths, size_t path, size_t step,
                                   flowlens_id* out, flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    capi::need(out, "out") = row_of(row_of(capi::need(paths, "paths").paths, path), step);
  });
}

flowlens_status flowlens_analysis_communities(const flowlens_analysis* analysis, double resolution,
                                              flowlens_communities** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& a = capi::need(analysis, "analysis");
    capi::require(resolution >= 0 && resolution <= 1e6, "resolution is not in 0 … 1000000");
    flowlens::CommunityOptions options;
    capi::set_unless_zero(options.resolution, resolution);
    const auto found =
        find_communities(*a.snapshot, a.own_edges, application_weights(*a.snapshot), options);
    auto made = std::make_unique<flowlens_communities>();
    for (const flowlens::Id& id : a.snapshot->assets) made->assets.push_back(capi::c_id(id));
    made->of_asset = found.of_asset;
    made->count = found.count;
    return made;
  });
}

void flowlens_communities_destroy(flowlens_communities* communities) { delete communities; }

size_t flowlens_communities_count(const flowlens_communities* communities) {
  return communities != nullptr ? communities->count : 0;
}

size_t flowlens_communities_assets(const flowlens_communities* communities) {
  return communities != nullptr ? communities->assets.size() : 0;
}

flowlens_status flowlens_communities_get(const flowlens_communities* communities, size_t index,
                                         flowlens_id* asset, uint32_t* community,
                                         flowlens_error* error) {
  if (asset != nullptr) *asset = {};
  if (community != nullptr) *community = 0;
  return capi::guarded(error, [&] {
    const auto& c = capi::need(communities, "communities");
    const flowlens_id id = row_of(c.assets, index);
    auto& number = capi::need(community, "community");
    capi::need(asset, "asset") = id;
    number = c.of_asset[index];
  });
}
