// Every prefix of a valid message is safe and yields a prefix of its records; so does every
// corruption of one octet, up to what its octets can hold.
#include <doctest/doctest.h>

#include <string>

#include "support/ledgers.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

/// A message, and what must have come before it.
struct Message {
  std::string name;
  std::vector<Octets> before;
  Octets octets;
};

Octets netflow(ExportProtocol protocol) {
  const Fields plain = {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {1, 4}, {2, 4}, {22, 4}, {21, 4}};
  const Fields variable = {{8, 4}, {12, 4}, {96, kVariableLength}, {4, 1}};
  ByteWriter fixed, varied;
  for (std::uint8_t i = 0; i < 5; ++i) {
    fixed.u32(0x0a000000u + i).u32(0x0b000000u + i).u16(i).u16(443).u8(6).u32(100).u32(1);
    fixed.u32(900'000).u32(990'000);
    varied.u32(i).u32(i).u8(i).fill(i, 'x').u8(17);
  }
  varied.u32(9).u32(9).u8(255).u16(300).fill(300, 'y').u8(17);
  return MessageBuilder::of(protocol)
      .template_set(256, plain)
      .data_set(256, fixed, 5)
      .template_set(257, variable)
      .options_template_set(300, {{1, 4}}, {{34, 4}, {48, 1}})
      .data_set(257, varied, 6)
      .data_set(300, ByteWriter{}.u32(0).u32(100).u8(1))
      .data_set(256, fixed, 5)
      .build();
}

Octets sflow() {
  const Octets header = SflowBuilder::sampled_header(ethernet_packet({}), 78).take();
  const Octets counters = SflowBuilder::record(5, ByteWriter{}.fill(28).octets()).take();
  ByteWriter two;
  two.append(SflowBuilder::record(1001, ByteWriter{}.fill(16).octets()).octets()).append(header);
  return SflowBuilder{}
      .flow_sample(header)
      .counters_sample(counters)
      .expanded_flow_sample(two.octets(), 2)
      .discarded_sample(header)
      .build();
}

std::vector<Message> messages() {
  const Octets v9 = netflow(ExportProtocol::netflow_v9);
  const Octets ipfix = netflow(ExportProtocol::ipfix);
  return {
      {"NetFlow v5", {}, v5_message({}, std::vector<V5Record>(7))},
      {"NetFlow v9", {}, v9},
      {"NetFlow v9, templates known", {v9}, v9},
      {"IPFIX", {}, ipfix},
      {"IPFIX, templates known", {ipfix}, ipfix},
      {"sFlow", {}, sflow()},
  };
}

/// What the records of a message were, one after the other.
std::vector<Octets> records_of(const CollectingSink& sink, std::size_t skip_sets) {
  std::vector<Octets> records;
  for (std::size_t i = skip_sets; i < sink.sets.size(); ++i) {
    const CollectingSink::Set& set = sink.sets[i];
    records.insert(records.end(), set.records.begin(), set.records.end());
  }
  for (const SflowSample& s : sink.samples) {
    records.push_back(ByteWriter{}.u8(static_cast<std::uint8_t>(s.kind)).u32(s.offset).take());
  }
  return records;
}

std::vector<Octets> parse(const Message& message, std::span<const std::byte> octets) {
  ParserUnderTest t;
  for (const Octets& before : message.before) t.feed(before);
  const std::size_t known = t.sink.sets.size();
  t.feed(octets);
  return records_of(t.sink, known);
}

}  // namespace

TEST_CASE("property: every prefix yields a prefix of the records") {
  for (const Message& message : messages()) {
    CAPTURE(message.name);
    const std::vector<Octets> whole = parse(message, message.octets);
    REQUIRE(whole.size() >= 4);
    std::size_t before = 0;
    for (std::size_t size = 0; size <= message.octets.size(); ++size) {
      CAPTURE(size);
      const auto part = parse(message, std::span{message.octets}.first(size));
      REQUIRE(part.size() <= whole.size());
      CHECK(std::equal(part.begin(), part.end(), whole.begin()));
      CHECK(part.size() >= before);
      before = part.size();
    }
    CHECK(before == whole.size());
  }
}

TEST_CASE("property: a corrupt octet is safe, keeps the ledgers and makes no more than fits") {
  constexpr std::uint8_t kPatterns[] = {0x00, 0xff, 0x01, 0x80, 0x7f, 0x0a, 0x40, 0xfe};
  for (const Message& message : messages()) {
    CAPTURE(message.name);
    for (std::size_t at = 0; at < message.octets.size(); ++at) {
      for (const std::uint8_t pattern : kPatterns) {
        Octets bad = message.octets;
        if (bad[at] == std::byte{pattern}) continue;
        bad[at] = std::byte{pattern};
        CAPTURE(at);
        CAPTURE(pattern);
        CHECK(parse(message, bad).size() <= 2 * bad.size());  // and once more from the queue
      }
    }
  }
}

TEST_CASE("property: exporters do not disturb each other") {
  const std::vector<Message> all = messages();
  ParserUnderTest mixed;
  std::vector<std::size_t> alone;
  std::size_t sum = 0;
  for (const Message& message : all) {
    ParserUnderTest t;
    t.feed(message.octets);
    t.feed(message.octets);
    alone.push_back(t.sink.record_count());
    sum += alone.back();
  }
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < all.size(); ++i) mixed.feed(all[i].octets, session(1, 100 + i));
  }
  CHECK(mixed.sink.record_count() == sum);
}

TEST_CASE("property: splitting a stream over two parsers with saved templates changes nothing") {
  for (const ExportProtocol protocol : {ExportProtocol::netflow_v9, ExportProtocol::ipfix}) {
    const Octets message = netflow(protocol);
    ParserUnderTest one;
    one.feed(message);
    one.feed(message);
    ParserUnderTest first, second;
    first.feed(message);
    REQUIRE(second.parser.load_state(first.parser.save_state()).code == DiagnosticCode::none);
    second.feed(message);
    CHECK(first.sink.record_count() + second.sink.record_count() == one.sink.record_count());
    CHECK(second.sink.new_templates == 0);
  }
}
