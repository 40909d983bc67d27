// What issue 4 promises of the map, on the scenarios of examples/simnet/scenarios: S1, S2 and S3.
// Suite "quick": cut short. Suite "long": whole. Each with the scenario's seed and an independent one.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "flowlens/graph_export.hpp"
#include "rng.hpp"
#include "sink.hpp"
#include "truth/comparison.hpp"

namespace {

using namespace truth;
using std::chrono::seconds;

constexpr std::uint64_t kOtherSeed = 1'000'003;

simnet::Options scenario_named(const std::string& name) {
  return scenario(std::string(FLOWLENS_SCENARIOS) + "/" + name + ".yaml");
}

/// A share that must be reached; one that is wrong never counts as missing it.
void check_share(const char* what, const Tally& tally, double wanted) {
  CAPTURE(what);
  CAPTURE(tally.right);
  CAPTURE(tally.wrong);
  CAPTURE(tally.undecided);
  const bool is_reached = tally.accuracy() >= wanted;
  CHECK_MESSAGE(is_reached, what, ": ", tally.accuracy(), ", wanted ", wanted);
}

void check_against(const Score& flowlens, const Score& other) {
  CAPTURE(other.name);
  CHECK(flowlens.precision() >= other.precision());
  CHECK(flowlens.recall() >= other.recall());
  CHECK(flowlens.direction().accuracy() >= other.direction().accuracy());
}

/// S3: octets in = octets in windows + octets counted by reason, exactly.
void check_octets(const MapRun& run) {
  const flowlens::FlowOctetLedger& octets = run.resolver().octets();
  CHECK(octets.balanced());
  CHECK(octets.received == run.octets_in());
  CHECK(octets.applied == run.octets_in_windows());
  CHECK(run.resolver().ledger().balanced());
}

/// S1: right directions by kind of evidence, few false services, never below a baseline.
void check_directions(const std::string& name, const simnet::Options& scenario) {
  Comparison comparison;
  const TrueMap truth = simulate(scenario, comparison.input());
  ScoreOptions options;
  options.measure_from =
      flowlens::Timestamp{scenario.simulation.traffic.start + scenario.measure_from};
  const ScenarioScores scores = comparison.finish(name, truth, options);
  check_octets(comparison.flowlens());
  const Score& flowlens = scores.tools.front();
  const auto kind = [&](EvidenceKind k) { return flowlens.by_kind[static_cast<std::size_t>(k)]; };
  check_share("handshake", kind(EvidenceKind::handshake), 0.999);
  check_share("flags", kind(EvidenceKind::flags), 0.99);
  if (scenario.measure_from >= seconds{3600}) {
    check_share("sampled", kind(EvidenceKind::sampled), 0.97);
  }
  CHECK(flowlens.false_ephemeral_share() <= 0.001);
  if (name == "full") {
    CHECK(flowlens.precision() >= 0.97);
    CHECK(flowlens.recall() >= 0.97);
  }
  // Nothing is taken for a balancer that is none.
  CHECK(scores.application.precision() >= std::min(flowlens.precision(), 0.97));
  CHECK(scores.application.recall() >= std::min(flowlens.recall(), 0.97));
  for (std::size_t i = 1; i < scores.tools.size(); ++i) check_against(flowlens, scores.tools[i]);
}

void check_with_two_seeds(const std::string& name, seconds longest) {
  simnet::Options options = scenario_named(name);
  auto& duration = options.simulation.traffic.duration;
  duration = std::min<simnet::Micros>(duration, longest);
  for (const std::uint64_t seed : {options.world.seed, options.world.seed + kOtherSeed}) {
    CAPTURE(name);
    CAPTURE(seed);
    set_seed(options, seed);
    check_directions(name, options);
  }
}

/// Flows with the time at which they came.
struct Arrival {
  flowlens::FlowBatch batch;
  flowlens::Timestamp now;
};

std::vector<Arrival> arrivals_of(const simnet::Options& scenario) {
  std::vector<Arrival> arrivals;
  static_cast<void>(
      simulate(scenario, [&](const flowlens::FlowBatch& batch, flowlens::Timestamp now) {
        arrivals.push_back({batch, now});
      }));
  return arrivals;
}

std::string exported_map(const std::vector<Arrival>& arrivals, seconds flush_interval) {
  MapRun::Options options;
  options.flush_interval = flush_interval;
  MapRun run(options);
  for (const Arrival& a : arrivals) run.add(a.batch, a.now);
  run.finish();
  std::ostringstream out;
  flowlens::write_graph(run.resolver().graph(), flowlens::ExportFormat::json, out);
  return out.str();
}

/// Each datagram comes up to `longest` later than it did, so others overtake it.
std::vector<Arrival> shuffled(std::vector<Arrival> arrivals, seconds longest, std::uint64_t seed) {
  simnet::Rng rng(seed);
  for (Arrival& a : arrivals) {
    a.now += std::chrono::milliseconds{
        rng.below(static_cast<std::uint64_t>(std::chrono::milliseconds{longest}.count()))};
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.now < b.now; });
  return arrivals;
}

void check_any_order(const std::string& name, std::size_t times) {
  simnet::Options options = scenario_named(name);
  options.simulation.traffic.duration =
      std::min<simnet::Micros>(options.simulation.traffic.duration, seconds{900});
  // Within the lateness bound: conversations of at most 30 s, and nothing late by itself.
  options.simulation.traffic.long_percent = 0;
  options.network = {};
  const std::vector<Arrival> arrivals = arrivals_of(options);
  const std::string expected = exported_map(arrivals, seconds{60});
  CHECK(expected.size() > 10'000);
  for (std::size_t i = 0; i < times; ++i) {
    CAPTURE(i);
    const bool is_same = exported_map(shuffled(arrivals, seconds{25}, i), seconds{60}) == expected;
    CHECK(is_same);
  }
}

/// S3: a replay at 1000 times the speed flushes once where real time flushed 1000 times.
void check_any_speed(const std::string& name, seconds longest) {
  simnet::Options options = scenario_named(name);
  options.simulation.traffic.duration =
      std::min<simnet::Micros>(options.simulation.traffic.duration, longest);
  const std::vector<Arrival> arrivals = arrivals_of(options);
  const bool is_same = exported_map(arrivals, seconds{5}) == exported_map(arrivals, seconds{5'000});
  CHECK(is_same);
}

/// S2: how many exporters see it, and how their clocks stand, changes no edge and few octets.
void check_observers(std::uint64_t seed) {
  const auto map_of = [&](const std::vector<double>& skews) {
    simnet::Options options = scenario_named("observers");
    set_seed(options, seed);
    options.simulation.exporters.clear();
    for (const double skew : skews) {
      simnet::ExporterPlan plan;
      plan.protocol = options.simulation.exporters.size() % 2 == 0 ? simnet::Protocol::ipfix
                                                                   : simnet::Protocol::netflow_v9;
      plan.clock_skew = simnet::Micros{static_cast<std::int64_t>(skew * 1e6)};
      options.simulation.exporters.push_back(plan);
    }
    MapRun run;
    static_cast<void>(simulate(
        options, [&](const auto& batch, flowlens::Timestamp now) { run.add(batch, now); }));
    run.finish();
    return run.map();
  };
  const auto one = map_of({0});
  for (const auto& skews : {std::vector<double>{5, -5}, std::vector<double>{0, 5, -5, 2.5}}) {
    const auto more = map_of(skews);
    CAPTURE(skews.size());
    CHECK(std::equal(one.begin(), one.end(), more.begin(), more.end(),
                     [](const auto& a, const auto& b) { return a.first == b.first; }));
    double octets = 0, found = 0;
    for (const auto& [key, edge] : one) {
      octets += static_cast<double>(edge.octets_to_server + edge.octets_to_client);
    }
    for (const auto& [key, edge] : more) {
      found += static_cast<double>(edge.octets_to_server + edge.octets_to_client);
    }
    CHECK(found == doctest::Approx(octets).epsilon(0.01));
  }
}

/// Where every exporter tells what it translates, a connection is its client's alone, and counted
/// once: nothing of the outer addresses is left on the map, whatever came first.
void check_translations(std::uint64_t seed, seconds shuffle) {
  simnet::Options options = scenario_named("nat");
  set_seed(options, seed);
  options.simulation.traffic.duration = seconds{600};
  options.simulation.exporters.assign(2, {});
  for (auto& exporter : options.simulation.exporters) {
    exporter.protocol = simnet::Protocol::ipfix;
    exporter.tells_translations = true;
  }
  std::vector<Arrival> arrivals;
  const TrueMap truth = simulate(options, [&](const auto& batch, flowlens::Timestamp now) {
    arrivals.push_back({batch, now});
  });
  if (shuffle > seconds{0}) arrivals = shuffled(std::move(arrivals), shuffle, seed);
  MapRun run;
  for (const Arrival& a : arrivals) run.add(a.batch, a.now);
  run.finish();
  check_octets(run);
  CHECK(run.resolver().aggregator_counters().translations.applied > 1'000);
  std::size_t outside = 0, wrong_octets = 0;
  for (const auto& [key, edge] : run.map()) {
    const auto real = truth.find(key);
    if (real == truth.end()) continue;
    outside += real->second.is_wire_only ? 1 : 0;
    wrong_octets += edge.octets_to_server + edge.octets_to_client !=
                            real->second.octets_to_server + real->second.octets_to_client
                        ? 1
                        : 0;
  }
  CHECK(outside == 0);
  CHECK(wrong_octets == 0);
}

/// Whatever balancers and translators stand between, applications are seen to use each other.
void check_applications(const simnet::Options& options) {
  const ScenarioScores scores = compare("x", options, {{}, 3});
  const ApplicationScore& view = scores.application;
  CAPTURE(view.examples.empty() ? "" : view.examples.back());
  CAPTURE(view.precision());
  CAPTURE(view.recall());
  CHECK(view.edges_true > 150);
  CHECK(view.precision() >= 0.97);
  CHECK(view.recall() >= 0.97);
  // A client's part of what goes to each replica is not seen, only all clients' is.
  CHECK(view.octet_error_by_edge() <= 0.05);
  CHECK(scores.tools.front().precision() >= 0.97);
  CHECK(scores.tools.front().recall() >= 0.97);
}

void check_applications(const std::string& name, std::uint64_t seed, bool is_told) {
  CAPTURE(name);
  CAPTURE(seed);
  CAPTURE(is_told);
  simnet::Options options = scenario_named(name);
  set_seed(options, options.world.seed + seed);
  for (auto& exporter : options.simulation.exporters) {
    if (!is_told) continue;
    exporter.protocol = simnet::Protocol::ipfix;
    exporter.tells_translations = true;
  }
  check_applications(options);
}

/// A folder of its own for as long as this lives.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("truth-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

/// As any tool could: the datagrams into a capture, the truth into a table.
void write_capture(const simnet::Options& options, const Folder& folder) {
  const simnet::World world = simnet::build_world(options.world);
  simnet::PcapSink sink((folder.path / "x.pcap").string(), {});
  simnet::Pace pace;
  simnet::Simulation simulation(world, options.simulation, sink, pace);
  simulation.run();
  sink.close();
  std::ofstream csv(folder.path / "x.csv");
  simulation.truth().write_dependencies(csv);
}

}  // namespace

TEST_SUITE("quick") {
  TEST_CASE("a capture with a truth table scores as the scenario it was made from") {
    simnet::Options options = scenario_named("peers");
    options.simulation.traffic.duration = seconds{300};
    const Folder folder;
    write_capture(options, folder);
    Comparison comparison;
    read_capture((folder.path / "x.pcap").string(), comparison.input());
    const Score from_file =
        comparison.finish("x", read_true_map((folder.path / "x.csv").string()), {}).tools.front();
    const Score direct = compare("x", options).tools.front();
    CHECK(from_file.edges_true == direct.edges_true);
    CHECK(from_file.edges_found == direct.edges_found);
    CHECK(from_file.edges_right == direct.edges_right);
    CHECK(from_file.octets_found == direct.octets_found);
    CHECK(from_file.direction().right == direct.direction().right);
    CHECK(from_file.recall() >= 0.97);
  }
  TEST_CASE("S1, S3: directions and edges are right and no octet is lost, cut short") {
    for (const char* name : {"plain", "failover", "handshake", "nat", "rough"}) {
      check_with_two_seeds(name, seconds{300});
    }
    for (const char* name : {"high-ports", "low-clients", "rpc", "peers"}) {
      check_with_two_seeds(name, seconds{900});
    }
  }
  TEST_CASE("translations that are told leave each connection to its client, once") {
    for (const std::uint64_t seed : {std::uint64_t{20}, kOtherSeed}) {
      for (const seconds shuffle : {seconds{0}, seconds{25}}) check_translations(seed, shuffle);
    }
  }
  TEST_CASE(
      "the application view goes past proxies, virtual servers and translators, told or not") {
    for (const std::uint64_t seed : {std::uint64_t{0}, kOtherSeed}) {
      for (const bool is_told : {true, false}) {
        check_applications("balancers", seed, is_told);
        check_applications("translators", seed, is_told);
      }
    }
  }
  TEST_CASE("S2: one, two or four exporters, clocks apart, give the same map") {
    for (const std::uint64_t seed : {std::uint64_t{1}, kOtherSeed}) check_observers(seed);
  }
  TEST_CASE("S2: any order of arrival within the lateness bound gives the same map") {
    for (const char* name : {"plain", "high-ports", "nat", "translators"}) check_any_order(name, 3);
  }
  TEST_CASE("S3: a replay at any speed gives the same map") {
    for (const char* name : {"peers", "rough"}) check_any_speed(name, seconds{900});
  }
}

TEST_SUITE("long") {
  TEST_CASE("S1, S3: directions and edges are right and no octet is lost, in every scenario") {
    for (const char* name :
         {"plain", "handshake", "high-ports", "low-clients", "rpc", "peers", "scans", "nat",
          "translators", "balancers", "observers", "rough", "failover", "gateways", "monthly",
          "sampled", "sampled-4000", "full"}) {
      check_with_two_seeds(name, std::chrono::hours{24 * 60});
    }
  }
  TEST_CASE("S2: shuffled many times") {
    for (const char* name :
         {"plain", "high-ports", "low-clients", "rpc", "peers", "scans", "nat"}) {
      check_any_order(name, 10);
    }
  }
  TEST_CASE("S3: a replay at any speed gives the same map, in every scenario") {
    for (const char* name : {"handshake", "high-ports", "scans", "nat", "monthly", "sampled"}) {
      check_any_speed(name, std::chrono::hours{24 * 60});
    }
  }
}
