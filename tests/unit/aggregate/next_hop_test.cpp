// Flows by exporter, destination and next hop, window by window.
#include "flowlens/next_hop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "flowlens/error.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

void mark(FlowRecord& f, FlowField field) { f.present |= static_cast<std::uint32_t>(field); }

FlowRecord over(FlowRecord f, const char* next_hop, int mask = -1) {
  f.next_hop = address(next_hop);
  mark(f, FlowField::next_hop);
  f.egress_interface = 7;
  mark(f, FlowField::egress_interface);
  if (mask >= 0) {
    f.destination_prefix_length = static_cast<std::uint8_t>(mask);
    mark(f, FlowField::destination_prefix_length);
  }
  return f;
}
FlowRecord to(const char* destination) { return tcp("10.9.9.9", 40'000, destination, 443); }

void move(FlowRecord& f, std::chrono::nanoseconds later) {
  f.start += later;
  f.end += later;
  f.received += later;
}

std::vector<NextHopSighting> seen_of(const std::vector<FlowRecord>& flows,
                                     NextHopCounterOptions options = {}) {
  const Enricher enricher;
  std::vector<FlowLabels> labels;
  enricher.label(flows, labels);
  NextHopCounter counter{options};
  counter.add(flows, labels);
  std::vector<NextHopSighting> out;
  counter.take_all(out);
  return out;
}

/// `10.1.0.0/16 over 10.0.0.1`, or nothing.
std::string way_of(const FlowRecord& flow) {
  const auto seen = seen_of({flow});
  if (seen.empty()) return "";
  REQUIRE(seen.size() == 1);
  return seen[0].route.destination.to_string() + " over " + seen[0].next_hop.to_string();
}

}  // namespace

TEST_CASE("next hop: the network is the one told, or as good as can be said") {
  CHECK(way_of(over(to("10.1.2.3"), "10.0.0.1", 16)) == "10.1.0.0/16 over 10.0.0.1");
  CHECK(way_of(over(to("10.1.2.3"), "10.0.0.1", 31)) == "10.1.2.2/31 over 10.0.0.1");
  CHECK(way_of(over(to("10.1.2.3"), "10.0.0.1")) == "10.1.2.0/24 over 10.0.0.1");
  CHECK(way_of(over(to("10.1.2.3"), "10.0.0.1", 32)) == "10.1.2.0/24 over 10.0.0.1");
  CHECK(way_of(over(to("10.1.2.3"), "10.0.0.1", 0)) == "10.1.2.0/24 over 10.0.0.1");
  CHECK(way_of(over(to("10.1.2.3"), "10.0.0.1", 255)) == "10.1.2.0/24 over 10.0.0.1");
  CHECK(way_of(over(to("fd00:1:2:3::4"), "fd00::1", 48)) == "fd00:1:2::/48 over fd00::1");
  CHECK(way_of(over(to("fd00:1:2:3::4"), "fe80::1")) == "fd00:1:2:3::/64 over fe80::1");
  CHECK(way_of(over(to("fd00:1:2:3::4"), "fd00::1", 128)) == "fd00:1:2:3::/64 over fd00::1");
  // All that is outside is one.
  CHECK(way_of(over(to("8.8.8.8"), "10.0.0.1", 24)) == "0.0.0.0/0 over 10.0.0.1");
  CHECK(way_of(over(to("2600::1"), "fd00::1", 32)) == "::/0 over fd00::1");
}

TEST_CASE("next hop: what leads nowhere is passed over") {
  CHECK(way_of(over(to("10.1.2.3"), "0.0.0.0", 24)) == "10.1.2.0/24 over ::");
  CHECK(way_of(over(to("fd00::3"), "::", 64)) == "fd00::/64 over ::");
  CHECK(way_of(over(to("10.1.2.3"), "10.1.2.3", 24)) == "10.1.2.0/24 over ::");
  CHECK(way_of(to("10.1.2.3")) == "");
  CHECK(way_of(over(to("224.0.0.5"), "10.0.0.1")) == "");
  CHECK(way_of(over(to("255.255.255.255"), "10.0.0.1")) == "");
  CHECK(way_of(over(to("10.1.2.3"), "224.0.0.2")) == "");
  CHECK(way_of(over(to("10.1.2.3"), "127.0.0.1")) == "");
  FlowRecord denied = over(to("10.1.2.3"), "10.0.0.1");
  denied.kind = FlowKind::denied;
  CHECK(way_of(denied) == "");
  FlowRecord to_router = over(to("10.1.2.3"), "0.0.0.0", 24);
  to_router.egress_interface = 0;
  CHECK(way_of(to_router) == "");
  to_router.next_hop = address("10.0.0.1");
  CHECK(way_of(to_router) == "10.1.2.0/24 over 10.0.0.1");
}

TEST_CASE("next hop: what is counted, and at which site") {
  EnricherOptions sites;
  sites.sites.push_back({"paris", {}, IpPrefix::parse("10.1.0.0/16").value()});
  const Enricher enricher{sites};
  std::vector<FlowRecord> flows{over(to("10.1.2.3"), "10.0.0.1", 16),
                                over(to("10.1.2.4"), "10.0.0.1", 16),
                                over(to("10.1.2.4"), "10.0.0.2", 16)};
  flows[0].sampling_rate = 10;
  flows[1].egress_interface = 8;
  move(flows[1], 5s);
  std::vector<FlowLabels> labels;
  enricher.label(flows, labels);
  NextHopCounter counter;
  counter.add(flows, labels);
  std::vector<NextHopSighting> seen;
  counter.take_all(seen);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].route.exporter == address("192.0.2.1"));
  CHECK(enricher.sites().name(seen[0].route.site) == "paris");
  CHECK(seen[0].next_hop == address("10.0.0.1"));
  CHECK(seen[0].flows == 2);
  CHECK(seen[0].octets == 11'000);
  CHECK(seen[0].egress_interface == 8);
  CHECK(seen[0].last == kNoon + 35s);
  CHECK(seen[0].window_start == kNoon);
  CHECK((seen[0].pairs & seen[1].pairs) != 0);  // 10.9.9.9 and 10.1.2.4 talked over both
  CHECK(seen[1].flows == 1);
}

TEST_CASE("next hop: windows are over a minute after their end; what is late counts in the next") {
  const Enricher enricher;
  NextHopCounter counter;
  std::vector<FlowLabels> labels;
  std::vector<NextHopSighting> seen;
  const auto add = [&](std::chrono::seconds later) {
    std::vector<FlowRecord> flows{over(to("10.1.2.3"), "10.0.0.1")};
    move(flows[0], later);
    enricher.label(flows, labels);
    counter.add(flows, labels);
  };
  add(0s);
  add(5min);
  counter.take_closed(kNoon + 5min + 59s, seen);
  CHECK(seen.empty());
  counter.take_closed(kNoon + 6min, seen);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].window_start == kNoon);
  counter.take_closed(kNoon + 7min, seen);
  CHECK(seen.size() == 1);
  add(0s);
  counter.take_all(seen);
  REQUIRE(seen.size() == 2);
  CHECK(seen[1].window_start == kNoon + 5min);
  CHECK(seen[1].flows == 2);
  add(6min);  // that window is over as well now
  counter.take_all(seen);
  CHECK(seen[2].window_start == kNoon + 10min);
}

TEST_CASE("next hop: implausible times are clamped to when the flow came") {
  FlowRecord early = over(to("10.1.2.3"), "10.0.0.1"), late = early;
  early.end = Timestamp::min();
  late.end = Timestamp::max();
  const auto seen = seen_of({early, late});
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].window_start == kNoon - 1h);
  CHECK(seen[1].window_start == kNoon);
}

TEST_CASE("next hop: the order of flows does not matter") {
  std::vector<FlowRecord> flows;
  for (int i = 0; i < 500; ++i) {
    flows.push_back(over(to(("10.1." + std::to_string(i % 7) + ".3").c_str()),
                         i % 3 == 0 ? "10.0.0.1" : "10.0.0.2"));
    flows.back().egress_interface = static_cast<std::uint32_t>(i % 5);
    move(flows.back(), std::chrono::seconds{i / 2});
  }
  const auto fields = [](const std::vector<NextHopSighting>& seen) {
    std::string text;
    for (const NextHopSighting& s : seen) {
      text += s.route.destination.to_string() + " " + s.next_hop.to_string() + " " +
              std::to_string(s.flows) + " " + std::to_string(s.egress_interface) + " " +
              std::to_string(s.pairs) + " " + to_string(s.last) + "\n";
    }
    return text;
  };
  const std::string expected = fields(seen_of(flows));
  std::mt19937 rng{1};
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    std::shuffle(flows.begin(), flows.end(), rng);
    NextHopCounterOptions options;
    options.hash_seed = seed;
    CHECK(fields(seen_of(flows, options)) == expected);
  }
}

TEST_CASE("next hop: past the bound flows are refused and counted, until windows close") {
  NextHopCounterOptions options;
  options.max_sightings = 10;
  const Enricher enricher;
  NextHopCounter counter{options};
  std::vector<FlowRecord> flows;
  for (int i = 0; i < 30; ++i) {
    flows.push_back(over(to(("10.1." + std::to_string(i) + ".3").c_str()), "10.0.0.1"));
  }
  std::vector<FlowLabels> labels;
  enricher.label(flows, labels);
  counter.add(flows, labels);
  counter.add(flows, labels);
  std::vector<NextHopSighting> seen;
  counter.take_all(seen);
  CHECK(seen.size() == 10);
  CHECK(counter.refused_flows() == 40);
  counter.add(flows, labels);
  counter.take_all(seen);
  CHECK(seen.size() == 20);
  options.max_sightings = 0;
  CHECK_THROWS_AS(NextHopCounter{options}, ConfigError);
  options = {};
  options.window = 0s;
  CHECK_THROWS_AS(NextHopCounter{options}, ConfigError);
}
