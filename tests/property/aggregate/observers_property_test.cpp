// The same traffic, told by one, two or four exporters whose clocks disagree by up to 5 s either way,
// is the same map.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "aggregate/spread.hpp"
#include "flowlens/aggregator.hpp"
#include "flowlens/enricher.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Talk {
  std::string client, server;
  std::uint16_t client_port, server_port;
  std::uint8_t protocol;
  Timestamp start, end;
  std::uint64_t octets_up, octets_down;
};

std::vector<Talk> draw_talks(Dice& dice) {
  constexpr std::uint16_t kPorts[] = {53, 443, 5432, 8443, 9'200};
  std::vector<Talk> talks;
  for (int i = 0; i < 400; ++i) {
    Talk t;
    t.client = "10.0.1." + std::to_string(1 + dice.below(40));
    t.server = "10.0.0." + std::to_string(1 + dice.below(10));
    t.client_port = static_cast<std::uint16_t>(33'000 + i);
    t.server_port = dice.of(kPorts);
    t.protocol = t.server_port == 53 ? 17 : 6;
    t.start = kNoon + std::chrono::milliseconds{dice.below(1'200'000)};
    t.end = t.start +
            std::chrono::milliseconds{dice.one_in(4) ? dice.below(400'000) : dice.below(20'000)};
    t.octets_up = 1'000 + dice.below(100'000);
    t.octets_down = 1'000 + dice.below(1'000'000);
    talks.push_back(t);
  }
  return talks;
}

/// One exporter's records: cut by an active timeout of 60 s, sent 15 s after the last packet.
void tell(const Talk& t, const std::string& exporter, std::chrono::seconds skew,
          std::vector<FlowRecord>& out) {
  aggregate::Spread up{t.octets_up, t.start, t.end}, down{t.octets_down, t.start, t.end};
  for (Timestamp from = t.start;;) {
    const Timestamp to = std::min(from + 60s, t.end);
    const bool is_last = to == t.end;
    for (const bool is_answer : {false, true}) {
      aggregate::Spread& spread = is_answer ? down : up;
      Flow f = is_answer ? with_ports(t.protocol, t.server, t.server_port, t.client, t.client_port)
                         : with_ports(t.protocol, t.client, t.client_port, t.server, t.server_port);
      if (t.protocol == 6) f.flags(kTcpSyn | kTcpAck | kTcpPsh);
      f.octets(is_last ? spread.rest() : spread.until(to)).by(exporter);
      f.packets(f.octet_count / 500 + 1).at(from + skew, to + skew).came(to + 15s);
      out.push_back(f);
    }
    if (is_last) return;
    from = to;
  }
}

struct Map {
  std::map<DependencyKey, std::uint64_t> octets;
  FlowOctetLedger ledger;
};

Map map_of(const std::vector<Talk>& talks, const std::vector<std::chrono::seconds>& skews,
           Dice& dice) {
  std::vector<FlowRecord> flows;
  for (std::size_t e = 0; e < skews.size(); ++e) {
    for (const Talk& t : talks) tell(t, "192.0.2." + std::to_string(1 + e), skews[e], flows);
  }
  dice.shuffle(flows);
  std::stable_sort(flows.begin(), flows.end(), [](const FlowRecord& a, const FlowRecord& b) {
    return a.received < b.received;
  });
  Enricher enricher;
  Aggregator aggregator;
  std::vector<ConnectionSummary> rows;
  for (const FlowRecord& flow : flows) {
    const FlowLabels labels = enricher.label(flow);
    aggregator.add({&flow, 1}, {&labels, 1}, flow.received);
    aggregator.flush(flow.received, rows);
  }
  aggregator.finish(rows);
  Map map;
  for (const ConnectionSummary& row : rows) {
    map.octets[row.key] += row.added.octets_to_client + row.added.octets_to_server;
  }
  std::erase_if(map.octets, [](const auto& entry) { return entry.second == 0; });
  map.ledger = aggregator.octets();
  return map;
}

}  // namespace

TEST_CASE("observers: one, two and four with clocks apart give the same edges and octets") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    const std::vector<Talk> talks = draw_talks(dice);
    const Map one = map_of(talks, {0s}, dice);
    std::uint64_t sum = 0;
    for (const Talk& t : talks) sum += t.octets_up + t.octets_down;
    CHECK(one.ledger.applied == sum);
    for (const std::vector<std::chrono::seconds>& skews :
         {std::vector<std::chrono::seconds>{5s, -5s},
          {-5s, 5s},
          {-5s, 5s, 0s, 3s},
          {5s, 5s, -5s, -5s}}) {
      CAPTURE(skews.size());
      const Map several = map_of(talks, skews, dice);
      CHECK(several.ledger.balanced());
      CHECK(several.ledger.received == skews.size() * sum);
      REQUIRE(several.octets.size() == one.octets.size());
      for (const auto& [key, octets] : one.octets) {
        REQUIRE(several.octets.count(key) == 1);
      }
      const double ratio = static_cast<double>(several.ledger.applied) / static_cast<double>(sum);
      CHECK(ratio == doctest::Approx(1.0).epsilon(0.01));
    }
  }
}
