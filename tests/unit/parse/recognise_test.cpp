#include "parse/recognise.hpp"

#include <doctest/doctest.h>

#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::test;
using parse::has_export_version;
using parse::is_export_message;

namespace {

Octets v9() { return MessageBuilder::v9().template_set(256, {{8, 4}, {12, 4}}).build(); }
Octets ipfix() { return MessageBuilder::ipfix().template_set(256, {{8, 4}, {12, 4}}).build(); }
Octets sflow() {
  return SflowBuilder{}
      .counters_sample(SflowBuilder::record(5, ByteWriter{}.fill(28).octets()).octets())
      .build();
}

}  // namespace

TEST_CASE("recognise: messages of exporters") {
  CHECK(is_export_message(v5_message({}, {{}, {}})));
  CHECK(is_export_message(v9()));
  CHECK(is_export_message(ipfix()));
  CHECK(is_export_message(MessageBuilder::ipfix().build()));
  CHECK(is_export_message(sflow()));
  CHECK(is_export_message(ByteWriter{}.u16(1).u16(2).fill(12).fill(104).octets()));
  CHECK(is_export_message(ByteWriter{}.u16(7).u16(1).fill(20).fill(52).octets()));
  CHECK(is_export_message(ByteWriter{}.u32(4).u32(1).fill(12).u32(1).u32(1).fill(80).octets()));
}

TEST_CASE("recognise: what is none, though its first octets look so") {
  const auto with = [](Octets octets, std::size_t at, std::uint8_t value) {
    octets.at(at) = std::byte{value};
    return octets;
  };
  struct Case {
    const char* name;
    Octets octets;
  };
  const Case cases[] = {
      {"nothing", {}},
      {"three octets", from_hex("000500")},
      {"a DNS query of id 5", from_hex("0005 0100 0001 0000 0000 0000 03777777 00 0001 0001")},
      {"a DNS query of id 10", from_hex("000a 0100 0001 0000 0000 0000 03777777 00 0001 0001")},
      {"v5 with an octet behind", ByteWriter{}.append(v5_message({}, {{}})).u8(0).take()},
      {"v5 of no record", v5_message({}, {})},
      {"v9 with a reserved set", with(v9(), 21, 7)},
      {"v9 with a set past its end", with(v9(), 23, 200)},
      {"v9 with a set of no length", with(v9(), 23, 0)},
      {"IPFIX of another length", with(ipfix(), 3, 200)},
      {"IPFIX with the sets of v9", with(ipfix(), 17, 0)},
      {"sFlow of an agent nobody knows", with(sflow(), 7, 3)},
      {"sFlow with a sample too many", with(sflow(), 27, 2)},
      {"sFlow v4 with a sample nobody knows",
       ByteWriter{}.u32(4).u32(1).fill(12).u32(1).u32(9).fill(80).take()},
      {"another version", from_hex("0006 0001 00000000")},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK_FALSE(is_export_message(ExactBlock{c.octets}.span()));
  }
  CHECK(has_export_version(from_hex("000a0000")));
  CHECK_FALSE(has_export_version(from_hex("00060000")));
  CHECK_FALSE(has_export_version(from_hex("00000003")));
}

TEST_CASE("recognise: every prefix of a message is looked at within its octets") {
  for (const Octets& whole : {v9(), ipfix(), sflow(), v5_message({}, {{}})}) {
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      CAPTURE(cut);
      CHECK_FALSE(is_export_message(ExactBlock{std::span{whole}.first(cut)}.span()));
    }
  }
}
