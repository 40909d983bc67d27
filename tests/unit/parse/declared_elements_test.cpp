// Type information that exporters send, RFC 5610.
#include "flowlens/information_element.hpp"
#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

const Fields kScope = {{346, 4}, {303, 2}};
const Fields kRest = {{339, 1}, {344, 1}, {345, 2}, {341, kVariableLength}};

struct Declaration {
  std::uint32_t enterprise = 32'473;
  std::uint16_t number = 1;
  std::uint8_t type = 3;
  std::uint8_t semantics = 3;
  std::uint16_t units = 2;
  std::string name = "doorOpenCount";
};

Octets declare(const std::vector<Declaration>& all) {
  ByteWriter records;
  for (const Declaration& d : all) {
    records.u32(d.enterprise).u16(d.number).u8(d.type).u8(d.semantics).u16(d.units);
    records.u8(static_cast<std::uint8_t>(d.name.size()));
    for (const char c : d.name) records.u8(static_cast<std::uint8_t>(c));
  }
  return MessageBuilder::ipfix()
      .options_template_set(256, kScope, kRest)
      .data_set(256, records)
      .build();
}

TransportSession from(std::uint32_t exporter) {
  TransportSession session;
  session.exporter = IpAddress::v4(exporter);
  return session;
}

}  // namespace

TEST_CASE("declared elements: name, type, semantics and units, by exporter") {
  Parser parser;
  RecordSink sink;
  parser.parse(declare({{}, {32'473, 0x8002, 13, 0, 0, {"doorName\0\0", 10}}}), from(1), {}, sink);
  const InformationElement* doors = parser.declared_element(IpAddress::v4(1), {32'473, 1});
  REQUIRE(doors != nullptr);
  CHECK(doors->id == ElementId{32'473, 1});
  CHECK(doors->name == "doorOpenCount");
  CHECK(type_name(*doors) == "unsigned32");
  CHECK(doors->semantics == ElementSemantics::delta_counter);
  CHECK(doors->units == "octets");
  const InformationElement* name = parser.declared_element(IpAddress::v4(1), {32'473, 2});
  REQUIRE(name != nullptr);
  CHECK(name->name == "doorName");
  CHECK(type_name(*name) == "string");
  CHECK(parser.declared_element(IpAddress::v4(2), {32'473, 1}) == nullptr);
  CHECK(parser.declared_element(IpAddress::v4(1), {32'473, 3}) == nullptr);
  CHECK(parser.counters().declared_elements == 2);
  check_balanced(parser);
}

TEST_CASE("declared elements: told again, the newer counts") {
  Parser parser;
  RecordSink sink;
  parser.parse(declare({{}}), from(1), {}, sink);
  parser.parse(declare({{32'473, 1, 4, 0, 0, "gate"}}), from(1), {}, sink);
  const InformationElement* gate = parser.declared_element(IpAddress::v4(1), {32'473, 1});
  REQUIRE(gate != nullptr);
  CHECK(gate->name == "gate");
  CHECK(type_name(*gate) == "unsigned64");
  CHECK(parser.counters().declared_elements == 1);
}

TEST_CASE("declared elements: what makes no sense is refused and counted") {
  const Declaration cases[] = {
      {0, 1},
      {29'305, 1},
      {kV9ScopeEnterprise, 1},
      {32'473, 0},
      {32'473, 1, 24},
      {32'473, 1, 255},
      {32'473, 1, 3, 3, 2, "a b"},
      {32'473, 1, 3, 3, 2, "<script>"},
      {32'473, 1, 3, 3, 2, {"a\0b", 3}},
      {32'473, 1, 3, 3, 2, std::string(65, 'a')},
  };
  for (const Declaration& c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.enterprise);
    Parser parser;
    RecordSink sink;
    parser.parse(declare({c, {32'473, 9}}), from(1), {}, sink);
    CHECK(parser.counters().declared_elements == 1);
    CHECK(parser.counters().declared_elements_refused == 1);
  }
}

TEST_CASE("declared elements: unassigned semantics and units are left out, so is the name") {
  Parser parser;
  RecordSink sink;
  parser.parse(declare({{32'473, 1, 3, 9, 16, ""}}), from(1), {}, sink);
  const InformationElement* element = parser.declared_element(IpAddress::v4(1), {32'473, 1});
  REQUIRE(element != nullptr);
  CHECK(element->name.empty());
  CHECK(element->semantics == ElementSemantics::unspecified);
  CHECK(element->units.empty());
}

TEST_CASE("declared elements: other options declare nothing") {
  Parser parser;
  RecordSink sink;
  parser.parse(MessageBuilder::ipfix()
                   .options_template_set(256, {{346, 4}}, {{303, 2}})
                   .data_set(256, ByteWriter{}.u32(9).u16(1))
                   .build(),
               from(1), {}, sink);
  CHECK(parser.counters().declared_elements == 0);
  CHECK(parser.counters().declared_elements_refused == 0);
}

TEST_CASE("declared elements: at a bound the one used longest ago goes, and is counted") {
  ParserOptions options;
  options.max_declared_elements = 4;
  options.max_declared_elements_per_exporter = 3;
  Parser parser{options};
  RecordSink sink;
  const auto declared = [&](std::uint32_t exporter, std::uint16_t number) {
    return parser.declared_element(IpAddress::v4(exporter), {32'473, number}) != nullptr;
  };
  for (std::uint16_t i = 1; i <= 3; ++i) parser.parse(declare({{32'473, i}}), from(1), {}, sink);
  CHECK(declared(1, 1));
  parser.parse(declare({{32'473, 4}}), from(1), {}, sink);  // the exporter's bound
  CHECK_FALSE(declared(1, 2));
  CHECK(declared(1, 1));
  CHECK(parser.counters().declared_elements == 3);
  CHECK(parser.counters().declared_elements_evicted == 1);
  parser.parse(declare({{32'473, 1}, {32'473, 2}}), from(2), {}, sink);  // the bound on all
  CHECK(parser.counters().declared_elements == 4);
  CHECK(parser.counters().declared_elements_evicted == 2);
  CHECK(declared(2, 1));
  CHECK(declared(2, 2));
  for (std::uint32_t exporter = 3; exporter < 20; ++exporter) {
    parser.parse(declare({{}}), from(exporter), {}, sink);
    CHECK(parser.counters().declared_elements == 4);
    CHECK(declared(exporter, 1));
  }
  CHECK_FALSE(declared(1, 1));
}

TEST_CASE("declared elements: a bound of one still holds the newest") {
  ParserOptions options;
  options.max_declared_elements = 1;
  Parser parser{options};
  RecordSink sink;
  for (const std::uint32_t exporter : {1u, 1u, 2u, 1u, 2u}) {
    for (std::uint16_t number = 1; number <= 2; ++number) {
      parser.parse(declare({{32'473, number}}), from(exporter), {}, sink);
      CHECK(parser.counters().declared_elements == 1);
      CHECK(parser.declared_element(IpAddress::v4(exporter), {32'473, number}) != nullptr);
    }
  }
  options.max_declared_elements = 0;
  CHECK_THROWS_AS(Parser{options}, ConfigError);
}
