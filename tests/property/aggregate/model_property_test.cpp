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
  Timestamp first = Timestamp::max(), last = Timestamp::min();
};
using Observers = std::map<ObserverKey, Sums>;
using Model = std::map<HalfKey, Observers>;

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
    const Timestamp begin = end - std::chrono::nanoseconds{300s};
    sums.first = std::min(sums.first, std::max(f.start, begin));
    sums.last = std::max(sums.last, is_last ? f.end : end);
  }
}

/// Unsampled, the lowest rate, who it was before, the most packets, the lowest address.
ObserverKey best_of(const Observers& observers, const ObserverKey* before) {
  return std::min_element(observers.begin(), observers.end(),
                          [&](const auto& a, const auto& b) {
                            const auto rank = [&](const auto& o) {
                              return std::tuple{o.second.rate, !before || o.first != *before,
                                                ~o.second.packets, o.first};
                            };
                            return rank(a) < rank(b);
                          })
      ->first;
}

/// Who was chosen for each half, and whether all of it was counted in the window before.
struct Choice {
  ObserverKey observer;
  bool is_tail = false;
};
std::map<HalfKey, Choice> choices_of(const Model& model) {
  std::map<HalfKey, Choice> chosen;  // the windows before come first
  for (const auto& [key, observers] : model) {
    HalfKey other{key.window, key.protocol, key.to, key.from}, then = key;
    --then.window;
    const auto first = [&](const HalfKey& half) {
      const auto it = model.find(half);
      return it == model.end() ? Timestamp::max()
                               : it->second.at(best_of(it->second, nullptr)).first;
    };
    const Timestamp start = kNoon + std::chrono::nanoseconds{300s} * key.window;
    const auto was = chosen.find(then);
    const bool follows = was != chosen.end() && std::min(first(key), first(other)) < start + 60s;
    Choice choice{best_of(observers, follows ? &was->second.observer : nullptr), false};
    if (follows) {
      const Sums& before = model.at(then).at(was->second.observer);
      choice.is_tail = before.rate == 1 && !observers.contains(was->second.observer);
      for (const auto& [observer, sums] : observers) {
        choice.is_tail =
            choice.is_tail && sums.last <= before.last + AggregatorOptions{}.max_clock_skew;
      }
    }
    chosen.emplace(key, choice);
  }
  return chosen;
}

/// Sums of the best observers, by window and the two addresses.
using Pair = std::tuple<std::int64_t, std::uint8_t, IpAddress, IpAddress>;
std::map<Pair, Sums> best_of(const Model& model) {
  std::map<Pair, Sums> result;
  const std::map<HalfKey, Choice> choices = choices_of(model);
  for (const auto& [key, observers] : model) {
    const Choice& choice = choices.at(key);
    if (choice.is_tail) continue;
    const Sums& best = observers.at(choice.observer);
    Sums& sums = result[{key.window, key.protocol, std::min(key.from.first, key.to.first),
                         std::max(key.from.first, key.to.first)}];
    sums.octets += best.octets;
    sums.packets += best.packets;
    sums.estimated += best.estimated;
    sums.flows += best.flows;
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
      if (f.protocol == 6) f.tcp_flags |= kTcpAck | kTcpPsh;
      f.received = f.end;
    }
    dice.shuffle(flows);
    Model model;
    for (const FlowRecord& f : flows) add(model, f);

    Aggregator aggregator;
    // A first datagram to a port of no known service would be an attempt, too.
    FlowLabels known;
    known.source_service = known.destination_service = ServiceId{1};
    const std::vector<FlowLabels> labels(flows.size(), known);
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
    CHECK(aggregator.octets().balanced());
    std::uint64_t octets_in = 0, octets_out = 0;
    for (const FlowRecord& f : flows) octets_in += f.octet_count;
    for (const auto& [key, sums] : found) octets_out += sums.octets;
    CHECK(aggregator.octets().received == octets_in);
    CHECK(aggregator.octets().applied == octets_out);
  }
}
