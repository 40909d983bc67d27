// The Aggregator against a model that keeps every flow and adds up at the end, the slow and plain way.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "aggregate/spread.hpp"
#include "flowlens/aggregator.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// One end of a conversation as the model sees it; a ping is told apart by who asks.
using End = std::pair<IpAddress, std::uint16_t>;
struct HalfKey {
  std::int64_t window;
  std::uint8_t protocol;
  End from, to;
  friend auto operator<=>(const HalfKey&, const HalfKey&) = default;
};
using ObserverKey = std::tuple<IpAddress, std::uint32_t, std::uint8_t>;
struct Sums {
  std::uint64_t octets = 0, packets = 0, estimated = 0, flows = 0;
  std::uint32_t rate = 0;
};
using Model = std::map<HalfKey, std::map<ObserverKey, Sums>>;

bool is_conversation(const FlowRecord& f) {
  if (f.kind == FlowKind::denied) return false;
  return f.protocol != 1 || f.icmp_type_code >> 8 == 8 || f.icmp_type_code >> 8 == 0;
}

std::pair<End, End> ends_of(const FlowRecord& f) {
  std::uint16_t from = f.source_port, to = f.destination_port;
  if (f.protocol == 1) (f.icmp_type_code >> 8 == 8 ? from : to) = 1;
  return {{f.source_address, from}, {f.destination_address, to}};
}

void add(Model& model, const FlowRecord& f) {
  const auto [from, to] = ends_of(f);
  const Timestamp last = f.end > f.start ? f.end - 1ns : f.end;
  const auto number = [](Timestamp t) { return (t - kNoon) / std::chrono::nanoseconds{300s}; };
  aggregate::Spread octets{f.octet_count, f.start, f.end}, packets{f.packet_count, f.start, f.end};
  for (std::int64_t w = number(f.start); w <= number(last); ++w) {
    const bool is_last = w == number(last);
    const Timestamp end = kNoon + std::chrono::nanoseconds{300s} * (w + 1);
    const std::uint64_t o = is_last ? octets.rest() : octets.until(end);
    const std::uint64_t p = is_last ? packets.rest() : packets.until(end);
    if (!is_last && o == 0 && p == 0) continue;
    Sums& sums =
        model[{w, f.protocol, from, to}][{f.exporter, f.observation_domain, f.flow_direction}];
    sums.octets += o;
    sums.packets += p;
    sums.estimated += o * f.sampling_rate;
    sums.flows += is_last;
    sums.rate = std::max(sums.rate, f.sampling_rate);
  }
}

/// Sums of the best observers, by window and the two addresses.
using Pair = std::tuple<std::int64_t, std::uint8_t, IpAddress, IpAddress>;
std::map<Pair, Sums> best_of(const Model& model) {
  std::map<Pair, Sums> result;
  for (const auto& [key, observers] : model) {
    const auto best =
        std::min_element(observers.begin(), observers.end(), [](const auto& a, const auto& b) {
          return std::tuple{a.second.rate, ~a.second.packets, a.first} <
                 std::tuple{b.second.rate, ~b.second.packets, b.first};
        });
    Sums& sums = result[{key.window, key.protocol, std::min(key.from.first, key.to.first),
                         std::max(key.from.first, key.to.first)}];
    sums.octets += best->second.octets;
    sums.packets += best->second.packets;
    sums.estimated += best->second.estimated;
    sums.flows += best->second.flows;
  }
  return result;
}

}  // namespace

TEST_CASE("aggregator: sums of the best observers, whoever serves") {
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    TrafficOptions options;
    options.hosts = 4;
    std::vector<FlowRecord> flows = draw_traffic(dice, options);
    // Attempts leave no row to compare; here all TCP is answered.
    std::erase_if(flows, [](const FlowRecord& f) { return !is_conversation(f); });
    for (FlowRecord& f : flows) {
      if (f.protocol == 6) f.tcp_flags |= kTcpAck;
      f.received = f.end;
    }
    dice.shuffle(flows);
    Model model;
    for (const FlowRecord& f : flows) add(model, f);

    Aggregator aggregator;
    const std::vector<FlowLabels> labels(flows.size());
    aggregator.add(flows, labels, kNoon);
    std::vector<ConnectionSummary> rows;
    aggregator.finish(rows);

    std::map<Pair, Sums> found;
    for (const ConnectionSummary& s : rows) {
      CHECK_FALSE(s.provisional);
      CHECK(s.counts == s.added);
      Sums& sums = found[{(s.window_start - kNoon) / std::chrono::nanoseconds{300s}, s.key.protocol,
                          std::min(s.key.client.address, s.key.server.address),
                          std::max(s.key.client.address, s.key.server.address)}];
      sums.octets += s.counts.octets_to_client + s.counts.octets_to_server;
      sums.packets += s.counts.packets_to_client + s.counts.packets_to_server;
      sums.estimated += s.counts.estimated_octets_to_client + s.counts.estimated_octets_to_server;
      sums.flows += s.counts.flows;
    }
    std::map<Pair, Sums> want = best_of(model);
    std::erase_if(want, [](const auto& entry) {
      return entry.second.flows == 0 && entry.second.octets == 0 && entry.second.packets == 0;
    });
    REQUIRE(found.size() == want.size());
    for (const auto& [key, sums] : want) {
      REQUIRE(found.count(key) == 1);
      CHECK(found[key].octets == sums.octets);
      CHECK(found[key].packets == sums.packets);
      CHECK(found[key].estimated == sums.estimated);
      CHECK(found[key].flows == sums.flows);
    }
    CHECK(aggregator.ledger().balanced());
    CHECK(aggregator.ledger().normalized == flows.size());
    CHECK(aggregator.ledger().attempt == 0);
  }
}
