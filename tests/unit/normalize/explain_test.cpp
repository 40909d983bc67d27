// One exporter explained: what it sends, what the map misses, as value and as text.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

const Fields kAll = {{8, 4}, {12, 4}, {4, 1},  {7, 2},  {11, 2},
                     {1, 4}, {2, 4},  {22, 4}, {21, 4}, {6, 1}};

std::vector<std::string_view> missing(const ExporterExplanation& e) {
  REQUIRE(e.missing_fields);
  return map_field_names(*e.missing_fields);
}
using Names = std::vector<std::string_view>;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("explain: the fields that no data template of an exporter gives") {
  DecoderUnderTest t;
  SUBCASE("nothing has come") {
    CHECK_FALSE(t.decoder.explain(session().exporter, received()).missing_fields);
  }
  SUBCASE("options alone tell nothing") {
    t.feed(MessageBuilder::v9().options_template_set(256, {{1, 4}}, {{34, 4}}).build());
    CHECK_FALSE(t.decoder.explain(session().exporter, received()).missing_fields);
  }
  SUBCASE("all are there, over two templates") {
    t.feed(MessageBuilder::v9()
               .template_set(256, {kAll.begin(), kAll.begin() + 5})
               .template_set(257, {kAll.begin() + 5, kAll.end()})
               .template_set(258, kAll)
               .build());
    CHECK(missing(t.decoder.explain(session().exporter, received())).empty());
  }
  SUBCASE("no ports and no flags") {
    t.feed(MessageBuilder::v9()
               .template_set(256, {{8, 4}, {12, 4}, {4, 1}, {1, 4}, {2, 4}, {22, 4}, {21, 4}})
               .build());
    CHECK(missing(t.decoder.explain(session().exporter, received())) ==
          Names{"source_port", "destination_port", "tcp_flags"});
  }
  SUBCASE("NetFlow v1, v5 and v7 have them all") {
    t.feed(v1_message({}, std::vector<V5Record>(1)), session(1, 1));
    t.feed(v5_message({}, std::vector<V5Record>(1)), session(1, 5));
    t.feed(v7_message({}, std::vector<V5Record>(1)), session(1, 7));
    for (const std::uint32_t exporter : {1u, 5u, 7u}) {
      CHECK(missing(t.decoder.explain(IpAddress::v4(exporter), received())).empty());
    }
  }
  SUBCASE("sFlow tells no times") {
    t.feed(SflowBuilder{}
               .flow_sample(SflowBuilder::sampled_header(ethernet_packet({}), 74).octets())
               .build());
    CHECK(missing(t.decoder.explain(IpAddress::v4(0xc0000263), received())) ==
          Names{"start", "end"});
  }
}

TEST_CASE("explain: the text says what there is, in words") {
  DecoderUnderTest t;
  t.feed(MessageBuilder::v9().sequence(1).template_set(256, kAll).build(), session(), received(0));
  t.feed(MessageBuilder::v9().sequence(5).set(100, from_hex("00")).build(), session(), received(4));
  const std::string text = to_text(t.decoder.explain(session().exporter, received(10)));
  CHECK(has(text, "exporter 192.0.2.1\n"));
  CHECK(has(text, "netflow_v9, domain 7, from 192.0.2.1 port 50000\n"));
  CHECK(has(text, "3 datagrams lost in 1 gaps"));
  CHECK(has(text, "template 256 of netflow_v9 domain 7, port 50000: announced 10 s ago"));
  CHECK(has(text, "sourceIPv4Address/4"));
  CHECK(has(text, "the map misses: none"));
  CHECK(has(text, "last problem, 6 s ago: set_id_reserved at octet 20"));
  CHECK(has(to_text(t.decoder.explain(IpAddress::v4(1), received())), "nothing is known of it"));
}

TEST_CASE(
    "explain: an element is called as the user says, else as the registry, else as the exporter") {
  DecoderUnderTest t;
  ByteWriter declarations;
  for (const std::string_view name : {"1doorOpenCount", "2doorName"}) {
    declarations.u32(32'473).u16(static_cast<std::uint16_t>(name[0] - '0')).u8(3);
    declarations.u8(static_cast<std::uint8_t>(name.size() - 1));
    for (const char c : name.substr(1)) declarations.u8(static_cast<std::uint8_t>(c));
  }
  t.feed(MessageBuilder::ipfix()
             .options_template_set(256, {{346, 4}, {303, 2}}, {{339, 1}, {341, 65'535}})
             .data_set(256, declarations)
             .template_set(257, {{1, 8}, {1, 4, 32'473}, {2, 4, 32'473}, {3, 4, 32'473}})
             .build());
  InformationModel own;
  own.add({{32'473, 2}, ElementType::unsigned_integer, 4, {}, "myDoor", {}});
  const auto names = [&](const InformationModel* elements) {
    const auto e = t.decoder.explain(session().exporter, received(), elements);
    return std::vector{e.name_of({0, 1}), e.name_of({32'473, 1}), e.name_of({32'473, 2}),
                       e.name_of({32'473, 3})};
  };
  using Strings = std::vector<std::string>;
  CHECK(names(nullptr) == Strings{"octetDeltaCount", "doorOpenCount", "doorName", "e32473id3"});
  CHECK(names(&own) == Strings{"octetDeltaCount", "doorOpenCount", "myDoor", "e32473id3"});
  const std::string text = to_text(t.decoder.explain(session().exporter, received(), &own));
  CHECK(has(text, "doorOpenCount/4 myDoor/4 e32473id3/4"));
}
