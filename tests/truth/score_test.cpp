// The measure itself: what counts as right, wrong and undecided; the other tools' rules.
#include "truth/score.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "truth/baselines.hpp"

namespace {

using namespace truth;
using flowlens::FlowField;
using flowlens::FlowRecord;
using flowlens::IpAddress;

const IpAddress kClient = IpAddress::v4(0x0a000001), kServer = IpAddress::v4(0x0a000002);

FlowRecord record(bool to_server, std::uint16_t client_port, std::uint16_t port,
                  std::uint64_t octets, std::chrono::milliseconds start) {
  FlowRecord flow;
  flow.source_address = to_server ? kClient : kServer;
  flow.destination_address = to_server ? kServer : kClient;
  flow.source_port = to_server ? client_port : port;
  flow.destination_port = to_server ? port : client_port;
  flow.protocol = 6;
  flow.tcp_flags = flowlens::kTcpSyn | flowlens::kTcpAck | flowlens::kTcpFin;
  flow.octet_count = octets;
  flow.packet_count = 9;
  flow.start = flow.end = flowlens::Timestamp{std::chrono::hours{500'000}} + start;
  for (const FlowField field :
       {FlowField::source_address, FlowField::destination_address, FlowField::protocol,
        FlowField::source_port, FlowField::destination_port, FlowField::tcp_flags}) {
    flow.present |= static_cast<std::uint32_t>(field);
  }
  return flow;
}

Conversations one(std::uint16_t client_port, std::uint16_t port) {
  Conversations all;
  const FlowRecord flows[] = {record(true, client_port, port, 100, std::chrono::milliseconds{0}),
                              record(false, client_port, port, 40, std::chrono::milliseconds{5})};
  all.add(flows);
  return all;
}

TrueMap truth_of(const std::string& rows) {
  std::istringstream in("client,server,protocol,port,octets_to_server,octets_to_client\n" + rows);
  return read_true_map(in, "test");
}

const Contender& named(const std::vector<std::unique_ptr<Contender>>& tools,
                       const std::string& name) {
  for (const auto& tool : tools) {
    if (tool->name() == name) return *tool;
  }
  throw std::logic_error("no tool " + name);
}

}  // namespace

TEST_CASE("baselines: each by its published rule") {
  struct Case {
    std::uint16_t client_port, port;
    bool lower, range, services, ephemeral;  ///< right?
  };
  const Case cases[] = {
      {40000, 443, true, true, true, true},
      {40000, 50052, false, false, false, true},  // who starts first; but nfdump: 40000 < 49152
      {50011, 45000, true, true, true, true},     //
      {50011, 60000, false, true, false, true},   // both ranges alike: who starts first
      {700, 443, true, true, true, true},         //
      {700, 50052, false, false, false, false},   //
      {2000, 30000, false, true, false, true},    // below 32768 both: who starts first
      {40000, 3306, true, true, true, true},
      {1500, 3306, false, true, true, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.client_port);
    CAPTURE(c.port);
    const Conversations all = one(c.client_port, c.port);
    const TrueMap truth = truth_of("10.0.0.1,10.0.0.2,tcp," + std::to_string(c.port) + ",100,40\n");
    const auto tools = make_baselines(all);
    const auto is_right = [&](const char* name) {
      return score(named(tools, name), truth, all).direction().right == 1;
    };
    CHECK(is_right("lower-port") == c.lower);
    CHECK(is_right("range") == c.range);
    CHECK(is_right("services") == c.services);
    CHECK(is_right("ephemeral") == c.ephemeral);
  }
}

TEST_CASE("score: a turned edge is false, ephemeral and missing at once") {
  const Conversations all = one(40000, 50052);
  const TrueMap truth = truth_of("10.0.0.1,10.0.0.2,tcp,50052,100,40\n");
  const auto tools = make_baselines(all);
  const Score wrong = score(named(tools, "lower-port"), truth, all, {{}, 9});
  CHECK(wrong.edges_true == 1);
  CHECK(wrong.edges_found == 1);
  CHECK(wrong.edges_right == 0);
  CHECK(wrong.edges_turned == 1);
  CHECK(wrong.false_ephemeral == 1);
  CHECK(wrong.precision() == 0);
  CHECK(wrong.recall() == 0);
  CHECK(wrong.by_kind[static_cast<std::size_t>(EvidenceKind::flags)].wrong == 1);
  CHECK(wrong.examples.size() == 2);

  const Score right = score(named(tools, "ephemeral"), truth, all);
  CHECK(right.precision() == 1);
  CHECK(right.recall() == 1);
  CHECK(right.octet_error() == 0);
  CHECK(right.octet_error_by_edge() == 0);
}

TEST_CASE("score: octets are compared by edge and direction") {
  const Conversations all = one(40000, 443);
  const TrueMap truth = truth_of("10.0.0.1,10.0.0.2,tcp,443,90,50\n");
  const auto tools = make_baselines(all);
  const Score s = score(named(tools, "lower-port"), truth, all);
  CHECK(s.octet_error() == 0);
  CHECK(s.octet_error_by_edge() == doctest::Approx(20.0 / 140));
}

TEST_CASE(
    "score: what no record shows is not asked for; what came before the measure is not counted") {
  const Conversations all = one(40000, 443);
  const TrueMap truth =
      truth_of("10.0.0.1,10.0.0.2,tcp,443,100,40\n10.0.0.1,10.0.0.9,tcp,22,100,40\n");
  const auto tools = make_baselines(all);
  ScoreOptions options;
  CHECK(score(*tools[0], truth, all, options).recall() == 1);
  CHECK(score(*tools[0], truth, all, options).direction().decided() == 1);
  options.measure_from = flowlens::Timestamp{std::chrono::hours{500'001}};
  CHECK(score(*tools[0], truth, all, options).direction().decided() == 0);
}

TEST_CASE("score: attempts are no dependencies") {
  const Conversations all = one(40000, 23);
  const Score s = score(*make_baselines(all)[0], truth_of(""), all);
  CHECK(s.edges_found == 1);
  CHECK(s.edges_turned == 0);
  CHECK(s.false_ephemeral == 0);
  CHECK(s.precision() == 0);
}

TEST_CASE("conversations: the kind of evidence is what the records hold") {
  const auto kind = [](FlowRecord flow, FlowRecord answer) {
    Conversations all;
    const FlowRecord flows[] = {flow, answer};
    all.add(flows);
    REQUIRE(all.all().size() == 1);
    return all.all().begin()->second.evidence(flow.protocol);
  };
  const auto ms = std::chrono::milliseconds{0};
  const FlowRecord up = record(true, 40000, 443, 1, ms), down = record(false, 40000, 443, 1, ms);
  CHECK(kind(up, down) == EvidenceKind::flags);
  FlowRecord syn = up;
  syn.tcp_flags = flowlens::kTcpSyn;
  CHECK(kind(syn, down) == EvidenceKind::handshake);
  FlowRecord one_packet = up;
  one_packet.packet_count = 1;
  CHECK(kind(one_packet, down) == EvidenceKind::handshake);
  FlowRecord stated = up;
  stated.initiator = flowlens::Initiator::source;
  CHECK(kind(stated, down) == EvidenceKind::handshake);
  FlowRecord sampled = up;
  sampled.sampling_rate = 10;
  CHECK(kind(sampled, down) == EvidenceKind::sampled);
  FlowRecord udp = up, udp_answer = down;
  udp.protocol = udp_answer.protocol = 17;
  CHECK(kind(udp, udp_answer) == EvidenceKind::other);
}
