// sFlow versions 2 and 4: samples without lengths, given out as version 5 has them.
#include <doctest/doctest.h>

#include "flowlens/sflow_record.hpp"
#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

ByteWriter head(std::uint32_t version, std::uint32_t samples) {
  ByteWriter out;
  out.u32(version).u32(1).u32(0xc0000263).u32(7).u32(123'456).u32(samples);
  return out;
}
/// Up to the packet data.
void begin_flow_sample(ByteWriter& out) {
  out.u32(1).u32(11).u32(0x01000002).u32(100).u32(5'000).u32(3).u32(17).u32(0x80000002);
}
void append_header(ByteWriter& out, const Octets& frame) {
  out.u32(1).u32(1).u32(78).u32(static_cast<std::uint32_t>(frame.size()));
  out.append(frame).fill((4 - frame.size() % 4) % 4);
}
void append_interface(ByteWriter& out) { out.u32(17).u32(6).u64(1'000).fill(72, 1); }

/// Keeps the samples with their records.
class Sink : public RecordSink {
 public:
  void on_sample(const SflowSample& sample) noexcept override {
    samples.push_back(sample);
    samples.back().records = {};
    protocol = sample.message->protocol;
    domain = sample.message->observation_domain;
    sample.for_each([&](const SflowRecord& r) {
      formats.push_back(r.format);
      records.emplace_back(r.octets.begin(), r.octets.end());
      const auto of = sample.is_counters() ? SflowRecordClass::counters : SflowRecordClass::flow;
      const SflowStructure* structure = find_sflow_structure(of, 0, r.format);
      REQUIRE(structure != nullptr);
      SflowValueReader reader{*structure, r.octets};
      for (SflowValue value; reader.next(value);) {
      }
      CHECK(reader.is_whole());
    });
  }
  std::vector<SflowSample> samples;
  std::vector<std::uint32_t> formats;
  std::vector<Octets> records;
  ExportProtocol protocol = ExportProtocol::ipfix;
  std::uint32_t domain = 99;
};

ParseResult parse(Parser& parser, const ByteWriter& datagram, Sink& sink) {
  const ExactBlock block{datagram.octets()};
  const ParseResult r = parser.parse(block.span(), session(), received(), sink);
  check_balanced(parser);
  return r;
}

}  // namespace

TEST_CASE("sFlow v4: a flow sample with everything beside its header") {
  ByteWriter d = head(4, 1);
  begin_flow_sample(d);
  append_header(d, ethernet_packet({}));
  d.u32(5);
  d.u32(1).u32(100).u32(1).u32(200).u32(2);
  d.u32(2).u32(1).u32(0x0a0000fe).u32(24).u32(16);
  d.u32(3).u32(64'500).u32(64'501).u32(64'502).u32(1).u32(2).u32(2).u32(64'510).u32(64'511);
  d.u32(1).u32(42).u32(100);
  d.u32(4).u32(5).append(from_hex("616c696365 000000")).u32(3).append(from_hex("626f62 00"));
  d.u32(5).u32(1).u32(4).append(from_hex("2f612f62"));
  Parser parser;
  Sink sink;
  CHECK(parse(parser, d, sink).clean());
  CHECK(sink.protocol == ExportProtocol::sflow_v4);
  CHECK(sink.domain == 0);
  REQUIRE(sink.samples.size() == 1);
  const SflowSample& s = sink.samples[0];
  CHECK(s.kind == SflowSampleKind::flow);
  CHECK(s.sequence == 11);
  CHECK(s.source_id_type == 1);
  CHECK(s.source_id_index == 2);
  CHECK(s.sampling_rate == 100);
  CHECK(s.drops == 3);
  CHECK(s.input_value == 17);
  CHECK(s.output_format == 2);
  CHECK(s.output_value == 2);
  CHECK(sink.formats == std::vector<std::uint32_t>{1, 1001, 1002, 1003, 1004, 1005});
  CHECK(sink.records[3] == ByteWriter{}
                               .u32(0)
                               .u32(64'500)
                               .u32(64'501)
                               .u32(64'502)
                               .u32(1)
                               .u32(2)
                               .u32(2)
                               .u32(64'510)
                               .u32(64'511)
                               .u32(1)
                               .u32(42)
                               .u32(100)
                               .octets());
}

TEST_CASE("sFlow v4 and v2: their flows") {
  for (const std::uint32_t version : {2u, 4u}) {
    CAPTURE(version);
    ByteWriter d = head(version, 3);
    begin_flow_sample(d);
    append_header(d, ethernet_packet({}));
    d.u32(1).u32(3).u32(64'500).u32(64'501).u32(64'502);
    if (version == 2) {
      d.u32(2).u32(64'510).u32(64'511);  // the path, and nothing else
    } else {
      d.u32(1).u32(2).u32(2).u32(64'510).u32(64'511).u32(0).u32(100);
    }
    begin_flow_sample(d);
    d.u32(2).u32(1'500).u32(6).u32(0x0a000001).u32(0x0a000002).u32(1'024).u32(80).u32(0x18).u32(4);
    d.u32(0);
    begin_flow_sample(d);
    d.u32(3).u32(1'280).u32(17);
    d.append(from_hex("20010db8000000000000000000000001 20010db8000000000000000000000002"));
    d.u32(53).u32(1'024).u32(0).u32(0).u32(0);
    DecoderUnderTest t;
    const auto flows = t.feed(d.octets());
    CHECK(t.result.clean());
    REQUIRE(flows.size() == 3);
    CHECK(flows[0].export_protocol ==
          (version == 2 ? ExportProtocol::sflow_v2 : ExportProtocol::sflow_v4));
    CHECK(flows[0].destination_port == 443);
    CHECK(flows[0].source_as == 64'501);
    CHECK(flows[0].destination_as == 64'511);
    CHECK(flows[0].sampling_rate == 100);
    CHECK(flows[1].destination_port == 80);
    CHECK(flows[2].source_port == 53);
    CHECK(flows[2].source_address == *IpAddress::parse("2001:db8::1"));
  }
}

TEST_CASE("sFlow v4: every kind of counters") {
  struct Case {
    std::uint32_t kind;
    std::size_t words;
    std::vector<std::uint32_t> formats;
  };
  const Case cases[] = {{1, 0, {1}},     {2, 13, {1, 2}}, {3, 18, {1, 3}}, {4, 0, {1}},
                        {5, 20, {1, 4}}, {6, 0, {1}},     {7, 7, {5}}};
  for (const Case& c : cases) {
    CAPTURE(c.kind);
    ByteWriter d = head(4, 1);
    d.u32(2).u32(12).u32(3).u32(30).u32(c.kind);
    if (c.kind != 7) append_interface(d);
    d.fill(4 * c.words, 2);
    Parser parser;
    Sink sink;
    CHECK(parse(parser, d, sink).clean());
    REQUIRE(sink.samples.size() == 1);
    CHECK(sink.samples[0].source_id_index == 3);
    CHECK(sink.formats == c.formats);
  }
}

TEST_CASE("sFlow v4: where a sample cannot be read, the rest is lost, and counted") {
  struct Case {
    const char* name;
    ByteWriter sample;
    DiagnosticCode why;
  };
  const auto flow = [](auto&& write) {
    ByteWriter out;
    begin_flow_sample(out);
    write(out);
    return out;
  };
  const Case cases[] = {
      {"a kind of sample nobody knows", ByteWriter{}.u32(3).u32(0).u32(0),
       DiagnosticCode::sample_unknown},
      {"a kind of packet nobody knows", flow([](ByteWriter& w) { w.u32(4).u32(0); }),
       DiagnosticCode::sample_unknown},
      {"a kind of extension nobody knows",
       flow([](ByteWriter& w) { w.u32(2).fill(32).u32(1).u32(9).u32(0); }),
       DiagnosticCode::sample_unknown},
      {"a next hop of type 9",
       flow([](ByteWriter& w) { w.u32(2).fill(32).u32(1).u32(2).u32(9).fill(64); }),
       DiagnosticCode::sample_unknown},
      {"a header past the datagram",
       flow([](ByteWriter& w) { w.u32(1).u32(1).u32(64).u32(0xfffffff0); }),
       DiagnosticCode::sample_truncated},
      {"four thousand million extensions",
       flow([](ByteWriter& w) { w.u32(2).fill(32).u32(0xffffffff); }),
       DiagnosticCode::sample_truncated},
      {"a path past the datagram", flow([](ByteWriter& w) {
         w.u32(2).fill(32).u32(1).u32(3).fill(12).u32(0xffffffff).u32(2).u32(0x40000001);
       }),
       DiagnosticCode::sample_truncated},
      {"counters of a kind nobody knows", ByteWriter{}.u32(2).u32(1).u32(1).u32(30).u32(8).fill(88),
       DiagnosticCode::sample_unknown},
      {"counters that are cut", ByteWriter{}.u32(2).u32(1).u32(1).u32(30).u32(1).fill(84),
       DiagnosticCode::sample_truncated},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ByteWriter d = head(4, 2);
    d.u32(2).u32(12).u32(3).u32(30).u32(7).fill(28);
    d.append(c.sample.octets());
    Parser parser;
    Sink sink;
    const ParseResult r = parse(parser, d, sink);
    CHECK(r.accepted);
    CHECK(r.first.code == c.why);
    CHECK(sink.samples.size() == 1);
    CHECK(skipped(parser, c.why) == c.sample.size());
  }
  Parser parser;
  Sink sink;
  CHECK(parse(parser, head(4, 1), sink).first.code == DiagnosticCode::bad_count);
  CHECK(parse(parser, head(4, 0).u32(1), sink).first.code == DiagnosticCode::trailing_octets);
  CHECK(parse(parser, head(3, 0), sink).first.code == DiagnosticCode::unknown_version);
}
