// Who called whom in vain, told when the window closes: not what may as well be an answer.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "aggregator_fixture.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

std::string host(int i) {
  return "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
}

/// Of all windows, ordered.
std::vector<Attempt> attempts(Fixture& f) {
  std::vector<ConnectionSummary> rows;
  std::vector<Attempt> found;
  f.aggregator.finish(rows, nullptr, &found);
  std::sort(found.begin(), found.end(),
            [](const Attempt& l, const Attempt& r) { return l.key < r.key; });
  return found;
}

Flow syn(const std::string& client, const std::string& server, std::uint16_t port,
         std::uint16_t from = 40'000) {
  return tcp(client, from, server, port).flags(kTcpSyn).packets(1);
}
Flow refusal(const std::string& client, const std::string& server, std::uint16_t port) {
  return tcp(server, port, client, 40'000).flags(kTcpRst | kTcpAck).packets(1);
}
Flow denied(Flow flow) { return flow.of_kind(FlowKind::denied); }

}  // namespace

TEST_CASE("attempts: a call that nobody answers, that is refused, or that a firewall denies") {
  struct Case {
    const char* name;
    std::vector<FlowRecord> flows;
    std::uint16_t port;
    std::uint8_t protocol;
  };
  const Case cases[] = {
      {"no answer", {syn("10.0.0.1", "10.0.0.9", 22)}, 22, 6},
      {"a high port", {syn("10.0.0.1", "10.0.0.9", 50'000)}, 50'000, 6},
      {"refused", {syn("10.0.0.1", "10.0.0.9", 22), refusal("10.0.0.1", "10.0.0.9", 22)}, 22, 6},
      {"the refusal alone", {refusal("10.0.0.1", "10.0.0.9", 22)}, 22, 6},
      {"again and again",
       {syn("10.0.0.1", "10.0.0.9", 22), syn("10.0.0.1", "10.0.0.9", 22, 40'001),
        syn("10.0.0.1", "10.0.0.9", 22, 40'002)},
       22,
       6},
      {"sampled", {syn("10.0.0.1", "10.0.0.9", 22).sampled(100)}, 22, 6},
      {"denied", {denied(tcp("10.0.0.1", 40'000, "10.0.0.9", 22))}, 22, 6},
      {"denied and seen",
       {denied(syn("10.0.0.1", "10.0.0.9", 22)), syn("10.0.0.1", "10.0.0.9", 22)},
       22,
       6},
      {"denied echo", {denied(icmp("10.0.0.1", "10.0.0.9", 8))}, 0, 1},
      {"a datagram to where no service is known",
       {udp("10.0.0.1", 40'000, "10.0.0.9", 22'222)},
       22'222,
       17},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    f.add(c.flows);
    const auto found = attempts(f);
    REQUIRE(found.size() == 1);
    CHECK(found[0].key.client.address == address("10.0.0.1"));
    CHECK(found[0].key.server.address == address("10.0.0.9"));
    CHECK(found[0].key.port == c.port);
    CHECK(found[0].key.protocol == c.protocol);
    CHECK(found[0].window_start == kNoon);
  }
}

TEST_CASE("attempts: what is none, and what may as well be an answer") {
  const Flow whole = tcp("10.0.0.1", 40'000, "10.0.0.9", 22);
  struct Case {
    const char* name;
    std::vector<FlowRecord> flows;
  };
  const Case cases[] = {
      {"a connection", {whole, tcp("10.0.0.9", 22, "10.0.0.1", 40'000)}},
      {"one half of a connection", {whole}},
      {"to the outside", {syn("10.0.0.1", "198.51.100.9", 22)}},
      {"from the outside", {syn("198.51.100.9", "10.0.0.1", 22)}},
      {"a client's goodbye", {tcp("10.0.0.1", 40'000, "10.0.0.9", 443).flags(kTcpRst).packets(1)}},
      {"the same to a port of its own",
       {tcp("10.0.0.1", 40'000, "10.0.0.9", 9'123).flags(kTcpRst).packets(1)}},
      {"a server's answer that is denied", {denied(udp("10.0.0.9", 53, "10.0.0.1", 20'000))}},
      {"one to a client's port", {denied(udp("10.0.0.9", 9'000, "10.0.0.1", 40'000))}},
      {"an unreachable that is denied", {denied(icmp("10.0.0.1", "10.0.0.9", 3, 1))}},
      {"to a group", {udp("10.0.0.1", 40'000, "239.1.1.1", 22'222)}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fixture f;
    f.add(c.flows);
    CHECK(attempts(f).empty());
  }
}

TEST_CASE("attempts: answers to many that are seen one way make nobody a caller") {
  Fixture f;
  for (int i = 0; i < 60; ++i) {
    f.add({udp("10.0.0.53", 53, host(i), static_cast<std::uint16_t>(20'000 + i)),
           udp("10.0.0.99", 9'999, host(i), static_cast<std::uint16_t>(40'000 + i)),
           icmp("10.0.0.7", host(i), 0)});
  }
  CHECK(attempts(f).empty());
}

TEST_CASE("attempts: a sweep, in any order, with the window's parts, and each window by itself") {
  std::vector<FlowRecord> flows;
  for (int i = 0; i < 100; ++i) flows.push_back(syn("10.0.0.1", host(i), 3'389));
  Fixture forwards, backwards;
  forwards.add(flows);
  std::reverse(flows.begin(), flows.end());
  backwards.add(flows);
  const auto found = attempts(forwards);
  CHECK(found.size() == 100);
  CHECK(found == attempts(backwards));

  Fixture f;
  f.add(flows);
  std::vector<ConnectionSummary> rows;
  std::vector<Attempt> told;
  f.aggregator.flush_in_parts(kNoon + 60s, rows, nullptr, &told);
  CHECK(told.empty());  // the window is open
  f.aggregator.flush_in_parts(kNoon + 361s, rows, nullptr, &told);
  while (f.aggregator.go_on_closing(7)) {
  }
  CHECK(told.empty());
  f.aggregator.flush_in_parts(kNoon + 362s, rows, nullptr, &told);
  CHECK(told.size() == 100);
  f.aggregator.flush_in_parts(kNoon + 363s, rows, nullptr, &told);
  CHECK(told.size() == 100);
  f.add({syn("10.0.0.1", host(0), 3'389).at(kNoon + 400s, kNoon + 400s).came(kNoon + 401s)},
        kNoon + 401s);
  f.aggregator.finish(rows, nullptr, &told);
  REQUIRE(told.size() == 101);
  CHECK(told.back().window_start == kNoon + 300s);
}

TEST_CASE("attempts: bounded, of one client and of all; what is not told is counted") {
  AggregatorOptions options;
  options.max_attempts = 10;
  Fixture f(options);
  for (int i = 0; i < 15; ++i) f.add({syn("10.0.0.1", host(i), 22)});
  CHECK(attempts(f).size() == 10);
  CHECK(f.aggregator.counters().attempts_refused == 5);

  Fixture g;
  for (int port = 1; port <= 8'200; ++port) {
    g.add({syn("10.0.0.1", "10.0.0.9", static_cast<std::uint16_t>(port))});
  }
  g.add({syn("10.0.0.2", "10.0.0.9", 22)});
  CHECK(attempts(g).size() == 8'192 + 1);
  CHECK(g.aggregator.counters().attempts_refused == 8);
  options.max_attempts = 0;
  CHECK_THROWS(Aggregator{options});
}

TEST_CASE("attempts: conversations that are let go of early are told of all the same") {
  AggregatorOptions options;
  options.max_conversations = 50;
  Fixture f(options);
  for (int i = 0; i < 90; ++i) f.add({syn("10.0.0.1", host(i), 22)});
  CHECK(f.aggregator.counters().folded_early >= 40);
  CHECK(attempts(f).size() == 90);
}
