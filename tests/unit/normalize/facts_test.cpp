// What exporters tell of themselves: kept, listed, bounded, saved; and how their clocks stand.
#include <doctest/doctest.h>

#include "normalize/clock_estimate.hpp"
#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

Octets text(std::string_view s, std::size_t width) {
  ByteWriter out;
  out.append(std::as_bytes(std::span{s})).fill(width - s.size());
  return out.take();
}

ExporterFacts facts_of(const DecoderUnderTest& t) {
  return t.decoder.normalizer().facts(session().exporter);
}

Octets interface_rate(std::uint32_t interface, std::uint32_t rate, std::uint32_t uptime = kUptime) {
  return MessageBuilder::v9()
      .uptime(uptime)
      .options_template_set(300, {{2, 4}}, {{34, 4}, {35, 1}})
      .data_set(300, ByteWriter{}.u32(interface).u32(rate).u8(2))
      .build();
}

std::vector<FlowRecord> through(DecoderUnderTest& t, std::uint32_t in, std::uint32_t out,
                                std::uint8_t direction = 0) {
  return t.feed(MessageBuilder::v9()
                    .template_set(256, key_and({{10, 4}, {14, 4}, {61, 1}}))
                    .data_set(256, key().u32(in).u32(out).u8(direction))
                    .build());
}

}  // namespace

TEST_CASE("facts: names, statistics and samplers as told, with when and by which domain") {
  DecoderUnderTest t;
  ByteWriter interface, sampler;
  interface.u32(1).u32(7).append(text("eth7", 8)).append(text("to the core", 16));
  sampler.u32(2).u16(2).append(text("one-in-64", 12)).u16(3).u32(1).u32(63);
  t.feed(MessageBuilder::ipfix()
             .options_template_set(300, {{144, 4}}, {{10, 4}, {82, 8}, {83, 16}})
             .data_set(300, interface)
             .options_template_set(301, {{144, 4}},
                                   {{302, 2}, {335, 12}, {304, 2}, {305, 4}, {306, 4}})
             .data_set(301, sampler)
             .options_template_set(302, {{144, 4}}, {{40, 8}, {41, 8}, {42, 8}, {164, 8}, {166, 8}})
             .data_set(302, ByteWriter{}.u32(1).u64(10).u64(11).u64(12).u64(13).u64(14))
             .build());
  const ExporterFacts facts = facts_of(t);
  REQUIRE(facts.names.size() == 3);
  const NameFact want_name{NameKind::interface_name, 7, 7, "eth7", received(), false};
  const NameFact want_text{NameKind::interface_description, 7, 7, "to the core", received(), false};
  const NameFact want_sampler{NameKind::sampler_name, 7, 2, "one-in-64", received(), false};
  for (const NameFact& want : {want_name, want_text, want_sampler}) {
    CAPTURE(want.text);
    CHECK(std::count(facts.names.begin(), facts.names.end(), want) == 1);
  }
  REQUIRE(facts.sampling.size() == 1);
  CHECK(facts.sampling[0] == SamplingFact{SamplingScope::selector, 7, 2, 64, 3, received(), false});
  REQUIRE(facts.statistics.size() == 1);
  CHECK(facts.statistics[0].exported_octets == 10u);
  CHECK(facts.statistics[0].exported_messages == 11u);
  CHECK(facts.statistics[0].exported_flows == 12u);
  CHECK(facts.statistics[0].ignored_packets == 13u);
  CHECK(facts.statistics[0].not_sent_flows == 14u);
  CHECK_FALSE(facts.statistics[0].ignored_octets);
  CHECK(t.decoder.normalizer().exporters() == std::vector{session().exporter});
}

TEST_CASE("sampling: by interface, where a flow was seen, and of no other interface") {
  DecoderUnderTest t;
  t.feed(interface_rate(3, 100));
  t.feed(interface_rate(4, 200));
  CHECK(through(t, 3, 9).at(0).sampling_rate == 100);
  CHECK(through(t, 9, 4).at(0).sampling_rate == 200);
  CHECK(through(t, 3, 4).at(0).sampling_rate == 100);
  CHECK(through(t, 3, 4, 1).at(0).sampling_rate == 200);
  CHECK(through(t, 8, 9).at(0).sampling_source == SamplingSource::unknown);
  CHECK(facts_of(t).sampling.at(0).algorithm == 3);
}

TEST_CASE("sampling: interface 0 means all of them (softflowd)") {
  DecoderUnderTest t;
  t.feed(interface_rate(0, 50));
  CHECK(through(t, 8, 9).at(0).sampling_rate == 50);
}

TEST_CASE("sampling: a probability, and rates that cannot be") {
  struct Case {
    const char* name;
    std::uint64_t octets;
    std::uint32_t rate;
  };
  const Case cases[] = {{"a hundredth", 0x3f847ae147ae147b, 100},
                        {"all", 0x3ff0000000000000, 1},
                        {"none", 0, 1},
                        {"more than all", 0x4000000000000000, 1},
                        {"not a number", 0x7ff8000000000000, 1}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const FlowRecord f = flow_of({{311, 8}}, [&](ByteWriter& w) { w.u64(c.octets); });
    CHECK(f.sampling_rate == c.rate);
    DecoderUnderTest t;
    t.feed(MessageBuilder::ipfix()
               .options_template_set(300, {{149, 4}}, {{311, 8}})
               .data_set(300, ByteWriter{}.u32(0).u64(c.octets))
               .build());
    CHECK(t.decoder.counters().sampling_rates == (c.rate > 1 || c.name == cases[1].name ? 1 : 0));
  }
  DecoderUnderTest t;
  t.feed(interface_rate(0, 0x7fff'ffff));
  CHECK(t.decoder.counters().absurd_sampling_rates == 1);
  CHECK(through(t, 1, 2).at(0).sampling_source == SamplingSource::unknown);
}

TEST_CASE("sampling: overrides hold against everything told, the closest first") {
  DecoderOptions options;
  options.normalizer.sampling_overrides = {
      {IpAddress::v4(0), 0, {}, 10},
      {IpAddress::v4(0xc0000200), 24, {}, 20},
      {IpAddress::v4(0), 0, 3, 30},
      {IpAddress::v4(0xc0000201), 32, 3, 40},
      {*IpAddress::parse("2001:db8::"), 32, {}, 50},
  };
  DecoderUnderTest t{options};
  t.feed(interface_rate(9, 100));
  CHECK(through(t, 9, 8).at(0).sampling_rate == 20);
  CHECK(through(t, 9, 3).at(0).sampling_rate == 40);
  CHECK(through(t, 3, 9).at(0).sampling_source == SamplingSource::override_table);
  const auto from = [&](const IpAddress& exporter, std::uint32_t rate) {
    TransportSession other = session();
    other.exporter = exporter;
    V5Header header;
    header.sampling = 77;
    CHECK(t.feed(v5_message(header, {V5Record{}}), other).at(0).sampling_rate == rate);
  };
  from(IpAddress::v4(0x0a000001), 30);  // V5Record came in by interface 3
  from(*IpAddress::parse("2001:db8::9"), 50);
  from(*IpAddress::parse("2001:db9::9"), 77);
  const auto sample =
      t.feed(SflowBuilder{}
                 .flow_sample(SflowBuilder::sampled_header(ethernet_packet({}), 78).octets())
                 .build());
  CHECK(sample.at(0).sampling_rate == 20);  // agent 192.0.2.99
  CHECK(sample.at(0).counter_source == CounterSource::packet);
}

TEST_CASE("facts: the header of v5 tells a rate and how packets were chosen") {
  DecoderUnderTest t;
  V5Header header;
  header.sampling = 0x8000 | 100;
  t.feed(v5_message(header, {V5Record{}}));
  REQUIRE(facts_of(t).sampling.size() == 1);
  CHECK(facts_of(t).sampling[0] ==
        SamplingFact{SamplingScope::header, 0x0102, 0, 100, 3, received(), false});
}

TEST_CASE("restart: what was told before is stale, still used, and fresh again when told again") {
  struct Case {
    const char* name;
    std::uint32_t uptime, later_uptime, seconds;
    bool is_restart;
  };
  const Case cases[] = {{"uptime goes on", 1'000'000, 1'060'000, 60, false},
                        {"begins again", 1'000'000, 5'000, 60, true},
                        {"wraps", 0xffff'ffffu - 4'999, 55'000, 60, false},
                        {"an older datagram, late", 1'000'000, 999'000, 0, false}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    DecoderUnderTest t;
    t.feed(interface_rate(3, 100, c.uptime));
    const auto at = received(1 + c.seconds);
    const auto flows = t.feed(MessageBuilder::v9()
                                  .uptime(c.later_uptime)
                                  .export_time(kExport + c.seconds)
                                  .template_set(256, key_and({{10, 4}}))
                                  .data_set(256, key().u32(3))
                                  .build(),
                              session(), at);
    CHECK(flows.at(0).sampling_rate == 100);
    CHECK(facts_of(t).restarts == (c.is_restart ? 1 : 0));
    CHECK(facts_of(t).sampling.at(0).is_stale == c.is_restart);
  }
  DecoderUnderTest t;
  const auto boot = [&](std::uint64_t ms, Timestamp at) {
    t.feed(MessageBuilder::ipfix()
               .options_template_set(300, {{149, 4}}, {{34, 4}, {160, 8}})
               .data_set(300, ByteWriter{}.u32(0).u32(100).u64(ms))
               .build(),
           session(), at);
  };
  boot(1'600'000'000'000, received());
  boot(1'600'000'000'000, received(2));
  CHECK(facts_of(t).restarts == 0);
  boot(1'600'000'900'000, received(3));
  CHECK(facts_of(t).restarts == 1);
  CHECK_FALSE(facts_of(t).sampling.at(0).is_stale);
  CHECK(facts_of(t).boots.at(0).boot == at_ms(1'600'000'900'000));
}

TEST_CASE("facts: bounds hold, what goes is counted, good exporters stay") {
  DecoderOptions options;
  options.normalizer.max_exporters = 4;
  options.normalizer.max_facts = 10;
  options.normalizer.max_facts_per_exporter = 5;
  DecoderUnderTest t{options};
  for (std::uint32_t i = 0; i < 100; ++i) {
    t.feed(interface_rate(3, 100), session(9, 0x0a000001));
    for (std::uint32_t k = 0; k < 3; ++k) {
      t.feed(interface_rate(1 + i % 20, 7), session(9, 0x0a000100 + (i + k) % 30));
    }
    CHECK(t.decoder.counters().exporters <= 4);
    CHECK(t.decoder.counters().sampling_rates <= 10);
  }
  CHECK(t.decoder.counters().exporters_evicted > 50);
  CHECK(t.decoder.normalizer().facts(IpAddress::v4(0x0a000001)).sampling.size() == 1);
  for (std::uint32_t i = 1; i <= 50; ++i) t.feed(interface_rate(i, 9), session(9, 0x0a000001));
  CHECK(t.decoder.normalizer().facts(IpAddress::v4(0x0a000001)).sampling.size() == 5);
}

TEST_CASE("facts: of one datagram only so many options records are looked at") {
  ByteWriter records;
  for (std::uint32_t i = 1; i <= 600; ++i) records.u32(i).u32(100);
  DecoderUnderTest t;
  t.feed(MessageBuilder::v9()
             .options_template_set(300, {{2, 4}}, {{34, 4}})
             .data_set(300, records, 600)
             .build());
  CHECK(t.decoder.counters().sampling_rates == 480);
  CHECK(t.decoder.counters().options_records_passed_over == 120);
}

TEST_CASE("facts: saved and loaded, they are as they were") {
  DecoderUnderTest before;
  ByteWriter names;
  names.u32(1).u32(7).append(text("eth7", 8));
  before.feed(MessageBuilder::ipfix()
                  .options_template_set(300, {{144, 4}}, {{10, 4}, {82, 8}})
                  .data_set(300, names)
                  .options_template_set(302, {{144, 4}}, {{40, 8}, {34, 4}, {160, 8}})
                  .data_set(302, ByteWriter{}.u32(1).u64(10).u32(64).u64(1'600'000'000'000))
                  .build());
  const auto state = before.decoder.save_state();
  DecoderUnderTest after;
  REQUIRE(after.decoder.load_state(state).code == DiagnosticCode::none);
  ExporterFacts want = facts_of(before);
  want.clock = {};
  CHECK(facts_of(after) == want);
  CHECK(after.decoder.counters().names == 1);
}

TEST_CASE("clock skew: the least of a run, the median of runs") {
  using std::chrono::milliseconds;
  normalize::ClockEstimate clock;
  CHECK(clock.skew().datagrams == 0);
  Timestamp at = received();
  const auto feed = [&](milliseconds offset, int count) {
    for (int i = 0; i < count; ++i) {
      at += milliseconds{10};
      clock.note(at, at - offset - milliseconds{i % 16 * 60});  // on the way, or whole seconds
    }
  };
  feed(milliseconds{1'500}, 5);
  CHECK(clock.skew().offset == milliseconds{1'500});
  feed(milliseconds{1'500}, 16 * 20 - 5);
  CHECK(clock.skew().offset >= milliseconds{1'500});
  CHECK(clock.skew().offset <= milliseconds{1'900});
  feed(milliseconds{-9'000'000}, 16 * 3);  // a mad header or two
  CHECK(clock.skew().offset <= milliseconds{1'900});
  CHECK(clock.skew().offset >= milliseconds{1'500});
  feed(milliseconds{-2'000}, 16 * 15);  // the clock was set
  CHECK(clock.skew().offset == milliseconds{-2'000});
  CHECK(clock.skew().spread == milliseconds{0});
  CHECK(clock.skew().datagrams == 16 * 38);
}

TEST_CASE("clock skew: by exporter, once a datagram") {
  DecoderUnderTest t;
  for (int i = 1; i <= 32; ++i) {
    t.feed(MessageBuilder::v9()
               .export_time(kExport + static_cast<std::uint32_t>(i))
               .template_set(256, key_and({}))
               .data_set(256, key())
               .data_set(256, key())
               .build(),
           session(), received(i + 3));
  }
  const ClockSkew skew = facts_of(t).clock;
  CHECK(skew.offset == std::chrono::seconds{3});
  CHECK(skew.datagrams == 32);
  CHECK(facts_of(t).flows == 64);
  CHECK(facts_of(t).flows_of_unknown_sampling == 64);
}

TEST_CASE("times: the bounds, to the nanosecond") {
  struct Case {
    const char* name;
    std::int64_t start_ms, end_ms;
    bool is_replaced;
  };
  // Received 1 s after the export.
  const Case cases[] = {{"an hour behind", -3'599'000, -3'599'000, false},
                        {"more", -3'599'001, -3'599'001, true},
                        {"a minute ahead", 0, 61'000, false},
                        {"more", 0, 61'001, true},
                        {"30 days long", -2'595'599'000, 0, false},
                        {"longer", -2'595'599'001, 0, true}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.end_ms);
    DecoderUnderTest t;
    const auto ms = [](std::int64_t v) {
      return static_cast<std::uint64_t>(std::int64_t{kExport} * 1'000 + v);
    };
    const auto flows = t.feed(MessageBuilder::ipfix()
                                  .template_set(256, key_and({{152, 8}, {153, 8}}))
                                  .data_set(256, key().u64(ms(c.start_ms)).u64(ms(c.end_ms)))
                                  .build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].has(FlowField::times_replaced) == c.is_replaced);
    CHECK(t.decoder.counters().flows_with_times_replaced == (c.is_replaced ? 1 : 0));
    if (!c.is_replaced) CHECK(flows[0].end == export_plus_ms(c.end_ms));
    CHECK(flows[0].end <= received() + std::chrono::minutes{1});
    CHECK(flows[0].end >= received() - std::chrono::hours{1});
  }
}
