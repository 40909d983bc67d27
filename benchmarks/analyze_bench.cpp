// What questions to the map cost: a generated estate in a DependencyGraph, and every analysis on its
// snapshot. On one core.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "conditions.hpp"
#include "estate.hpp"
#include "flowlens/centrality.hpp"
#include "flowlens/communities.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/impact.hpp"
#include "flowlens/paths.hpp"
#include "flowlens/single_points.hpp"

using namespace flowlens;
using Json = nlohmann::ordered_json;

namespace {

constexpr Timestamp kBegin = from_unix_ns(1'795'262'400'000'000'000);
using bench::Dice, bench::Estate, bench::summary_of;
constexpr std::size_t kBatch = 4'096;
constexpr const char* kUsage =
    R"(flowlens-bench-analyze [OPTIONS]

  --assets N        of the estate (100000); ten dependencies each
  --runs N          of each measurement; the median is printed (5)
  --json            print one JSON document instead of a table
  --help            this text
)";

struct Options {
  std::uint32_t assets = 100'000;
  std::size_t runs = 5;
  bool json = false;
};

std::optional<Options> parse(int count, char** arguments) {
  Options o;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const bool has_value = i + 1 < count;
    if (name == "--json") {
      o.json = true;
    } else if (name == "--assets" && has_value) {
      o.assets = static_cast<std::uint32_t>(std::strtoul(arguments[++i], nullptr, 10));
    } else if (name == "--runs" && has_value) {
      o.runs = std::strtoul(arguments[++i], nullptr, 10);
    } else {
      return std::nullopt;
    }
  }
  if (o.assets < 1'000 || o.runs == 0) return std::nullopt;
  return o;
}

/// Every dependency at one time, and again a day later: one in fifty at one of the two only.
void fill(DependencyGraph& graph, const Estate& estate) {
  std::vector<ConnectionSummary> batch;
  std::uint64_t revision = 0;
  const auto flush = [&] {
    graph.apply(batch);
    batch.clear();
    (void)graph.take_revision(++revision, Epoch{1}, kBegin);
  };
  for (const std::uint32_t day : {0u, 1u}) {
    Dice dice;
    for (const Estate::Use& use : estate.uses()) {
      const std::uint32_t only = dice.roll(100);
      if (only == day) continue;
      batch.push_back(summary_of(use, kBegin + std::chrono::days{day}));
      if (batch.size() == kBatch) flush();
    }
  }
  flush();
}

std::uint64_t memory(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) {
      return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1'024;
    }
  }
  return 0;
}

/// Milliseconds of the processor: all runs in this thread, and what others do does not count.
double now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}
template <typename Run>
double milliseconds(const Run& run) {
  const double begin = now_ms();
  run();
  return now_ms() - begin;
}
Json spread(std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  return {{"p50", ms[ms.size() / 2]}, {"p99", ms[ms.size() * 99 / 100]}, {"max", ms.back()}};
}
template <typename Run>
double median(std::size_t runs, const Run& run) {
  std::vector<double> ms;
  for (std::size_t i = 0; i < runs; ++i) ms.push_back(milliseconds(run));
  std::sort(ms.begin(), ms.end());
  return ms[ms.size() / 2];
}

/// The structure changes by one dependency, so that the snapshot is made again.
void disturb(DependencyGraph& graph, std::uint16_t port) {
  const ConnectionSummary s = summary_of({0, 1, port}, kBegin);
  graph.apply({&s, 1});
}

void measure_questions(const Snapshot& s, const ServiceGraph& services, const AssetGraph& assets,
                       Json& out) {
  std::vector<double> impact, downstream, radius, paths;
  const BlastScale scale{services};
  std::uint64_t most = 0, found = 0;
  for (std::uint32_t i = 0; i < 500; ++i) {
    ImpactQuery query;
    query.assets = {{static_cast<std::uint32_t>(std::uint64_t{i} * s.assets.size() / 500)}};
    impact.push_back(
        milliseconds([&] { most = std::max(most, find_impact(services, query).total()); }));
    radius.push_back(milliseconds([&] { (void)find_blast_radius(services, scale, query); }));
    query.direction = ImpactDirection::downstream;
    downstream.push_back(milliseconds([&] { (void)find_impact(services, query); }));
    PathQuery way;
    way.from = query.assets[0];
    way.to = AssetIndex{static_cast<std::uint32_t>((std::uint64_t{i} * 7'919) % s.assets.size())};
    way.k = 10;
    if (!services.services_of(way.to).empty()) {
      paths.push_back(milliseconds([&] { found += find_paths(assets, way).paths.size(); }));
    }
  }
  out["impact_ms"] = spread(impact);
  out["impact_most_affected"] = most;
  out["downstream_ms"] = spread(downstream);
  out["blast_radius_ms"] = spread(radius);
  out["ten_paths_ms"] = spread(paths);
  out["paths_found"] = found;
}

Json measure(const Options& o) {
  DependencyGraphOptions options;
  options.max_dependencies = std::size_t{10} * o.assets + 100;
  options.max_assets = o.assets + 100;
  DependencyGraph graph{options};
  fill(graph, Estate{o.assets});
  const std::uint64_t map = memory("VmRSS");
  Json out{{"assets", graph.counters().assets}, {"dependencies", graph.counters().dependencies}};
  std::shared_ptr<const Snapshot> snapshot;
  std::uint16_t port = 20'000;
  std::vector<double> snapshots;
  for (std::size_t i = 0; i < o.runs; ++i) {
    snapshot = nullptr;
    disturb(graph, port++);
    snapshots.push_back(milliseconds([&] { snapshot = graph.snapshot(); }));
  }
  out["snapshot_ms"] = spread(snapshots);
  const Snapshot& s = *snapshot;
  std::optional<ServiceGraph> services;
  out["service_graph_ms"] = median(o.runs, [&] { services.emplace(s); });
  std::optional<AssetGraph> assets;
  out["asset_graph_ms"] = median(o.runs, [&] { assets.emplace(s, services->own_edges(s)); });
  std::size_t clusters = 0, shared = 0;
  for (const Cluster& c : services->clusters()) {
    clusters += c.evidence != ReplicaEvidence::none ? 1 : 0;
    shared += c.is_shared ? 1 : 0;
  }
  out["clusters_with_replicas"] = clusters;
  out["shared_clusters"] = shared;
  SinglePoints points;
  out["single_points_ms"] =
      median(o.runs, [&] { points = find_single_points(*services, *assets); });
  out["single_points"] = points.total;
  out["of_that_cut_points_ms"] = median(o.runs, [&] { (void)find_cut_points(*assets); });
  out["of_that_dominators_ms"] = median(o.runs, [&] { (void)find_dominators(*assets); });
  out["blast_scale_ms"] = milliseconds([&] { BlastScale{*services}; });
  measure_questions(s, *services, *assets, out);
  Communities communities;
  const EdgeMask own = services->own_edges(s);
  out["communities_ms"] =
      median(o.runs, [&] { communities = find_communities(s, own, application_weights(s)); });
  out["communities"] = communities.count;
  out["modularity"] = communities.modularity;
  out["applications_ms"] = milliseconds([&] { (void)propose_applications(s, own, {}); });
  out["betweenness_of_64_ms"] = milliseconds([&] { (void)find_betweenness(*assets); });
  out["cores_ms"] = median(o.runs, [&] { (void)find_cores(*assets); });
  MapDifference d;
  const AsOf first{kBegin}, later{kBegin + std::chrono::days{1}};
  out["diff_ms"] = median(o.runs, [&] { d = graph.diff(first, later); });
  out["diff_rows"] = d.added.size() + d.removed.size() + d.moved.size();
  out["octets_an_edge"] = sizeof(Snapshot::Edge) + sizeof(std::uint32_t);
  out["resident_map"] = map;
  out["resident_with_all"] = memory("VmRSS");
  out["peak_resident"] = memory("VmHWM");
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  const auto options = parse(count, arguments);
  if (!options) {
    const bool is_help = count == 2 && std::string(arguments[1]) == "--help";
    (is_help ? std::cout : std::cerr) << kUsage;
    return is_help ? 0 : 2;
  }
  const bench::Conditions conditions = bench::conditions(bench::pin_to_core(-1));
  Json figures = measure(*options);
  const auto out = bench::with_conditions(conditions, "analyze", std::move(figures));
  if (bench::print(out, "analyze", options->json)) return 0;
  for (const auto& [name, value] : out["analyze"].items()) {
    std::printf("  %-28s %s\n", name.c_str(), value.dump().c_str());
  }
  return 0;
}
