// Times of every element family to UTC.
#include <doctest/doctest.h>

#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("uptime: right across a wrap, ahead of the header, and the wrong way round") {
  struct Case {
    const char* name;
    std::uint32_t uptime, first, last;
    std::int64_t start_ms, end_ms;
  };
  const Case cases[] = {
      {"plain", 1'000'000, 990'000, 999'000, -10'000, -1'000},
      {"the uptime has wrapped", 5'000, 0xffff'ffffu - 4'999, 1'000, -10'000, -4'000},
      {"a moment ahead of the header", 1'000'000, 999'000, 1'000'500, -1'000, 500},
      {"end before start", 1'000'000, 999'000, 990'000, -1'000, -1'000},
      {"half the range", 0x8000'0000u, 0, 0, 0x8000'0000ll, 0x8000'0000ll},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    V5Header header;
    header.uptime_ms = c.uptime;
    V5Record record;
    record.first_ms = c.first;
    record.last_ms = c.last;
    DecoderUnderTest t{any_time()};
    const auto flows = t.feed(v5_message(header, {record}));
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].start == export_plus_ms(c.start_ms));
    CHECK(flows[0].end == export_plus_ms(c.end_ms));
  }
}

TEST_CASE("times: every family becomes UTC") {
  // As NTP: seconds since 1900.
  constexpr std::uint64_t kNtp = (std::uint64_t{kExport} + 2'208'988'800ull) << 32;
  struct Case {
    const char* name;
    std::uint16_t start, end, width;
    std::uint64_t first, last;
    Timestamp want_start, want_end;
  };
  const Case cases[] = {
      {"seconds", 150, 151, 4, kExport - 9, kExport - 1, export_plus_ms(-9'000),
       export_plus_ms(-1'000)},
      {"milliseconds", 152, 153, 8, kExport * 1000ull - 250, kExport * 1000ull,
       export_plus_ms(-250), export_plus_ms(0)},
      {"NTP, half a second", 154, 155, 8, kNtp, kNtp | 0x8000'0000, export_plus_ms(0),
       export_plus_ms(500)},
      {"NTP of the era from 2036", 156, 157, 8, 1ull << 32, 2ull << 32, at_ms(2'085'978'497'000),
       at_ms(2'085'978'498'000)},
      {"microseconds before the export", 158, 159, 4, 2'000'000, 1'000, export_plus_ms(-2'000),
       export_plus_ms(-1)},
      {"a time past all bounds is held", 152, 153, 8, 1, ~0ull, at_ms(1), at_ms(4'600'000'000'000)},
      {"end before start", 152, 153, 8, 5'000, 4'000, at_ms(5'000), at_ms(5'000)},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const FlowRecord f = flow_of({{c.start, c.width}, {c.end, c.width}}, [&](ByteWriter& w) {
      w.number(c.first, c.width).number(c.last, c.width);
    });
    CHECK(f.start == c.want_start);
    CHECK(f.end == c.want_end);
    CHECK(f.has(FlowField::start));
  }
}

TEST_CASE("times: missing ones") {
  FlowRecord f = flow_of({}, [](ByteWriter&) {});
  CHECK(f.start == received());
  CHECK(f.end == received());
  CHECK_FALSE(f.has(FlowField::start));
  f = flow_of({{152, 8}}, [](ByteWriter& w) { w.u64(7'000); });
  CHECK(f.start == at_ms(7'000));
  CHECK(f.end == at_ms(7'000));
  f = flow_of({{153, 8}}, [](ByteWriter& w) { w.u64(7'000); });
  CHECK(f.start == at_ms(7'000));
  f = flow_of({{153, 8}, {161, 4}}, [](ByteWriter& w) { w.u64(7'000).u32(2'000); });
  CHECK(f.start == at_ms(5'000));
  f = flow_of({{152, 8}, {162, 4}}, [](ByteWriter& w) { w.u64(7'000).u32(2'000'000); });
  CHECK(f.end == at_ms(9'000));
}

TEST_CASE("times: the finest family counts, wherever it stands") {
  const FlowRecord f = flow_of({{150, 4}, {152, 8}, {22, 4}},
                               [](ByteWriter& w) { w.u32(1).u64(kExport * 1000ull + 7).u32(3); });
  CHECK(f.start == export_plus_ms(7));
}

TEST_CASE("IPFIX uptime: by element 160 in the record, from options, or by the latest flow") {
  constexpr std::uint64_t kBoot = kExport * 1000ull - kUptime;
  const Fields fields = key_and({{22, 4}, {21, 4}});
  const ByteWriter record = key().u32(kUptime - 3'000).u32(kUptime - 1'000);
  SUBCASE("in the record, behind the times") {
    const FlowRecord f = flow_of({{22, 4}, {21, 4}, {160, 8}}, [](ByteWriter& w) {
      w.u32(kUptime - 3'000).u32(kUptime - 1'000).u64(kBoot);
    });
    CHECK(f.start == export_plus_ms(-3'000));
    CHECK(f.end == export_plus_ms(-1'000));
  }
  SUBCASE("from options, of this domain only") {
    DecoderUnderTest t;
    t.feed(MessageBuilder::ipfix()
               .options_template_set(300, {{143, 4}}, {{160, 8}})
               .data_set(300, ByteWriter{}.u32(1).u64(kBoot))
               .build());
    const auto flows =
        t.feed(MessageBuilder::ipfix().template_set(256, fields).data_set(256, record).build());
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].start == export_plus_ms(-3'000));
    const auto other = t.feed(
        MessageBuilder::ipfix().domain(8).template_set(256, fields).data_set(256, record).build());
    REQUIRE(other.size() == 1);
    CHECK(other[0].start == export_plus_ms(-2'000));
  }
  SUBCASE("unknown: durations are kept, the latest flow ends at the export") {
    const auto flows = decode(ExportProtocol::ipfix, fields, record);
    REQUIRE(flows.size() == 1);
    CHECK(flows[0].start == export_plus_ms(-2'000));
    CHECK(flows[0].end == export_plus_ms(0));
  }
}
