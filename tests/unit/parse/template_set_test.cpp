// Template and options template sets: what is learned, what is refused, and why.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

const Fields kFields = {{8, 4}, {12, 4}, {4, 1}};
const Fields kOther = {{8, 4}, {12, 4}, {1, 8}};

ByteWriter record() { return ByteWriter{}.u32(0x0a000001).u32(0x0a000002).u8(6); }

constexpr ExportProtocol kBoth[] = {ExportProtocol::netflow_v9, ExportProtocol::ipfix};

}  // namespace

TEST_CASE("template: data after it decodes, in the same message and in later ones") {
  for (const ExportProtocol protocol : kBoth) {
    CAPTURE(static_cast<int>(protocol));
    ParserUnderTest t;
    ParseResult r = t.feed(
        MessageBuilder::of(protocol).template_set(256, kFields).data_set(256, record()).build());
    CHECK(r.clean());
    CHECK(r.sets == 2);
    r = t.feed(MessageBuilder::of(protocol).data_set(256, record()).build());
    CHECK(r.clean());
    REQUIRE(t.sink.sets.size() == 2);
    CHECK(t.sink.sets[1].records[0] == record().octets());
    CHECK(t.sink.sets[1].by_session);
    CHECK(t.parser.counters().templates == 1);
  }
}

TEST_CASE("template: refused ones cost themselves only, and say why") {
  struct Case {
    const char* name;
    ExportProtocol protocol;
    const char* body;
    bool options;
    DiagnosticCode why;
  };
  constexpr auto v9 = ExportProtocol::netflow_v9;
  constexpr auto ipfix = ExportProtocol::ipfix;
  const Case cases[] = {
      {"id 255", v9, "00ff 0001 0008 0004", false, DiagnosticCode::template_id_invalid},
      {"id 1", ipfix, "0001 0001 0008 0004", false, DiagnosticCode::template_id_invalid},
      {"no fields in v9", v9, "0100 0000", false, DiagnosticCode::template_empty},
      {"all fields of no octets", ipfix, "0100 0001 0052 0000", false,
       DiagnosticCode::zero_length_record},
      {"a record of 131,068 octets", v9, "0100 0002 0008 fffe 0008 fffe", false,
       DiagnosticCode::record_too_long},
      {"count past the set", ipfix, "0100 0008 0008 0004", false,
       DiagnosticCode::template_truncated},
      {"count of 65,535", v9, "0100 ffff 0008 0004", false, DiagnosticCode::template_truncated},
      {"enterprise number cut", ipfix, "0100 0001 8001 0004", false,
       DiagnosticCode::template_truncated},
      {"options head cut", ipfix, "0100 0001", true, DiagnosticCode::template_truncated},
      {"no scope", ipfix, "0100 0001 0000 0008 0004", true, DiagnosticCode::scope_invalid},
      {"more scope than fields", ipfix, "0100 0001 0002 0008 0004", true,
       DiagnosticCode::scope_invalid},
      {"v9 scope of 5 octets", v9, "0100 0005 0007 0001 0004 0022 0004", true,
       DiagnosticCode::scope_invalid},
      {"v9 options past the set", v9, "0100 fffc 0004 0001 0004", true,
       DiagnosticCode::template_truncated},
      {"v9 options of nothing", v9, "0100 0000 0000", true, DiagnosticCode::template_empty},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    const std::uint16_t id =
        static_cast<std::uint16_t>((c.protocol == ipfix ? 2 : 0) + (c.options ? 1 : 0));
    const Octets body = from_hex(c.body);
    const ParseResult r = t.feed(MessageBuilder::of(c.protocol)
                                     .set(id, body)
                                     .template_set(300, kFields)
                                     .data_set(300, record())
                                     .build());
    CHECK(r.accepted);
    CHECK(r.first.code == c.why);
    CHECK(r.first.offset == (c.protocol == ipfix ? 16 : 20) + 4);
    CHECK(skipped(t.parser, c.why) == body.size());
    CHECK(t.sink.record_count() == 1);  // the sets behind are read
    CHECK(t.parser.counters().templates == 1);
  }
}

TEST_CASE("template: a field limit refuses the template and leaves the next one in place") {
  ParserOptions options;
  options.max_fields_per_template = 2;
  ParserUnderTest t{options};
  ByteWriter body;
  body.append(from_hex("0100 0003 0008 0004 000c 0004 0004 0001"));
  body.append(from_hex("0101 0001 0008 0004"));
  const ParseResult r = t.feed(MessageBuilder::ipfix().set(2, body.octets()).build());
  CHECK(r.first.code == DiagnosticCode::too_many_fields);
  REQUIRE(t.sink.templates == std::vector<std::uint16_t>{257});
}

TEST_CASE("template: a refused redefinition takes the old meaning with it") {
  ParserOptions options;
  options.max_fields_per_template = 3;
  ParserUnderTest t{options};
  t.feed(MessageBuilder::v9().template_set(256, kFields).build());
  t.feed(MessageBuilder::v9().template_set(256, {{8, 4}, {12, 4}, {4, 1}, {5, 1}}).build());
  const ParseResult r = t.feed(MessageBuilder::v9().data_set(256, record()).build());
  CHECK(r.sets_waiting == 1);
  CHECK(t.sink.record_count() == 0);
}

TEST_CASE("template: redefined, the newer one counts; the same again changes nothing") {
  ParserUnderTest t;
  t.feed(MessageBuilder::ipfix().template_set(256, kFields).build());
  t.feed(MessageBuilder::ipfix().template_set(256, kFields).build());
  CHECK(t.sink.new_templates == 1);
  t.feed(MessageBuilder::ipfix()
             .template_set(256, {{1, 4}})
             .data_set(256, ByteWriter{}.u32(1).u32(2))
             .build());
  CHECK(t.sink.new_templates == 2);
  CHECK(t.parser.counters().templates_redefined == 1);
  REQUIRE(t.sink.sets.size() == 1);
  CHECK(t.sink.sets[0].record_count == 2);
}

TEST_CASE("template: data and options templates share the ids of a scope") {
  for (const ExportProtocol protocol : kBoth) {
    ParserUnderTest t;
    t.feed(MessageBuilder::of(protocol).template_set(256, kFields).build());
    t.feed(MessageBuilder::of(protocol)
               .options_template_set(256, {{1, 4}}, {{34, 4}})
               .data_set(256, ByteWriter{}.u32(0).u32(100))
               .build());
    REQUIRE(t.sink.sets.size() == 1);
    CHECK(t.sink.sets[0].is_options);
    CHECK(t.parser.octets().options == 8);
  }
}

TEST_CASE("template: v9 and IPFIX, domains and exporters are kept apart") {
  struct Case {
    const char* name;
    MessageBuilder message;
    TransportSession from;
    bool known;
  };
  const Octets octets = record().octets();
  const Case cases[] = {
      {"the same", MessageBuilder::ipfix(), session(), true},
      {"another domain", MessageBuilder::ipfix().domain(8), session(), false},
      {"another protocol", MessageBuilder::v9(), session(), false},
      {"another exporter", MessageBuilder::ipfix(), session(50'000, 0xc0000202), false},
      {"another port: served by the address", MessageBuilder::ipfix(), session(50'001), true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    t.feed(MessageBuilder::ipfix().template_set(256, kFields).build());
    MessageBuilder message = c.message;
    const ParseResult r = t.feed(message.data_set(256, octets).build(), c.from);
    CHECK(r.sets_waiting == (c.known ? 0 : 1));
    if (c.known) {
      REQUIRE(t.sink.sets.size() == 1);
      CHECK(t.sink.sets[0].by_session == (c.from == session()));
    }
  }
}

TEST_CASE("template: two sessions of one address keep their own; others get the newest") {
  ParserUnderTest t;
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1));
  t.feed(MessageBuilder::v9().template_set(256, {{1, 1}}).build(), session(2));
  const Octets octets = record().octets();
  t.feed(MessageBuilder::v9().data_set(256, octets).build(), session(1));
  t.feed(MessageBuilder::v9().data_set(256, octets).build(), session(2));
  t.feed(MessageBuilder::v9().data_set(256, octets).build(), session(3));
  REQUIRE(t.sink.sets.size() == 3);
  CHECK(t.sink.sets[0].record_count == 1);
  CHECK(t.sink.sets[1].record_count == 9);
  CHECK(t.sink.sets[2].record_count == 9);
  CHECK_FALSE(t.sink.sets[2].by_session);
}

TEST_CASE("withdrawal: acted on over TCP, ignored and remarked over UDP") {
  TransportSession tcp = session();
  tcp.transport = Transport::tcp;
  struct Case {
    const char* name;
    TransportSession from;
    std::uint16_t id;
    bool of_options;
    bool gone;
  };
  const Case cases[] = {
      {"one, over TCP", tcp, 256, false, true},
      {"all, over TCP", tcp, 2, false, true},
      {"all options templates, over TCP", tcp, 3, true, false},
      {"another, over TCP", tcp, 257, false, false},
      {"one, over UDP", session(), 256, false, false},
      {"all, over UDP", session(), 2, false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ParserUnderTest t;
    t.feed(MessageBuilder::ipfix().template_set(256, kFields).build(), c.from);
    const ParseResult r =
        t.feed(MessageBuilder::ipfix().withdrawal(c.id, c.of_options).build(), c.from);
    CHECK((r.first.code == DiagnosticCode::withdrawal_ignored) == !c.gone);
    const ParseResult data =
        t.feed(MessageBuilder::ipfix().data_set(256, record()).build(), c.from);
    CHECK(data.sets_waiting == (c.gone ? 1 : 0));
  }
}

TEST_CASE("template: life time runs from the last use") {
  ParserOptions options;
  options.template_lifetime = std::chrono::seconds{100};
  ParserUnderTest t{options};
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(), received(0));
  const Octets data = MessageBuilder::v9().data_set(256, record()).build();
  CHECK(t.feed(data, session(), received(90)).sets_waiting == 0);
  CHECK(t.feed(data, session(), received(180)).sets_waiting == 0);
  CHECK(t.feed(data, session(), received(281)).sets_waiting == 1);
  CHECK(t.parser.counters().templates_expired == 1);
  CHECK(t.parser.counters().templates == 0);
}

TEST_CASE("template: an expired one of this session does not hide a live one of the address") {
  ParserOptions options;
  options.template_lifetime = std::chrono::seconds{100};
  ParserUnderTest t{options};
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1), received(0));
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(2), received(90));
  const Octets data = MessageBuilder::v9().data_set(256, record()).build();
  CHECK(t.feed(data, session(1), received(150)).sets_waiting == 0);
}

TEST_CASE("template: at a bound the one used longest ago goes") {
  SUBCASE("of the same exporter") {
    ParserOptions options;
    options.max_templates_per_exporter = 2;
    ParserUnderTest t{options};
    t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(), received(0));
    t.feed(MessageBuilder::v9().template_set(257, kFields).build(), session(), received(2));
    t.feed(MessageBuilder::v9().data_set(256, record()).build(), session(), received(4));
    const ParseResult r =
        t.feed(MessageBuilder::v9().template_set(258, kFields).build(), session(), received(6));
    CHECK(r.first.code == DiagnosticCode::limit_reached);
    CHECK(t.feed(MessageBuilder::v9().data_set(256, record()).build(), session(), received(7))
              .sets_waiting == 0);
    CHECK(t.feed(MessageBuilder::v9().data_set(257, record()).build(), session(), received(7))
              .sets_waiting == 1);
  }
  SUBCASE("over all exporters") {
    ParserOptions options;
    options.max_templates = 2;
    ParserUnderTest t{options};
    for (std::uint32_t i = 0; i < 5; ++i) {
      t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1, i),
             received(2 * i));
    }
    CHECK(t.parser.counters().templates == 2);
    CHECK(t.parser.counters().templates_evicted == 3);
    const Octets data = MessageBuilder::v9().data_set(256, record()).build();
    CHECK(t.feed(data, session(1, 4), received(20)).sets_waiting == 0);
    CHECK(t.feed(data, session(1, 2), received(20)).sets_waiting == 1);
  }
}

TEST_CASE("template: field lengths that a type cannot have are remarked on, the record comes out") {
  ParserUnderTest t;
  const ParseResult r = t.feed(MessageBuilder::ipfix().template_set(256, {{8, 3}, {1, 8}}).build());
  CHECK(r.first.code == DiagnosticCode::field_length_illegal);
  const ParseResult data =
      t.feed(MessageBuilder::ipfix().data_set(256, ByteWriter{}.fill(11)).build());
  CHECK(data.first.code == DiagnosticCode::field_length_illegal);
  CHECK(t.sink.record_count() == 1);
}

TEST_CASE("template: a flood of forged ones pushes out newcomers, not what has proved itself") {
  ParserOptions options;
  options.max_templates = 64;
  ParserUnderTest t{options};
  const Octets data = MessageBuilder::v9().data_set(256, record()).build();
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(), received(0));
  for (int i = 1; i <= 4; ++i) t.feed(data, session(), received(i));
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    t.feed(MessageBuilder::v9().template_set(256, kFields).data_set(256, record()).build(),
           session(1, i), received(5));
  }
  CHECK(t.feed(data, session(), received(6)).sets_waiting == 0);
  CHECK(t.parser.counters().templates == 64);
}

TEST_CASE("template: of one exporter likewise, by id") {
  ParserOptions options;
  options.max_templates_per_exporter = 16;
  ParserUnderTest t{options};
  const Octets data = MessageBuilder::v9().data_set(256, record()).build();
  t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(), received(0));
  for (int i = 1; i <= 4; ++i) t.feed(data, session(), received(i));
  for (std::uint16_t id = 300; id < 400; ++id) {
    t.feed(MessageBuilder::v9().template_set(id, kFields).build(), session(), received(5));
  }
  CHECK(t.feed(data, session(), received(6)).sets_waiting == 0);
}

TEST_CASE("template: fields are bounded by exporter and in total") {
  ParserOptions options;
  options.max_fields_per_exporter = 6;
  options.max_fields = 9;
  ParserUnderTest t{options};
  for (std::uint16_t id = 256; id < 260; ++id) {
    t.feed(MessageBuilder::v9().template_set(id, kFields).build(), session(), received(id));
  }
  CHECK(t.parser.counters().templates == 2);
  for (std::uint32_t i = 0; i < 4; ++i) {
    t.feed(MessageBuilder::v9().template_set(256, kFields).build(), session(1, i), received(300));
  }
  CHECK(t.parser.counters().templates == 3);
}

TEST_CASE("template: another layout without a withdrawal is remarked on where withdrawals count") {
  for (const Transport transport : {Transport::udp, Transport::tcp, Transport::file}) {
    ParserUnderTest t;
    TransportSession from = session();
    from.transport = transport;
    t.feed(MessageBuilder::ipfix().template_set(256, kFields).build(), from);
    const ParseResult r =
        t.feed(MessageBuilder::ipfix().template_set(256, kOther).build(), from, received(9));
    CHECK((r.first.code == DiagnosticCode::template_redefined) == (transport != Transport::udp));
    t.feed(MessageBuilder::ipfix().withdrawal(256).build(), from);
    if (transport == Transport::udp) {
      const ParseResult both = t.feed(
          MessageBuilder::ipfix().template_set(300, kFields).template_set(300, kOther).build());
      CHECK(both.first.code == DiagnosticCode::template_redefined);
      continue;
    }
    CHECK(t.feed(MessageBuilder::ipfix().template_set(256, kFields).build(), from).clean());
  }
}

TEST_CASE("template: several options templates in one set, padding behind the last") {
  for (const ExportProtocol protocol : kBoth) {
    const bool is_v9 = protocol == ExportProtocol::netflow_v9;
    ParserUnderTest t;
    const Octets body = is_v9 ? from_hex(
                                    "0100 0004 0004 0001 0004 0022 0004"
                                    "0101 0004 0008 0002 0004 0022 0004 0023 0001 0000")
                              : from_hex(
                                    "0100 0002 0001 0095 0004 0022 0004"
                                    "0101 0003 0001 000a 0004 0022 0004 0023 0001 0000");
    const ParseResult r =
        t.feed(MessageBuilder::of(protocol)
                   .set(is_v9 ? 1 : 3, body)
                   .data_set(257, ByteWriter{}.u32(3).u32(100).u8(1))
                   .claim(is_v9 ? 3 : static_cast<std::uint16_t>(16 + 4 + body.size() + 13))
                   .build());
    CHECK(r.clean());
    CHECK(t.sink.templates == std::vector<std::uint16_t>{256, 257});
    REQUIRE(t.sink.sets.size() == 1);
    CHECK(t.sink.sets[0].is_options);
    CHECK(t.parser.octets().padding == 2);
  }
}

TEST_CASE("template: fields of zero length stand among others; repeated elements too") {
  for (const ExportProtocol protocol : kBoth) {
    ParserUnderTest t;
    const ParseResult r =
        t.feed(MessageBuilder::of(protocol)
                   .template_set(256, {{8, 4}, {82, 0}, {323, 8}, {323, 8}, {210, 3}, {12, 4}})
                   .data_set(256, ByteWriter{}.u32(1).u64(2).u64(3).fill(3).u32(4))
                   .build());
    CHECK(r.clean());
    REQUIRE(t.sink.sets.size() == 1);
    CHECK(t.sink.sets[0].records[0].size() == 27);
  }
}
