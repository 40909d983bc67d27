#include "aggregate/direction.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "flowlens/flow_record.hpp"
#include "support/flows.hpp"

using namespace flowlens;
using namespace flowlens::aggregate;
using testing::address;

namespace {

/// Two halves of two records each, seen by one exporter, with nothing to tell who serves.
Evidence plain(std::uint8_t protocol, std::uint16_t port_0, std::uint16_t port_1) {
  Evidence e;
  e.protocol = protocol;
  e.port = {port_0, port_1};
  for (Evidence::Half& half : e.half) {
    half.seen = true;
    half.flows = 2;
    half.exporter = address("192.0.2.1");
    if (protocol == 6) half.tcp_flags = kTcpSyn | kTcpAck | kTcpFin;
  }
  return e;
}

/// The same evidence with the sides the other way round.
Evidence mirrored(Evidence e) {
  std::swap(e.half[0], e.half[1]);
  std::swap(e.port[0], e.port[1]);
  std::swap(e.known_service[0], e.known_service[1]);
  std::swap(e.group[0], e.group[1]);
  std::swap(e.declared[0], e.declared[1]);
  std::swap(e.listed[0], e.listed[1]);
  std::swap(e.past[0], e.past[1]);
  std::swap(e.dynamic_port[0], e.dynamic_port[1]);
  std::swap(e.control_port[0], e.control_port[1]);
  std::swap(e.scans[0], e.scans[1]);
  std::swap(e.tries[0], e.tries[1]);
  e.lower_side = 1 - e.lower_side;
  return e;
}

void one_record_each(Evidence& e, std::uint64_t first_0, std::uint64_t first_1) {
  e.half[0].flows = e.half[1].flows = 1;
  e.half[0].first_us = first_0;
  e.half[1].first_us = first_1;
}

}  // namespace

TEST_CASE("direction: the first rung that speaks decides, whichever side is which") {
  struct Case {
    const char* name;
    Evidence evidence;
    std::function<void(Evidence&)> change;
    Direction direction;
    DirectionRung rung;
    int client;  ///< side
  };
  const auto nothing = [](Evidence&) {};
  constexpr auto client_server = Direction::client_server;
  const Case cases[] = {
      {"the source is stated", plain(6, 80, 40000),
       [](Evidence& e) { e.half[0].bits = kSourceBegan; }, client_server,
       DirectionRung::stated_initiator, 0},
      {"the destination is stated", plain(6, 80, 40000),
       [](Evidence& e) { e.half[1].bits = kDestinationBegan; }, client_server,
       DirectionRung::stated_initiator, 0},
      {"statements that agree", plain(17, 80, 40000),
       [](Evidence& e) {
         e.half[0].bits = kSourceBegan;
         e.half[1].bits = kDestinationBegan;
       },
       client_server, DirectionRung::stated_initiator, 0},
      {"statements that contradict say nothing", plain(17, 40000, 500),
       [](Evidence& e) { e.half[0].bits = e.half[1].bits = kSourceBegan; }, client_server,
       DirectionRung::port_range, 0},
      {"a statement beats a packet", plain(6, 80, 40000),
       [](Evidence& e) {
         e.half[0].bits = kSourceBegan;
         e.half[1].bits = kSynPacket;
       },
       client_server, DirectionRung::stated_initiator, 0},
      {"a sampled SYN", plain(6, 80, 40000), [](Evidence& e) { e.half[0].bits = kSynPacket; },
       client_server, DirectionRung::handshake_packet, 0},
      {"a sampled SYN+ACK", plain(6, 40000, 80),
       [](Evidence& e) { e.half[0].bits = kSynAckPacket; }, client_server,
       DirectionRung::handshake_packet, 1},
      {"a packet beats or-ed flags", plain(6, 80, 40000),
       [](Evidence& e) {
         e.half[0].bits = kSynPacket;
         e.half[1].bits = kSynRecord;
       },
       client_server, DirectionRung::handshake_packet, 0},
      {"to a group", plain(17, 80, 5353), [](Evidence& e) { e.group[0] = true; }, client_server,
       DirectionRung::multicast, 1},
      {"ping", plain(1, kEchoClientPort, 0), nothing, client_server, DirectionRung::protocol_rule,
       0},
      {"ping over IPv6", plain(58, 0, kEchoClientPort), nothing, client_server,
       DirectionRung::protocol_rule, 1},
      {"DHCP", plain(17, 68, 67), nothing, client_server, DirectionRung::protocol_rule, 0},
      {"DHCPv6", plain(17, 547, 546), nothing, client_server, DirectionRung::protocol_rule, 1},
      {"a record with SYN and no ACK", plain(6, 80, 40000),
       [](Evidence& e) { e.half[0].bits = kSynRecord; }, client_server, DirectionRung::tcp_flags,
       0},
      {"both sides began", plain(6, 40000, 80),
       [](Evidence& e) { e.half[0].bits = e.half[1].bits = kSynRecord; }, client_server,
       DirectionRung::port_range, 0},
      {"the earlier half", plain(17, 30000, 20000),
       [](Evidence& e) { one_record_each(e, 9'000, 8'000); }, client_server,
       DirectionRung::first_start, 1},
      {"hardly earlier", plain(17, 30000, 20000),
       [](Evidence& e) { one_record_each(e, 8'999, 8'000); }, client_server,
       DirectionRung::lower_port, 0},
      {"earlier, but another exporter's clock", plain(17, 30000, 20000),
       [](Evidence& e) {
         one_record_each(e, 9'000, 8'000);
         e.half[1].exporter = address("192.0.2.2");
       },
       client_server, DirectionRung::lower_port, 0},
      {"earlier, but sampled", plain(17, 30000, 20000),
       [](Evidence& e) {
         one_record_each(e, 9'000, 8'000);
         e.half[0].rate = 100;
       },
       client_server, DirectionRung::lower_port, 0},
      {"earlier, but a further record of a long flow", plain(17, 30000, 20000),
       [](Evidence& e) {
         one_record_each(e, 9'000, 8'000);
         e.half[0].flows = 2;
       },
       client_server, DirectionRung::lower_port, 0},
      {"earlier, but a TCP connection cut in two", plain(6, 30000, 20000),
       [](Evidence& e) {
         one_record_each(e, 9'000, 8'000);
         e.half[0].tcp_flags = kTcpAck;
       },
       client_server, DirectionRung::lower_port, 0},
      {"earlier, with its SYN", plain(6, 30000, 20000),
       [](Evidence& e) { one_record_each(e, 9'000, 8'000); }, client_server,
       DirectionRung::first_start, 1},
      {"earlier, but the service list objects", plain(17, 40000, 443),
       [](Evidence& e) {
         one_record_each(e, 9'000, 8'000);
         e.known_service[1] = true;
       },
       client_server, DirectionRung::service_list, 0},
      {"one known service", plain(6, 8080, 300), [](Evidence& e) { e.known_service[0] = true; },
       client_server, DirectionRung::service_list, 1},
      {"two known services, one below 1024", plain(6, 8080, 443),
       [](Evidence& e) {
         e.known_service = {true, true};
       },
       client_server, DirectionRung::service_list, 0},
      {"two known services, both above: by range", plain(6, 50001, 8080),
       [](Evidence& e) {
         e.known_service = {true, true};
       },
       client_server, DirectionRung::port_range, 0},
      {"below 1024 against above", plain(6, 1024, 511), nothing, client_server,
       DirectionRung::port_range, 0},
      {"a privileged port of no known service: clients draw these", plain(6, 1024, 1023), nothing,
       Direction::unknown, DirectionRung::none, 0},
      {"a privileged port of no known service, met by many", plain(6, 1024, 512),
       [](Evidence& e) {
         e.past[1] = {0, 0, 4, 4};
         e.past[0] = {0, 0, 4, 4};
       },
       client_server, DirectionRung::port_range, 0},
      {"below 32768 against above", plain(17, 32768, 32767), nothing, client_server,
       DirectionRung::port_range, 0},
      {"below 49152 against above, but both look ephemeral", plain(6, 49152, 49151), nothing,
       Direction::unknown, DirectionRung::none, 0},
      {"below 49152 against above, met by many", plain(6, 49152, 49151),
       [](Evidence& e) {
         e.past[0] = e.past[1] = {0, 0, 4, 4};
       },
       client_server, DirectionRung::port_range, 0},
      {"UDP without an answer", plain(17, 20000, 20000), [](Evidence& e) { e.half[1] = {}; },
       client_server, DirectionRung::one_way, 0},
      {"sampled UDP without an answer", plain(17, 20000, 20001),
       [](Evidence& e) {
         e.half[1] = {};
         e.half[0].rate = 10;
       },
       client_server, DirectionRung::lower_port, 1},
      {"UDP without an answer, from a service", plain(17, 53, 50001),
       [](Evidence& e) {
         e.half[1] = {};
         e.known_service[0] = true;
       },
       client_server, DirectionRung::service_list, 1},
      {"syslog from port 514 to port 514", plain(17, 514, 514),
       [](Evidence& e) {
         e.half[1] = {};
         e.known_service = {true, true};
       },
       client_server, DirectionRung::one_way, 0},
      {"the lower port", plain(6, 20001, 20000), nothing, client_server, DirectionRung::lower_port,
       0},
      {"declared, whatever else speaks", plain(6, 50000, 443),
       [](Evidence& e) {
         e.declared[0] = 1;
         e.half[0].bits = kSourceBegan | kSynPacket;
         e.listed[1] = e.known_service[1] = true;
       },
       client_server, DirectionRung::declared, 1},
      {"the more specific declaration", plain(6, 50000, 50001),
       [](Evidence& e) {
         e.declared = {105, 129};
       },
       client_server, DirectionRung::declared, 0},
      {"declared at both ends alike", plain(6, 50000, 443),
       [](Evidence& e) {
         e.declared = {129, 129};
       },
       client_server, DirectionRung::port_range, 0},
      {"an inventory's word", plain(6, 50000, 443),
       [](Evidence& e) {
         e.listed[0] = true;
         e.half[0].bits = kSynPacket;
       },
       client_server, DirectionRung::inventory, 1},
      {"a statement beats the inventory", plain(6, 50000, 443),
       [](Evidence& e) {
         e.listed[0] = true;
         e.half[0].bits = kSourceBegan;
       },
       client_server, DirectionRung::stated_initiator, 0},
      {"DHCP to the broadcast address: it serves nobody", plain(17, 68, 67),
       [](Evidence& e) { e.group[0] = true; }, client_server, DirectionRung::protocol_rule, 0},
      {"a child of a control flow", plain(6, 1500, 49700),
       [](Evidence& e) { e.control_port[1] = 135; }, client_server, DirectionRung::control_child,
       0},
      {"well-known ports are nobody's children", plain(6, 1500, 443),
       [](Evidence& e) { e.control_port[0] = 135; }, client_server, DirectionRung::port_range, 0},
      {"it has served before", plain(6, 8080, 30000),
       [](Evidence& e) {
         e.past[1] = {3, 1, 1, 1};
         e.known_service[0] = true;
       },
       client_server, DirectionRung::endpoint_memory, 0},
      {"it has been both: memory is silent", plain(6, 8080, 30000),
       [](Evidence& e) {
         e.past[1] = {2, 1, 1, 1};
       },
       client_server, DirectionRung::lower_port, 1},
      {"an ephemeral port that has served needs no more", plain(6, 40000, 50000),
       [](Evidence& e) {
         e.past[1] = {3, 0, 1, 1};
       },
       client_server, DirectionRung::endpoint_memory, 0},
      {"an ephemeral port that served many", plain(6, 40000, 50000),
       [](Evidence& e) {
         e.past[1] = {3, 0, 2, 3};
       },
       client_server, DirectionRung::endpoint_memory, 0},
      {"many peers here, few there", plain(6, 1500, 50000),
       [](Evidence& e) {
         e.past[1] = {0, 0, 2, 3};
         e.past[0] = {0, 0, 1, 1};
       },
       client_server, DirectionRung::fan_in, 0},
      {"many peers, but all from one port: a poller's own", plain(17, 30000, 161),
       [](Evidence& e) {
         e.past[0] = {0, 0, 100, 1};
         e.known_service[1] = true;
       },
       client_server, DirectionRung::service_list, 0},
      {"many peers at both ends", plain(6, 1500, 20000),
       [](Evidence& e) {
         e.past[0] = e.past[1] = {0, 0, 9, 9};
       },
       client_server, DirectionRung::lower_port, 1},
      {"one client with port after port", plain(6, 1500, 20000),
       [](Evidence& e) {
         e.past[1] = {0, 0, 1, 3};
         e.past[0] = {0, 0, 1, 1};
       },
       client_server, DirectionRung::client_ports, 0},
      {"one client with five ports, and even an ephemeral-looking port is a service",
       plain(6, 1500, 50000),
       [](Evidence& e) {
         e.past[1] = {0, 0, 1, 5};
       },
       client_server, DirectionRung::client_ports, 0},
      {"one client with port after port, but the service looks ephemeral", plain(6, 1500, 50000),
       [](Evidence& e) {
         e.past[1] = {0, 0, 1, 3};
       },
       Direction::unknown, DirectionRung::none, 0},
      {"two ephemeral ports, the first start is not enough", plain(17, 50000, 50001),
       [](Evidence& e) { one_record_each(e, 8'000, 9'000); }, Direction::unknown,
       DirectionRung::none, 0},
      {"earlier, but it went on from before", plain(17, 30000, 20000),
       [](Evidence& e) {
         one_record_each(e, 9'000, 8'000);
         e.continues = true;
       },
       client_server, DirectionRung::lower_port, 0},
      {"a port that its address draws for clients", plain(6, 1500, 2000),
       [](Evidence& e) { e.dynamic_port[0] = true; }, client_server, DirectionRung::dynamic_range,
       0},
      {"NTP from a server that many ask, to one of them", plain(17, 123, 123),
       [](Evidence& e) {
         e.past[1] = {0, 0, 9, 9};
       },
       client_server, DirectionRung::fan_in, 0},
      {"NTP among servers that many ask", plain(17, 123, 123),
       [](Evidence& e) {
         e.past[0] = e.past[1] = {0, 0, 9, 9};
       },
       Direction::peer, DirectionRung::protocol_rule, 0},
      {"NTP among servers", plain(17, 123, 123), nothing, Direction::peer,
       DirectionRung::protocol_rule, 0},
      {"one port at both ends, but a SYN", plain(6, 179, 179),
       [](Evidence& e) { e.half[1].bits = kSynRecord; }, client_server, DirectionRung::tcp_flags,
       1},
      {"a tunnel", plain(47, 0, 0), nothing, Direction::peer, DirectionRung::protocol_rule, 0},
      {"a protocol of no rule", plain(99, 0, 0), nothing, Direction::unknown, DirectionRung::none,
       0},
      {"ports that were not exported", plain(6, 0, 0), nothing, Direction::unknown,
       DirectionRung::none, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Evidence evidence = c.evidence;
    c.change(evidence);
    const Answer answer = decide(evidence);
    CHECK(answer.direction == c.direction);
    CHECK(to_string(answer.rung) == to_string(c.rung));
    CHECK(int{answer.client_side} == c.client);
    CHECK(answer.outcome == Outcome::applied);

    const Answer other = decide(mirrored(evidence));
    CHECK(other.direction == c.direction);
    CHECK(to_string(other.rung) == to_string(c.rung));
    CHECK(int{other.client_side} == 1 - c.client);
  }
}

TEST_CASE("direction: few clients, many servers: a client's port that comes again has more peers") {
  Evidence e = plain(6, 38'000, 601);
  e.past[0] = {0, 0, 3, 200};
  e.past[1] = {0, 0, 6, 7};
  CHECK(to_string(decide(e).rung) == "client_ports");
  CHECK(decide(e).port == 38'000);
  // One who meets each of many at a port of its own: as many ports as peers prove nothing.
  e.past[0] = {0, 0, 3, 30};
  e.past[1] = {0, 0, 9, 9};
  CHECK(to_string(decide(e).rung) == "client_ports");
  e.past[0] = {0, 0, 3, 20};
  CHECK(to_string(decide(e).rung) != "client_ports");
}

TEST_CASE("direction: unanswered datagrams, sampled and not") {
  struct Case {
    std::uint32_t rate;
    bool scans, tries, is_attempt;
  };
  const Case cases[] = {{1, false, false, false},  {1, true, false, true},
                        {1, false, true, true},    {100, true, false, false},
                        {100, false, true, false}, {100, true, true, true}};
  for (const Case& c : cases) {
    CAPTURE(c.rate);
    CAPTURE(c.scans);
    CAPTURE(c.tries);
    Evidence e = plain(17, 40000, 22222);
    e.half[1] = {};
    e.half[0].rate = c.rate;
    e.scans[0] = c.scans;
    e.tries[0] = c.tries;
    CHECK((decide(e).outcome == Outcome::attempt) == c.is_attempt);
    CHECK((decide(mirrored(e)).outcome == Outcome::attempt) == c.is_attempt);
  }
}

TEST_CASE("direction: attempts are no dependencies") {
  struct Case {
    const char* name;
    unsigned flags_0;
    int flags_1;  ///< -1: no answer
    bool is_attempt;
  };
  const Case cases[] = {
      {"SYN without an answer", kTcpSyn, -1, true},
      {"SYN and a timeout's RST", kTcpSyn | kTcpRst, -1, true},
      {"SYN, refused", kTcpSyn, kTcpRst | kTcpAck, true},
      {"SYN, refused by a bare RST", kTcpSyn, kTcpRst, true},
      {"SYN, answered", kTcpSyn, kTcpSyn | kTcpAck, false},
      {"SYN, answered and then reset", kTcpSyn, kTcpSyn | kTcpAck | kTcpRst, false},
      {"the middle of a connection, one way", kTcpAck | kTcpPsh, -1, false},
      {"a whole connection, one way", kTcpSyn | kTcpAck | kTcpFin, -1, false},
      {"only the answer", kTcpSyn | kTcpAck, -1, false},
      {"a stray reset", kTcpRst, -1, true},
      {"a stray refusal", kTcpRst | kTcpAck, -1, true},
      {"a connection's end by a reset", kTcpRst | kTcpAck | kTcpPsh, -1, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Evidence e = plain(6, 40000, 80);
    e.half[0].tcp_flags = static_cast<std::uint8_t>(c.flags_0);
    if (c.flags_1 < 0) e.half[1] = {};
    if (c.flags_1 >= 0) e.half[1].tcp_flags = static_cast<std::uint8_t>(c.flags_1);
    CHECK((decide(e).outcome == Outcome::attempt) == c.is_attempt);
    CHECK((decide(mirrored(e)).outcome == Outcome::attempt) == c.is_attempt);
  }
  Evidence without_flags = plain(6, 40000, 80);
  without_flags.half[0].tcp_flags = kTcpSyn;
  without_flags.half[0].bits = kFlagsMissing;
  without_flags.half[1] = {};
  CHECK(decide(without_flags).outcome == Outcome::applied);
  CHECK(decide(plain(17, 40000, 80)).outcome == Outcome::applied);
}

TEST_CASE("direction: every rung has a name, a sentence and a weight") {
  float last = 1.1f;
  for (std::size_t i = 0; i < kDirectionRungCount; ++i) {
    const auto rung = static_cast<DirectionRung>(i);
    CHECK_FALSE(to_string(rung).empty());
    CHECK(describe(rung).back() == '.');
    CHECK(confidence(rung) >= 0.0f);
    CHECK(confidence(rung) <= last);
    if (rung >= DirectionRung::tcp_flags) last = confidence(rung) + 0.05f;
  }
  CHECK(to_string(Direction::peer) == "peer");
  CHECK(to_string(Direction::unknown) == "unknown");
}
