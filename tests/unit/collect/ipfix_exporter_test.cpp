// Flows sent as IPFIX come back as they were.
#include "flowlens/ipfix_exporter.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "flowlens/decoder.hpp"
#include "flowlens/error.hpp"
#include "flowlens/udp_receiver.hpp"

using namespace flowlens;

namespace {

constexpr Timestamp kNow = from_unix_ns(1'700'000'000'000'000'000);

void mark(FlowRecord& f, FlowField field) { f.present |= static_cast<std::uint32_t>(field); }

/// A flow that has every value, or only addresses, protocol, times and packets.
FlowRecord flow(bool is_v4, bool is_full) {
  FlowRecord f;
  f.source_address = *IpAddress::parse(is_v4 ? "10.0.0.1" : "2001:db8::1");
  f.destination_address = *IpAddress::parse(is_v4 ? "10.0.0.2" : "2001:db8::2");
  f.start = kNow - std::chrono::milliseconds{12'345};
  f.end = kNow - std::chrono::milliseconds{345};
  f.received = kNow;
  for (const FlowField field :
       {FlowField::source_address, FlowField::destination_address, FlowField::start, FlowField::end,
        FlowField::packet_count, FlowField::protocol}) {
    mark(f, field);
  }
  f.packet_count = 5;
  f.protocol = 47;
  f.counter_source = CounterSource::delta;
  if (!is_full) return f;
  f.present = 0x1f'ffff;
  f.next_hop = *IpAddress::parse(is_v4 ? "10.0.0.9" : "2001:db8::9");
  f.exporter = *IpAddress::parse("192.0.2.1");
  f.observation_domain = 7;
  f.octet_count = 0x1'0000'0001;
  f.packet_count = 0x1'0000'0002;
  f.ingress_interface = 3;
  f.egress_interface = 4;
  f.source_as = 65'000;
  f.destination_as = 4'200'000'000;
  f.source_port = 40'000;
  f.destination_port = 443;
  f.vlan_id = 75;
  f.icmp_type_code = 0x0800;
  f.protocol = 6;
  f.tcp_flags = 0x1b;
  f.tos = 0xb8;
  f.source_prefix_length = 24;
  f.destination_prefix_length = 16;
  f.flow_direction = 1;
  f.initiator = Initiator::destination;
  f.counter_source = CounterSource::delta;
  return f;
}

void check_same(const FlowRecord& a, const FlowRecord& b) {
  CHECK(a.source_address == b.source_address);
  CHECK(a.destination_address == b.destination_address);
  CHECK(a.next_hop == b.next_hop);
  CHECK(a.start == b.start);
  CHECK(a.end == b.end);
  CHECK(a.present == b.present);
  CHECK(a.octet_count == b.octet_count);
  CHECK(a.packet_count == b.packet_count);
  CHECK(a.sampling_rate == b.sampling_rate);
  CHECK(a.ingress_interface == b.ingress_interface);
  CHECK(a.egress_interface == b.egress_interface);
  CHECK(a.source_as == b.source_as);
  CHECK(a.destination_as == b.destination_as);
  CHECK(a.source_port == b.source_port);
  CHECK(a.destination_port == b.destination_port);
  CHECK(a.vlan_id == b.vlan_id);
  CHECK(a.icmp_type_code == b.icmp_type_code);
  CHECK(a.protocol == b.protocol);
  CHECK(a.tcp_flags == b.tcp_flags);
  CHECK(a.tos == b.tos);
  CHECK(a.source_prefix_length == b.source_prefix_length);
  CHECK(a.destination_prefix_length == b.destination_prefix_length);
  CHECK(a.flow_direction == b.flow_direction);
  CHECK(a.initiator == b.initiator);
  CHECK(a.kind == b.kind);
  CHECK(a.counter_source == b.counter_source);
}

/// Decodes messages as they come; the decoder checks their sequence numbers.
struct Collector {
  Decoder decoder;
  FlowBatch batch;
  std::vector<std::vector<std::byte>> messages;
  IpfixEncoder::Take take = [this](std::span<const std::byte> m) {
    messages.emplace_back(m.begin(), m.end());
    const auto result =
        decoder.decode(m, {IpAddress::v4(0x7f000001), 4739, 4739, Transport::udp}, kNow, batch);
    CHECK((result.clean() || result.sets_waiting > 0));
  };
  void check_sequence() const {
    const ExporterStatus status = decoder.parser().status(IpAddress::v4(0x7f000001));
    REQUIRE(status.streams.size() == 1);
    CHECK(status.streams[0].datagrams == messages.size());
    CHECK(status.streams[0].sequence.gaps == 0);
    CHECK(status.streams[0].sequence.late == 0);
    CHECK(status.streams[0].sequence.astray == 0);
    CHECK(status.streams[0].sequence.resets == 0);
  }
};

}  // namespace

TEST_CASE("IPFIX exporter: flows come back as they were, with what they had and no more") {
  std::vector<FlowRecord> flows;
  for (const bool is_v4 : {true, false}) {
    for (const bool is_full : {true, false}) flows.push_back(flow(is_v4, is_full));
  }
  for (const std::uint32_t rate : {100u, 1'000u, 100u}) {
    flows.push_back(flow(true, true));
    flows.back().sampling_rate = rate;
  }
  flows.push_back(flow(true, true));
  flows.back().kind = FlowKind::denied;
  flows.back().initiator = Initiator::source;
  for (const CounterSource source :
       {CounterSource::total, CounterSource::layer2_delta, CounterSource::layer2_total,
        CounterSource::post_delta, CounterSource::post_total}) {
    flows.push_back(flow(false, true));
    flows.back().counter_source = source;
  }
  Collector collector;
  IpfixEncoder encoder;
  encoder.add(flows, kNow, collector.take);
  encoder.flush(kNow, collector.take);
  REQUIRE(collector.batch.flows.size() == flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i) {
    CAPTURE(i);
    check_same(flows[i], collector.batch.flows[i]);
  }
  CHECK(encoder.counters().flows == flows.size());
  collector.check_sequence();
}

TEST_CASE("IPFIX exporter: messages are bounded, numbered without gaps, and as few as may be") {
  std::vector<FlowRecord> flows(1'000, flow(true, true));
  for (std::size_t i = 0; i < flows.size(); ++i) {
    flows[i].octet_count = i;
    if (i % 3 == 0) flows[i].sampling_rate = 50;
  }
  Collector collector;
  IpfixEncoderOptions options;
  options.max_message_octets = 512;
  IpfixEncoder encoder(options);
  encoder.add(flows, kNow, collector.take);
  encoder.flush(kNow, collector.take);
  REQUIRE(collector.batch.flows.size() == flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i) CHECK(collector.batch.flows[i].octet_count == i);
  std::uint64_t octets = 0;
  for (const auto& m : collector.messages) {
    CHECK(m.size() <= 512);
    octets += m.size();
  }
  CHECK(encoder.counters().octets == octets);
  CHECK(encoder.counters().messages == collector.messages.size());
  collector.check_sequence();
}

TEST_CASE("IPFIX exporter: a collector that comes later learns the templates within the interval") {
  IpfixEncoder encoder;
  const FlowRecord f = flow(true, true);
  encoder.add({&f, 1}, kNow, [](std::span<const std::byte>) {});
  encoder.flush(kNow, [](std::span<const std::byte>) {});
  Collector late;
  for (const int seconds : {59, 60}) {
    encoder.add({&f, 1}, kNow + std::chrono::seconds{seconds}, late.take);
    encoder.flush(kNow, late.take);
  }
  // The first waited for the template that came with the second.
  CHECK(late.batch.flows.size() == 2);
  CHECK(encoder.counters().templates == 2);
}

TEST_CASE("IPFIX exporter: limits") {
  IpfixEncoderOptions options;
  options.max_templates = 1;
  options.max_rates = 1;
  Collector collector;
  IpfixEncoder encoder(options);
  FlowRecord sampled = flow(true, true);
  for (const std::uint32_t rate : {10u, 20u, 1u, 10u}) {
    sampled.sampling_rate = rate;
    encoder.add({&sampled, 1}, kNow, collector.take);
  }
  encoder.flush(kNow, collector.take);
  CHECK(encoder.counters().flows == 2);
  CHECK(encoder.counters().refused == 2);
  CHECK(collector.batch.flows.size() == 2);
  for (const std::size_t octets : {511u, 65'536u}) {
    IpfixEncoderOptions bad;
    bad.max_message_octets = octets;
    CHECK_THROWS_AS(IpfixEncoder{bad}, ConfigError);
  }
}

TEST_CASE("IPFIX exporter: over UDP") {
  UdpReceiverOptions receive;
  receive.bind_address = IpAddress::v4(0x7f000001);
  receive.ports = {0};
  UdpReceiver receiver(receive);
  IpfixExporter exporter(IpAddress::v4(0x7f000001), receiver.ports().at(0));
  const std::vector<FlowRecord> flows(100, flow(false, true));
  exporter.send(flows, kNow);
  Collector collector;
  while (collector.batch.flows.size() < flows.size()) {
    const std::size_t got = receiver.receive(
        0, std::chrono::seconds{5}, [&](const ReceivedDatagram& d) { collector.take(d.octets); });
    REQUIRE(got > 0);
  }
  CHECK(collector.batch.flows.size() == 100);
  CHECK(exporter.status().lost_messages == 0);
  CHECK(exporter.counters().messages == collector.messages.size());
}
