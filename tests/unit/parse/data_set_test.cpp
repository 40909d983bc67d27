// Messages, sets and records: what is read, what waits, what is skipped, and where each octet went.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

const Fields kFields = {{8, 4}, {12, 4}, {4, 1}};
const Fields kVariable = {{4, 1}, {96, kVariableLength}, {7, 2}};

ByteWriter record(std::uint32_t source = 0x0a000001) {
  return ByteWriter{}.u32(source).u32(0x0a000002).u8(6);
}

constexpr ExportProtocol kBoth[] = {ExportProtocol::netflow_v9, ExportProtocol::ipfix};

}  // namespace

TEST_CASE("datagram: what is refused as a whole, and why") {
  struct Case {
    const char* name;
    const char* hex;
    DiagnosticCode why;
    std::uint32_t offset;
  };
  const Case cases[] = {
      {"nothing", "", DiagnosticCode::truncated, 0},
      {"a version only", "0009", DiagnosticCode::truncated, 0},
      {"NetFlow v8", "0008 0001 00000000 00000000 00000000", DiagnosticCode::unknown_version, 0},
      {"v1, header cut", "0001 0001 00000000 00000000 000000", DiagnosticCode::truncated, 0},
      {"v7, header cut", "0007 0001 00000000 00000000 00000000 00000000 000000",
       DiagnosticCode::truncated, 0},
      {"version 65,535", "ffff ffff ffffffff", DiagnosticCode::unknown_version, 0},
      {"sFlow v3", "00000003 00000001 0a000001 00000001 00000000 00000000",
       DiagnosticCode::unknown_version, 0},
      {"v5, header cut", "0005 0001 00000000 00000000 00000000 00000000 0000",
       DiagnosticCode::truncated, 0},
      {"v9, header cut", "0009 0001 00000000 00000000 00000000 000000", DiagnosticCode::truncated,
       0},
      {"IPFIX, header cut", "000a 0010 00000000 00000000 000000", DiagnosticCode::truncated, 0},
      {"IPFIX, length 0", "000a 0000 00000000 00000000 00000000", DiagnosticCode::bad_length, 2},
      {"IPFIX, length 15", "000a 000f 00000000 00000000 00000000", DiagnosticCode::bad_length, 2},
      {"sFlow, agent of type 3", "00000005 00000003 0a000001 00000000 00000001 00000000 00000000",
       DiagnosticCode::agent_invalid, 4},
      {"sFlow, IPv6 agent cut", "00000005 00000002 0a000001 00000000 00000001",
       DiagnosticCode::truncated, 4},
      {"sFlow, header cut", "00000005 00000001 0a000001 00000000 00000001 00000000",
       DiagnosticCode::truncated, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    const ParseResult r = t.feed(from_hex(c.hex));
    CHECK_FALSE(r.accepted);
    CHECK(r.first.code == c.why);
    CHECK(r.first.offset == c.offset);
    CHECK(refused(t.parser, c.why) == 1);
    CHECK(t.parser.octets().accepted == 0);
    CHECK(t.sink.record_count() == 0);
  }
}

TEST_CASE("datagram: the caller's refusals are counted") {
  ParserUnderTest t;
  t.parser.refuse(DiagnosticCode::pressure, {}, session(), received());
  check_balanced(t.parser);
  CHECK(refused(t.parser, DiagnosticCode::pressure) == 1);
}

TEST_CASE("set: a bad length ends the message, what came before is delivered") {
  struct Case {
    const char* name;
    std::uint16_t claimed;
    DiagnosticCode why;
  };
  const Case cases[] = {
      {"0", 0, DiagnosticCode::set_length_invalid},
      {"3", 3, DiagnosticCode::set_length_invalid},
      {"one past the end", 14, DiagnosticCode::set_overrun},
      {"65,535", 65'535, DiagnosticCode::set_overrun},
  };
  for (const ExportProtocol protocol : kBoth) {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      ParserUnderTest t;
      const ParseResult r = t.feed(MessageBuilder::of(protocol)
                                       .template_set(256, kFields)
                                       .data_set(256, record())
                                       .set(256, record().octets(), c.claimed)
                                       .build());
      CHECK(r.accepted);
      CHECK(r.first.code == c.why);
      CHECK(r.first.detail == c.claimed);
      CHECK(r.sets_skipped == 1);
      CHECK(skipped(t.parser, c.why) == 13);
      CHECK(t.sink.record_count() == 1);
    }
  }
}

TEST_CASE("set: reserved ids cost their set only") {
  struct Case {
    ExportProtocol protocol;
    std::uint16_t id;
  };
  const Case cases[] = {
      {ExportProtocol::ipfix, 0},      {ExportProtocol::ipfix, 1},
      {ExportProtocol::ipfix, 4},      {ExportProtocol::ipfix, 255},
      {ExportProtocol::netflow_v9, 2}, {ExportProtocol::netflow_v9, 255},
  };
  for (const Case& c : cases) {
    CAPTURE(c.id);
    ParserUnderTest t;
    const ParseResult r = t.feed(MessageBuilder::of(c.protocol)
                                     .template_set(256, kFields)
                                     .set(c.id, from_hex("0102030405"))
                                     .data_set(256, record())
                                     .build());
    CHECK(r.first.code == DiagnosticCode::set_id_reserved);
    CHECK(r.first.detail == c.id);
    CHECK(skipped(t.parser, DiagnosticCode::set_id_reserved) == 5);
    CHECK(t.sink.record_count() == 1);
  }
}

TEST_CASE("set: what is behind the last record") {
  struct Case {
    const char* name;
    std::size_t octets;
    std::size_t records;
    std::size_t padding;
    bool clean;
  };
  const Case cases[] = {
      {"less than a record", 8, 0, 0, false},
      {"one record", 9, 1, 0, true},
      {"one record and padding", 12, 1, 3, true},
      {"padding as long as can be", 17, 1, 8, true},
      {"padding that looks like a record", 18, 2, 0, true},
  };
  for (const ExportProtocol protocol : kBoth) {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      ParserUnderTest t;
      t.feed(MessageBuilder::of(protocol).template_set(256, kFields).build());
      const std::uint64_t skipped_before = skipped(t.parser, DiagnosticCode::record_truncated);
      const ParseResult r = t.feed(
          MessageBuilder::of(protocol)
              .data_set(256, ByteWriter{}.fill(c.octets, 1), static_cast<std::uint16_t>(c.records))
              .build());
      CHECK(r.clean() == c.clean);
      CHECK(t.sink.record_count() == c.records);
      CHECK(t.parser.octets().padding == c.padding);
      CHECK(t.parser.octets().decoded == 9 * c.records);
      CHECK((skipped(t.parser, DiagnosticCode::record_truncated) != skipped_before) == !c.clean);
    }
  }
}

TEST_CASE("set: an empty one is remarked on in IPFIX, which forbids it") {
  for (const ExportProtocol protocol : kBoth) {
    ParserUnderTest t;
    const ParseResult r = t.feed(MessageBuilder::of(protocol)
                                     .template_set(256, kFields)
                                     .data_set(256, Octets{}, 0)
                                     .data_set(256, record())
                                     .build());
    const bool is_ipfix = protocol == ExportProtocol::ipfix;
    CHECK(r.first.code == (is_ipfix ? DiagnosticCode::set_empty : DiagnosticCode::none));
    CHECK(t.sink.record_count() == 1);
  }
}

TEST_CASE("record: both forms of variable length, in IPFIX and in v9") {
  for (const ExportProtocol protocol : kBoth) {
    ParserUnderTest t;
    ByteWriter records;
    records.u8(6).u8(3).append(from_hex("616263")).u16(80);         // one octet of length
    records.u8(6).u8(255).u16(2).append(from_hex("6465")).u16(81);  // three
    records.u8(6).u8(0).u16(82);                                    // no value
    const ParseResult r = t.feed(MessageBuilder::of(protocol)
                                     .template_set(256, kVariable)
                                     .data_set(256, records, 3)
                                     .build());
    CHECK(r.clean());
    REQUIRE(t.sink.sets.size() == 1);
    CHECK(t.sink.sets[0].record_count == 3);
  }
}

TEST_CASE("record: a variable length past the set costs the rest of the set") {
  struct Case {
    const char* name;
    const char* hex;
    std::size_t records;
  };
  const Case cases[] = {
      {"length byte past the set", "06 09 6162 0050", 0},
      {"three-octet length past the set", "06 ff ffff 6162 0050", 0},
      {"three-octet length cut", "06 ff 00 50", 0},
      {"value takes the next field's octets", "06 03 6162 0050", 0},
      {"the second record overruns", "06 01 61 0050  06 20 61 0050", 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    t.feed(MessageBuilder::ipfix().template_set(256, kVariable).build());
    const ParseResult r = t.feed(MessageBuilder::ipfix()
                                     .data_set(256, from_hex(c.hex))
                                     .template_set(300, kFields)
                                     .data_set(300, record())
                                     .build());
    CHECK(r.first.code == DiagnosticCode::record_truncated);
    CHECK(t.sink.record_count() == c.records + 1);
  }
}

TEST_CASE("record: a three-octet length cut at the end of the datagram is not read past") {
  for (const char* hex : {"06 ff", "06 ff 00"}) {
    CAPTURE(hex);
    ParserUnderTest t;
    t.feed(MessageBuilder::ipfix().template_set(256, {{4, 1}, {96, kVariableLength}}).build());
    const ParseResult r = t.feed(MessageBuilder::ipfix().data_set(256, from_hex(hex)).build());
    CHECK(r.first.code == DiagnosticCode::record_truncated);
    CHECK(t.sink.record_count() == 0);
  }
}

TEST_CASE("message: IPFIX length against the datagram's") {
  const auto build = [](std::uint16_t claim) {
    return MessageBuilder::ipfix()
        .template_set(256, kFields)
        .data_set(256, record())
        .claim(claim)
        .build();
  };
  const std::uint16_t truth = static_cast<std::uint16_t>(build(0).size());
  struct Case {
    const char* name;
    int difference;
    DiagnosticCode why;
    std::size_t records;
  };
  const Case cases[] = {
      {"right", 0, DiagnosticCode::none, 1},
      {"one too many: whole sets still count", 1, DiagnosticCode::bad_length, 1},
      {"the data set is not in the message", -13, DiagnosticCode::trailing_octets, 0},
      {"cuts the data set", -1, DiagnosticCode::set_overrun, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    const ParseResult r = t.feed(build(static_cast<std::uint16_t>(truth + c.difference)));
    CHECK(r.first.code == c.why);
    CHECK(t.sink.record_count() == c.records);
  }
}

TEST_CASE("message: a v9 count is remarked on only where every set could be read") {
  ParserUnderTest t;
  CHECK(t.feed(MessageBuilder::v9().template_set(256, kFields).claim(2).build()).first.code ==
        DiagnosticCode::bad_count);
  CHECK(t.feed(MessageBuilder::v9().data_set(999, record()).claim(7).build()).first.code ==
        DiagnosticCode::unknown_template);
}

TEST_CASE("message: octets behind the last v9 set") {
  struct Case {
    const char* name;
    std::size_t zeros;
    std::size_t others;
    bool padding;
  };
  const Case cases[] = {{"one", 0, 1, false}, {"three", 0, 3, false}, {"600 zeros", 600, 0, true}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    const Octets tail = ByteWriter{}.fill(c.zeros).fill(c.others, 0xff).take();
    const ParseResult r = t.feed(MessageBuilder::v9()
                                     .template_set(256, kFields)
                                     .data_set(256, record())
                                     .append(tail)
                                     .build());
    CHECK(r.first.code == DiagnosticCode::trailing_octets);
    CHECK(t.parser.octets().padding == (c.padding ? tail.size() : 0));
    CHECK(skipped(t.parser, DiagnosticCode::trailing_octets) == (c.padding ? 0 : tail.size()));
    CHECK(t.sink.record_count() == 1);
  }
}

TEST_CASE("v1, v5, v7: the count against the octets") {
  struct Case {
    const char* name;
    std::size_t there;
    std::uint16_t claimed;
    std::size_t cut;
    std::size_t records;
    DiagnosticCode why;
  };
  const Case cases[] = {
      {"right", 2, 2, 0, 2, DiagnosticCode::none},
      {"none", 0, 0, 0, 0, DiagnosticCode::none},
      {"one claimed, three there", 3, 1, 0, 1, DiagnosticCode::trailing_octets},
      {"none claimed, one there", 1, 0, 0, 0, DiagnosticCode::trailing_octets},
      {"65,535 claimed", 2, 65'535, 0, 2, DiagnosticCode::bad_count},
      {"the last record cut", 2, 2, 1, 1, DiagnosticCode::bad_count},
      {"more than the format allows, all there", 31, 31, 0, 31, DiagnosticCode::bad_count},
  };
  using Build = Octets (*)(const V5Header&, const std::vector<V5Record>&);
  struct Version {
    Build build;
    std::size_t record_octets;
  };
  const Version versions[] = {
      {[](const V5Header& h, const std::vector<V5Record>& r) { return v1_message(h, r); }, 52},
      {v5_message, 48},
      {v7_message, 52}};
  for (const Version& version : versions) {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      ParserUnderTest t;
      V5Header header;
      header.claimed_count = c.claimed;
      Octets message = version.build(header, std::vector<V5Record>(c.there));
      message.resize(message.size() - c.cut);
      const ParseResult r = t.feed(message);
      CHECK(r.accepted);
      CHECK(r.first.code == c.why);
      CHECK(t.sink.record_count() == c.records);
      CHECK(t.parser.octets().decoded == version.record_octets * c.records);
    }
  }
}

TEST_CASE("waiting: data before its template is decoded with its own receive time") {
  for (const ExportProtocol protocol : kBoth) {
    ParserUnderTest t;
    const ParseResult early = t.feed(
        MessageBuilder::of(protocol).data_set(256, record(1)).data_set(257, record()).build(),
        session(), received(1));
    CHECK(early.sets_waiting == 2);
    CHECK(early.first.code == DiagnosticCode::unknown_template);
    t.feed(MessageBuilder::of(protocol).data_set(256, record(2)).build(), session(), received(2));
    CHECK(t.parser.octets().waiting == 27);
    t.feed(MessageBuilder::of(protocol).template_set(256, kFields).data_set(256, record(3)).build(),
           session(), received(3));
    REQUIRE(t.sink.sets.size() == 3);
    for (std::uint32_t i = 0; i < 3; ++i) {
      CHECK(t.sink.sets[i].received == received(i + 1));
      CHECK(t.sink.sets[i].records[0] == record(i + 1).octets());
    }
    CHECK(t.parser.octets().waiting == 9);  // the other one still waits
    CHECK(t.parser.counters().sets_replayed == 2);
    CHECK(t.parser.counters().sets_waiting == 1);
  }
}

TEST_CASE("waiting: in another session of the same exporter, told by address") {
  ParserUnderTest t;
  t.feed(MessageBuilder::v9().data_set(256, record()).build(), session(1));
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(2));
  REQUIRE(t.sink.sets.size() == 1);
  CHECK_FALSE(t.sink.sets[0].by_session);
  t.feed(MessageBuilder::v9().domain(8).data_set(300, record()).build(), session(1));
  t.feed(MessageBuilder::v9().template_set(300, kFields).build(), session(1));
  CHECK(t.sink.sets.size() == 1);  // another domain's template serves nobody here
}

TEST_CASE("waiting: options data too, and a set that turns out to be damaged") {
  ParserUnderTest t;
  t.feed(MessageBuilder::ipfix()
             .data_set(256, ByteWriter{}.u32(0).u32(100))
             .data_set(257, ByteWriter{}.u8(6).u8(200))
             .build());
  t.feed(MessageBuilder::ipfix()
             .options_template_set(256, {{149, 4}}, {{34, 4}})
             .template_set(257, kVariable)
             .build());
  REQUIRE(t.sink.sets.size() == 1);
  CHECK(t.sink.sets[0].is_options);
  CHECK(skipped(t.parser, DiagnosticCode::record_truncated) == 2);
  CHECK(t.parser.octets().waiting == 0);
}

TEST_CASE("waiting: bounded by time, by exporter and in total") {
  ParserOptions options;
  options.max_waiting_octets = 2'000;
  options.max_waiting_octets_per_exporter = 1'000;
  options.max_waiting_time = std::chrono::seconds{60};
  const Octets data = MessageBuilder::v9().data_set(256, record()).build();
  SUBCASE("time") {
    ParserUnderTest t{options};
    t.feed(data, session(), received(0));
    t.feed(data, session(), received(61));
    CHECK(t.parser.counters().sets_given_up == 1);
    CHECK(skipped(t.parser, DiagnosticCode::unknown_template) == 9);
  }
  SUBCASE("one exporter's oldest give way") {
    ParserUnderTest t{options};
    t.feed(data, session(1, 1));
    for (int i = 0; i < 10; ++i) t.feed(data, session(1, 2));
    CHECK(t.parser.counters().sets_waiting == 3);  // two of the second, each counts its overhead
    CHECK(t.parser.counters().sets_given_up == 8);
    t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1, 1));
    CHECK(t.sink.record_count() == 1);
  }
  SUBCASE("all exporters") {
    ParserUnderTest t{options};
    for (std::uint32_t i = 0; i < 50; ++i) t.feed(data, session(1, i));
    CHECK(t.parser.counters().sets_waiting == 5);
    CHECK(t.parser.octets().waiting == 45);
  }
  SUBCASE("a set that is past the bound alone is skipped") {
    ParserUnderTest t{options};
    const ParseResult r =
        t.feed(MessageBuilder::v9().data_set(256, ByteWriter{}.fill(900)).build());
    CHECK(r.first.code == DiagnosticCode::limit_reached);
    CHECK(r.sets_skipped == 1);
    CHECK(t.parser.octets().waiting == 0);
  }
}

TEST_CASE("parser: limits of 0 are refused by name") {
  for (int i = 0; i < 7; ++i) {
    CAPTURE(i);
    ParserOptions o;
    if (i == 0) o.max_templates = 0;
    if (i == 1) o.max_templates_per_exporter = 0;
    if (i == 2) o.max_fields_per_template = 0;
    if (i == 3) o.max_waiting_octets = 0;
    if (i == 4) o.max_waiting_octets_per_exporter = 0;
    if (i == 5) o.max_waiting_time = {};
    if (i == 6) o.template_lifetime = {};
    CHECK_THROWS_WITH_AS(Parser{o}, doctest::Contains("ParserOptions::"), ConfigError);
  }
}
