// What a Parser tells of an exporter: sequence rules by protocol, restarts, losses by cause, bounds.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

const Fields kFields = {{8, 4}, {12, 4}, {4, 1}};

ByteWriter records(std::size_t count) {
  ByteWriter out;
  for (std::size_t i = 0; i < count; ++i) out.u32(0x0a000001).u32(0x0a000002).u8(6);
  return out;
}
MessageBuilder v9(std::uint32_t sequence) { return MessageBuilder::v9().sequence(sequence); }
MessageBuilder ipfix(std::uint32_t sequence) { return MessageBuilder::ipfix().sequence(sequence); }

Octets flow_sample(std::uint32_t sequence, std::uint32_t source, std::uint32_t drops) {
  return ByteWriter{}
      .u32(sequence)
      .u32(source)
      .u32(100)
      .u32(5'000)
      .u32(drops)
      .u32(1)
      .u32(2)
      .u32(0)
      .take();
}

StreamStatus stream_of(const Parser& parser, std::uint32_t exporter = 0xc0000201) {
  const ExporterStatus status = parser.status(IpAddress::v4(exporter));
  REQUIRE(status.streams.size() == 1);
  return status.streams[0];
}

}  // namespace

TEST_CASE("status: each protocol's sequence counts what its document says") {
  SUBCASE("v9: datagrams, whatever is in them") {
    ParserUnderTest t;
    t.feed(v9(1).template_set(256, kFields).data_set(256, records(3), 3).build());
    t.feed(v9(2).data_set(256, records(20), 20).build());
    t.feed(v9(5).data_set(999, records(1)).build());
    const StreamStatus s = stream_of(t.parser);
    CHECK(s.sequence.unit == SequenceUnit::datagrams);
    CHECK(s.sequence.lost == 2);
    CHECK(s.records == 23);
    CHECK(s.datagrams == 3);
    CHECK(t.parser.status(session().exporter).loss.network_datagrams == 2);
  }
  SUBCASE("v5: flows, v7 likewise") {
    for (const bool is_v7 : {false, true}) {
      ParserUnderTest t;
      V5Header h;
      const auto feed = [&](std::uint32_t sequence, std::size_t flows) {
        h.sequence = sequence;
        const std::vector<V5Record> all(flows);
        t.feed(is_v7 ? v7_message(h, all) : v5_message(h, all));
      };
      feed(100, 30);
      feed(130, 5);
      feed(145, 1);
      CHECK(stream_of(t.parser).sequence.lost == 10);
      CHECK(t.parser.status(session().exporter).loss.network_records == 10);
    }
  }
  SUBCASE("IPFIX: data records and options records, not templates") {
    ParserUnderTest t;
    t.feed(ipfix(0)
               .template_set(256, kFields)
               .options_template_set(257, {{149, 4}}, {{34, 4}})
               .data_set(256, records(2))
               .data_set(257, ByteWriter{}.u32(7).u32(100))
               .build());
    t.feed(ipfix(3).template_set(256, kFields).build());
    t.feed(ipfix(3).data_set(256, records(4)).build());
    CHECK(stream_of(t.parser).sequence.gaps == 0);
    t.feed(ipfix(9).data_set(256, records(1)).build());
    const StreamStatus s = stream_of(t.parser);
    CHECK(s.sequence.lost == 2);
    CHECK(s.options_records == 1);
  }
  SUBCASE("v1: nothing") {
    ParserUnderTest t;
    t.feed(v1_message({}, std::vector<V5Record>(2)));
    t.feed(v1_message({}, std::vector<V5Record>(2)));
    const StreamStatus s = stream_of(t.parser);
    CHECK(s.sequence.unit == SequenceUnit::none);
    CHECK(s.sequence.duplicates == 0);
    CHECK(s.records == 4);
  }
}

TEST_CASE("status: IPFIX data of an unknown template is no gap, and is counted when it is known") {
  ParserUnderTest t;
  t.feed(ipfix(0).template_set(256, kFields).data_set(256, records(1)).build());
  t.feed(ipfix(1).data_set(300, records(5)).build());
  CHECK(stream_of(t.parser).sequence.unknowable == 1);
  SUBCASE("known in time") {
    t.feed(ipfix(6).template_set(300, kFields).build());
    t.feed(ipfix(7).data_set(256, records(1)).build());
    CHECK(stream_of(t.parser).sequence.lost == 1);
    CHECK(stream_of(t.parser).records == 7);
  }
  SUBCASE("never known") {
    t.feed(ipfix(6).data_set(256, records(1)).build());
    t.feed(ipfix(7).data_set(256, records(1)).build());
    CHECK(stream_of(t.parser).sequence.lost == 0);
  }
  SUBCASE("known in the same message") {
    t.feed(ipfix(6).data_set(301, records(2)).template_set(301, kFields).build());
    t.feed(ipfix(9).data_set(256, records(1)).build());
    CHECK(stream_of(t.parser).sequence.lost == 1);
  }
}

TEST_CASE("status: a damaged set is no gap either") {
  ParserUnderTest t;
  t.feed(ipfix(0).template_set(256, {{4, 1}, {96, kVariableLength}}).build());
  t.feed(ipfix(0).data_set(256, from_hex("06 01 61  06 20 61")).build());
  t.feed(ipfix(2).data_set(256, from_hex("06 01 61")).build());
  CHECK(stream_of(t.parser).sequence.lost == 0);
}

TEST_CASE("status: a restart is told by uptime, per domain; its numbers begin anew") {
  ParserUnderTest t;
  const auto feed = [&](std::uint32_t domain, std::uint32_t sequence, std::uint32_t uptime,
                        int second) {
    t.feed(v9(sequence).domain(domain).uptime(uptime).template_set(256, kFields).build(), session(),
           received(second));
  };
  feed(1, 500, 1'000'000, 0);
  feed(2, 500, 1'000'000, 0);
  feed(1, 0, 3'000, 30);
  feed(1, 1, 4'000, 31);
  feed(2, 501, 1'031'000, 31);
  const ExporterStatus status = t.parser.status(session().exporter);
  REQUIRE(status.streams.size() == 2);
  CHECK(status.streams[0].restarts == 1);
  CHECK(status.streams[0].last_restart == received(30));
  CHECK(status.streams[0].boot == received(27));
  CHECK(status.streams[0].sequence.resets == 1);
  CHECK(status.streams[0].sequence.lost == 0);
  CHECK(status.streams[1].restarts == 0);
}

TEST_CASE("status: the ports of an exporter") {
  ParserUnderTest t;
  const auto feed = [&](std::uint16_t port, std::uint32_t sequence, std::uint32_t uptime,
                        int second) {
    t.feed(v9(sequence).uptime(uptime).template_set(256, kFields).build(), session(port),
           received(second));
  };
  feed(1, 10, 100'000, 0);
  SUBCASE("two processes, each with its numbers") {
    feed(2, 7'000, 90'000, 0);
    feed(1, 11, 101'000, 1);
    feed(2, 7'001, 91'000, 1);
    CHECK(stream_of(t.parser).sessions == 2);
    CHECK(stream_of(t.parser).sequence.lost == 0);
    CHECK(stream_of(t.parser).restarts == 0);
  }
  SUBCASE("one process that changes its port and carries on") {
    feed(2, 11, 101'000, 1);
    feed(3, 12, 102'000, 2);
    CHECK(stream_of(t.parser).sessions == 1);
    CHECK(stream_of(t.parser).sequence.lost == 0);
  }
  SUBCASE("restarted on another port") {
    feed(2, 0, 20'000, 60);
    CHECK(stream_of(t.parser).restarts == 1);
    CHECK(stream_of(t.parser).sequence.lost == 0);
  }
  SUBCASE("more ports than are followed: the oldest goes, its counts stay") {
    feed(1, 13, 101'000, 1);
    for (std::uint16_t port = 2; port < 8; ++port) {
      feed(port, 1'000u * port, 101'000, port);
    }
    CHECK(stream_of(t.parser).sessions == 4);
    CHECK(stream_of(t.parser).sequence.lost == 2);
  }
}

TEST_CASE("status: sFlow loses datagrams, samples by source, and says what it dropped") {
  ParserUnderTest t;
  const auto feed = [&](std::uint32_t sequence, std::uint32_t sample, std::uint32_t drops,
                        std::uint32_t uptime = 50'000) {
    t.feed(SflowBuilder{}
               .sequence(sequence)
               .uptime(uptime)
               .sample(1, flow_sample(sample, 2, drops))
               .sample(1, flow_sample(10 * sample, 3, 0))
               .counters_sample({}, 0)
               .build(),
           session(static_cast<std::uint16_t>(50'000 + sequence)));
  };
  feed(1, 1, 0);
  feed(2, 1, 0);  // the first datagram of an exporter makes the stream, the second the sources
  feed(3, 2, 5);
  feed(6, 5, 7);
  const StreamStatus s = stream_of(t.parser, 0xc0000263);
  CHECK(s.agent == IpAddress::v4(0xc0000263));
  CHECK(s.sessions == 1);
  CHECK(s.sequence.lost == 2);
  CHECK(s.samples.sources == 3);
  CHECK(s.samples.lost == 2 + 9 + 29);  // of source 2; of source 3, ten by ten
  CHECK(s.samples.drops == 7);
  CHECK(s.records == 12);
  const LossByCause loss = t.parser.status(session().exporter).loss;
  CHECK(loss.network_datagrams == 2);
  CHECK(loss.exporter_samples == 7);
  feed(1, 1, 0, 1'000);
  feed(2, 2, 1, 2'000);
  CHECK(stream_of(t.parser, 0xc0000263).restarts == 1);
}

TEST_CASE("status: what our own queue refused is not lost on the way") {
  ParserUnderTest t;
  const auto refuse = [&](const Octets& datagram) {
    t.parser.refuse(DiagnosticCode::pressure, datagram, session(), received());
  };
  SUBCASE("v9") {
    t.feed(v9(1).template_set(256, kFields).build());
    refuse(v9(2).data_set(256, records(3)).build());
    t.feed(v9(3).data_set(256, records(3)).build());
  }
  SUBCASE("v5") {
    V5Header h;
    t.feed(v5_message(h, std::vector<V5Record>(2)));
    h.sequence = 3;
    refuse(v5_message(h, std::vector<V5Record>(20)));
    h.sequence = 23;
    t.feed(v5_message(h, std::vector<V5Record>(2)));
  }
  SUBCASE("IPFIX") {
    t.feed(ipfix(0).template_set(256, kFields).build());
    refuse(ipfix(0).data_set(256, records(3)).build());
    t.feed(ipfix(3).data_set(256, records(3)).build());
  }
  SUBCASE("sFlow") {
    for (std::uint32_t i = 1; i < 4; ++i) {
      const Octets datagram = SflowBuilder{}.sequence(i).counters_sample({}, 0).build();
      i == 2 ? refuse(datagram) : static_cast<void>(t.feed(datagram));
    }
  }
  const LossByCause loss = t.parser.status(session().exporter).loss;
  CHECK(loss.queue_datagrams == 1);
  CHECK(loss.network_datagrams == 0);
  CHECK(loss.network_records == 0);
}

TEST_CASE("status: no stream of a source that has sent nothing valid; its last problem is told") {
  ParserUnderTest t;
  t.feed(v9(1).data_set(256, records(1)).build());
  CHECK(t.parser.counters().streams == 0);
  t.feed(from_hex("0008 0001 00000000"), session(1, 77));
  const ExporterStatus status = t.parser.status(IpAddress::v4(77));
  CHECK(status.streams.empty());
  CHECK_FALSE(status.empty());
  CHECK(status.last_problem.code == DiagnosticCode::unknown_version);
  CHECK(status.last_problem.detail == 8);
  CHECK(status.last_problem_at == received());
  CHECK(t.parser.status(IpAddress::v4(78)).empty());
}

TEST_CASE("status: problems are kept with time, offset and reason") {
  ParserUnderTest t;
  t.feed(v9(1).template_set(256, kFields).build());
  t.feed(v9(2).set(100, from_hex("01")).build(), session(), received(5));
  t.feed(v9(3).data_set(256, records(1)).build(), session(), received(6));
  const StreamStatus s = stream_of(t.parser);
  CHECK(s.problems == 1);
  CHECK(s.last_problem.code == DiagnosticCode::set_id_reserved);
  CHECK(s.last_problem.offset == 20);
  CHECK(s.last_problem_at == received(5));
}

TEST_CASE("status: recent traffic forgets what is older than two minutes") {
  ParserUnderTest t;
  t.feed(v9(1).template_set(256, kFields).data_set(256, records(5)).build());
  for (int second : {1, 2, 61, 62, 63}) {
    t.feed(v9(2).data_set(256, records(1)).build(), session(), received(second));
  }
  RecentTraffic recent = stream_of(t.parser).recent;
  CHECK(recent.datagrams == 6);
  CHECK(recent.records == 10);
  CHECK(recent.over == std::chrono::seconds{62});
  t.feed(v9(2).data_set(256, records(1)).build(), session(), received(900));
  recent = stream_of(t.parser).recent;
  CHECK(recent.datagrams == 1);
}

TEST_CASE("status: templates with their ages and fields") {
  ParserUnderTest t;
  t.feed(v9(1).template_set(256, kFields).build(), session(), received(0));
  t.feed(v9(2).template_set(256, kFields).build(), session(), received(10));
  t.feed(v9(3).data_set(256, records(1)).build(), session(), received(25));
  t.feed(v9(4).options_template_set(257, {{1, 4}}, {{34, 4}}).build(), session(), received(26));
  const ExporterStatus status = t.parser.status(session().exporter);
  CHECK(status.template_count == 2);
  REQUIRE(status.templates.size() == 2);
  CHECK(status.templates[0].is_options);
  CHECK(status.templates[0].scope_field_count == 1);
  const TemplateStatus& data = status.templates[1];
  CHECK(data.id == 256);
  CHECK(data.observation_domain == 7);
  CHECK(data.first_announced == received(0));
  CHECK(data.last_announced == received(10));
  CHECK(data.last_used == received(25));
  REQUIRE(data.fields.size() == 3);
  CHECK(data.fields[2] == FieldSpecifier{{0, 4}, 1});
}

TEST_CASE(
    "status: a flood of forged exporters takes no more streams than the bound, nor a proven one") {
  ParserOptions options;
  options.max_streams = 16;
  ParserUnderTest t{options};
  V5Header h;
  const auto feed = [&](std::uint32_t exporter, int second) {
    t.feed(v5_message(h, std::vector<V5Record>(1)), session(1, exporter), received(second));
    h.sequence += 1;
  };
  for (int i = 0; i < 6; ++i) feed(1, i);
  for (std::uint32_t i = 100; i < 200; ++i) feed(i, 6);
  CHECK(t.parser.counters().streams == 16);
  CHECK(t.parser.counters().streams_evicted == 100 + 1 - 16);
  CHECK(stream_of(t.parser, 1).datagrams == 6);
  CHECK(t.parser.exporters().size() == 16);
}

TEST_CASE("status: sFlow sources are bounded, the one heard longest ago gives way") {
  ParserOptions options;
  options.max_sample_sources = 64;
  ParserUnderTest t{options};
  for (std::uint32_t i = 0; i < 500; ++i) {
    t.feed(SflowBuilder{}.sequence(i).sample(1, flow_sample(1, i, 0)).build());
  }
  const StreamStatus s = stream_of(t.parser, 0xc0000263);
  CHECK(s.samples.sources <= 64);
  CHECK(s.samples.sources >= 32);
  CHECK(t.parser.counters().sample_sources_evicted == 499 - s.samples.sources);
}
