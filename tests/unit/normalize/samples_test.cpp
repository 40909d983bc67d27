// sFlow samples to flows.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

Octets header(const TcpPacket& packet = {}, std::uint32_t frame = 78) {
  return SflowBuilder::sampled_header(ethernet_packet(packet), frame).take();
}
Octets record(std::uint32_t format, const ByteWriter& body) {
  return SflowBuilder::record(format, body.octets()).take();
}

}  // namespace

TEST_CASE("sFlow: a sampled packet is a flow of one packet") {
  for (const bool expanded : {false, true}) {
    CAPTURE(expanded);
    DecoderUnderTest t;
    SflowBuilder builder;
    const auto flows = t.feed(expanded ? builder.expanded_flow_sample(header()).build()
                                       : builder.flow_sample(header()).build());
    REQUIRE(flows.size() == 1);
    const FlowRecord& f = flows[0];
    CHECK(f.kind == FlowKind::sampled_packet);
    CHECK(f.exporter == IpAddress::v4(0xc0000263));  // the agent, not the sender
    CHECK(f.observation_domain == 6);
    CHECK(f.source_address == IpAddress::v4(0x0a000001));
    CHECK(f.destination_port == 443);
    CHECK(f.tcp_flags == kTcpSyn);
    CHECK(f.octet_count == 60);  // of the IP header, not the frame's 78
    CHECK(f.packet_count == 1);
    CHECK(f.sampling_rate == 100);
    CHECK(f.sampling_source == SamplingSource::record);
    CHECK(f.ingress_interface == 17);
    CHECK(f.egress_interface == 18);
    CHECK(f.start == received());
    CHECK_FALSE(f.has(FlowField::start));
    CHECK(f.export_protocol == ExportProtocol::sflow_v5);
  }
}

TEST_CASE("sFlow: agents and rates that say nothing, and rates past all sense") {
  DecoderUnderTest t;
  auto flows = t.feed(SflowBuilder{}.agent(0).flow_sample(header(), 1, 0).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].exporter == session().exporter);
  CHECK(flows[0].sampling_rate == 1);
  CHECK(flows[0].sampling_source == SamplingSource::unknown);
  flows = t.feed(SflowBuilder{}.flow_sample(header(), 1, 0xffffffff).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].estimated_octet_count() == 60ull * 0xffffffff);
}

TEST_CASE("sFlow: lengths of packets") {
  struct Case {
    const char* name;
    std::uint16_t total;
    std::vector<std::uint16_t> vlans;
    std::uint64_t octets;
  };
  const Case cases[] = {
      {"the IP length counts", 1'500, {}, 1'500},
      {"behind VLAN tags too", 1'500, {1, 2}, 1'500},
      {"no IP length: the frame less its link layer", 0, {}, 1'000 - 14},
      {"no IP length, two tags", 0, {1, 2}, 1'000 - 22},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    TcpPacket packet;
    packet.total_length = c.total;
    packet.vlans = c.vlans;
    DecoderUnderTest t;
    const auto flows = t.feed(SflowBuilder{}.flow_sample(header(packet, 1'000)).build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].octet_count == c.octets);
    CHECK(flows[0].has(FlowField::vlan_id) == !c.vlans.empty());
  }
}

TEST_CASE("sFlow: switch, router and gateway records add to the flow") {
  ByteWriter gateway;
  gateway.u32(1).u32(0x0a0000fd).u32(64'500).u32(64'501).u32(64'502);
  gateway.u32(1).u32(2).u32(2).u32(64'510).u32(64'511).u32(0).u32(100);  // one segment of two
  ByteWriter records;
  records.append(record(1001, ByteWriter{}.u32(153).u32(0).u32(153).u32(0)));
  records.append(record(1002, ByteWriter{}.u32(1).u32(0x0a0000fe).u32(24).u32(22)));
  records.append(record(1003, gateway));
  records.append(header());
  DecoderUnderTest t;
  const auto flows = t.feed(SflowBuilder{}.flow_sample(records.octets(), 4).build());
  REQUIRE(flows.size() == 1);
  CHECK(t.result.clean());
  CHECK(flows[0].vlan_id == 153);
  CHECK(flows[0].next_hop == IpAddress::v4(0x0a0000fe));
  CHECK(flows[0].source_prefix_length == 24);
  CHECK(flows[0].destination_prefix_length == 22);
  CHECK(flows[0].source_as == 64'501);
  CHECK(flows[0].destination_as == 64'511);
}

TEST_CASE("sFlow: sampled_ipv4 and sampled_ipv6 where no header was taken") {
  ByteWriter v4, v6;
  v4.u32(1'500).u32(6).u32(0x0a000001).u32(0x0a000002).u32(1'024).u32(80).u32(0x18).u32(4);
  v6.u32(1'280).u32(58);
  v6.append(from_hex("20010db8000000000000000000000001 20010db8000000000000000000000002"));
  v6.u32(135).u32(0).u32(0).u32(0);
  DecoderUnderTest t;
  const auto flows =
      t.feed(SflowBuilder{}.flow_sample(record(3, v4)).flow_sample(record(4, v6)).build());
  REQUIRE(flows.size() == 2);
  CHECK(flows[0].octet_count == 1'500);
  CHECK(flows[0].destination_port == 80);
  CHECK(flows[0].tcp_flags == 0x18);
  CHECK(flows[1].source_address == *IpAddress::parse("2001:db8::1"));
  CHECK(flows[1].icmp_type_code == 135 * 256);
  CHECK_FALSE(flows[1].has(FlowField::source_port));
}

TEST_CASE("sFlow: what gives no flow is counted") {
  const Octets arp = from_hex("ffffffffffff 020000000002 0806 0001");
  DecoderUnderTest t;
  const auto flows = t.feed(SflowBuilder{}
                                .counters_sample(record(5, ByteWriter{}.fill(28)))
                                .discarded_sample(header())
                                .flow_sample(SflowBuilder::sampled_header(arp, 64).octets())
                                .flow_sample(SflowBuilder::sampled_header(arp, 64, 7).octets())
                                .flow_sample({}, 0)
                                .build());
  CHECK(flows.empty());
  CHECK(t.decoder.counters().counter_samples == 1);
  CHECK(t.decoder.counters().records == 4);
  CHECK(t.decoder.counters().records_without_flow == 4);
}

TEST_CASE("sFlow: a later fragment is told as such") {
  Octets frame = ethernet_packet({});
  frame[14 + 7] = std::byte{8};
  DecoderUnderTest t;
  const auto flows =
      t.feed(SflowBuilder{}.flow_sample(SflowBuilder::sampled_header(frame, 78).octets()).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].is_fragment_tail);
  CHECK_FALSE(flows[0].has(FlowField::source_port));
}

TEST_CASE(
    "sFlow: a tunnelled packet is the conversation within, and the headers around it are kept") {
  // 192.0.2.1 to 192.0.2.2 in VLAN 100, GRE, then 10.0.0.1 to 10.0.0.2.
  Octets frame = from_hex(
      "020000000001 020000000002 8100 0064 0800 45000064 00020000 402f0000 c0000201 c0000202"
      "0000 0800");
  const Octets inner = ethernet_packet({});
  frame.insert(frame.end(), inner.begin() + 14, inner.end());
  const Octets datagram = SflowBuilder{}
                              .flow_sample(header())
                              .flow_sample(SflowBuilder::sampled_header(frame, 118).octets())
                              .build();

  DecoderUnderTest t;
  FlowBatch batch;
  t.decoder.decode(datagram, session(), received(), batch);
  REQUIRE(batch.flows.size() == 2);
  CHECK(batch.flows[1].source_address == IpAddress::v4(0x0a000001));
  CHECK(batch.flows[1].destination_port == 443);
  CHECK(batch.flows[1].octet_count == 60);
  CHECK(batch.flows[1].vlan_id == 100);  // of the frame that was seen
  REQUIRE(batch.layers.size() == 2);     // none for the first flow
  CHECK(batch.layers[0].flow == 1);
  CHECK(batch.layers[0].depth == 0);
  CHECK(batch.layers[0].headers.destination == *IpAddress::parse("192.0.2.2"));
  CHECK(batch.layers[1].flow == 1);
  CHECK(batch.layers[1].depth == 1);
  CHECK(batch.layers[1].headers.encapsulation == Encapsulation::gre);
  batch.clear();
  CHECK(batch.layers.empty());

  DecoderOptions options;
  options.normalizer.tunnel_view = TunnelView::outermost;
  Decoder outer{options};
  outer.decode(datagram, session(), received(), batch);
  REQUIRE(batch.flows.size() == 2);
  CHECK(batch.flows[1].source_address == *IpAddress::parse("192.0.2.1"));
  CHECK(batch.flows[1].protocol == 47);
  CHECK(batch.flows[1].octet_count == 100);
  CHECK(batch.layers.size() == 2);
}

TEST_CASE("sFlow: a segment-routed packet goes to its last segment") {
  const Octets packet = from_hex(
      "60000000 0044 2b 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
      "06 04 04 01 01 00 0000 20010db80000000000000000000000ff 20010db80000000000000000000000ee"
      "9c40 01bb 00000001 00000001 5002 0400 0000 0000");
  DecoderUnderTest t;
  const auto flows = t.feed(
      SflowBuilder{}.flow_sample(SflowBuilder::sampled_header(packet, 108, 12).octets()).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].destination_address == *IpAddress::parse("2001:db8::ff"));
}

TEST_CASE("sFlow: header protocols other than Ethernet") {
  const Octets frame = ethernet_packet({});
  const std::span packet = std::span{frame}.subspan(14);
  struct Case {
    const char* name;
    std::uint32_t protocol;
    const char* before;
  };
  const Case cases[] = {{"PPP", 7, "ff03 0021"},
                        {"AAL5 without LLC", 10, ""},
                        {"IPv4", 11, ""},
                        {"MPLS", 13, "00010140"},
                        {"SONET", 14, "0f00 0800"}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Octets header_octets = from_hex(c.before);
    header_octets.insert(header_octets.end(), packet.begin(), packet.end());
    DecoderUnderTest t;
    const auto flows = t.feed(
        SflowBuilder{}
            .flow_sample(SflowBuilder::sampled_header(header_octets, 80, c.protocol).octets())
            .build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].destination_port == 443);
  }
}

TEST_CASE("sFlow quirk, Huawei: a packet told in all forms at once is one flow") {
  ByteWriter ethernet_form, ip_form;
  ethernet_form.u32(60).append(from_hex("020000000002 0000 020000000001 0000")).u32(0x0800);
  ip_form.u32(60).u32(6).u32(0x0a000001).u32(0x0a000002).u32(40'000).u32(443).u32(0).u32(0);
  ByteWriter records;
  records.append(record(2, ethernet_form)).append(record(3, ip_form)).append(header());
  DecoderUnderTest t;
  const auto flows = t.feed(SflowBuilder{}.flow_sample(records.octets(), 3).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].tcp_flags == kTcpSyn);  // the header says more than the decoded form
}

TEST_CASE("sFlow quirk, Huawei: a tagged frame cropped before its addresses") {
  TcpPacket packet;
  packet.vlans = {100};
  Octets frame = ethernet_packet(packet);
  frame.resize(30);
  ByteWriter ip_form;
  ip_form.u32(60).u32(6).u32(0x0a000001).u32(0x0a000002).u32(40'000).u32(443).u32(2).u32(0);
  ByteWriter records = SflowBuilder::sampled_header(frame, 82);
  records.append(record(3, ip_form));
  DecoderUnderTest t;
  const auto flows = t.feed(SflowBuilder{}.flow_sample(records.octets(), 2).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].destination_port == 443);
  CHECK(flows[0].tcp_flags == kTcpSyn);
}

TEST_CASE("sFlow quirk, Dell and Arista: interfaces that are none") {
  struct Case {
    const char* name;
    std::uint32_t input;
    std::uint32_t output;
    bool has_input;
    bool has_output;
  };
  const Case cases[] = {
      {"two interfaces", 17, 18, true, true},
      {"0x80000000: sent to several, nobody knows how many", 17, 0x80000000, true, false},
      {"sent to seven", 17, 0x80000007, true, false},
      {"discarded", 17, 0x40000102, true, false},
      {"from and to the device itself", 0x3fffffff, 0x3fffffff, false, false},
      {"not known", 0, 0, false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ByteWriter body;
    body.u32(11).u32(2).u32(100).u32(5'000).u32(3).u32(c.input).u32(c.output).u32(1);
    DecoderUnderTest t;
    const auto flows = t.feed(SflowBuilder{}.sample(1, body.append(header()).octets()).build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].has(FlowField::ingress_interface) == c.has_input);
    CHECK(flows[0].has(FlowField::egress_interface) == c.has_output);
    if (c.has_output) CHECK(flows[0].egress_interface == 18);
    if (!c.has_output) CHECK(flows[0].egress_interface == 0);
  }
}

TEST_CASE("captured packets: each is a flow of one packet at a rate of one") {
  TcpPacket tcp;
  tcp.vlans = {7};
  const Octets frame = ethernet_packet(tcp);
  const Octets arp = from_hex("ffffffffffff 020000000002 0806 0001");
  Decoder decoder;
  FlowBatch batch;
  CHECK(decoder.decode({frame, LinkType::ethernet, 78, received(), 3}, batch));
  CHECK_FALSE(decoder.decode({arp, LinkType::ethernet, 42, received(), 3}, batch));
  REQUIRE(batch.flows.size() == 1);
  const FlowRecord& f = batch.flows[0];
  CHECK(f.kind == FlowKind::sampled_packet);
  CHECK(f.export_protocol == ExportProtocol::packet_capture);
  CHECK(f.exporter.is_unspecified());
  CHECK(f.observation_domain == 3);
  CHECK(f.start == received());
  CHECK(f.end == received());
  CHECK(f.has(FlowField::start));
  CHECK(f.sampling_rate == 1);
  CHECK(f.sampling_source == SamplingSource::record);
  CHECK(f.packet_count == 1);
  CHECK(f.octet_count == 60);
  CHECK(f.vlan_id == 7);
  CHECK(f.tcp_flags == kTcpSyn);
  CHECK(decoder.counters().records == 2);
  CHECK(decoder.counters().flows == 1);
  CHECK(decoder.counters().records_without_flow == 1);
  CHECK(decoder.parser().datagrams().received == 0);
}
