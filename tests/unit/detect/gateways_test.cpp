// Who leads where, and when that changes: failover is told once, ECMP, silence and chance never.
#include "flowlens/gateways.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/checksum.hpp"
#include "flowlens/error.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kR1 = "10.0.0.1";
constexpr const char* kR2 = "10.0.0.2";
constexpr const char* kR3 = "10.0.0.3";
constexpr const char* kAttached = "0.0.0.0";
constexpr const char* kNet = "10.1.0.0/16";
constexpr std::uint64_t kEverybody = ~std::uint64_t{0};

IpAddress hop(const char* text) {
  const IpAddress a = address(text);
  return a.is_unspecified() ? IpAddress{} : a;
}

/// An exporter in front of routers, window after window.
struct Network {
  Gateways gateways;
  std::vector<NextHopSighting> window;
  Timestamp at = kNoon;
  std::vector<ChangeEvent> events;  ///< all so far
  std::vector<ChangeEvent> latest;  ///< of the last window

  explicit Network(GatewaysOptions options = {}) : gateways(options) {}

  Network& sees(const char* net, const char* next_hop, std::uint64_t flows,
                std::uint64_t pairs = kEverybody, const char* exporter = "192.0.2.1") {
    if (flows == 0) return *this;
    NextHopSighting s;
    s.route = {address(exporter), {}, IpPrefix::parse(net).value()};
    s.next_hop = hop(next_hop);
    s.window_start = at;
    s.last = at + 4min;
    s.egress_interface = 7;
    s.flows = flows;
    s.octets = 1'000 * flows;
    s.pairs = pairs;
    window.push_back(s);
    return *this;
  }
  /// The window is over.
  void close(std::chrono::minutes length = 5min) {
    std::sort(window.begin(), window.end(), [](const auto& a, const auto& b) {
      return std::tie(a.route, a.next_hop) < std::tie(b.route, b.next_hop);
    });
    gateways.look(window, latest);
    events.insert(events.end(), latest.begin(), latest.end());
    window.clear();
    at += length;
  }
  void closes(int times, const char* net, const char* next_hop, std::uint64_t flows) {
    for (int i = 0; i < times; ++i) sees(net, next_hop, flows).close();
  }
  std::size_t causes() const {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [](const ChangeEvent& e) { return e.cause.is_none(); }));
  }
  std::set<std::string> used(const char* net = kNet) const {
    std::set<std::string> used;
    const auto row =
        gateways.route(address("192.0.2.1"), {{}, IpPrefix::parse(net).value().address}, true);
    if (!row) return used;
    for (const NextHopRow& h : row->next_hops) {
      if (h.is_used) used.insert(h.address.to_string());
    }
    return used;
  }
};

using Set = std::set<std::string>;

}  // namespace

TEST_CASE("gateways: a failover is told once, two windows after it, with before and after") {
  Network n;
  n.closes(10, kNet, kR1, 100);
  n.sees(kNet, kR1, 40).sees(kNet, kR2, 60).close();  // in the middle of a window
  n.sees(kNet, kR2, 100).close();
  CHECK(n.events.empty());
  CHECK(n.used() == Set{kR1, kR2});
  n.sees(kNet, kR2, 100).close();
  REQUIRE(n.latest.size() == 1);
  const ChangeEvent& e = n.latest[0];
  CHECK(e.type == ChangeType::gateway_changed);
  CHECK(e.severity == Severity::warning);
  CHECK(e.before == kR1);
  CHECK(e.after == kR2);
  CHECK(e.reason == "192.0.2.1 reaches 10.1.0.0/16 over 10.0.0.2; before, over 10.0.0.1");
  CHECK(e.endpoint.address == address("192.0.2.1"));
  CHECK(subject_kind(e) == "exporter");
  CHECK(e.at == kNoon + 60min);
  CHECK(n.used() == Set{kR2});
  n.closes(500, kNet, kR2, 100);
  CHECK(n.events.size() == 1);
  CHECK(n.gateways.counters().changes == 1);
}

TEST_CASE("gateways: a busy route tells it at once, few flows later") {
  for (const auto& [before, flows, windows] :
       {std::tuple{20, 100u, 2}, {20, 1u, 12}, {3, 100u, 2}, {20, 5u, 3}}) {
    Network n;
    n.closes(before, kNet, kR1, flows);
    CAPTURE(before);
    CAPTURE(flows);
    n.closes(windows - 1, kNet, kR2, flows);
    CHECK(n.events.empty());
    n.closes(1, kNet, kR2, flows);
    CHECK(n.events.size() == 1);
  }
}

TEST_CASE("gateways: routers that are directly attached, and sets that change as a whole") {
  Network n;
  for (int i = 0; i < 20; ++i) {
    n.sees(kNet, kR1, 50).sees(kNet, kR2, 50);
    n.sees("10.2.0.0/16", kAttached, 50);
    n.sees("10.3.0.0/16", kR1, 50).close();
  }
  for (int i = 0; i < 2; ++i) {
    n.sees(kNet, kR3, 100).sees("10.2.0.0/16", kR3, 50).sees("10.3.0.0/16", kAttached, 50).close();
  }
  REQUIRE(n.latest.size() == 3);
  Set told;
  for (const ChangeEvent& e : n.latest) told.insert(e.reason);
  CHECK(told ==
        Set{"192.0.2.1 reaches 10.1.0.0/16 over 10.0.0.3; before, over 10.0.0.1 and 10.0.0.2",
            "192.0.2.1 reaches 10.2.0.0/16 over 10.0.0.3; before, directly",
            "192.0.2.1 reaches 10.3.0.0/16 directly; before, over 10.0.0.1"});
}

TEST_CASE("gateways: many networks that change alike are one change, and stragglers belong to it") {
  GatewaysOptions options;
  options.max_parts = 20;
  Network n{options};
  const auto net = [](int i) { return "10." + std::to_string(i) + ".0.0/16"; };
  const auto see = [&](int nets, const char* router) {
    for (int i = 1; i <= nets; ++i) n.sees(net(i).c_str(), router, 50);
  };
  for (int i = 0; i < 10; ++i) see(12, kR1), n.sees("10.99.0.0/16", kR3, 50).close();
  for (int i = 0; i < 2; ++i) see(10, kR2), n.sees("10.99.0.0/16", kR3, 50).close();
  REQUIRE(n.events.size() == 11);
  const Id root = n.events[0].id;
  CHECK(n.events[0].cause.is_none());
  CHECK(n.events[0].reason ==
        "192.0.2.1 reaches 10.1.0.0/16 and 9 more networks over 10.0.0.2; before, over 10.0.0.1");
  std::set<Id> ids{root};
  for (std::size_t i = 1; i < 11; ++i) {
    CHECK(n.events[i].cause == root);
    ids.insert(n.events[i].id);
  }
  CHECK(ids.size() == 11);
  // Two that rested meanwhile.
  for (int i = 0; i < 2; ++i) see(12, kR2), n.close();
  REQUIRE(n.events.size() == 13);
  CHECK(n.events[12].cause == root);
  CHECK(n.events[12].reason ==
        "192.0.2.1 reaches 10.12.0.0/16 over 10.0.0.2; before, over 10.0.0.1");
  // Another exporter's is another one; parts are bounded.
  Network m{options};
  const auto all = [&](const char* router) {
    for (int i = 1; i <= 40; ++i) {
      for (const char* exporter : {"192.0.2.1", "192.0.2.2"}) {
        m.sees(net(i).c_str(), router, 50, kEverybody, exporter);
      }
    }
    m.close();
  };
  for (int i = 0; i < 10; ++i) all(kR1);
  for (int i = 0; i < 2; ++i) all(kR2);
  CHECK(m.causes() == 2);
  CHECK(m.events.size() == 42);
  CHECK(m.gateways.counters().left_out == 40);
}

TEST_CASE("gateways: ECMP raises nothing, however little there is to see and however it shifts") {
  std::mt19937 rng{7};
  for (int run = 0; run < 400; ++run) {
    Network n;
    const int flows = run % 4 == 0 ? 1 : run % 4 == 1 ? 3 : run % 4 == 2 ? 20 : 200;
    for (int w = 0; w < 400; ++w) {
      // The share of the first shifts over the time, and is none at all for a while.
      const double share = w < 200 ? 0.5 : w < 260 ? 0.8 : w < 320 ? 0.0 : 0.3;
      int first = 0;
      for (int i = 0; i < flows; ++i) {
        first += std::uniform_real_distribution<>{}(rng) < share ? 1 : 0;
      }
      n.sees(kNet, kR1, static_cast<std::uint64_t>(first));
      n.sees(kNet, kR2, static_cast<std::uint64_t>(flows - first));
      n.close();
    }
    CAPTURE(run);
    CHECK(n.events.empty());
  }
}

TEST_CASE("gateways: a member that carries little stays one, and one that carries nothing leaves") {
  Network n;
  for (int w = 0; w < 20; ++w) n.sees(kNet, kR1, 85).sees(kNet, kR2, 15).close();
  for (int w = 0; w < 60; ++w) n.sees(kNet, kR1, 94).sees(kNet, kR2, 6).close();
  n.closes(40, kNet, kR2, 100);
  CHECK(n.events.empty());
  // Only the second is left by now, so the first is another one.
  n.closes(2, kNet, kR1, 100);
  REQUIRE(n.events.size() == 1);
  CHECK(n.events[0].before == kR2);
  CHECK(n.events[0].after == kR1);
}

TEST_CASE("gateways: a sampled route of unequal shares raises nothing by chance") {
  std::mt19937 rng{11};
  for (int run = 0; run < 300; ++run) {
    Network n;
    for (int w = 0; w < 600; ++w) {
      int first = 0, second = 0;
      for (int i = 0; i < 2; ++i) {
        (std::uniform_real_distribution<>{}(rng) < 0.93 ? first : second) += 1;
      }
      n.sees(kNet, kR1, static_cast<std::uint64_t>(first));
      n.sees(kNet, kR2, static_cast<std::uint64_t>(second)).close();
    }
    CAPTURE(run);
    CHECK(n.events.empty());
  }
}

TEST_CASE("gateways: silence says nothing, however long, and a change behind it is still seen") {
  Network n;
  n.closes(20, kNet, kR1, 50);
  n.at += 24h * 6;
  n.closes(20, kNet, kR1, 50);
  CHECK(n.events.empty());
  n.at += 24h * 6;
  n.closes(2, kNet, kR2, 50);
  CHECK(n.events.size() == 1);
  // Others go on meanwhile.
  Network m;
  m.sees(kNet, kR1, 50);
  for (int i = 0; i < 100; ++i) m.sees("10.2.0.0/16", kR2, 50).close();
  CHECK(m.events.empty());
}

TEST_CASE("gateways: two halves of a network with a way each raise nothing, day and night") {
  Network n;
  constexpr std::uint64_t kDay = 0x0000'0000'ffff'ffff, kNight = ~kDay;
  for (int day = 0; day < 10; ++day) {
    for (int w = 0; w < 144; ++w) n.sees(kNet, kR1, 20, kDay).close();
    for (int w = 0; w < 144; ++w) n.sees(kNet, kR2, 20, kNight).close();
  }
  CHECK(n.events.empty());
  // And its failover is still one.
  for (int w = 0; w < 2; ++w) n.sees(kNet, kR3, 20, kNight).close();
  CHECK(n.events.size() == 1);
}

TEST_CASE("gateways: flows that keep the next hop they began with put the change off, no more") {
  Network n;
  n.closes(30, kNet, kR1, 50);
  // Caches that cut a flow after half an hour.
  for (int w = 0; w < 6; ++w) n.sees(kNet, kR1, 10).sees(kNet, kR2, 40).close();
  CHECK(n.events.empty());
  n.closes(12, kNet, kR2, 50);
  REQUIRE(n.events.size() == 1);
  CHECK(n.events[0].after == kR2);
}

TEST_CASE("gateways: there and back is told twice; what flaps soon no more") {
  Network n;
  n.closes(20, kNet, kR1, 50);
  n.closes(300, kNet, kR2, 50);
  n.closes(300, kNet, kR1, 50);
  n.closes(300, kNet, kR2, 50);
  CHECK(n.causes() == 3);
  CHECK(n.events.size() == 3);
  std::set<Id> ids;
  for (const ChangeEvent& e : n.events) ids.insert(e.id);
  CHECK(ids.size() == 3);
  // Within a day as well, but later each time.
  Network d;
  d.closes(20, kNet, kR1, 50);
  for (const auto& [router, windows] : {std::pair{kR2, 2}, {kR1, 4}, {kR2, 8}}) {
    const std::size_t before = d.events.size();
    d.closes(windows - 1, kNet, router, 50);
    CHECK(d.events.size() == before);
    d.closes(40, kNet, router, 50);
    CHECK(d.events.size() == before + 1);
  }
  CHECK(d.causes() == 3);
  for (const int period : {1, 2, 3, 5, 12, 24}) {
    Network m;
    m.closes(20, kNet, kR1, 50);
    for (int w = 0; w < 7 * 288; ++w) m.sees(kNet, w / period % 2 == 0 ? kR2 : kR1, 50).close();
    CAPTURE(period);
    CHECK(m.events.size() <= 4 * 7);
    CHECK((period < 2 || period > 3 || m.events.size() <= 7));
  }
}

TEST_CASE("gateways: zeros of an exporter that tells nothing else say nothing") {
  Network n;
  n.closes(10, kNet, kAttached, 50);
  CHECK(n.gateways.counters().routes == 0);
  CHECK(n.gateways.gateways({}).total == 0);
  n.sees(kNet, kAttached, 50).sees("10.2.0.0/16", kR1, 5).close();
  CHECK(n.gateways.counters().routes == 2);
  const auto page = n.gateways.gateways({});
  REQUIRE(page.rows.size() == 2);
  CHECK(page.rows[0].gateway.address == address(kR1));
  CHECK(page.rows[1].gateway.address == address("192.0.2.1"));  // behind the exporter itself
  CHECK(page.rows[1].routes[0].route.destination == IpPrefix::parse(kNet).value());
  CHECK(page.rows[1].routes[0].next_hop.address.is_unspecified());
  CHECK(n.gateways.in_use() == std::vector<Endpoint>{{{}, address(kR1)}});
}

TEST_CASE("gateways: lists, pages, and the way to an address") {
  Network n;
  for (int w = 0; w < 3; ++w) {
    n.sees(kNet, kR1, 75).sees(kNet, kR2, 25).sees("10.1.2.0/24", kR3, 10);
    n.sees("0.0.0.0/0", kR2, 40).sees("fd00::/16", "fd00::1", 4);
    n.sees(kNet, kR1, 8, kEverybody, "192.0.2.2").close();
  }
  const auto all = n.gateways.gateways({});
  REQUIRE(all.total == 4);
  CHECK(all.rows[0].gateway.address == address(kR1));
  CHECK(all.rows[0].route_count == 2);
  CHECK(all.rows[0].flows == 3 * 83);
  CHECK(all.rows[0].octets == 3 * 83'000);
  CHECK(all.rows[0].first_seen == kNoon);
  CHECK(all.rows[0].last_seen == kNoon + 14min);
  CHECK(all.rows[0].routes[0].next_hop.share == doctest::Approx(0.75));
  CHECK(all.rows[0].routes[0].next_hop.egress_interface == 7);
  CHECK(all.rows[1].routes[0].route.destination.to_string() == "0.0.0.0/0");
  GatewayQuery query;
  query.limit = 3;
  const auto first = n.gateways.gateways(query);
  CHECK(first.has_more);
  query.after = first.next;
  const auto second = n.gateways.gateways(query);
  REQUIRE(second.rows.size() == 1);
  CHECK_FALSE(second.has_more);
  CHECK(second.rows[0].gateway.address == address("fd00::1"));
  query = {};
  query.gateway = address(kR1);
  query.max_routes = 1;
  CHECK(n.gateways.gateways(query).rows.at(0).routes.size() == 1);
  CHECK(n.gateways.gateways(query).rows.at(0).route_count == 2);
  query.exporter = address("192.0.2.2");
  CHECK(n.gateways.gateways(query).rows.at(0).route_count == 1);

  const auto way = [&](const char* to, bool is_internal) {
    const auto row = n.gateways.route(address("192.0.2.1"), {{}, address(to)}, is_internal);
    return row ? row->route.destination.to_string() + " " + row->next_hops[0].address.to_string()
               : std::string{};
  };
  CHECK(way("10.1.2.3", true) == "10.1.2.0/24 10.0.0.3");
  CHECK(way("10.1.3.3", true) == "10.1.0.0/16 10.0.0.1");
  CHECK(way("10.2.3.3", true) == "");  // outside is not everything
  CHECK(way("8.8.8.8", false) == "0.0.0.0/0 10.0.0.2");
  CHECK(way("fd00::9", true) == "fd00::/16 fd00::1");
  CHECK(way("2600::9", false) == "");
  CHECK_FALSE(n.gateways.route(address("192.0.2.9"), {{}, address("10.1.2.3")}, true));
  CHECK_FALSE(n.gateways.route(address("192.0.2.1"), {SiteId{1}, address("10.1.2.3")}, true));
}

TEST_CASE("gateways: routes, next hops and events are bounded, and what is lost is counted") {
  GatewaysOptions options;
  options.max_routes = 16;
  Network n{options};
  n.closes(5, kNet, kR1, 50);
  for (int i = 0; i < 200; ++i) {  // a flood of networks that nobody has
    n.sees(("10.77." + std::to_string(i) + ".0/24").c_str(), kR2, 1);
    if (i % 50 == 49) n.close();
  }
  CHECK(n.gateways.counters().routes == 16);
  CHECK(n.gateways.counters().evicted_routes == 185);
  CHECK(n.used() == Set{kR1});
  for (int i = 0; i < 30; ++i) {
    n.sees(kNet, kR1, 50).sees(kNet, ("10.66.0." + std::to_string(i)).c_str(), 1).close();
  }
  const auto row = n.gateways.route(address("192.0.2.1"), {{}, address("10.1.0.0")}, true);
  REQUIRE(row);
  CHECK(row->next_hops.size() == kMaxNextHops);
  CHECK(row->next_hops[0].address == address(kR1));
  CHECK(n.gateways.counters().evicted_next_hops == 23);
  CHECK(n.events.empty());
  // A member that rests keeps its place.
  for (int i = 30; i < 40; ++i) {
    n.sees(kNet, ("10.66.0." + std::to_string(i)).c_str(), 1, 1).close();
  }
  GatewayQuery of_member;
  of_member.gateway = address(kR1);
  const auto member = n.gateways.gateways(of_member);
  REQUIRE(member.rows.size() == 1);
  CHECK(member.rows[0].first_seen == kNoon);
  of_member.gateway = address("10.66.0.39");
  CHECK(n.gateways.gateways(of_member).total == 1);

  options = {};
  options.max_events = 3;
  Network m{options};
  const auto see = [&](const char* router) {
    for (int i = 0; i < 10; ++i) {
      m.sees(kNet, router, 50, kEverybody, ("192.0.2." + std::to_string(i)).c_str());
    }
    m.close();
  };
  for (int i = 0; i < 10; ++i) see(kR1);
  for (int i = 0; i < 2; ++i) see(kR2);
  CHECK(m.events.size() == 3);
  CHECK(m.gateways.counters().left_out == 7);
}

TEST_CASE("gateways: what is silent for weeks is forgotten") {
  Network n;
  n.sees(kNet, kR1, 50).sees("10.2.0.0/16", kR2, 50).close();
  n.at += 24h * 27;
  n.sees(kNet, kR1, 50).close();
  CHECK(n.gateways.counters().routes == 2);
  n.at += 24h * 2;
  n.sees(kNet, kR1, 50).close();
  CHECK(n.gateways.counters().routes == 1);
}

TEST_CASE("gateways: without watching the routes are known and nothing is told") {
  GatewaysOptions options;
  options.is_watching = false;
  Network n{options};
  n.closes(10, kNet, kR1, 50);
  n.closes(10, kNet, kR2, 50);
  CHECK(n.events.empty());
  CHECK(n.used() == Set{kR2});
}

TEST_CASE("gateways: sightings of no flow say nothing") {
  Network n;
  n.closes(5, kNet, kR1, 50);
  for (int i = 0; i < 50; ++i) {
    n.sees(kNet, kR2, 1).sees("10.2.0.0/16", kR2, 1);
    for (NextHopSighting& s : n.window) s.flows = 0;
    n.close();
  }
  CHECK(n.events.empty());
  CHECK(n.used() == Set{kR1});
}

TEST_CASE("gateways: options that make no sense are refused") {
  for (const auto wrong :
       {+[](GatewaysOptions& o) { o.window = 0s; }, +[](GatewaysOptions& o) { o.max_routes = 0; },
        +[](GatewaysOptions& o) { o.silent_windows = 0; },
        +[](GatewaysOptions& o) { o.max_parts = 0; }}) {
    GatewaysOptions options;
    wrong(options);
    CHECK_THROWS_AS(Gateways{options}, ConfigError);
  }
}

TEST_CASE("gateways: over a restart nothing is forgotten, nor told twice or otherwise") {
  const auto play = [](Network& n, int w) {
    n.sees(kNet, w < 20 ? kR1 : kR2, 50).sees("10.2.0.0/16", w < 23 ? kR1 : kR2, 50);
    n.sees("10.3.0.0/16", kR1, 25).sees("10.3.0.0/16", kR3, 25);
    n.sees("10.4.0.0/16", kAttached, 5).close();
  };
  Network whole;
  for (int w = 0; w < 40; ++w) play(whole, w);
  REQUIRE(whole.causes() == 1);
  REQUIRE(whole.events.size() == 2);
  for (int restart = 1; restart < 40; ++restart) {
    Network before, after;
    for (int w = 0; w < restart; ++w) play(before, w);
    REQUIRE(after.gateways.load(before.gateways.save()).code == DiagnosticCode::none);
    CHECK(after.gateways.save() == before.gateways.save());
    after.at = before.at;
    for (int w = restart; w < 40; ++w) play(after, w);
    std::vector<ChangeEvent> events = before.events;
    events.insert(events.end(), after.events.begin(), after.events.end());
    CAPTURE(restart);
    CHECK(events == whole.events);
    CHECK(after.gateways.save() == whole.gateways.save());
    CHECK(after.used("10.4.0.0/16") == Set{"::"});
  }
}

TEST_CASE("gateways: a state that is none changes nothing") {
  Network n;
  for (int w = 0; w < 12; ++w) {
    n.sees(kNet, w < 10 ? kR1 : kR2, 50).sees("fd00::/64", "fd00::1", 3).close();
  }
  REQUIRE(n.events.size() == 1);
  const auto good = n.gateways.save();
  Network m;
  m.closes(3, kNet, kR3, 50);
  const auto before = m.gateways.save();
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK(m.gateways.load(std::span{good}.first(length)).code != DiagnosticCode::none);
  }
  GatewaysOptions other;
  other.window = 1min;
  Gateways of_other_window{other};
  CHECK(of_other_window.load(good).code == DiagnosticCode::state_damaged);
  CHECK(m.gateways.save() == before);
  GatewaysOptions small;
  small.max_routes = 1;
  Gateways with_less_room{small};
  CHECK(with_less_room.load(good).code == DiagnosticCode::none);
  CHECK(with_less_room.counters().routes == 1);
}

TEST_CASE("gateways: a state that somebody made up is refused, or does no harm") {
  Network n;
  for (int w = 0; w < 12; ++w) {
    n.sees(kNet, w < 10 ? kR1 : kR2, 50).sees("fd00::/64", "fd00::1", 3).close();
  }
  const auto good = n.gateways.save();
  const auto sealed = [](std::vector<std::byte> state) {
    state.erase(state.end() - 4, state.end());
    const std::uint32_t sum = base::crc32(state);
    for (int shift = 24; shift >= 0; shift -= 8) state.push_back(std::byte(sum >> shift & 0xff));
    return state;
  };
  REQUIRE(sealed(good) == good);
  auto longer = good;
  longer.push_back(std::byte{0});
  CHECK(Gateways{}.load(sealed(longer)).code == DiagnosticCode::state_damaged);
  std::size_t refused = 0;
  for (std::size_t i = 6; i < good.size() - 4; ++i) {
    for (const std::byte value : {std::byte{0}, std::byte{0x7f}, std::byte{0xff}}) {
      auto state = good;
      state[i] = value;
      Network m;
      m.at = n.at;
      if (m.gateways.load(sealed(state)).code != DiagnosticCode::none) ++refused;
      for (int w = 0; w < 3; ++w) m.sees(kNet, kR3, 50).sees("fd00::/64", "fd00::2", 9).close();
      (void)m.gateways.gateways({});
      (void)m.gateways.save();
    }
  }
  CHECK(refused > 100);
}
