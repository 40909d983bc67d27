// What the map says of gateways against what the simulated routers really did.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "truth/map_run.hpp"
#include "truth/sources.hpp"

namespace {

using namespace truth;
using flowlens::ChangeEvent;
using flowlens::ChangeType;
using flowlens::IpAddress;
using flowlens::IpPrefix;

/// An exporter, a network (a /16 or /48) and a next hop.
using Way = std::tuple<IpAddress, IpPrefix, IpAddress>;

/// What one set has and the other has not.
std::string difference(const std::set<Way>& truth, const std::set<Way>& map) {
  std::string text;
  const auto add = [&](const char* what, const std::set<Way>& has, const std::set<Way>& has_not) {
    for (const Way& w : has) {
      if (has_not.contains(w)) continue;
      const auto& [exporter, network, hop] = w;
      text +=
          what + exporter.to_string() + " " + network.to_string() + " " + hop.to_string() + "\n";
    }
  };
  add("missing: ", truth, map);
  add("false: ", map, truth);
  return text;
}

struct Found {
  std::set<Way> truth;
  std::set<Way> plain_truth;  ///< with so many records that a change would show
  std::set<Way> map;
  std::vector<ChangeEvent> changes;  ///< of gateways, without parts
};

/// As PcapSink and the sFlow agents name themselves.
IpAddress address_of(const simnet::Options& options, std::uint32_t exporter) {
  const bool is_sflow = options.simulation.exporters[exporter].protocol == simnet::Protocol::sflow;
  return IpAddress::v4(is_sflow ? 0x0aff0001U + exporter : 0xc000020bU + exporter);
}

IpAddress hop_of(const std::string& text) {
  const IpAddress hop = IpAddress::parse(text).value();
  return hop.is_unspecified() ? IpAddress{} : hop;
}

std::set<Way> true_ways(const simnet::Options& options, const std::string& csv,
                        unsigned long least_records) {
  std::set<Way> ways;
  std::istringstream in(csv);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream row(line);
    std::string exporter, network, hop, records;
    std::getline(row, exporter, ',');
    std::getline(row, network, ',');
    std::getline(row, hop, ',');
    std::getline(row, records, ',');
    if (std::stoul(records) < least_records) continue;
    ways.emplace(address_of(options, static_cast<std::uint32_t>(std::stoul(exporter))),
                 IpPrefix::parse(network).value(), hop_of(hop));
  }
  return ways;
}

/// The truth's network that holds what FlowLens has made of it without mask lengths.
IpPrefix network_of(const IpPrefix& found) {
  const unsigned keep = found.address.is_v4() ? 14 : 6;
  auto octets = found.address.octets();
  std::fill(octets.begin() + keep, octets.end(), std::uint8_t{0});
  return {IpAddress::v6(octets), static_cast<std::uint8_t>(8 * keep)};
}

Found play(const simnet::Options& options) {
  MapRun::Options run_options;
  run_options.resolver.enricher.internal_networks = {IpPrefix::parse("2001:db8::/32").value()};
  MapRun run{run_options};
  std::string csv;
  static_cast<void>(simulate(
      options, [&](const auto& batch, flowlens::Timestamp now) { run.add(batch, now); }, &csv));
  run.finish();
  Found found;
  found.truth = true_ways(options, csv, 1);
  found.plain_truth = true_ways(options, csv, 40);
  const auto page = run.resolver().gateways().gateways({0, 10'000, 10'000, {}, {}});
  for (const flowlens::GatewayRow& row : page.rows) {
    for (const flowlens::GatewayRoute& r : row.routes) {
      found.map.emplace(r.route.exporter, network_of(r.route.destination), r.next_hop.address);
    }
  }
  flowlens::ChangeQuery query;
  query.limit = 10'000;
  for (const ChangeEvent& e : run.resolver().graph().changes(query).rows) {
    if (e.type == ChangeType::gateway_changed && e.cause.is_none()) found.changes.push_back(e);
  }
  return found;
}

simnet::Options gateways_scenario(std::uint64_t seed) {
  auto options = scenario(std::string(FLOWLENS_SCENARIOS) + "/gateways.yaml");
  set_seed(options, options.world.seed + seed);
  return options;
}

std::string failover(const IpAddress& exporter, const std::string& before,
                     const std::string& after) {
  return exporter.to_string() + ": " + before + " > " + after;
}
std::string text_of(const std::multiset<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// Each exporter sees each router that fails once: .1 is followed by .2, in either address family.
std::multiset<std::string> true_failovers(const std::set<Way>& ways,
                                          const simnet::Options& options) {
  std::multiset<std::string> failovers;
  for (const auto& [exporter, network, hop] : ways) {
    const auto& octets = network.address.octets();
    const unsigned segment = (network.address.is_v4() ? octets[13] : octets[5]) / 10U;
    const std::string after = hop.to_string();
    if (segment > options.simulation.routing.failovers || after.back() != '2') continue;
    failovers.insert(failover(exporter, after.substr(0, after.size() - 1) + "1", after));
  }
  return failovers;
}

}  // namespace

TEST_SUITE("quick") {
  TEST_CASE("gateways: those found are those that are there, and a failover is told once") {
    for (const std::uint64_t seed : {0, 1'000'003}) {
      CAPTURE(seed);
      const simnet::Options options = gateways_scenario(seed);
      const Found found = play(options);
      CHECK(found.truth.size() > 20);
      CHECK(difference(found.truth, found.map) == "");
      std::multiset<std::string> told;
      for (const ChangeEvent& e : found.changes)
        told.insert(failover(e.endpoint.address, e.before, e.after));
      const auto real = true_failovers(found.plain_truth, options);
      CHECK(text_of(told) == text_of(real));
      CHECK(told.size() >= 3);
    }
  }
  TEST_CASE("gateways: two routers that share the load are two, and no change") {
    for (const bool is_sampled : {false, true}) {
      simnet::Options options = gateways_scenario(5);
      options.simulation.routing.failovers = 0;
      options.simulation.routing.balanced = 5;
      for (auto& exporter : options.simulation.exporters) {
        if (is_sampled) exporter.sampling = 20;
      }
      const Found found = play(options);
      CHECK(found.truth.size() > 20);
      CHECK(difference(found.truth, found.map) == "");
      CHECK(found.changes.empty());
    }
  }
  TEST_CASE("gateways: exporters that tell none have none, and nothing else is told") {
    for (const char* name : {"plain", "nat"}) {
      auto options = scenario(std::string(FLOWLENS_SCENARIOS) + "/" + name + ".yaml");
      options.simulation.traffic.duration = std::chrono::minutes{6};
      const Found found = play(options);
      CHECK(found.map.empty());
      CHECK(found.changes.empty());
    }
  }
}
