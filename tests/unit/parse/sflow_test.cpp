// sFlow v5: samples, records, and what happens to wrong lengths and counts.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

Octets header() { return SflowBuilder::sampled_header(ethernet_packet({}), 78).take(); }
Octets counters() { return SflowBuilder::record(5, ByteWriter{}.fill(28).octets()).take(); }

}  // namespace

TEST_CASE("sFlow: every sample format of enterprise 0") {
  ParserUnderTest t;
  const ParseResult r = t.feed(SflowBuilder{}
                                   .flow_sample(header())
                                   .counters_sample(counters())
                                   .expanded_flow_sample(header())
                                   .discarded_sample(header())
                                   .build());
  CHECK(r.clean());
  REQUIRE(t.sink.samples.size() == 4);
  const SflowSample& flow = t.sink.samples[0];
  CHECK(flow.kind == SflowSampleKind::flow);
  CHECK(flow.sequence == 11);
  CHECK(flow.source_id_index == 2);
  CHECK(flow.sampling_rate == 100);
  CHECK(flow.sample_pool == 5'000);
  CHECK(flow.drops == 3);
  CHECK(flow.input_value == 17);
  CHECK(flow.output_value == 18);
  CHECK(t.sink.samples[1].kind == SflowSampleKind::counters);
  CHECK(t.sink.samples[2].kind == SflowSampleKind::expanded_flow);
  CHECK(t.sink.samples[2].output_value == 18);
  CHECK(t.sink.samples[3].kind == SflowSampleKind::discarded);
  CHECK(t.sink.samples[3].discard_reason == 256);
}

TEST_CASE("sFlow: unknown samples and records are passed over by their length") {
  ParserUnderTest t;
  const ParseResult r = t.feed(
      SflowBuilder{}
          .sample(0x1001, ByteWriter{}.fill(12).octets())
          .flow_sample(
              SflowBuilder::record(4'000, ByteWriter{}.fill(5).octets()).append(header()).octets(),
              2)
          .build());
  CHECK(r.first.code == DiagnosticCode::sample_unknown);
  CHECK(r.first.detail == 0x1001);
  CHECK(skipped(t.parser, DiagnosticCode::sample_unknown) == 12);
  REQUIRE(t.sink.samples.size() == 1);
  CHECK(t.sink.sample_formats == std::vector<std::uint32_t>{4'000, 1});
}

TEST_CASE("sFlow: lengths and counts that lie") {
  const Octets record = header();
  struct Case {
    const char* name;
    Octets datagram;
    DiagnosticCode why;
    std::size_t samples;
  };
  const auto flow = [](std::span<const std::byte> records, std::uint32_t count) {
    return SflowBuilder{}.flow_sample(records, count).counters_sample(counters()).build();
  };
  const Octets body = ByteWriter{}.u32(1).u32(2).u32(3).take();
  const Case cases[] = {
      {"more records than there are", flow(record, 2), DiagnosticCode::bad_count, 2},
      {"four thousand million records", flow(record, 0xffffffff), DiagnosticCode::bad_count, 2},
      {"fewer records than there are", flow(record, 0), DiagnosticCode::trailing_octets, 2},
      {"record past its sample", flow(SflowBuilder::record(1, body, 0x80000000).octets(), 1),
       DiagnosticCode::sample_truncated, 2},
      {"header past its record",
       flow(SflowBuilder::record(1, ByteWriter{}.u32(1).u32(80).u32(4).u32(0xffffffff).octets())
                .octets(),
            1),
       DiagnosticCode::sample_truncated, 2},
      {"AS path past its record",
       flow(SflowBuilder::record(1003, ByteWriter{}
                                           .u32(1)
                                           .u32(1)
                                           .u32(1)
                                           .u32(1)
                                           .u32(1)
                                           .u32(0x40000000)
                                           .u32(2)
                                           .u32(1)
                                           .octets())
                .octets(),
            1),
       DiagnosticCode::sample_truncated, 2},
      {"string past its record",
       flow(SflowBuilder::record(1005, ByteWriter{}.u32(1).u32(0xfffffffc).octets()).octets(), 1),
       DiagnosticCode::sample_truncated, 2},
      {"next hop of type 9",
       flow(SflowBuilder::record(1002, ByteWriter{}.u32(9).u32(1).u32(1).u32(1).octets()).octets(),
            1),
       DiagnosticCode::sample_truncated, 2},
      {"short counters",
       SflowBuilder{}
           .counters_sample(SflowBuilder::record(1, ByteWriter{}.fill(84).octets()).octets())
           .build(),
       DiagnosticCode::sample_truncated, 1},
      {"sample past the datagram",
       SflowBuilder{}.counters_sample(counters()).sample(1, body, 0x7ffffffc).build(),
       DiagnosticCode::sample_truncated, 1},
      {"sample without its head",
       SflowBuilder{}.sample(1, body).counters_sample(counters()).build(),
       DiagnosticCode::sample_truncated, 1},
      {"fewer samples than claimed", SflowBuilder{}.counters_sample(counters()).claim(3).build(),
       DiagnosticCode::bad_count, 1},
      {"no sample claimed", SflowBuilder{}.counters_sample(counters()).claim(0).build(),
       DiagnosticCode::trailing_octets, 0},
      {"octets behind", SflowBuilder{}.counters_sample(counters()).append(body).build(),
       DiagnosticCode::trailing_octets, 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    const ParseResult r = t.feed(c.datagram);
    CHECK(r.accepted);
    CHECK(r.first.code == c.why);
    CHECK(r.first.offset > 0);
    CHECK(t.sink.samples.size() == c.samples);
  }
}

TEST_CASE("sFlow: the agent's address") {
  struct Case {
    const char* name;
    Octets octets;
    IpAddress agent;
  };
  const Case cases[] = {
      {"IPv4", ByteWriter{}.u32(1).u32(0x0a000009).take(), IpAddress::v4(0x0a000009)},
      {"IPv6", ByteWriter{}.u32(2).append(from_hex("20010db8000000000000000000000001")).take(),
       *IpAddress::parse("2001:db8::1")},
      {"unknown: the sender's", ByteWriter{}.u32(0).take(), session().exporter},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    struct Sink : RecordSink {
      IpAddress agent;
      void on_sample(const SflowSample& s) noexcept override { agent = s.message->agent; }
    } sink;
    Parser parser;
    const ParseResult r =
        parser.parse(SflowBuilder{}.agent_octets(c.octets).counters_sample(counters()).build(),
                     session(), received(), sink);
    CHECK(r.clean());
    CHECK(sink.agent == c.agent);
    check_balanced(parser);
  }
}
