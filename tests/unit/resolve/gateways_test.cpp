// From flows to gateways: the Resolver learns routes, tells changes in its revisions, keeps both over a restart.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "flowlens/resolver.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// What a router exports in five minutes: twenty clients ask a server behind `next_hop`.
void send(Resolver& resolver, const char* next_hop, Timestamp at) {
  std::vector<FlowRecord> flows;
  for (int i = 1; i <= 20; ++i) {
    FlowRecord f = tcp(("10.5.0." + std::to_string(i)).c_str(), 40'000, "10.1.0.9", 443)
                       .begun_by(Initiator::source)
                       .at(at + 10s, at + 20s)
                       .came(at + 21s);
    f.next_hop = address(next_hop);
    f.destination_prefix_length = 16;
    f.present |= static_cast<std::uint32_t>(FlowField::next_hop) |
                 static_cast<std::uint32_t>(FlowField::destination_prefix_length);
    flows.push_back(f);
  }
  resolver.add(flows, at + 21s);
}

std::vector<ChangeEvent> gateway_events(const Revision& r) {
  std::vector<ChangeEvent> events;
  std::copy_if(r.events.begin(), r.events.end(), std::back_inserter(events),
               [](const ChangeEvent& e) { return e.type == ChangeType::gateway_changed; });
  return events;
}

struct Run {
  std::vector<ChangeEvent> events;

  void play(Resolver& resolver, int first, int end) {
    for (int w = first; w < end; ++w) {
      const Timestamp at = kNoon + 5min * w;
      send(resolver, w < 12 ? "10.0.0.1" : "10.0.0.2", at);
      for (const ChangeEvent& e : gateway_events(resolver.flush(at + 1min))) events.push_back(e);
    }
  }
};

}  // namespace

TEST_CASE("gateways: a failover is in a revision, once, and counted") {
  Resolver resolver;
  resolver.begin(Epoch{1}, 0);
  Run run;
  run.play(resolver, 0, 30);
  REQUIRE(run.events.size() == 1);
  CHECK(run.events[0].reason ==
        "192.0.2.1 reaches 10.1.0.0/16 over 10.0.0.2; before, over 10.0.0.1");
  CHECK(resolver.graph().change(run.events[0].id) == run.events[0]);
  const auto counters = resolver.changes_counters();
  CHECK(counters.events[static_cast<std::size_t>(ChangeType::gateway_changed)] == 1);
  CHECK(resolver.gateways().in_use() == std::vector<Endpoint>{{{}, address("10.0.0.2")}});
  CHECK(resolver.next_hops_refused() == 0);
  // The last window is open until the end.
  const auto flows = [&] { return resolver.gateways().gateways({}).rows.back().flows; };
  CHECK(flows() == 17 * 20);
  (void)resolver.finish(kNoon + 3h);
  CHECK(flows() == 18 * 20);
}

TEST_CASE("gateways: a restart between the failover and the event, or behind it, changes nothing") {
  for (const int restart : {5, 12, 13, 14, 15, 20}) {
    CAPTURE(restart);
    Resolver before, after;
    Run run;
    before.begin(Epoch{1}, 0);
    run.play(before, 0, restart);
    for (const ChangeEvent& e : gateway_events(before.finish(kNoon + 5min * restart))) {
      run.events.push_back(e);
    }
    REQUIRE(after.load_gateways(before.gateways().save()).code == DiagnosticCode::none);
    after.graph().apply(before.graph().copy());
    after.begin(Epoch{2}, 100);
    run.play(after, restart, 30);
    REQUIRE(run.events.size() == 1);
    CHECK(run.events[0].at == kNoon + 65min);
  }
}

TEST_CASE("gateways: where changes are not watched routes are known all the same") {
  ResolverOptions options;
  options.changes.is_on = false;
  Resolver resolver{options};
  resolver.begin(Epoch{1}, 0);
  Run run;
  run.play(resolver, 0, 30);
  CHECK(run.events.empty());
  CHECK(resolver.gateways().in_use() == std::vector<Endpoint>{{{}, address("10.0.0.2")}});
}
