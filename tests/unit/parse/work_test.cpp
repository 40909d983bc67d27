// What one datagram may cost, and what becomes of the rest.
#include <doctest/doctest.h>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr auto kLimit = static_cast<std::size_t>(DiagnosticCode::limit_reached);
const Fields kPlain = {{8, 4}, {12, 4}, {4, 1}};

Octets layout_message() { return MessageBuilder::ipfix().template_set(256, kPlain).build(); }

}  // namespace

TEST_CASE("work of a datagram: past the budget the rest is skipped and counted") {
  struct Case {
    const char* name;
    ByteWriter piece;  ///< as often as a datagram holds it
  };
  const Case cases[] = {
      {"templates", ByteWriter{}.u16(2).u16(12).u16(300).u16(1).u16(8).u16(4)},
      {"sets without a template", ByteWriter{}.u16(999).u16(5).u8(1)},
      {"sets of one record", ByteWriter{}.u16(256).u16(13).u32(1).u32(2).u8(6)},
      {"empty sets", ByteWriter{}.u16(256).u16(4)},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    ByteWriter sets;
    // Every other template of id 300 is another.
    for (std::uint8_t i = 0; sets.size() + c.piece.size() <= 65'400; ++i) {
      ByteWriter piece = c.piece;
      sets.append(piece.octets());
      if (c.piece.octets()[1] == std::byte{2}) sets.put_u16(sets.size() - 2, i % 2 + 1u);
    }
    ParserUnderTest t;
    t.feed(layout_message());
    const ParseResult result = t.feed(MessageBuilder::ipfix().append(sets.octets()).build());
    CHECK(result.sets_skipped >= 1);
    CHECK(t.parser.octets().skipped[kLimit] > 10'000);
    const Octets good =
        MessageBuilder::ipfix().data_set(256, ByteWriter{}.u32(1).u32(2).u8(6)).build();
    CHECK(t.feed(good).clean());  // the next datagram has a budget of its own
  }
}

TEST_CASE("work of a datagram: as many records as there are octets, where a record says little") {
  ParserUnderTest t;
  t.feed(MessageBuilder::ipfix().template_set(256, {{4, 1}}).build());
  const ByteWriter protocols = ByteWriter{}.fill(65'000);
  const ParseResult result = t.feed(MessageBuilder::ipfix().data_set(256, protocols).build());
  CHECK(result.clean());
  CHECK(t.parser.octets().decoded == 65'000);
}

TEST_CASE("work of a datagram: what is too much for one stays waiting and comes with the next") {
  ParserUnderTest t;
  constexpr std::uint32_t kSets = 640;
  for (std::uint32_t i = 0; i < kSets; i += 10) {
    MessageBuilder message = MessageBuilder::ipfix();
    for (std::uint32_t j = i; j < i + 10; ++j) {
      message.data_set(256, ByteWriter{}.u32(j).u32(2).u8(6));
    }
    t.feed(message.build());
  }
  REQUIRE(t.parser.counters().sets_waiting == kSets);
  t.feed(layout_message());
  const std::uint64_t first = t.parser.counters().sets_replayed;
  CHECK(first > 100);
  CHECK(first < kSets);
  for (int i = 0; i < 10 && t.parser.counters().sets_waiting != 0; ++i) {
    t.feed(MessageBuilder::ipfix().data_set(256, ByteWriter{}.u32(0xffff).u32(2).u8(6)).build());
  }
  CHECK(t.parser.counters().sets_replayed == kSets);
  std::uint32_t next = 0;
  for (const CollectingSink::Set& set : t.sink.sets) {
    for (const Octets& record : set.records) {
      const auto source = static_cast<std::uint32_t>(*read_unsigned(std::span{record}.first(4)));
      if (source == 0xffff) continue;
      CHECK(source == next++);  // in the order in which they came
    }
  }
  CHECK(next == kSets);
}

TEST_CASE("work of a datagram: zeros that are no padding are looked at once") {
  ByteWriter zeros;
  zeros.fill(65'000).u8(1);
  ParserUnderTest t;
  const ParseResult result = t.feed(MessageBuilder::v9().set(0, zeros.octets()).build());
  CHECK(result.first.code == DiagnosticCode::template_id_invalid);
  CHECK(t.parser.octets().skipped[kLimit] > 0);
}
