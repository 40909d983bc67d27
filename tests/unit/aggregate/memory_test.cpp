// What windows tell later ones: who serves, whose observer stays, what is turned round.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "aggregate/distinct_count.hpp"
#include "aggregate/doubtful_rows.hpp"
#include "aggregate/endpoint_memory.hpp"
#include "aggregator_fixture.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace flowlens::aggregate;
using namespace std::chrono_literals;

namespace {

std::string client(int i) { return "10.0.1." + std::to_string(i); }

/// A conversation of both halves in window `w`, TCP with the flags of a whole connection, as if cut
/// from something longer, so that nothing but memory and ports can tell.
std::vector<FlowRecord> dialogue(const std::string& a, std::uint16_t port_a, const std::string& b,
                                 std::uint16_t port_b, int w = 0) {
  const Timestamp from = kNoon + w * 300s + 100s;
  Flow up = tcp(a, port_a, b, port_b), down = tcp(b, port_b, a, port_a);
  return {up.flags(kTcpAck).at(from, from + 5s).came(from + 6s),
          down.flags(kTcpAck).at(from, from + 5s).came(from + 6s)};
}

ServiceKey end(std::uint16_t port) { return {{SiteId{}, address("10.0.0.9")}, port, 6}; }

}  // namespace

TEST_CASE("distinct count: exact to eight, near the truth beyond, whatever the order") {
  for (const std::uint32_t n : {1u, 7u, 8u, 9u, 20u, 100u, 1'000u, 50'000u}) {
    CAPTURE(n);
    DistinctCount<std::uint32_t> up, down;
    DistinctCount<std::uint16_t> ports;
    for (std::uint32_t i = 0; i < n; ++i) {
      up.insert(i * 2'654'435'761u);
      up.insert(i / 2 * 2'654'435'761u);
      down.insert((n - 1 - i) * 2'654'435'761u);
      ports.insert(static_cast<std::uint16_t>(i));
    }
    CHECK(up.count() == down.count());
    if (n <= 8) CHECK(up.count() == n);
    if (n > 8) CHECK(up.count() == doctest::Approx(n).epsilon(0.35));
    if (n <= 8) CHECK(ports.count() == n);
    if (n > 8) CHECK(ports.count() == doctest::Approx(n).epsilon(0.5));
  }
}

TEST_CASE("endpoint memory: fades, forgets, and stays within its bound") {
  AggregatorOptions options;
  options.max_remembered_ends = 100;
  EndpointMemory memory{options};
  const ServiceKey key = end(8'443);
  const auto hash = memory.hash(key);
  CHECK(memory.meet(key, hash, 10, false) == nullptr);
  for (std::int64_t w = 10; w < 18; ++w) {
    EndpointMemory::End* e = memory.meet(key, hash, w, true);
    REQUIRE(e != nullptr);
    EndpointMemory::add_peer(*e, static_cast<std::uint32_t>(w), 40'000);
    CHECK(EndpointMemory::mark_served(*e, w) == (w == 10));
    CHECK_FALSE(EndpointMemory::mark_served(*e, w));
    memory.age(w);
  }
  CHECK(memory.past(key, hash).served == 8);
  CHECK(memory.past(key, hash).peers == 8);
  CHECK(memory.past(key, hash).client_ports == 1);
  memory.age(17 + 72);  // one half-life of six hours
  CHECK(memory.past(key, hash).served == 4);
  memory.age(17 + 4 * 72);
  CHECK(memory.past(key, hash).served == 0);
  CHECK(memory.past(key, hash).peers == 0);

  for (std::uint16_t port = 1; port <= 1'000; ++port) {
    memory.meet(end(port), memory.hash(end(port)), 400, true);
    CHECK(memory.size() <= 100);
  }
  CHECK(memory.evicted() >= 899);
}

TEST_CASE("endpoint memory: peers and ports are counted anew after four half-lives") {
  AggregatorOptions options;
  EndpointMemory memory{options};
  const ServiceKey key = end(8'443);
  const auto hash = memory.hash(key);
  for (std::int64_t w = 0; w < 4 * 72; ++w) {
    EndpointMemory::add_peer(*memory.meet(key, hash, w, true), static_cast<std::uint32_t>(w % 5),
                             static_cast<std::uint16_t>(w));
  }
  CHECK(memory.past(key, hash).peers == 5);
  EndpointMemory::add_peer(*memory.meet(key, hash, 4 * 72, true), 1, 1);
  CHECK(memory.past(key, hash).peers == 1);
}

TEST_CASE("doubtful rows: taken by their end; at the bound the oldest goes") {
  DoubtfulRows rows{4, 0};
  const auto row = [](std::uint16_t port) { return DependencyKey{{}, {}, port, 6}; };
  for (std::uint16_t i = 0; i < 6; ++i) {
    rows.add(end(i % 2), row(i));
    rows.add(end(i % 2), row(i));
  }
  CHECK(rows.size() == 4);
  std::vector<DependencyKey> out;
  rows.take(end(0), out);
  std::sort(out.begin(), out.end());
  REQUIRE(out.size() == 2);
  CHECK(out[0].port == 2);
  CHECK(out[1].port == 4);
  CHECK(rows.size() == 2);
  out.clear();
  rows.take(end(0), out);
  CHECK(out.empty());
}

TEST_CASE("memory: many clients make a service, even on a port that clients draw") {
  Fixture f;
  for (int i = 1; i <= 3; ++i) {
    const auto port = static_cast<std::uint16_t>(1'500 + i);
    f.add(dialogue(client(i), port, "10.0.0.9", 47'123));
  }
  const auto rows = f.finish();
  REQUIRE(rows.size() == 3);
  for (const ConnectionSummary& row : rows) {
    CHECK(row.key.server.address == address("10.0.0.9"));
    CHECK(row.key.port == 47'123);
    CHECK(to_string(row.rung) == "fan_in");
    CHECK(row.reasons.agrees(DirectionRung::fan_in));
    CHECK(row.reasons.disagrees(DirectionRung::port_range));
    CHECK(confidence(row.reasons) > 0.8f);
    CHECK(confidence(row.reasons) < 0.95f);
  }
}

TEST_CASE("memory: of two ends on one port, the one that many call there serves") {
  // NTP daemons ask from the port they serve at; other clients from ports of their own.
  Fixture f;
  const auto ask = [&f](const std::string& from, std::uint16_t port, int w) {
    const Timestamp at = kNoon + w * 300s + 100s;
    f.add({udp(from, port, "10.0.0.9", 123).at(at, at).came(at + 1s),
           udp("10.0.0.9", 123, from, port).at(at, at).came(at + 1s)},
          at + 1s);
  };
  for (int i = 1; i <= 6; ++i) ask(client(i), static_cast<std::uint16_t>(40'000 + 7 * i), 0);
  ask("10.0.0.77", 123, 1);
  const auto rows = f.finish();
  const auto daemon = std::find_if(rows.begin(), rows.end(), [](const ConnectionSummary& s) {
    return s.key.client.address == address("10.0.0.77") ||
           s.key.server.address == address("10.0.0.77");
  });
  REQUIRE(daemon != rows.end());
  CHECK(daemon->direction == Direction::client_server);
  CHECK(to_string(daemon->rung) == "fan_in");
  CHECK(daemon->key.server.address == address("10.0.0.9"));
}

TEST_CASE("memory: a port that clients draw is no service because of one client") {
  Fixture f;
  f.add(dialogue(client(1), 40'000, "10.0.0.9", 47'123));
  f.add(dialogue(client(1), 40'001, "10.0.0.9", 47'123));
  auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].direction == Direction::unknown);
  CHECK(rows[0].key.port == 0);

  // From three ports on (there were two before), the traffic at least lies under the port it belongs to.
  for (std::uint16_t i = 0; i < 2; ++i) {
    f.add(dialogue(client(1), static_cast<std::uint16_t>(41'000 + i), "10.0.0.9", 47'123, 1),
          kNoon + 440s);
  }
  rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].direction == Direction::unknown);
  CHECK(rows[0].key.port == 47'123);
  CHECK(rows[0].key.client.address == address(client(1)));
  CHECK(confidence(rows[0].reasons) == 0.0f);
}

TEST_CASE("memory: who served in one window serves in the next") {
  Fixture f;
  auto sure = dialogue(client(1), 20'001, "10.0.0.9", 30'000);
  for (FlowRecord& flow : sure) {
    flow.initiator = flow.source_port == 20'001 ? Initiator::source : Initiator::destination;
  }
  f.add(sure);
  CHECK(f.finish().size() == 1);
  f.add(dialogue(client(2), 20'002, "10.0.0.9", 30'000, 1), kNoon + 440s);
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.port == 30'000);
  CHECK(to_string(rows[0].rung) == "endpoint_memory");
}

TEST_CASE("memory: what weak evidence got wrong is turned round once the server is known") {
  Fixture f;
  // The client's port is the lower one, so the wrong end serves at first.
  f.add(dialogue(client(1), 1'500, "10.0.0.9", 21'123));
  auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.port == 1'500);
  for (int i = 2; i <= 4; ++i) {
    f.add(dialogue(client(i), static_cast<std::uint16_t>(1'500 + i), "10.0.0.9", 21'123, 1),
          kNoon + 440s);
  }
  f.add(dialogue(client(1), 1'501, "10.0.0.9", 21'123, 1), kNoon + 440s);
  std::vector<Redirection> redirections;
  rows.clear();
  f.aggregator.finish(rows, &redirections);
  REQUIRE(redirections.size() == 1);
  CHECK(redirections[0].from.server.address == address(client(1)));
  CHECK(redirections[0].from.port == 1'500);
  CHECK(redirections[0].to.server.address == address("10.0.0.9"));
  CHECK(redirections[0].to.client.address == address(client(1)));
  CHECK(redirections[0].to.port == 21'123);
  CHECK(redirections[0].at == kNoon + 300s);
  CHECK(redirections[0].before_row == 0);
  REQUIRE(rows.size() == 4);
  for (const ConnectionSummary& row : rows) {
    CHECK(row.key.port == 21'123);
    CHECK(row.flips == (row.key.client.address == address(client(1)) ? 1 : 0));
  }
  CHECK(f.aggregator.counters().redirections == 1);
}

TEST_CASE("memory: the list of services is turned round only where it spoke of one conversation") {
  // Of a window only the first moment of a connection, whose client has drawn a registered port.
  const auto labelled = [](const std::vector<FlowRecord>& flows, std::uint16_t service) {
    std::vector<FlowLabels> labels(flows.size());
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (flows[i].source_port == service) labels[i].source_service = ServiceId{1};
      if (flows[i].destination_port == service) labels[i].destination_service = ServiceId{1};
    }
    return labels;
  };
  for (const bool has_more : {false, true}) {
    CAPTURE(has_more);
    Aggregator aggregator;
    std::vector<FlowRecord> flows = dialogue(client(1), 5'061, "10.0.0.9", 21'123);
    if (has_more) {
      for (const FlowRecord& f : dialogue(client(1), 5'061, "10.0.0.9", 21'124)) flows.push_back(f);
    }
    std::vector<ConnectionSummary> rows;
    std::vector<Redirection> redirections;
    aggregator.add(flows, labelled(flows, 5'061), kNoon + 110s);
    aggregator.finish(rows, &redirections);
    REQUIRE(rows.size() == 1);
    CHECK(to_string(rows[0].rung) == "service_list");
    flows.clear();
    for (int i = 2; i <= 5; ++i) {
      const auto port = static_cast<std::uint16_t>(40'000 + i);
      for (const FlowRecord& f : dialogue(client(i), port, "10.0.0.9", 21'123, 1))
        flows.push_back(f);
    }
    aggregator.add(flows, labelled(flows, 5'061), kNoon + 440s);
    aggregator.finish(rows, &redirections);
    CHECK(redirections.size() == (has_more ? 0 : 1));
  }
}

TEST_CASE("memory: flows that follow one to a control port are its children") {
  Fixture f;
  f.add({tcp(client(1), 50'100, "10.0.0.9", 135).at(kNoon + 10s, kNoon + 11s),
         tcp("10.0.0.9", 135, client(1), 50'100).at(kNoon + 10s, kNoon + 11s),
         tcp(client(1), 50'101, "10.0.0.9", 49'700).at(kNoon + 11s, kNoon + 20s),
         tcp("10.0.0.9", 49'700, client(1), 50'101).at(kNoon + 11s, kNoon + 20s),
         // Too late to belong to it.
         tcp(client(1), 50'102, "10.0.0.9", 49'900).at(kNoon + 100s, kNoon + 101s),
         tcp("10.0.0.9", 49'900, client(1), 50'102).at(kNoon + 100s, kNoon + 101s)});
  const auto rows = f.finish();
  REQUIRE(rows.size() == 2);
  const auto& child = rows[0].key.port == 135 ? rows[0] : rows[1];
  CHECK(child.key.port == 135);
  CHECK(child.counts.flows == 4);
  CHECK(to_string(child.rung) == "control_child");
  CHECK((rows[0].key.port == 135 ? rows[1] : rows[0]).direction == Direction::unknown);
}

TEST_CASE("memory: what an address draws for clients is learned") {
  Fixture f;
  for (std::uint16_t i = 0; i < 10; ++i) {
    f.add(dialogue(client(1), static_cast<std::uint16_t>(1'025 + 40 * i), "10.0.0.9", 443));
  }
  CHECK(f.finish().size() == 1);
  f.add(dialogue(client(1), 1'200, "10.0.0.8", 9'999, 1), kNoon + 440s);
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(to_string(rows[0].rung) == "dynamic_range");
  CHECK(rows[0].key.port == 9'999);
}

TEST_CASE("memory: sampled, a SYN alone is an attempt unless somebody has answered there") {
  const auto syn = [](int w) {
    const Timestamp from = kNoon + w * 300s + 100s;
    return tcp(client(7), 40'000, "10.0.0.9", 8'443)
        .flags(kTcpSyn)
        .packets(1)
        .sampled(1'000)
        .at(from, from)
        .came(from + 1s);
  };
  Fixture f;
  f.add({syn(0)});
  CHECK(f.finish().empty());
  CHECK(f.ledger().attempt == 1);
  f.add(dialogue(client(1), 40'001, "10.0.0.9", 8'443, 1), kNoon + 440s);
  f.add(dialogue(client(2), 40'002, "10.0.0.9", 8'443, 1), kNoon + 440s);
  f.add({syn(1)}, kNoon + 440s);
  CHECK(f.finish().size() == 3);
  CHECK(f.ledger().attempt == 1);
}

TEST_CASE("memory: a datagram to where no service is known is an attempt until there is another") {
  Fixture f;
  f.add({udp("10.0.0.1", 40'000, "10.0.0.9", 22'222)});
  CHECK(f.finish().empty());
  CHECK(f.ledger().attempt == 1);
  Flow again = udp("10.0.0.1", 40'001, "10.0.0.9", 22'222);
  f.add({again.at(kNoon + 400s, kNoon + 400s).came(kNoon + 401s)}, kNoon + 440s);
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.port == 22'222);
  CHECK(f.ledger().attempt == 1);
}

TEST_CASE("memory: who calls many that stay silent scans; a few are dependencies") {
  for (const int called : {15, 40}) {
    CAPTURE(called);
    Fixture f;
    for (int i = 1; i <= called; ++i) {
      f.add({udp("10.0.0.1", 40'000, client(i), 161), udp("10.0.0.1", 40'001, client(i), 161)});
    }
    f.add({icmp("10.0.0.1", "10.0.0.5", 8)});
    const auto rows = f.finish();
    CHECK(rows.size() == (called < 25 ? static_cast<std::size_t>(called) + 1 : 1));
    CHECK(f.ledger().attempt == (called < 25 ? 0 : 80));
  }
}

TEST_CASE("aggregator: a window that closes in parts says nothing before it is done") {
  for (const bool is_stopped : {false, true}) {
    CAPTURE(is_stopped);
    Fixture f;
    for (int i = 1; i <= 40; ++i) f.add({udp("10.0.0.1", 40'000, client(i), 161)});
    std::vector<ConnectionSummary> rows;
    f.aggregator.flush_in_parts(kNoon + 40s, rows);
    CHECK(rows.size() == 40);
    CHECK(f.ledger().applied == 40);

    // It is over, and that it was a scan comes out in one of many steps.
    rows.clear();
    f.aggregator.flush_in_parts(kNoon + 360s, rows);
    int steps = 1;
    for (; f.aggregator.go_on_closing(30) && !(is_stopped && steps == 10); ++steps) {
      f.aggregator.flush_in_parts(kNoon + 361s, rows);
      CHECK(f.ledger().applied == 40);
      CHECK(f.aggregator.octets().balanced());
      CHECK(f.aggregator.counters().conversations == 0);
    }
    CHECK(rows.empty());
    CHECK(f.ledger().applied == 40);
    CHECK(steps >= 10);
    if (is_stopped) {
      rows = f.finish();
    } else {
      f.aggregator.flush_in_parts(kNoon + 365s, rows);
    }
    REQUIRE(rows.size() == 40);
    for (const ConnectionSummary& row : rows) {
      CHECK_FALSE(row.provisional);
      CHECK(row.counts.is_zero());
    }
    CHECK(f.ledger().attempt == 40);
    CHECK(f.aggregator.counters().windows_closed == 1);
    CHECK(f.finish().empty());
  }
}

TEST_CASE(
    "memory: the same packets on both sides of a border count once, whoever's clock is wrong") {
  struct Case {
    const char* name;
    int early_from, early_to, late_from, late_to;  ///< seconds after the border, by two clocks
    std::uint64_t octets;
  };
  const Case cases[] = {
      {"one sees all before, the other part behind", -10, -1, -5, 4, 1'000},
      {"one sees all before, the other all behind", -9, -3, 1, 7, 1'000},
      {"both see both sides", -60, 30, -50, 40, 1'000},
      {"too far apart to be a clock", -10, -1, 50, 70, 2'000},
  };
  for (const Case& c : cases) {
    for (const bool swap : {false, true}) {
      CAPTURE(c.name);
      CAPTURE(swap);
      const auto seen = [&](const char* exporter, int from, int to) {
        const Timestamp border = kNoon + 300s;
        return udp("10.0.0.1", 40'000, "10.0.0.9", 53)
            .by(exporter)
            .at(border + std::chrono::seconds{from}, border + std::chrono::seconds{to})
            .came(border + 75s);
      };
      Fixture f;
      f.add({seen(swap ? "192.0.2.2" : "192.0.2.1", c.early_from, c.early_to),
             seen(swap ? "192.0.2.1" : "192.0.2.2", c.late_from, c.late_to)},
            kNoon + 300s);
      std::uint64_t octets = 0;
      for (const ConnectionSummary& row : f.finish()) octets += row.counts.octets_to_server;
      CHECK(octets == c.octets);
      CHECK(f.aggregator.octets().applied == c.octets);
      CHECK(f.aggregator.octets().received == 2'000);
    }
  }
}

TEST_CASE("aggregator: observers are put in the order of the way, whatever their clocks say") {
  Fixture f;
  struct Hop {
    const char* exporter;
    std::chrono::milliseconds asked, answered;
  };
  // From the client to the server: .3, .1, .2; the clock of .1 is 5 s ahead, that of .2 3 s behind.
  const Hop hops[] = {
      {"192.0.2.1", 5'010ms, 5'050ms}, {"192.0.2.2", -2'980ms, -2'960ms}, {"192.0.2.3", 0ms, 60ms}};
  for (const Hop& hop : hops) {
    f.add({tcp("10.0.0.1", 40'000, "10.0.0.9", 443)
               .by(hop.exporter)
               .at(kNoon + 20s + hop.asked, kNoon + 30s),
           tcp("10.0.0.9", 443, "10.0.0.1", 40'000)
               .by(hop.exporter)
               .at(kNoon + 20s + hop.answered, kNoon + 30s)});
  }
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].observer_count == 3);
  REQUIRE(rows[0].hop_count == 3);
  const char* want[] = {"192.0.2.3", "192.0.2.1", "192.0.2.2"};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(rows[0].observers[rows[0].hops[i]].to_string() == want[i]);
  }
}

TEST_CASE("aggregator: what people and inventories say of a port") {
  AggregatorOptions options;
  options.declared_services = {{IpPrefix::parse("10.0.0.0/24").value(), 50'000, 6},
                               {IpPrefix::parse("10.0.1.1/32").value(), 443, 0}};
  Fixture f{options};
  f.add(dialogue(client(1), 443, "10.0.0.9", 50'000));
  auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.port == 443);  // the single address wins over the network
  CHECK(to_string(rows[0].rung) == "declared");

  CHECK(f.aggregator.list({{SiteId{}, address("10.0.0.9")}, 50'001, 6, kNoon + 600s}));
  CHECK(f.aggregator.list({{SiteId{}, address("10.0.0.9")}, 50'002, 6, kNoon + 600s}));
  f.add(dialogue(client(2), 443, "10.0.0.9", 50'001, 1), kNoon + 440s);
  rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.port == 50'001);
  CHECK(to_string(rows[0].rung) == "inventory");
  f.add(dialogue(client(3), 443, "10.0.0.9", 50'002, 2), kNoon + 740s);
  rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.port == 443);  // expired
}
