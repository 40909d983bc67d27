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

struct Found {
  std::set<Way> truth;
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

std::set<Way> true_ways(const simnet::Options& options, const std::string& csv) {
  std::set<Way> ways;
  std::istringstream in(csv);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream row(line);
    std::string exporter, network, hop;
    std::getline(row, exporter, ',');
    std::getline(row, network, ',');
    std::getline(row, hop, ',');
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
  MapRun run;
  std::string csv;
  static_cast<void>(simulate(
      options, [&](const auto& batch, flowlens::Timestamp now) { run.add(batch, now); }, &csv));
  run.finish();
  Found found;
  found.truth = true_ways(options, csv);
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

/// Exporter, old and new gateway of what fails over in the truth: .1 and .2 of one router's address.
std::set<std::tuple<IpAddress, std::string, std::string>> true_failovers(
    const std::set<Way>& ways, const simnet::Options& options) {
  std::set<std::tuple<IpAddress, std::string, std::string>> failovers;
  for (const auto& [exporter, network, hop] : ways) {
    const auto& octets = network.address.octets();
    const unsigned segment = (network.address.is_v4() ? octets[13] : octets[5]) / 10U;
    if (segment > options.simulation.routing.failovers || hop.is_unspecified()) continue;
    const bool is_v4 = hop.is_v4();
    const std::string before = is_v4 ? "10.250." + std::to_string(segment) + ".1"
                                     : "2001:db8:fa::" + std::to_string(segment) + "01";
    std::string after = before;
    after.back() = '2';
    failovers.emplace(exporter, before, after);
  }
  return failovers;
}

}  // namespace

TEST_SUITE("quick") {
  TEST_CASE("gateways: those found are those that are there, and a failover is told once") {
    for (const std::uint64_t seed : {0, 1'000'003, 77}) {
      CAPTURE(seed);
      const simnet::Options options = gateways_scenario(seed);
      const Found found = play(options);
      CHECK(found.truth.size() > 20);
      CHECK(found.map == found.truth);
      std::set<std::tuple<IpAddress, std::string, std::string>> told;
      for (const ChangeEvent& e : found.changes) {
        CAPTURE(e.reason);
        CHECK(told.emplace(e.endpoint.address, e.before, e.after).second);
      }
      CHECK(told == true_failovers(found.truth, options));
      CHECK(told.size() >= 3);
    }
  }
  TEST_CASE("gateways: two routers that share the load are two, and no change") {
    for (const std::uint32_t sampling : {1U, 100U}) {
      simnet::Options options = gateways_scenario(5);
      options.simulation.routing.failovers = 0;
      options.simulation.routing.balanced = 5;
      for (auto& exporter : options.simulation.exporters) exporter.sampling = sampling;
      const Found found = play(options);
      CHECK(found.truth.size() > 20);
      CHECK(found.map == found.truth);
      CHECK(found.changes.empty());
    }
  }
  TEST_CASE("gateways: exporters that tell none have none, and nothing else is told") {
    for (const char* name : {"plain", "failover", "nat"}) {
      auto options = scenario(std::string(FLOWLENS_SCENARIOS) + "/" + name + ".yaml");
      options.simulation.traffic.duration = std::chrono::minutes{10};
      const Found found = play(options);
      CHECK(found.map.empty());
      CHECK(found.changes.empty());
    }
  }
}
