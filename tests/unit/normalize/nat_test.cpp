// Address translation: events as values of their own (RFC 8158), and of flows.
#include <doctest/doctest.h>

#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::uint32_t kInside = 0x0a000001, kOutside = 0xc6336401;

}  // namespace

TEST_CASE("NAT event: a session, every field") {
  DecoderUnderTest t;
  const auto flows = t.feed(MessageBuilder::ipfix()
                                .template_set(256, {{323, 8},
                                                    {230, 1},
                                                    {8, 4},
                                                    {12, 4},
                                                    {225, 4},
                                                    {226, 4},
                                                    {7, 2},
                                                    {11, 2},
                                                    {227, 2},
                                                    {228, 2},
                                                    {4, 1},
                                                    {234, 4},
                                                    {283, 4}})
                                .data_set(256, ByteWriter{}
                                                   .u64(kExport * 1000ull - 5)
                                                   .u8(4)
                                                   .u32(kInside)
                                                   .u32(0x08080808)
                                                   .u32(kOutside)
                                                   .u32(0x08080808)
                                                   .u16(1'000)
                                                   .u16(53)
                                                   .u16(2'000)
                                                   .u16(53)
                                                   .u8(17)
                                                   .u32(12)
                                                   .u32(3))
                                .build());
  CHECK(flows.empty());
  REQUIRE(t.batch.nat_events.size() == 1);
  const NatEvent& e = t.batch.nat_events[0];
  CHECK(e.event == 4);
  CHECK(e.exporter == session().exporter);
  CHECK(e.observation_domain == 7);
  CHECK(e.time == export_plus_ms(-5));
  CHECK(e.received == received());
  CHECK(e.source_address == IpAddress::v4(kInside));
  CHECK(e.post_source_address == IpAddress::v4(kOutside));
  CHECK(e.destination_address == e.post_destination_address);
  CHECK(e.source_port == 1'000);
  CHECK(e.post_source_port == 2'000);
  CHECK(e.destination_port == 53);
  CHECK(e.post_destination_port == 53);
  CHECK(e.protocol == 17);
  CHECK(e.vrf == 12);
  CHECK(e.pool == 3);
  CHECK(e.has(NatField::time));
  CHECK_FALSE(e.has(NatField::port_block));
  CHECK(t.decoder.counters().nat_events == 1);
  CHECK(t.decoder.counters().records_without_flow == 1);
}

TEST_CASE("NAT event: blocks of ports, by their end or their size") {
  struct Case {
    const char* name;
    Fields fields;
    std::vector<std::uint16_t> values;
    std::uint16_t start, end;
  };
  const Case cases[] = {
      {"start and end", {{361, 2}, {362, 2}}, {1'024, 2'047}, 1'024, 2'047},
      {"start and size", {{361, 2}, {364, 2}}, {1'024, 512}, 1'024, 1'535},
      {"start alone", {{361, 2}}, {1'024}, 1'024, 1'024},
      {"past the last port", {{361, 2}, {364, 2}}, {65'000, 60'000}, 65'000, 65'535}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Fields fields = {{8, 4}, {225, 4}, {230, 1}};
    fields.insert(fields.end(), c.fields.begin(), c.fields.end());
    ByteWriter record;
    record.u32(kInside).u32(kOutside).u8(16);
    for (const std::uint16_t v : c.values) record.u16(v);
    DecoderUnderTest t;
    t.feed(MessageBuilder::ipfix().template_set(256, fields).data_set(256, record).build());
    REQUIRE(t.batch.nat_events.size() == 1);
    const NatEvent& e = t.batch.nat_events[0];
    CHECK(e.event == 16);
    CHECK(e.has(NatField::port_block));
    CHECK(e.port_block_start == c.start);
    CHECK(e.port_block_end == c.end);
    CHECK(e.time == received());
    CHECK_FALSE(e.has(NatField::destination_address));
  }
}

TEST_CASE("NAT: a flow keeps its own addresses, the others stand beside it, of both directions") {
  DecoderUnderTest t;
  const Fields fields = {{8, 4},   {12, 4},  {4, 1},   {7, 2},   {11, 2}, {231, 4},
                         {232, 4}, {225, 4}, {226, 4}, {227, 2}, {228, 2}};
  ByteWriter records;
  for (std::uint16_t i = 0; i < 40; ++i) {
    records.u32(kInside).u32(0x08080808).u8(6).u16(i).u16(443).u32(10).u32(20);
    records.u32(kOutside).u32(0x08080808).u16(static_cast<std::uint16_t>(i + 1'000)).u16(443);
  }
  const auto flows =
      t.feed(MessageBuilder::ipfix().template_set(256, fields).data_set(256, records, 40).build());
  REQUIRE(flows.size() == 80);
  REQUIRE(t.batch.translations.size() == 80);
  for (std::uint32_t i = 0; i < 80; ++i) {
    const Translation& post = t.batch.translations[i];
    CHECK(post.flow == i);
    const auto port = static_cast<std::uint16_t>(i / 2 + 1'000);
    if (i % 2 == 0) {
      CHECK(flows[i].source_address == IpAddress::v4(kInside));
      CHECK(post.source_address == IpAddress::v4(kOutside));
      CHECK(post.source_port == port);
    } else {
      CHECK(flows[i].destination_address == IpAddress::v4(kInside));
      CHECK(post.destination_address == IpAddress::v4(kOutside));
      CHECK(post.destination_port == port);
    }
  }
}

TEST_CASE("NAT64: the address of the other family") {
  DecoderUnderTest t;
  const Octets v6 = from_hex("20010db8000000000000000000000001");
  t.feed(MessageBuilder::ipfix()
             .template_set(256, {{27, 16}, {28, 16}, {4, 1}, {225, 4}, {226, 4}})
             .data_set(256, ByteWriter{}.append(v6).append(v6).u8(6).u32(kOutside).u32(0x01010101))
             .build());
  REQUIRE(t.batch.translations.size() == 1);
  CHECK(t.batch.translations[0].source_address == IpAddress::v4(kOutside));
  CHECK(t.batch.translations[0].destination_address == IpAddress::v4(0x01010101));
}
