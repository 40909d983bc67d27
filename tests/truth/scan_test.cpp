// Scans of the simulated network, by what its exporters send of them: who scans is found, and nobody
// else; and what sampling hides.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "flowlens/resolver.hpp"
#include "truth/sources.hpp"

using namespace flowlens;
using namespace std::chrono_literals;

namespace {

struct Found {
  std::set<IpAddress> true_scanners;
  std::vector<ChangeEvent> scans;
};

/// The scenario `scans`, over 80 minutes of which 60 are learned.
Found run(std::uint32_t sampling, std::uint64_t seed) {
  simnet::Options options = truth::scenario(std::string(FLOWLENS_SCENARIOS) + "/scans.yaml");
  truth::set_seed(options, seed);
  options.simulation.traffic.duration = 80min;
  for (simnet::ExporterPlan& exporter : options.simulation.exporters) exporter.sampling = sampling;
  Found found;
  const simnet::World world = simnet::build_world(options.world);
  for (const simnet::Host& host : world.hosts) {
    if (host.tier != simnet::Tier::scanner) continue;
    found.true_scanners.insert(IpAddress::parse(host.ipv4.text()).value());
  }
  ResolverOptions resolver_options;
  resolver_options.changes.learning = 1h;
  Resolver resolver(resolver_options);
  resolver.begin(Epoch{1}, 0);
  Timestamp last;
  const auto note = [&found](const Revision& revision) {
    for (const ChangeEvent& e : revision.events) {
      if (e.type == ChangeType::scan) found.scans.push_back(e);
    }
  };
  static_cast<void>(truth::simulate(options, [&](const FlowBatch& batch, Timestamp now) {
    resolver.add(batch, now);
    if (now < last + 60s) return;
    last = now;
    note(resolver.flush(now));
  }));
  note(resolver.finish(last + 10min));
  return found;
}

}  // namespace

TEST_CASE("scans: who scans is found, once, and nobody else") {
  for (const std::uint64_t seed : {19u, 1'000'022u}) {
    CAPTURE(seed);
    const Found found = run(1, seed);
    CHECK(found.true_scanners.size() == 2);
    std::set<IpAddress> scanners;
    for (const ChangeEvent& e : found.scans) scanners.insert(e.endpoint.address);
    CHECK(scanners == found.true_scanners);
    CHECK(found.scans.size() == 2);  // it goes on: one event each
  }
}

TEST_CASE("scans: sampled, those are found of which enough is seen; nobody else ever is") {
  // A scanner calls some 900 ends a window, a host on some 15 to 90 of its ports.
  for (const std::uint32_t sampling : {2u, 100u}) {
    CAPTURE(sampling);
    const Found found = run(sampling, 19);
    for (const ChangeEvent& e : found.scans)
      CHECK(found.true_scanners.contains(e.endpoint.address));
    CHECK(found.scans.size() == (sampling == 2 ? 2 : 0));
  }
}
