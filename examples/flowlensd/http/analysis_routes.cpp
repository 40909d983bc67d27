// Questions to the map: impact, blast radius, ways, single points of failure.
#include <memory>

#include "http/analysis.hpp"
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kDefaultDepth = 10;
constexpr std::uint64_t kMostDepth = 100;
constexpr std::uint64_t kDefaultAffected = 500;
constexpr std::uint64_t kMostAffected = 10'000;
constexpr std::size_t kMostAssets = 1'000;  // of one question
constexpr std::uint64_t kMostWays = 100;

/// `asset_id`, or `asset_ids` for several.
std::vector<AssetIndex> assets_of(const Json& body, const Question& q) {
  if (!body.contains("asset_ids")) return {q.find(id_member(body, "asset_id"))};
  if (body.contains("asset_id")) bad_body("asset_id: goes without asset_ids");
  const Json& list = body["asset_ids"];
  if (!list.is_array() || list.empty() || list.size() > kMostAssets) {
    bad_body("asset_ids: give a list of 1 to " + std::to_string(kMostAssets));
  }
  std::vector<AssetIndex> assets;
  for (const Json& item : list) {
    const auto id = item.is_string() ? Id::parse(item.get<std::string>()) : std::nullopt;
    if (!id) bad_body("asset_ids: " + item.dump() + " is no id");
    assets.push_back(q.find(*id));
  }
  return assets;
}

/// What-if: `{"asset_id": ..., "protocol": 6, "port": 443, "on": ...}` is one more server for that
/// service.
AddedReplica replica_of(const Json& item, const Question& q) {
  check_members(item, "replicas[]", {"asset_id", "protocol", "port", "on"});
  const AssetIndex server = q.find(id_member(item, "asset_id"));
  const auto protocol = static_cast<std::uint8_t>(number_member(item, "protocol", 6, 0, 255));
  const auto port = static_cast<std::uint16_t>(number_member(item, "port", 0, 0, 65'535));
  const auto service = q.of->services().find(server, protocol, port);
  if (!service) bad_body("replicas: the asset does not serve that port");
  AddedReplica replica{*service, std::nullopt};
  if (item.contains("on") && !item["on"].is_null()) replica.on = q.find(id_member(item, "on"));
  return replica;
}

ImpactQuery impact_query(const Json& body, const Question& q) {
  ImpactQuery query;
  query.assets = assets_of(body, q);
  query.depth =
      static_cast<std::uint32_t>(number_member(body, "depth", kDefaultDepth, 1, kMostDepth));
  if (body.contains("replicas")) {
    const Json& list = body["replicas"];
    if (!list.is_array() || list.size() > kMostAssets) bad_body("replicas: give a list");
    for (const Json& item : list) query.replicas.push_back(replica_of(item, q));
  }
  return query;
}

ImpactDirection direction_of(const Json& body) {
  if (!body.contains("direction")) return ImpactDirection::upstream;
  const std::string text = text_member(body, "direction");
  if (text == "upstream") return ImpactDirection::upstream;
  if (text != "downstream") bad_body("direction: give upstream or downstream");
  return ImpactDirection::downstream;
}

Json counts_json(const std::array<std::uint64_t, kCertaintyCount>& counts) {
  Json out = Json::object();
  for (std::size_t i = 0; i < kCertaintyCount; ++i) {
    out[std::string(to_string(static_cast<Certainty>(i)))] = counts[i];
  }
  return out;
}

Json affected_json(const Affected& a, ImpactDirection direction, const Question& q) {
  Json out = q.asset(a.asset);
  const auto name = [&](AssetIndex asset) { return q.label(asset); };
  out["certainty"] = to_string(a.certainty);
  out["hops"] = a.hops;
  out["because"] = q.of->snapshot().assets[a.because.value].to_string();
  out["reason"] = reason(q.of->services(), a, direction, name);
  out["weight_percent"] = a.weight_percent;
  out["last_evidence"] = to_string(begin_of(a.last_hour));
  return out;
}

Json shared_json(const SharedImpact& shared, const Question& q) {
  const ServiceGraph& services = q.of->services();
  Json members = Json::array();
  for (const ServiceIndex s : services.members_of(shared.cluster)) {
    members.push_back(q.asset(services[s].server));
  }
  const ServiceIndex first = services.members_of(shared.cluster).front();
  return {{"service", services[first].port_text()},
          {"members", std::move(members)},
          {"members_hit", shared.members_hit},
          {"clients", shared.clients}};
}

Response impact(const Request& request, const Service& s, AnalysisCache& cache) {
  const Json body = object_of(request, {"asset_id", "asset_ids", "direction", "depth", "limit",
                                        "replicas", "as_of", "hours", "filter"});
  const Question q{s, cache.get(as_of_member(body), filter_member(request, body))};
  ImpactQuery query = impact_query(body, q);
  query.direction = direction_of(body);
  query.max_affected = number_member(body, "limit", kDefaultAffected, 1, kMostAffected);
  const Impact found = find_impact(q.of->services(), query);
  Json affected = Json::array(), shared = Json::array();
  for (const Affected& a : found.affected) affected.push_back(affected_json(a, query.direction, q));
  for (const SharedImpact& i : found.shared) shared.push_back(shared_json(i, q));
  const bool is_upstream = query.direction == ImpactDirection::upstream;
  return fresh({{"revision", q.of->snapshot().revision},
                {"direction", is_upstream ? "upstream" : "downstream"},
                {"depth", query.depth},
                {"counts", counts_json(found.counts)},
                {"affected", std::move(affected)},
                {"left_out", found.left_out()},
                {"depth_reached", found.depth_reached},
                {"shared_infrastructure", std::move(shared)},
                {"kept_by_replicas", found.kept_by_replicas},
                {"watchers", found.watchers},
                {"sampling", found.sampling.text()}});
}

Response blast_radius(const Request& request, const Service& s, AnalysisCache& cache) {
  const Json body = object_of(
      request, {"asset_id", "asset_ids", "depth", "replicas", "as_of", "hours", "filter"});
  const Question q{s, cache.get(as_of_member(body), filter_member(request, body))};
  const BlastScale& scale = q.of->scale();
  const ImpactQuery query = impact_query(body, q);
  const BlastRadius radius = find_blast_radius(q.of->services(), scale, query);
  return fresh({{"revision", q.of->snapshot().revision},
                {"lost", counts_json(radius.lost)},
                {"dependants", radius.dependants},
                {"dependants_on_map", q.of->services().dependants()},
                {"share", radius.share},
                {"percentile", radius.percentile},
                {"percentile_samples", scale.samples()},
                {"percentile_is_exact", scale.is_exact()}});
}

Json path_json(const AssetPath& path, const Question& q) {
  Json out = Json::array();
  for (const AssetIndex a : path) out.push_back(q.asset(a));
  return out;
}

Response path(const Request& request, const Service& s, AnalysisCache& cache) {
  const Json body =
      object_of(request, {"from", "to", "k", "disjoint", "max_hops", "as_of", "hours", "filter"});
  const Question q{s, cache.get(as_of_member(body), filter_member(request, body))};
  PathQuery query;
  query.from = q.find(id_member(body, "from"));
  query.to = q.find(id_member(body, "to"));
  query.k = number_member(body, "k", 1, 1, kMostWays);
  query.max_hops = static_cast<std::uint32_t>(number_member(body, "max_hops", 16, 1, kMostDepth));
  // Ways over infrastructure are ways, too.
  const AssetGraph all{q.of->snapshot()};
  const std::string disjoint = body.contains("disjoint") ? text_member(body, "disjoint") : "none";
  Json out{{"revision", q.of->snapshot().revision}};
  Json ways = Json::array();
  if (disjoint == "none") {
    const Paths found = find_paths(all, query);
    for (const AssetPath& p : found.paths) ways.push_back(path_json(p, q));
    out["paths"] = std::move(ways);
    out["truncated"] = found.is_cut;
    return fresh(out);
  }
  if (disjoint != "assets" && disjoint != "dependencies") {
    bad_body("disjoint: give none, assets or dependencies");
  }
  const Disjoint kind = disjoint == "assets" ? Disjoint::assets : Disjoint::arcs;
  const Connectivity found = find_disjoint_paths(all, query.from, query.to, kind);
  for (const AssetPath& p : found.paths) ways.push_back(path_json(p, q));
  Json cut = Json::array();
  for (const AssetIndex a : found.cut_assets) cut.push_back(q.asset(a));
  for (const auto& [client, server] : found.cut_arcs) {
    cut.push_back({{"client", q.asset(client)}, {"server", q.asset(server)}});
  }
  out["paths"] = std::move(ways);
  out["smallest_cut"] = std::move(cut);
  out["is_direct"] = found.is_direct;
  out["truncated"] = found.is_cut;
  return fresh(out);
}

Json single_point_json(const SinglePoint& p, const Question& q) {
  const ServiceGraph& services = q.of->services();
  Json out = q.asset(p.asset);
  Json list = Json::array();
  for (const ServiceIndex s : p.services) list.push_back(services[s].port_text());
  out["clients"] = p.clients;
  out["cut_off"] = p.cut_off;
  out["reached_only_over_it"] = p.dominated;
  out["services_without_replica"] = std::move(list);
  out["service_count"] = p.service_count;
  out["remedy"] = remedy(services, p);
  return out;
}

Response single_points(const Request& request, const Service& s, AnalysisCache& cache) {
  const Question q{
      s, cache.get(as_of_parameter(request), filter_parameter(request, dependency_fields()))};
  SinglePointOptions options;
  options.limit = number_parameter(request, "limit", 100, 1, kMostAffected);
  options.min_clients = options.min_cut_off =
      static_cast<std::uint32_t>(number_parameter(request, "min_lost", 2, 1, 1'000'000));
  const SinglePoints found = find_single_points(q.of->services(), q.of->assets(), options);
  Json items = Json::array();
  for (const SinglePoint& p : found.points) items.push_back(single_point_json(p, q));
  return fresh({{"revision", q.of->snapshot().revision},
                {"items", std::move(items)},
                {"total", found.total},
                {"articulation_points", found.cut_points},
                {"unreached", found.unreached}});
}

}  // namespace

void add_analysis_routes(Router& router, const Service& s,
                         const std::shared_ptr<AnalysisCache>& cache) {
  const auto add = [&](const char* pattern, auto handler, std::vector<std::string> parameters,
                       const char* method) {
    router.add({pattern, [&s, cache, handler](const Request& r) { return handler(r, s, *cache); },
                std::move(parameters), method, Permission::viewer});
  };
  add("/api/v1/analysis/impact", impact, {}, "POST");
  add("/api/v1/analysis/path", path, {}, "POST");
  add("/api/v1/analysis/blast-radius", blast_radius, {}, "POST");
  add("/api/v1/analysis/spof", single_points, {"limit", "min_lost", "as_of", "hours", "filter"},
      "GET");
  add_structure_routes(router, s, cache);
}

}  // namespace flowlensd::http
