// Fields moved many at once and fields filled step by step give the same flows.
#include <doctest/doctest.h>

#include <cstring>

#include "normalize/plan.hpp"
#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::test;
using normalize::Block;
using normalize::kBlock;
using normalize::Plan;

namespace {

/// A deterministic source of test values (xorshift64*).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dull % bound;
  }

 private:
  std::uint64_t state_;
};

constexpr std::uint16_t kElements[] = {8,  12, 27, 28, 15, 62, 4,  7,  11, 1,  2,   85,  23,
                                       6,  10, 14, 16, 17, 9,  13, 5,  58, 32, 176, 177, 61,
                                       22, 21, 34, 48, 96, 96, 96, 99, 98, 56, 233, 239};

std::uint16_t width_of(std::uint16_t element, Numbers& numbers) {
  switch (element) {
    case 8:
    case 12:
    case 15:
      return 4;
    case 27:
    case 28:
    case 62:
      return 16;
    case 176:
    case 177:
    case 233:
    case 239:
      return 1;
    case 96:
      return numbers.below(2) == 0 ? kVariableLength : 3;
    default:
      return static_cast<std::uint16_t>(1 + numbers.below(8));
  }
}

std::vector<FlowRecord> run(Plan& plan, std::vector<const std::byte*> at) {
  static normalize::Scratch scratch;
  static normalize::NatScratch nat;
  normalize::SetFacts set;
  std::vector<FlowRecord> flows(at.size(), plan.like);
  if (plan.moves_lay_flows) {  // then nothing of what was there before may be left
    std::memset(static_cast<void*>(flows.data()), 0xa5, flows.size() * sizeof(FlowRecord));
    for (FlowRecord& flow : flows) flow.start = plan.like.start;
  }
  Block block{at.data(), at.size(), flows.data(),           &scratch,
              &nat,      &set,      &plan.saw_ntp_fraction, plan.moves.data(),
              &plan.like};
  run_steps(plan, block, block);
  return flows;
}

}  // namespace

TEST_CASE("property: moves and steps agree on every flow of every template") {
  Numbers numbers{11};
  std::size_t moved = 0;
  for (int round = 0; round < 2'000; ++round) {
    CAPTURE(round);
    std::vector<FieldSpecifier> fields = {{{0, 8}, 4}, {{0, 12}, 4}, {{0, 4}, 1}};
    const std::size_t count = numbers.below(24);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint16_t element = kElements[numbers.below(std::size(kElements))];
      fields.insert(fields.begin() + static_cast<std::ptrdiff_t>(numbers.below(fields.size() + 1)),
                    {{0, element}, width_of(element, numbers)});
    }
    const Template layout{ExportProtocol::netflow_v9, 256, fields, 0, 1};
    Plan fast = normalize::compile(layout, true);
    Plan plain = normalize::compile(layout, false);
    CHECK(plain.moves.empty());
    moved += fast.moves.size();

    ByteWriter records;
    std::vector<std::size_t> starts;
    for (std::size_t r = 0; r < 1 + numbers.below(kBlock); ++r) {
      starts.push_back(records.size());
      for (const FieldSpecifier& field : fields) {
        std::size_t length = field.length_octets;
        if (length == kVariableLength) {
          length = numbers.below(20);
          records.u8(static_cast<std::uint8_t>(length));
        }
        for (std::size_t i = 0; i < length; ++i) {
          records.u8(static_cast<std::uint8_t>(numbers.below(4) == 0 ? 0 : numbers.below(256)));
        }
      }
    }
    const ExactBlock exact{records.octets()};
    std::vector<const std::byte*> at;
    for (const std::size_t start : starts) at.push_back(exact.span().data() + start);
    const auto a = run(fast, at), b = run(plain, at);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(std::memcmp(&a[i], &b[i], sizeof(FlowRecord)) == 0);
    }
  }
  CHECK(moved > 0);
}
