// What exporters are known to do (notes/decoding.md 3.1), each by its vendor's name.
#include <doctest/doctest.h>

#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr auto kV9 = ExportProtocol::netflow_v9;
constexpr auto kIpfix = ExportProtocol::ipfix;

/// Feeds options, then one record. \return its flow.
FlowRecord after_options(const Octets& options, const Octets& data) {
  DecoderUnderTest t{any_time()};
  t.feed(options);
  const auto flows = t.feed(data);
  REQUIRE(flows.size() == 1);
  return flows[0];
}

/// A record under the options of default bounds on time.
FlowRecord timed_flow(const Fields& more, ByteWriter record, MessageBuilder message) {
  DecoderUnderTest t;
  const auto flows = t.feed(message.template_set(256, key_and(more)).data_set(256, record).build());
  REQUIRE(flows.size() == 1);
  return flows[0];
}

}  // namespace

TEST_CASE("quirk, Cisco ASA NSEL: events, and counts of both directions in one record") {
  struct Case {
    const char* name;
    std::uint8_t event;
    std::size_t flows;
    FlowKind kind;
  };
  const Case cases[] = {{"update", 5, 2, FlowKind::traffic},
                        {"teardown", 2, 2, FlowKind::traffic},
                        {"denied", 3, 2, FlowKind::denied}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto flows = decode(kV9, key_and({{233, 1}, {231, 4}, {232, 4}, {323, 8}}),
                              key().u8(c.event).u32(700).u32(9'000).u64(kExport * 1000ull));
    REQUIRE(flows.size() == c.flows);
    CHECK(flows[0].octet_count == 700);
    CHECK(flows[0].counter_source == CounterSource::initiator);
    CHECK(flows[0].initiator == Initiator::source);
    CHECK(flows[0].kind == c.kind);
    CHECK(flows[0].start == export_plus_ms(0));
    CHECK(flows[1].octet_count == 9'000);
    CHECK(flows[1].source_address == flows[0].destination_address);
    CHECK(flows[1].initiator == Initiator::destination);
  }
}

TEST_CASE("quirk, Cisco ASA NSEL: a create event has no counts and is a flow all the same") {
  const FlowRecord f = flow_of(
      {{233, 1}, {33002, 2}}, [](ByteWriter& w) { w.u8(1).u16(0); }, kV9);
  CHECK(f.kind == FlowKind::traffic);
  CHECK(f.initiator == Initiator::source);
  CHECK(f.counter_source == CounterSource::none);
  CHECK_FALSE(f.has(FlowField::octet_count));
}

TEST_CASE("quirk, Cisco ASA NSEL: the extended event alone tells of a denial") {
  for (const auto& [event, kind] : {std::pair{1'001, FlowKind::denied},
                                    {1'004, FlowKind::denied},
                                    {2'001, FlowKind::traffic},
                                    {0, FlowKind::traffic}}) {
    const int value = event;
    CAPTURE(value);
    const FlowRecord f = flow_of(
        {{33002, 2}}, [&](ByteWriter& w) { w.u16(static_cast<std::uint16_t>(value)); }, kV9);
    CHECK(f.kind == kind);
  }
}

TEST_CASE("quirk, Cisco ASA 8: translated addresses in NetFlow v9 types of its own") {
  DecoderUnderTest t;
  t.feed(MessageBuilder::v9()
             .template_set(256, key_and({{7, 2}, {11, 2}, {40001, 4}, {40003, 2}}))
             .data_set(256, key().u16(1'000).u16(80).u32(0xc6336401).u16(2'000))
             .build());
  REQUIRE(t.batch.translations.size() == 1);
  CHECK(t.batch.translations[0].source_address == IpAddress::v4(0xc6336401));
  CHECK(t.batch.translations[0].source_port == 2'000);
  CHECK(t.batch.translations[0].destination_port == 80);
}

TEST_CASE("quirk, Cisco C9300: options come under another source id than the data") {
  const FlowRecord f =
      after_options(MessageBuilder::v9()
                        .domain(0)
                        .options_template_set(300, {{1, 4}}, {{48, 1}, {49, 1}, {50, 4}})
                        .data_set(300, ByteWriter{}.u32(0).u8(1).u8(2).u32(512))
                        .build(),
                    MessageBuilder::v9()
                        .domain(260)
                        .template_set(256, key_and({{48, 1}}))
                        .data_set(256, key().u8(1))
                        .build());
  CHECK(f.sampling_rate == 512);
  CHECK(f.sampling_source == SamplingSource::other_domain);
}

TEST_CASE("quirk, Cisco C9300: domains that disagree about a sampler say nothing for a third") {
  DecoderUnderTest t;
  for (const std::uint32_t domain : {1u, 2u}) {
    t.feed(MessageBuilder::v9()
               .domain(domain)
               .options_template_set(300, {{1, 4}}, {{48, 1}, {50, 4}})
               .data_set(300, ByteWriter{}.u32(0).u8(1).u32(100 * domain))
               .build());
  }
  for (std::uint32_t domain = 1; domain <= 3; ++domain) {
    CAPTURE(domain);
    const auto flows = t.feed(MessageBuilder::v9()
                                  .domain(domain)
                                  .template_set(256, key_and({{48, 1}}))
                                  .data_set(256, key().u8(1))
                                  .build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].sampling_rate == (domain == 3 ? 1 : 100 * domain));
    CHECK((flows[0].sampling_source == SamplingSource::unknown) == (domain == 3));
  }
}

TEST_CASE(
    "quirk, Cisco ASR9010: a sampler without a table leaves the rate unknown, no less a flow") {
  DecoderUnderTest t;
  const auto flows = t.feed(MessageBuilder::v9()
                                .template_set(256, key_and({{48, 2}}))
                                .data_set(256, key().u16(7))
                                .build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].sampling_source == SamplingSource::unknown);
  CHECK(flows[0].sampling_rate == 1);
  CHECK(t.decoder.counters().flows_of_unknown_sampling == 1);
}

TEST_CASE("quirk, Cisco NX-OS: switched times of 8 octets, uptimes or milliseconds since 1970") {
  const FlowRecord uptime = flow_of(
      {{22, 8}, {21, 8}}, [](ByteWriter& w) { w.u64(kUptime - 3'000).u64(kUptime - 1'000); }, kV9);
  CHECK(uptime.start == export_plus_ms(-3'000));
  CHECK(uptime.end == export_plus_ms(-1'000));
  for (const ExportProtocol protocol : {kV9, kIpfix}) {
    const FlowRecord utc = flow_of(
        {{22, 8}, {21, 8}},
        [](ByteWriter& w) { w.u64(kExport * 1000ull - 3'000).u64(kExport * 1000ull); }, protocol);
    CHECK(utc.start == export_plus_ms(-3'000));
    CHECK(utc.end == export_plus_ms(0));
  }
}

TEST_CASE("quirk, Juniper SRX: total counts, and which they are is said") {
  const FlowRecord f = flow_of({{85, 8}, {86, 8}}, [](ByteWriter& w) { w.u64(5'000).u64(9); });
  CHECK(f.octet_count == 5'000);
  CHECK(f.packet_count == 9);
  CHECK(f.counter_source == CounterSource::total);
}

TEST_CASE(
    "quirk, Juniper inline-jflow: the rate by element 34 in IPFIX options, fields of no length") {
  const FlowRecord f = after_options(
      MessageBuilder::ipfix()
          .options_template_set(300, {{144, 4}}, {{130, 0}, {34, 4}, {160, 8}})
          .data_set(300, ByteWriter{}.u32(1).u32(1'000).u64(0))
          .build(),
      MessageBuilder::ipfix().template_set(256, key_and({})).data_set(256, key()).build());
  CHECK(f.sampling_rate == 1'000);
  CHECK(f.sampling_source == SamplingSource::options);
}

TEST_CASE("quirk, Fortinet: running counts of long sessions; a field of 9 octets; applications") {
  DecoderUnderTest t;
  ByteWriter app;
  app.u32(0).append(from_hex("14 00003044 00000011")).append(from_hex("485454500000"));
  t.feed(MessageBuilder::v9()
             .options_template_set(300, {{1, 4}}, {{95, 9}, {96, 6}})
             .data_set(300, app)
             .build());
  const ExporterFacts facts = t.decoder.normalizer().facts(session().exporter);
  REQUIRE(facts.names.size() == 1);
  CHECK(facts.names[0].text == "HTTP");
  CHECK(facts.names[0].kind == NameKind::application_name);

  // Began two days ago, and its end is now: nothing about that is implausible.
  const FlowRecord f = timed_flow({{85, 8}, {95, 9}, {22, 4}, {21, 4}},
                                  key().u64(1).fill(9).u32(1'000).u32(2 * 86'400'000 + 1'000),
                                  MessageBuilder::v9().uptime(2 * 86'400'000 + 2'000));
  CHECK(f.counter_source == CounterSource::permanent);
  CHECK(f.end - f.start == std::chrono::hours{48});
  CHECK_FALSE(f.has(FlowField::times_replaced));
}

TEST_CASE("quirk, Palo Alto: wrong times on long sessions are replaced, and the flow says so") {
  // Ended 20 days before it was exported.
  const FlowRecord f = timed_flow({{22, 4}, {21, 4}}, key().u32(1'000).u32(61'000),
                                  MessageBuilder::v9().uptime(20u * 86'400'000));
  CHECK(f.end == received());
  CHECK(f.end - f.start == std::chrono::minutes{1});
  CHECK(f.has(FlowField::times_replaced));
}

TEST_CASE("quirk, MikroTik: the interval in the record, in the order of its own processor") {
  for (const auto& [told, rate] :
       {std::pair{0x01000000u, 1u}, {0xe8030000u, 1'000u}, {1'000u, 1'000u}}) {
    const FlowRecord f = flow_of({{34, 4}}, [&, v = told](ByteWriter& w) { w.u32(v); });
    CHECK(f.sampling_rate == rate);
    CHECK(f.sampling_source == SamplingSource::record);
  }
}

TEST_CASE("quirk, MikroTik: post-NAT fields always there; only what differs is a translation") {
  struct Case {
    const char* name;
    std::uint32_t source, destination;
    std::size_t translations;
  };
  const Case cases[] = {{"zero", 0, 0, 0},
                        {"its own", 0x0a000001, 0x0a000002, 0},
                        {"translated", 0xc6336401, 0x0a000002, 1}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    DecoderUnderTest t;
    const auto flows =
        t.feed(MessageBuilder::ipfix()
                   .template_set(256, key_and({{225, 4}, {226, 4}, {227, 2}, {228, 2}}))
                   .data_set(256, key().u32(c.source).u32(c.destination).u16(0).u16(0))
                   .build());
    REQUIRE(flows.size() == 1);
    CHECK(t.batch.translations.size() == c.translations);
    CHECK(flows[0].has(FlowField::translation) == (c.translations == 1));
  }
}

TEST_CASE("quirk, Huawei and H3C: the rate in the data, 0 in a v5 header, a VRF by its name") {
  const FlowRecord f = flow_of(
      {{34, 4}, {35, 1}}, [](ByteWriter& w) { w.u32(200).u8(2); }, kV9);
  CHECK(f.sampling_rate == 200);
  DecoderUnderTest t;
  V5Header header;
  header.sampling = 0;
  CHECK(t.feed(v5_message(header, {V5Record{}})).at(0).sampling_source == SamplingSource::unknown);
  t.feed(MessageBuilder::v9()
             .options_template_set(300, {{1, 4}}, {{234, 4}, {236, kVariableLength}})
             .data_set(300, ByteWriter{}.u32(0).u32(5).u8(4).append(from_hex("626c7565")))
             .build());
  const ExporterFacts facts = t.decoder.normalizer().facts(session().exporter);
  REQUIRE(facts.names.size() == 1);
  CHECK(facts.names[0].text == "blue");
  CHECK(facts.names[0].id == 5);
}

TEST_CASE("quirk, Nokia SR: 305 packets taken and 306 passed over, of a selector") {
  const FlowRecord f =
      after_options(MessageBuilder::ipfix()
                        .options_template_set(300, {{302, 4}}, {{304, 2}, {305, 4}, {306, 4}})
                        .data_set(300, ByteWriter{}.u32(3).u16(1).u32(1).u32(999))
                        .build(),
                    MessageBuilder::ipfix()
                        .template_set(256, key_and({{302, 4}}))
                        .data_set(256, key().u32(3))
                        .build());
  CHECK(f.sampling_rate == 1'000);
}

TEST_CASE("quirk, VMware and Open vSwitch: times as microseconds before the export") {
  const FlowRecord f = flow_of({{158, 4}, {159, 4}, {880, 4, 6876}},
                               [](ByteWriter& w) { w.u32(5'000'000).u32(250'000).u32(1); });
  CHECK(f.start == export_plus_ms(-5'000));
  CHECK(f.end == export_plus_ms(-250));
}

TEST_CASE("quirk, softflowd: a header time that is off moves the flows to when they came") {
  // The header is of 1970, the uptimes are right to each other.
  const FlowRecord f =
      timed_flow({{22, 4}, {21, 4}}, key().u32(kUptime - 5'000).u32(kUptime - 2'000),
                 MessageBuilder::v9().export_time(4));
  CHECK(f.start == received() - std::chrono::seconds{5});
  CHECK(f.end == received() - std::chrono::seconds{2});
  CHECK(f.has(FlowField::times_replaced));
}

TEST_CASE("quirk, ipt_NETFLOW: a NAT event of 1970 is of when it came; reduced sizes") {
  DecoderUnderTest t;
  t.feed(MessageBuilder::v9()
             .template_set(256, {{8, 4}, {225, 4}, {227, 1}, {230, 1}, {323, 8}})
             .data_set(256, ByteWriter{}.u32(0x0a000001).u32(0xc6336401).u8(9).u8(4).u64(1'000))
             .build());
  REQUIRE(t.batch.nat_events.size() == 1);
  CHECK(t.batch.nat_events[0].time == received());
  CHECK(t.batch.nat_events[0].post_source_port == 9);
}

TEST_CASE("quirk, Cisco Meraki: a boot time that never changes does not date the flows") {
  DecoderUnderTest t;
  const Octets options = MessageBuilder::ipfix()
                             .options_template_set(300, {{149, 4}}, {{160, 8}})
                             .data_set(300, ByteWriter{}.u32(0).u64(1'000'000'000'000))
                             .build();
  t.feed(options);
  const auto flows = t.feed(MessageBuilder::ipfix()
                                .template_set(256, key_and({{22, 4}, {21, 4}}))
                                .data_set(256, key().u32(5'000).u32(9'000))
                                .build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].end == received());
  CHECK(flows[0].start == received() - std::chrono::seconds{4});
  CHECK(flows[0].has(FlowField::times_replaced));
}

TEST_CASE("quirk, Sophos and Barracuda: times of whole seconds, counts delta and total at once") {
  const FlowRecord f = flow_of({{150, 4}, {151, 4}, {85, 4}, {1, 4}}, [](ByteWriter& w) {
    w.u32(kExport - 5).u32(kExport).u32(900).u32(100);
  });
  CHECK(f.start == export_plus_ms(-5'000));
  CHECK(f.octet_count == 100);
  CHECK(f.counter_source == CounterSource::delta);
}

TEST_CASE("quirk, Citrix Netscaler: microseconds where NTP has its fraction") {
  constexpr std::uint64_t kNtp = (std::uint64_t{kExport} + 2'208'988'800ull) << 32;
  const Fields fields = key_and({{154, 8}, {155, 8}});
  DecoderUnderTest t{any_time()};
  auto flows = t.feed(MessageBuilder::ipfix()
                          .template_set(256, fields)
                          .data_set(256, key().u64(kNtp + 250'000).u64(kNtp + 750'000))
                          .build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].start == export_plus_ms(250));
  CHECK(flows[0].end == export_plus_ms(750));
  // A template whose fractions are true ones stays with them, small ones included.
  t.feed(MessageBuilder::ipfix().data_set(256, key().u64(kNtp | 0x8000'0000).u64(kNtp)).build());
  flows =
      t.feed(MessageBuilder::ipfix().data_set(256, key().u64(kNtp + 250'000).u64(kNtp)).build());
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].start == export_plus_ms(0) + std::chrono::nanoseconds{58'207});
}

TEST_CASE("quirk, SonicWall and Calix: counts of frames, and behind what the device does") {
  struct Case {
    std::uint16_t element;
    CounterSource source;
  };
  for (const Case& c :
       {Case{352, CounterSource::layer2_delta}, Case{353, CounterSource::layer2_total},
        Case{23, CounterSource::post_delta}, Case{171, CounterSource::post_total}}) {
    CAPTURE(c.element);
    const FlowRecord f = flow_of({{c.element, 8}}, [](ByteWriter& w) { w.u64(777); });
    CHECK(f.octet_count == 777);
    CHECK(f.counter_source == c.source);
  }
}
