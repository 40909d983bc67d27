// Flows of prefixes, build and decode, and memory in steady state.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "support/decoding.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

/// A deterministic source of test values (xorshift64*).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dull;
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

bool same(const FlowRecord& a, const FlowRecord& b) {
  return a.source_address == b.source_address && a.destination_address == b.destination_address &&
         a.octet_count == b.octet_count && a.packet_count == b.packet_count &&
         a.source_port == b.source_port && a.destination_port == b.destination_port &&
         a.protocol == b.protocol && a.start == b.start && a.end == b.end &&
         a.present == b.present && a.initiator == b.initiator;
}

Octets biflow_message() {
  ByteWriter records;
  for (std::uint32_t i = 0; i < 40; ++i) {
    records.append(key().u32(100 + i).u32(i % 3 == 0 ? 0 : 50).u16(1).u16(2).octets());
  }
  return MessageBuilder::ipfix()
      .template_set(256, key_and({{1, 4}, {1, 4, 29305}, {7, 2}, {11, 2}}))
      .data_set(256, records, 40)
      .build();
}

}  // namespace

TEST_CASE("property: what was built is what comes out, in any order of the fields") {
  Numbers numbers{42};
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    Fields fields = {{8, 4},
                     {12, 4},
                     {4, 1},
                     {7, 2},
                     {11, 2},
                     {1, 8},
                     {2, 4},
                     {6, 1},
                     {10, 4},
                     {14, 2},
                     {16, 4},
                     {5, 1},
                     {96, kVariableLength},
                     {152, 8}};
    for (std::size_t i = fields.size() - 1; i > 0; --i) {
      std::swap(fields[i], fields[numbers.below(i + 1)]);
    }
    if (numbers.below(2) == 0) {
      std::erase_if(fields, [](const Field& f) { return f.length == kVariableLength; });
    }
    std::vector<std::vector<std::uint64_t>> values;
    ByteWriter records;
    const std::size_t count = 1 + numbers.below(70);
    for (std::size_t r = 0; r < count; ++r) {
      values.emplace_back();
      for (const Field& f : fields) {
        if (f.length == kVariableLength) {
          const std::uint64_t length = numbers.below(300);
          if (length < 255) {
            records.u8(static_cast<std::uint8_t>(length));
          } else {
            records.u8(255).u16(static_cast<std::uint16_t>(length));
          }
          records.fill(length, 'z');
          values.back().push_back(length);
          continue;
        }
        std::uint64_t v = f.element == 4     ? 6
                          : f.element == 152 ? numbers.below(4'000'000'000'000)
                                             : numbers.next();
        if (f.length < 8) v &= (1ull << (8 * f.length)) - 1;
        records.number(v, f.length);
        values.back().push_back(v);
      }
    }
    const auto flows = decode(ExportProtocol::ipfix, fields, records);
    REQUIRE(flows.size() == count);
    for (std::size_t r = 0; r < count; ++r) {
      const FlowRecord& flow = flows[r];
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::uint64_t v = values[r][i];
        switch (fields[i].element) {
          case 8:
            CHECK(flow.source_address.to_v4() == v);
            break;
          case 12:
            CHECK(flow.destination_address.to_v4() == v);
            break;
          case 7:
            CHECK(flow.source_port == v);
            break;
          case 11:
            CHECK(flow.destination_port == v);
            break;
          case 1:
            CHECK(flow.octet_count == v);
            break;
          case 2:
            CHECK(flow.packet_count == v);
            break;
          case 6:
            CHECK(flow.tcp_flags == v);
            break;
          case 10:
            CHECK(flow.ingress_interface == v);
            break;
          case 14:
            CHECK(flow.egress_interface == v);
            break;
          case 16:
            CHECK(flow.source_as == v);
            break;
          case 5:
            CHECK(flow.tos == v);
            break;
          case 152:
            CHECK(flow.start == at_ms(static_cast<std::int64_t>(v)));
            break;
          default:
            break;
        }
      }
    }
  }
}

TEST_CASE("property: every prefix yields a prefix of the flows") {
  const Octets packets =
      SflowBuilder{}
          .flow_sample(SflowBuilder::sampled_header(ethernet_packet({}), 78).octets())
          .flow_sample(SflowBuilder::sampled_header(ethernet_packet({}), 78).octets())
          .build();
  for (const Octets& message :
       {v5_message({}, std::vector<V5Record>(9)), biflow_message(), packets}) {
    DecoderUnderTest whole;
    const auto all = whole.feed(message);
    REQUIRE(all.size() >= 2);
    for (std::size_t size = 0; size <= message.size(); ++size) {
      CAPTURE(size);
      DecoderUnderTest t;
      const auto part = t.feed(std::span{message}.first(size));
      REQUIRE(part.size() <= all.size());
      CHECK(std::equal(part.begin(), part.end(), all.begin(), same));
    }
  }
}

TEST_CASE("property: noise never gives a flow that ends before it starts or counts for nothing") {
  Numbers numbers{7};
  DecoderUnderTest t;
  for (int round = 0; round < 3'000; ++round) {
    Octets noise(numbers.below(200));
    for (std::byte& b : noise) b = static_cast<std::byte>(numbers.next());
    constexpr std::uint8_t kVersions[] = {5, 9, 10, 0};
    if (noise.size() > 4) {
      noise[0] = std::byte{0};
      noise[1] = std::byte{kVersions[round % 4]};
      if (round % 4 == 3) noise[2] = std::byte{0}, noise[3] = std::byte{5};
    }
    for (const FlowRecord& flow : t.feed(noise)) {
      CHECK(flow.start <= flow.end);
      CHECK(flow.sampling_rate >= 1);
    }
  }
}
