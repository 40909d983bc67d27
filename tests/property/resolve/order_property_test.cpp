// Any order of arrival within the allowed lateness gives the same map and the same ledger, however
// often it is flushed and in whatever steps windows close, and at every moment between the sums are
// exact.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/graph_export.hpp"
#include "flowlens/resolver.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

struct Outcome {
  std::string map;
  FlowLedger ledger;
  TrafficCounts totals;
  AggregatorCounters counters;
};

struct Arrival {
  Timestamp at;
  std::size_t flow;
};

/// Some time after the flow ended, but before a window it has a part in is closed.
std::vector<Arrival> draw_arrivals(Dice& dice, const std::vector<FlowRecord>& flows) {
  std::vector<Arrival> arrivals;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const auto into_window = (flows[i].start - kNoon) % std::chrono::nanoseconds{300s};
    const Timestamp closes = flows[i].start - into_window + 300s + 60s;
    const Timestamp latest = std::min(flows[i].end + 55s, closes - 1ms);
    const auto room = static_cast<std::uint64_t>((latest - flows[i].end).count());
    arrivals.push_back({flows[i].end + std::chrono::nanoseconds{dice.below(room)}, i});
  }
  dice.shuffle(arrivals);
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
  return arrivals;
}

void check_sums(const Resolver& resolver) {
  const FlowLedger ledger = resolver.ledger();
  REQUIRE(ledger.balanced());
  REQUIRE(ledger.applied == resolver.graph().counters().totals.flows);
}

/// The first line of `a` that `b` has otherwise: a whole map would be too much to read.
std::string difference(const std::string& a, const std::string& b) {
  std::istringstream in_a{a}, in_b{b};
  std::string line_a, line_b;
  while (std::getline(in_a, line_a)) {
    if (!std::getline(in_b, line_b) || line_a != line_b) return line_a + "\n" + line_b;
  }
  return a == b ? "" : "one is longer";
}

std::string exported(const DependencyGraph& graph) {
  std::ostringstream out;
  write_graph(graph, ExportFormat::json, out);
  return out.str();
}

/// Whether a window of a dependency counts as the other way round now.
bool is_turned(const std::vector<Alias>& aliases, const Id& dependency, Timestamp start) {
  const Alias* next = nullptr;
  for (const Alias& alias : aliases) {
    if (alias.id != dependency || alias.at <= start) continue;
    if (next == nullptr || alias.at < next->at) next = &alias;
  }
  return next != nullptr && next->is_turned;
}

enum class Flushes { at_the_end, whole, in_parts };

/// Some steps of a close, which do not show in the ledger.
void close_some(Dice& dice, Resolver& resolver) {
  const FlowLedger before = resolver.ledger();
  resolver.go_on_closing(dice.below(40));
  const FlowLedger after = resolver.ledger();
  REQUIRE(after.balanced());
  REQUIRE(after.applied == before.applied);
}

Outcome run(Dice& dice, const std::vector<FlowRecord>& flows, Flushes flushes) {
  Resolver resolver;
  DependencyGraph follower;
  std::map<std::pair<Id, Timestamp>, TrafficCounts> windows;
  std::vector<Alias> aliases;
  const auto follow = [&](const Revision& revision) {
    follower.apply(revision);
    for (const WindowRow& row : revision.windows)
      windows[{row.dependency, row.window_start}] = row.counts;
    for (const Alias& alias : revision.aliases) {
      for (Alias& known : aliases) {
        if (known.target != alias.id) continue;
        known.target = alias.target;
        known.is_turned = known.is_turned != alias.is_turned;
      }
      aliases.push_back(alias);
    }
  };
  FlushedSummaries summaries;
  Timestamp now = kNoon;
  for (const Arrival& arrival : draw_arrivals(dice, flows)) {
    now = arrival.at;
    FlowRecord flow = flows[arrival.flow];
    flow.received = now;
    resolver.add(std::span{&flow, 1}, now);
    if (flushes == Flushes::in_parts) close_some(dice, resolver);
    if (flushes == Flushes::at_the_end || !dice.one_in(30)) continue;
    if (flushes == Flushes::whole) {
      follow(resolver.flush(now));
    } else {
      resolver.summarize_in_parts(now, summaries);
      follow(resolver.apply(summaries));
    }
    check_sums(resolver);
  }
  follow(resolver.finish(now));
  check_sums(resolver);
  // Who only got the revisions has the same map, and windows that add up to it.
  CHECK(difference(exported(resolver.graph()), exported(follower)) == "");
  TrafficCounts in_windows;
  for (const auto& [key, counts] : windows) {
    in_windows += is_turned(aliases, key.first, key.second) ? counts.turned() : counts;
  }
  CHECK(in_windows == resolver.graph().counters().totals);
  return {exported(resolver.graph()), resolver.ledger(), resolver.graph().counters().totals,
          resolver.aggregator_counters()};
}

void check_equal(const FlowLedger& a, const FlowLedger& b) {
  CHECK(a.normalized == b.normalized);
  CHECK(a.applied == b.applied);
  CHECK(a.duplicate == b.duplicate);
  CHECK(a.attempt == b.attempt);
  CHECK(a.control == b.control);
  CHECK(a.dropped == b.dropped);
  CHECK(a.late_carried == b.late_carried);
}

}  // namespace

TEST_CASE("order: shuffled arrivals within the lateness give the identical map") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    TrafficOptions options;
    options.conversations = 30 + dice.below(150);
    options.hosts = 3 + dice.below(10);
    const std::vector<FlowRecord> flows = draw_traffic(dice, options);
    const Outcome first = run(dice, flows, Flushes::at_the_end);
    CHECK(first.ledger.late_carried == 0);
    CHECK(first.counters.times_clamped == 0);
    CHECK(first.counters.conversations == 0);
    for (int again = 0; again < 6; ++again) {
      CAPTURE(again);
      const Outcome other = run(dice, flows, static_cast<Flushes>(again % 3));
      REQUIRE(difference(first.map, other.map) == "");
      check_equal(first.ledger, other.ledger);
      CHECK(first.totals == other.totals);
    }
  }
}
