// Data records to flows: elements, counts, addresses, ICMP, biflows.
#include <doctest/doctest.h>

#include <functional>

#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("v5: every field") {
  DecoderUnderTest t;
  V5Header header;
  header.nanoseconds = 500'000'000;
  header.sampling = 0x4000 | 100;
  const auto flows = t.feed(v5_message(header, {V5Record{}}));
  REQUIRE(flows.size() == 1);
  const FlowRecord& f = flows[0];
  CHECK(f.source_address == IpAddress::v4(0x0a000001));
  CHECK(f.destination_address == IpAddress::v4(0x0a000002));
  CHECK(f.next_hop == IpAddress::v4(0x0a0000fe));
  CHECK(f.exporter == session().exporter);
  CHECK(f.received == received());
  CHECK(f.start == export_plus_ms(500 - 10'000));
  CHECK(f.end == export_plus_ms(500 - 1'000));
  CHECK(f.octet_count == 1'000);
  CHECK(f.packet_count == 10);
  CHECK(f.source_port == 40'000);
  CHECK(f.destination_port == 443);
  CHECK(f.ingress_interface == 3);
  CHECK(f.egress_interface == 4);
  CHECK(f.source_as == 64'500);
  CHECK(f.destination_as == 64'501);
  CHECK(f.source_prefix_length == 24);
  CHECK(f.destination_prefix_length == 16);
  CHECK(f.protocol == 6);
  CHECK(f.tcp_flags == 0x1b);
  CHECK(f.tos == 0x10);
  CHECK(f.observation_domain == 0x0102);
  CHECK(f.sampling_rate == 100);
  CHECK(f.sampling_source == SamplingSource::header);
  CHECK(f.estimated_octet_count() == 100'000);
  CHECK(f.kind == FlowKind::traffic);
  CHECK(f.export_protocol == ExportProtocol::netflow_v5);
  CHECK(f.has(FlowField::start));
  CHECK_FALSE(f.has(FlowField::vlan_id));
}

TEST_CASE("NetFlow v1 and v7: every field, as in v5") {
  struct Case {
    const char* name;
    Octets message;
    ExportProtocol protocol;
    bool has_as;
  };
  V5Header header;
  header.nanoseconds = 500'000'000;
  const std::vector<V5Record> records(2);
  const Case cases[] = {
      {"v1", v1_message(header, records), ExportProtocol::netflow_v1, false},
      {"v1, softflowd's records of 48 octets", v1_message(header, records, 48),
       ExportProtocol::netflow_v1, false},
      {"v7", v7_message(header, records), ExportProtocol::netflow_v7, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    DecoderUnderTest t;
    const auto flows = t.feed(c.message);
    CHECK(t.result.clean());
    REQUIRE(flows.size() == 2);
    const FlowRecord& f = flows[1];
    CHECK(f.source_address == IpAddress::v4(0x0a000001));
    CHECK(f.destination_address == IpAddress::v4(0x0a000002));
    CHECK(f.next_hop == IpAddress::v4(0x0a0000fe));
    CHECK(f.start == export_plus_ms(500 - 10'000));
    CHECK(f.end == export_plus_ms(500 - 1'000));
    CHECK(f.octet_count == 1'000);
    CHECK(f.packet_count == 10);
    CHECK(f.source_port == 40'000);
    CHECK(f.destination_port == 443);
    CHECK(f.ingress_interface == 3);
    CHECK(f.egress_interface == 4);
    CHECK(f.protocol == 6);
    CHECK(f.tcp_flags == 0x1b);
    CHECK(f.tos == 0x10);
    CHECK(f.has(FlowField::source_as) == c.has_as);
    CHECK(f.destination_as == (c.has_as ? 64'501 : 0));
    CHECK(f.source_prefix_length == (c.has_as ? 24 : 0));
    CHECK(f.sampling_source == SamplingSource::unknown);
    CHECK(f.export_protocol == c.protocol);
  }
}

TEST_CASE("numbers: any width from 1 to 8 octets, narrowed to the member") {
  for (std::uint16_t width = 1; width <= 8; ++width) {
    CAPTURE(width);
    const FlowRecord f = flow_of({{1, width}, {7, width}, {6, width}}, [&](ByteWriter& w) {
      w.number(200, width).number(201, width).number(0x12, width);
    });
    CHECK(f.octet_count == 200);
    CHECK(f.source_port == 201);
    CHECK(f.tcp_flags == 0x12);
  }
  const FlowRecord wide =
      flow_of({{6, 2}, {10, 8}}, [](ByteWriter& w) { w.u16(0x0118).u64(0x1'0000'0007); });
  CHECK(wide.tcp_flags == 0x18);  // the low octet
  CHECK(wide.ingress_interface == 7);
}

TEST_CASE("fields of a length their type cannot have, or of none, are absent") {
  const FlowRecord f =
      flow_of({{15, 3}, {1, 9}, {2, 0}, {154, 4}}, [](ByteWriter& w) { w.fill(16, 0xff); });
  CHECK_FALSE(f.has(FlowField::next_hop));
  CHECK_FALSE(f.has(FlowField::octet_count));
  CHECK_FALSE(f.has(FlowField::packet_count));
  CHECK_FALSE(f.has(FlowField::start));
}

TEST_CASE("counts: delta before total, both before post") {
  struct Case {
    const char* name;
    Fields fields;
    std::uint64_t octets;
  };
  const Case cases[] = {
      {"delta", {{1, 4}}, 1},
      {"total", {{85, 4}}, 1},
      {"post", {{23, 4}}, 1},
      {"total, then delta", {{85, 4}, {1, 4}}, 2},
      {"post, then total", {{23, 4}, {85, 4}}, 2},
      {"delta twice: the first", {{1, 4}, {1, 4}}, 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const FlowRecord f = flow_of(c.fields, [&](ByteWriter& w) {
      for (std::uint32_t i = 1; i <= c.fields.size(); ++i) w.u32(i);
    });
    CHECK(f.octet_count == c.octets);
  }
}

TEST_CASE("addresses: of IPv6, and of templates that hold both families") {
  const Octets v6 = from_hex("20010db8000000000000000000000001");
  const Octets zeros(16);
  struct Case {
    const char* name;
    std::uint32_t v4;
    const Octets& v6;
    const char* want;
  };
  const Case cases[] = {
      {"IPv6 is set", 0, v6, "2001:db8::1"},
      {"IPv4 is set", 0x0a000001, zeros, "10.0.0.1"},
      {"none is", 0, zeros, "0.0.0.0"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ByteWriter record;
    record.u32(c.v4).u32(c.v4).append(c.v6).append(c.v6).u8(6);
    const auto flows =
        decode(ExportProtocol::netflow_v9, {{8, 4}, {12, 4}, {27, 16}, {28, 16}, {4, 1}}, record);
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].source_address == *IpAddress::parse(c.want));
  }
}

TEST_CASE("records without addresses or protocol give no flow and are counted") {
  struct Case {
    const char* name;
    Fields fields;
  };
  const Case cases[] = {
      {"no destination", {{8, 4}, {4, 1}}},
      {"no protocol", {{8, 4}, {12, 4}}},
      {"MAC addresses only", {{56, 6}, {80, 6}}},
      {"NAT event", {{8, 4}, {12, 4}, {4, 1}, {230, 1}, {225, 4}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    std::size_t octets = 0;
    for (const Field& f : c.fields) octets += f.length;
    DecoderUnderTest t;
    const auto flows = t.feed(MessageBuilder::ipfix()
                                  .template_set(256, c.fields)
                                  .data_set(256, ByteWriter{}.fill(3 * octets, 1))
                                  .build());
    CHECK(flows.empty());
    CHECK(t.decoder.counters().records == 3);
    CHECK(t.decoder.counters().records_without_flow == 3);
  }
}

TEST_CASE("ICMP: type and code from any element, or from the port") {
  struct Case {
    const char* name;
    Fields fields;
    std::vector<std::uint16_t> values;
  };
  const Case cases[] = {
      {"icmpTypeCodeIPv4", {{32, 2}}, {0x0301}},
      {"icmpTypeCodeIPv6", {{139, 2}}, {0x0301}},
      {"type and code apart", {{176, 1}, {177, 1}}, {3, 1}},
      {"in the destination port", {{7, 2}, {11, 2}}, {9, 0x0301}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const FlowRecord f = flow_of(
        c.fields,
        [&](ByteWriter& w) {
          for (std::size_t i = 0; i < c.fields.size(); ++i)
            w.number(c.values[i], c.fields[i].length);
        },
        ExportProtocol::netflow_v9, 1);
    CHECK(f.icmp_type_code == 0x0301);
    CHECK(f.has(FlowField::icmp_type_code));
    CHECK(f.destination_port == 0);
    CHECK_FALSE(f.has(FlowField::destination_port));
  }
  const FlowRecord tcp = flow_of({{11, 2}}, [](ByteWriter& w) { w.u16(443); });
  CHECK(tcp.destination_port == 443);
  CHECK_FALSE(tcp.has(FlowField::icmp_type_code));
}

TEST_CASE("biflow: one record becomes two flows, which name the initiator if the exporter does") {
  struct Case {
    const char* name;
    Fields fields;
    Initiator forward;
    Initiator reverse;
  };
  const Initiator silent = Initiator::not_stated;
  const Case cases[] = {
      {"reverse elements (RFC 5103)",
       {{1, 4}, {2, 4}, {1, 4, 29305}, {2, 4, 29305}},
       silent,
       silent},
      {"reverse totals", {{85, 4}, {86, 4}, {85, 4, 29305}, {86, 4, 29305}}, silent, silent},
      {"initiator and responder",
       {{231, 4}, {298, 4}, {232, 4}, {299, 4}},
       Initiator::source,
       Initiator::destination},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fields fields = key_and(c.fields);
    fields.push_back({7, 2});
    fields.push_back({11, 2});
    ByteWriter records;
    records.append(key().u32(500).u32(5).u32(9'000).u32(9).u16(40'000).u16(443).octets());
    records.append(key().u32(60).u32(1).u32(0).u32(0).u16(40'001).u16(443).octets());  // no answer
    const auto flows = decode(ExportProtocol::ipfix, fields, records);
    REQUIRE(flows.size() == 3);
    CHECK(flows[0].octet_count == 500);
    CHECK(flows[0].packet_count == 5);
    CHECK(flows[0].initiator == c.forward);
    CHECK(flows[1].octet_count == 9'000);
    CHECK(flows[1].packet_count == 9);
    CHECK(flows[1].source_address == flows[0].destination_address);
    CHECK(flows[1].source_port == 443);
    CHECK(flows[1].destination_port == 40'000);
    CHECK(flows[1].initiator == c.reverse);
    CHECK(flows[2].octet_count == 60);
  }
}

TEST_CASE("biflow: direction, flags and times of the reverse half") {
  ByteWriter record = key();
  record.u32(500).u32(800).u8(2).u16(0x0002).u16(0x0012);
  record.u64(1'000).u64(2'000).u64(1'100).u64(1'900);
  const auto flows = decode(ExportProtocol::ipfix,
                            key_and({{1, 4},
                                     {1, 4, 29305},
                                     {239, 1},
                                     {6, 2},
                                     {6, 2, 29305},
                                     {152, 8},
                                     {153, 8},
                                     {152, 8, 29305},
                                     {153, 8, 29305}}),
                            record);
  REQUIRE(flows.size() == 2);
  CHECK(flows[0].initiator == Initiator::destination);  // biflowDirection 2: reverse initiator
  CHECK(flows[1].initiator == Initiator::source);
  CHECK(flows[0].tcp_flags == 0x02);
  CHECK(flows[1].tcp_flags == 0x12);
  CHECK(flows[1].start == at_ms(1'100));
  CHECK(flows[1].end == at_ms(1'900));
}

TEST_CASE("firewall: a denied connection is an attempt, any other event is traffic") {
  for (std::uint8_t event = 0; event < 6; ++event) {
    CAPTURE(event);
    const FlowRecord f = flow_of(
        {{233, 1}}, [&](ByteWriter& w) { w.u8(event); }, ExportProtocol::netflow_v9);
    CHECK((f.kind == FlowKind::denied) == (event == 3));
  }
}

TEST_CASE("records past one block, fixed and variable, come out in order") {
  const Fields variable = key_and({{96, kVariableLength}, {7, 2}});
  const Fields fixed = key_and({{7, 2}});
  ByteWriter with, without;
  for (std::uint16_t i = 0; i < 100; ++i) {
    with.append(key().octets()).u8(static_cast<std::uint8_t>(i % 7)).fill(i % 7, 'x').u16(i);
    without.append(key().octets()).u16(i);
  }
  for (const auto& [fields, records] : {std::pair{variable, with}, std::pair{fixed, without}}) {
    const auto flows = decode(ExportProtocol::ipfix, fields, records);
    REQUIRE(flows.size() == 100);
    for (std::uint16_t i = 0; i < 100; ++i) CHECK(flows[i].source_port == i);
  }
}

TEST_CASE("packet sections: elements 315 and 313 go through the dissector") {
  const Octets frame = ethernet_packet({});
  const auto size = static_cast<std::uint16_t>(frame.size());
  constexpr std::uint64_t kNtp = (1'700'000'000ull + 2'208'988'800ull) << 32;
  struct Case {
    const char* name;
    Fields fields;
    std::function<void(ByteWriter&)> write;
  };
  const Case cases[] = {
      {"315 of variable length",
       {{324, 8}, {315, kVariableLength}},
       [&](ByteWriter& w) { w.u64(kNtp).u8(static_cast<std::uint8_t>(size)).append(frame); }},
      {"315 of fixed length",
       {{315, size}, {324, 8}},
       [&](ByteWriter& w) { w.append(frame).u64(kNtp); }},
      {"313, from the IP header on",
       {{313, kVariableLength}, {324, 8}},
       [&](ByteWriter& w) {
         w.u8(static_cast<std::uint8_t>(size - 14)).append(std::span{frame}.subspan(14)).u64(kNtp);
       }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ByteWriter record;
    c.write(record);
    const auto flows = decode(ExportProtocol::ipfix, c.fields, record);
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].kind == FlowKind::sampled_packet);
    CHECK(flows[0].destination_port == 443);
    CHECK(flows[0].octet_count == 60);
    CHECK(flows[0].packet_count == 1);
    CHECK(flows[0].start == export_plus_ms(0));
  }
  ByteWriter cut;
  cut.u8(20).append(std::span{frame}.first(20));
  CHECK(decode(ExportProtocol::ipfix, {{315, kVariableLength}}, cut).empty());
}

TEST_CASE("normalizer: more templates than plans still decode") {
  DecoderOptions options;
  options.normalizer.max_plans = 2;
  DecoderUnderTest t{options};
  for (int round = 0; round < 3; ++round) {
    for (std::uint16_t id = 256; id < 266; ++id) {
      MessageBuilder message = MessageBuilder::v9();
      const std::uint16_t port = id % 2 == 0 ? 7 : 11;
      if (round == 0) message.template_set(id, key_and({{port, 2}}));
      const auto flows = t.feed(message.data_set(id, key().u16(id)).build());
      REQUIRE(flows.size() == 1);
      CHECK((port == 7 ? flows[0].source_port : flows[0].destination_port) == id);
    }
  }
}

TEST_CASE("normalizer: options that make no sense are refused by name") {
  struct Case {
    const char* name;
    void (*spoil)(NormalizerOptions&);
  };
  const Case cases[] = {
      {"max_plans", [](NormalizerOptions& o) { o.max_plans = 0; }},
      {"max_exporters", [](NormalizerOptions& o) { o.max_exporters = 0; }},
      {"max_domains_per_exporter", [](NormalizerOptions& o) { o.max_domains_per_exporter = 0; }},
      {"max_facts", [](NormalizerOptions& o) { o.max_facts = 0; }},
      {"max_facts_per_exporter", [](NormalizerOptions& o) { o.max_facts_per_exporter = 0; }},
      {"max_time_behind",
       [](NormalizerOptions& o) { o.max_time_behind = std::chrono::seconds{-1}; }},
      {"max_duration", [](NormalizerOptions& o) { o.max_duration = std::chrono::hours{900'000}; }},
      {"sampling_overrides",
       [](NormalizerOptions& o) {
         o.sampling_overrides.push_back({IpAddress::v4(0), 33, {}, 10});
       }},
      {"sampling_overrides",
       [](NormalizerOptions& o) {
         o.sampling_overrides.push_back({IpAddress::v4(0), 0, {}, 0});
       }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    NormalizerOptions options;
    c.spoil(options);
    CHECK_THROWS_WITH_AS(Normalizer{options}, doctest::Contains(c.name), ConfigError);
  }
}
