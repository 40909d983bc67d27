#include "flowlens/aggregator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "aggregator_fixture.hpp"
#include "flowlens/error.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

std::uint64_t table_full(const FlowLedger& ledger) {
  return ledger.dropped[static_cast<std::size_t>(FlowDropReason::table_full)];
}

}  // namespace

TEST_CASE("aggregator: two halves are one conversation") {
  Fixture f;
  f.add({tcp("10.0.0.9", 443, "10.0.0.1", 40000).octets(9000).packets(9),
         tcp("10.0.0.1", 40000, "10.0.0.9", 443).octets(700).packets(7)});
  const auto rows = f.flush(kNoon + 40s);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].key.client.address == address("10.0.0.1"));
  CHECK(rows[0].key.server.address == address("10.0.0.9"));
  CHECK(rows[0].key.port == 443);
  CHECK(rows[0].counts.flows == 2);
  CHECK(rows[0].counts.octets_to_server == 700);
  CHECK(rows[0].counts.octets_to_client == 9000);
  CHECK(rows[0].counts.packets_to_server == 7);
  CHECK(rows[0].counts.packets_to_client == 9);
  CHECK(rows[0].first == kNoon + 20s);
  CHECK(rows[0].last == kNoon + 30s);
  CHECK(rows[0].window_start == kNoon);
  CHECK(service_name(rows[0].service) == "https");
  CHECK(rows[0].client_internal);
  CHECK(rows[0].provisional);
  CHECK(f.ledger().applied == 2);
}

TEST_CASE("aggregator: the same traffic counts once, by its best observer") {
  struct Case {
    const char* name;
    std::vector<FlowRecord> flows;
    std::uint64_t octets, estimated, applied;
    std::size_t observers;
  };
  const auto up = [] { return tcp("10.0.0.1", 40000, "10.0.0.9", 443); };
  const Case cases[] = {
      {"ingress and egress of one exporter",
       {up().by("192.0.2.1", 0, 0).packets(10).octets(1000),
        up().by("192.0.2.1", 0, 1).packets(9).octets(900)},
       1000,
       1000,
       1,
       1},
      {"two exporters",
       {up().by("192.0.2.1").packets(9).octets(900), up().by("192.0.2.2").packets(10).octets(1000)},
       1000,
       1000,
       1,
       2},
      {"unsampled beats more packets",
       {up().by("192.0.2.1").packets(5).octets(500),
        up().by("192.0.2.2").sampled(10).packets(90).octets(9000)},
       500,
       500,
       1,
       2},
      {"the lowest rate beats more packets",
       {up().by("192.0.2.1").sampled(100).packets(9).octets(900),
        up().by("192.0.2.2").sampled(10).packets(2).octets(70)},
       70,
       700,
       1,
       2},
      {"a tie goes to the lower address",
       {up().by("192.0.2.2").octets(2000), up().by("192.0.2.1").octets(1000)},
       1000,
       1000,
       1,
       2},
      {"another domain is another observer",
       {up().by("192.0.2.1", 7).packets(8).octets(800),
        up().by("192.0.2.1", 8).packets(9).octets(900)},
       900,
       900,
       1,
       1},
      {"records of one observer add up, whatever another saw between",
       {up().by("192.0.2.1").packets(5).octets(500), up().by("192.0.2.2").packets(8).octets(800),
        up().by("192.0.2.1").packets(5).octets(500)},
       1000,
       1000,
       2,
       2},
      {"the best one changes to and fro",
       {up().by("192.0.2.1").packets(5).octets(500), up().by("192.0.2.2").packets(8).octets(800),
        up().by("192.0.2.1").packets(5).octets(500), up().by("192.0.2.2").packets(8).octets(800),
        up().by("192.0.2.3").packets(2).octets(50)},
       1600,
       1600,
       2,
       3},
      {"an observer is as good as its worst record",
       {up().by("192.0.2.1").packets(50).octets(5000), up().by("192.0.2.2").packets(8).octets(800),
        up().by("192.0.2.1").sampled(4).packets(50).octets(5000)},
       800,
       800,
       1,
       2},
      {"a rate that changes is undone record by record",
       {up().sampled(10).octets(100), up().sampled(20).octets(100)},
       200,
       3000,
       2,
       1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::vector<FlowRecord> flows = c.flows;
    std::sort(flows.begin(), flows.end(), [](const FlowRecord& a, const FlowRecord& b) {
      return a.octet_count < b.octet_count;
    });
    for (const auto& order : {c.flows, flows}) {
      Fixture f;
      f.add(order);
      const auto rows = f.finish();
      REQUIRE(rows.size() == 1);
      CHECK(rows[0].counts.octets_to_server == c.octets);
      CHECK(rows[0].counts.estimated_octets_to_server == c.estimated);
      CHECK(rows[0].counts.flows == c.applied);
      CHECK(rows[0].observer_count == c.observers);
      CHECK(f.ledger().applied == c.applied);
      CHECK(f.ledger().duplicate == c.flows.size() - c.applied);
    }
  }
}

TEST_CASE("aggregator: at most four observers are named, those with the lowest addresses") {
  Fixture f;
  for (const char* exporter : {"192.0.2.6", "192.0.2.2", "192.0.2.4", "192.0.2.1", "192.0.2.5"}) {
    f.add({tcp("10.0.0.1", 40000, "10.0.0.9", 443).by(exporter)});
  }
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].observer_count == 4);
  CHECK(rows[0].observers[0] == address("192.0.2.1"));
  CHECK(rows[0].observers[1] == address("192.0.2.2"));
  CHECK(rows[0].observers[2] == address("192.0.2.4"));
  CHECK(rows[0].observers[3] == address("192.0.2.5"));
}

TEST_CASE("aggregator: forged observation domains are held up to a bound, and counted") {
  Fixture f;
  for (std::uint32_t domain = 0; domain < 1'000; ++domain) {
    f.add({tcp("10.0.0.1", 40000, "10.0.0.9", 443).by("192.0.2.1", domain)});
  }
  CHECK(f.aggregator.counters().observations_refused == 1'000 - 16);
  CHECK(f.ledger().applied == 1);
  CHECK(f.ledger().duplicate == 999);
  CHECK(f.ledger().balanced());
}

TEST_CASE("aggregator: what is no dependency is counted as what it is") {
  struct Case {
    const char* name;
    std::vector<FlowRecord> flows;
    std::uint64_t applied, attempt, control, incomplete;
  };
  Flow fragment = udp("10.0.0.1", 0, "10.0.0.2", 0);
  Flow sampled_fragment = flow(17, "10.0.0.1", "10.0.0.2");
  sampled_fragment.is_fragment_tail = true;
  Flow v5_ping = with_ports(1, "10.0.0.1", 0, "10.0.0.2", 8 << 8);
  Flow nameless = tcp("10.0.0.1", 1, "10.0.0.2", 2);
  nameless.present &= ~static_cast<std::uint32_t>(FlowField::protocol);
  const Case cases[] = {
      {"SYN alone", {tcp("10.0.0.1", 40000, "10.0.0.2", 80).flags(kTcpSyn)}, 0, 1, 0, 0},
      {"refused",
       {tcp("10.0.0.1", 40000, "10.0.0.2", 80).flags(kTcpSyn),
        tcp("10.0.0.2", 80, "10.0.0.1", 40000).flags(kTcpRst | kTcpAck)},
       0,
       2,
       0,
       0},
      {"denied by a firewall",
       {tcp("10.0.0.1", 40000, "10.0.0.2", 80).of_kind(FlowKind::denied)},
       0,
       1,
       0,
       0},
      {"answered after all",
       {tcp("10.0.0.1", 40000, "10.0.0.2", 80).flags(kTcpSyn),
        tcp("10.0.0.2", 80, "10.0.0.1", 40000)},
       2,
       0,
       0,
       0},
      {"ping", {icmp("10.0.0.1", "10.0.0.2", 8), icmp("10.0.0.2", "10.0.0.1", 0)}, 2, 0, 0, 0},
      {"ping by NetFlow v5", {v5_ping}, 1, 0, 0, 0},
      {"port unreachable", {icmp("10.0.0.1", "10.0.0.2", 3, 3)}, 0, 0, 1, 0},
      {"ICMP of an unknown type", {flow(1, "10.0.0.1", "10.0.0.2")}, 0, 0, 1, 0},
      {"IGMP", {flow(2, "10.0.0.1", "224.0.0.22")}, 0, 0, 1, 0},
      {"a fragment without ports", {fragment}, 0, 0, 1, 0},
      {"a sampled fragment", {sampled_fragment}, 0, 0, 1, 0},
      {"no protocol", {nameless}, 0, 0, 0, 1},
      {"syslog without an answer", {udp("10.0.0.1", 40000, "10.0.0.2", 514)}, 1, 0, 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    f.add(c.flows);
    const auto rows = f.finish();
    CHECK(rows.size() == (c.applied != 0 ? 1 : 0));
    CHECK(f.ledger().applied == c.applied);
    CHECK(f.ledger().attempt == c.attempt);
    CHECK(f.ledger().control == c.control);
    CHECK(f.ledger().dropped[static_cast<std::size_t>(FlowDropReason::incomplete)] == c.incomplete);
  }
}

TEST_CASE("aggregator: pings both ways are two dependencies, without a port") {
  Fixture f;
  f.add({icmp("10.0.0.1", "10.0.0.2", 8), icmp("10.0.0.2", "10.0.0.1", 0),
         icmp("10.0.0.2", "10.0.0.1", 8)});
  const auto rows = f.finish();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].key.port == 0);
  CHECK(rows[1].key.port == 0);
  CHECK(rows[0].key.client == rows[1].key.server);
  CHECK(rows[0].counts.flows + rows[1].counts.flows == 3);
}

TEST_CASE("aggregator: the same private address at two sites stays apart") {
  Fixture f;
  std::vector<FlowRecord> flows{tcp("10.0.0.1", 40000, "10.0.0.9", 443),
                                tcp("10.0.0.1", 40000, "10.0.0.9", 443)};
  std::vector<FlowLabels> labels(2);
  labels[1].source_site = labels[1].destination_site = SiteId{1};
  f.aggregator.add(flows, labels, kNoon);
  f.flows = 2;
  CHECK(f.finish().size() == 2);
  CHECK(f.ledger().duplicate == 0);
}

TEST_CASE("aggregator: a flow over several windows is divided by time, exactly") {
  Fixture f;
  // 60 s in the first window, 300 s in the second, 40 s in the third.
  f.add({udp("10.0.0.1", 40000, "10.0.0.2", 53)
             .at(kNoon + 240s, kNoon + 640s)
             .came(kNoon + 641s)
             .octets(1'001)
             .packets(10)
             .sampled(3)});
  const auto rows = f.finish();
  REQUIRE(rows.size() == 3);
  const std::uint64_t octets[] = {150, 750, 101}, packets[] = {1, 8, 1}, flows[] = {0, 0, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    CHECK(rows[i].window_start == kNoon + i * 300s);
    CHECK(rows[i].counts.octets_to_server == octets[i]);
    CHECK(rows[i].counts.estimated_octets_to_server == 3 * octets[i]);
    CHECK(rows[i].counts.packets_to_server == packets[i]);
    CHECK(rows[i].counts.flows == flows[i]);
  }
  CHECK(rows[0].first == kNoon + 240s);
  CHECK(rows[1].first == kNoon + 300s);
  CHECK(rows[1].last == kNoon + 600s);
  CHECK(rows[2].last == kNoon + 640s);
  CHECK(f.ledger().applied == 1);
}

TEST_CASE("aggregator: a flow that lasts until its window ends is all in it") {
  Fixture f;
  f.add({udp("10.0.0.1", 40000, "10.0.0.2", 53).at(kNoon + 290s, kNoon + 300s)});
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].window_start == kNoon);
  CHECK(rows[0].counts.flows == 1);
}

TEST_CASE("aggregator: the share of closed windows goes to the oldest open one") {
  Fixture f;
  CHECK(f.flush(kNoon + 360s).empty());
  CHECK(f.aggregator.watermark() == kNoon + 300s);
  f.add({udp("10.0.0.1", 40000, "10.0.0.2", 53)
             .at(kNoon + 200s, kNoon + 400s)
             .came(kNoon + 401s)
             .octets(1'000)
             .sampled(2),
         udp("10.0.0.1", 40001, "10.0.0.2", 53).at(kNoon, kNoon + 10s).octets(77)},
        kNoon + 401s);
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].window_start == kNoon + 300s);
  CHECK(rows[0].counts.octets_to_server == 1'077);
  CHECK(rows[0].first == kNoon);
  CHECK(f.ledger().late_carried == 2);
  CHECK(f.ledger().applied == 2);
  CHECK(f.aggregator.counters().octets_late == 500 * 2 + 77);
}

TEST_CASE("aggregator: times that cannot be are clamped to what can") {
  struct Case {
    const char* name;
    Timestamp start, end, want_first, want_last;
  };
  const Timestamp received = kNoon + 100s;
  const Case cases[] = {
      {"a clock two hours behind", received - 2h, received - 2h + 5s, received - 1h, received - 1h},
      {"begun long ago", received - 3h, received, received - 1h, received},
      {"a clock far ahead", received + 24h, received + 25h, received + 60s, received + 60s},
      {"before 1970", Timestamp{} - 24h, Timestamp{}, received - 1h, received - 1h},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    f.add({udp("10.0.0.1", 40000, "10.0.0.2", 53).at(c.start, c.end).came(received)}, received);
    const auto rows = f.finish();
    REQUIRE_FALSE(rows.empty());
    CHECK(rows.front().first == c.want_first);
    CHECK(rows.back().last == c.want_last);
    CHECK(f.aggregator.counters().times_clamped == 1);
    std::uint64_t octets = 0;
    for (const auto& row : rows) octets += row.counts.octets_to_server;
    CHECK(octets == 1'000);
  }
}

TEST_CASE("aggregator: rows are provisional until their window closes, then final") {
  Fixture f;
  f.add({udp("10.0.0.1", 40000, "10.0.0.2", 53).octets(10)});
  auto rows = f.flush(kNoon + 40s);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].provisional);
  CHECK(rows[0].added == rows[0].counts);
  CHECK(f.flush(kNoon + 45s).empty());

  f.add({udp("10.0.0.1", 40001, "10.0.0.2", 53).octets(5)});
  rows = f.flush(kNoon + 50s);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].counts.octets_to_server == 15);
  CHECK(rows[0].added.octets_to_server == 5);

  CHECK(f.flush(kNoon + 359s).empty());
  rows = f.flush(kNoon + 360s);
  REQUIRE(rows.size() == 1);
  CHECK_FALSE(rows[0].provisional);
  CHECK(rows[0].counts.octets_to_server == 15);
  CHECK(rows[0].added.is_zero());
  CHECK(f.aggregator.counters().windows_closed == 1);
  CHECK(f.aggregator.counters().conversations == 0);
  CHECK(f.finish().empty());
}

TEST_CASE("aggregator: a better answer moves what was reported") {
  Fixture f;
  f.add({tcp("10.0.0.1", 20000, "10.0.0.2", 20001).flags(kTcpAck).octets(10),
         tcp("10.0.0.3", 20002, "10.0.0.1", 20000).flags(kTcpAck).octets(3)});
  CHECK(f.flush(kNoon + 40s).size() == 2);
  f.add({tcp("10.0.0.1", 20000, "10.0.0.2", 20001).begun_by(Initiator::source).octets(5)});
  const auto rows = f.flush(kNoon + 45s);
  REQUIRE(rows.size() == 2);
  const auto& old_row = rows[0].counts.is_zero() ? rows[0] : rows[1];
  const auto& new_row = rows[0].counts.is_zero() ? rows[1] : rows[0];
  CHECK(old_row.key.client == new_row.key.server);
  CHECK(old_row.counts.is_zero());
  TrafficCounts sum = old_row.added;
  sum.octets_to_client += 10;
  sum.estimated_octets_to_client += 10;
  sum.packets_to_client += 10;
  sum.flows += 1;
  CHECK(sum.is_zero());
  CHECK(new_row.counts.octets_to_server == 15);
  CHECK(new_row.rung == DirectionRung::stated_initiator);
}

TEST_CASE("aggregator: a row that a conversation has left says what the others say") {
  Fixture f;
  // Both count as 10.0.0.2 serving 20001 to 10.0.0.1 at first; the earlier one then turns round.
  f.add({tcp("10.0.0.1", 20005, "10.0.0.2", 20001)
             .flags(kTcpAck)
             .at(kNoon + 1s, kNoon + 90s)
             .by("192.0.2.7"),
         tcp("10.0.0.1", 20006, "10.0.0.2", 20001).flags(kTcpAck).at(kNoon + 5s, kNoon + 6s)});
  CHECK(f.flush(kNoon + 100s).size() == 1);
  f.add({tcp("10.0.0.1", 20005, "10.0.0.2", 20001)
             .flags(kTcpAck)
             .begun_by(Initiator::destination)
             .by("192.0.2.7")});
  const auto rows = f.finish();
  REQUIRE(rows.size() == 2);
  const auto& row = rows[0].key.client.address == address("10.0.0.1") ? rows[0] : rows[1];
  CHECK(row.first == kNoon + 5s);
  CHECK(row.last == kNoon + 6s);
  CHECK(row.observer_count == 1);
  CHECK(row.observers[0] == address("192.0.2.1"));
  CHECK(row.rung == DirectionRung::lower_port);
}

TEST_CASE("aggregator: at the bound the oldest window folds early, and nothing is lost") {
  AggregatorOptions options;
  options.max_conversations = 10;
  Fixture f{options};
  for (std::uint16_t i = 0; i < 25; ++i) {
    f.add({udp("10.0.0.1", static_cast<std::uint16_t>(40000 + i), "10.0.0.2", 53).octets(1),
           udp("10.0.0.2", 53, "10.0.0.1", static_cast<std::uint16_t>(40000 + i)).octets(2)});
    CHECK(f.aggregator.counters().conversations <= 10);
  }
  CHECK(f.aggregator.counters().folded_early == 20);
  const auto rows = f.finish();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].counts.flows == 50);
  CHECK(rows[0].counts.octets_to_server == 25);
  CHECK(rows[0].counts.octets_to_client == 50);
  CHECK(f.ledger().applied == 50);
}

TEST_CASE("aggregator: dependencies past the bound are dropped and counted") {
  AggregatorOptions options;
  options.max_conversations = 4;
  Fixture f{options};
  for (int i = 1; i <= 100; ++i) {
    f.add({udp("10.0.0." + std::to_string(i), 40000, "10.0.1.2", 53)});
  }
  const auto rows = f.finish();
  CHECK(rows.size() == 4);
  CHECK(f.ledger().applied == 4);
  CHECK(table_full(f.ledger()) == 96);
  // The room is free again.
  f.add({udp("10.9.0.1", 40000, "10.0.1.2", 53).at(kNoon + 900s, kNoon + 901s).came(kNoon + 902s)},
        kNoon + 902s);
  CHECK(f.finish().size() == 1);
}

TEST_CASE("aggregator: what was lost before it came is accounted for") {
  Fixture f;
  f.aggregator.count_sampled_out(5);
  f.aggregator.count_dropped(FlowDropReason::pressure, 7);
  f.flows = 12;
  CHECK(f.ledger().sampled_out == 5);
  CHECK(f.ledger().dropped[static_cast<std::size_t>(FlowDropReason::pressure)] == 7);
}

TEST_CASE("aggregator: options that cannot be are refused by name") {
  const auto message = [](auto change) {
    AggregatorOptions options;
    change(options);
    try {
      Aggregator aggregator{options};
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message([](auto& o) { o.window = 0s; }).find("window is 0 s") != std::string::npos);
  CHECK(message([](auto& o) { o.max_past = -1s; }).find("max_past is -1 s") != std::string::npos);
  CHECK(message([](auto& o) { o.max_conversations = 0; }).find("max_conversations") !=
        std::string::npos);
  CHECK(message([](auto&) {}).empty());
}
