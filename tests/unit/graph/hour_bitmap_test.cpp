#include "flowlens/hour_bitmap.hpp"

#include <doctest/doctest.h>

#include <set>

#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

constexpr Hour kHours = HourBitmap::kHours;

/// The same, the slow way.
struct Model {
  std::set<Hour> hours;
  void set(HourSpan span) {
    for (Hour h = span.first; h <= span.last; ++h) hours.insert(h);
    while (*hours.begin() + kHours <= *hours.rbegin()) hours.erase(hours.begin());
  }
  [[nodiscard]] bool any(HourSpan span) const {
    const auto at = hours.lower_bound(span.first);
    return at != hours.end() && *at <= span.last;
  }
};

}  // namespace

TEST_CASE("hours: a moment's hour, and those before it") {
  CHECK(hour_of(Timestamp{}) == 0);
  CHECK(hour_of(Timestamp{} - 1ns) == 0);
  CHECK(hour_of(Timestamp{} + 1h - 1ns) == 0);
  CHECK(hour_of(Timestamp{} + 1h) == 1);
  CHECK(begin_of(hour_of(kNoon)) == kNoon);
  CHECK(hours_up_to(kNoon) == HourSpan{hour_of(kNoon), hour_of(kNoon)});
  CHECK(hours_up_to(kNoon, 24) == HourSpan{hour_of(kNoon) - 23, hour_of(kNoon)});
  CHECK(hours_up_to(Timestamp{} + 1h, 24) == HourSpan{0, 1});
}

TEST_CASE("hours: 28 days are kept, what is older drops out") {
  HourBitmap b;
  CHECK(b.empty());
  b.set({1'000, 1'000});
  CHECK(b.test(1'000));
  b.set({1'000 + kHours - 1, 1'000 + kHours - 1});
  CHECK(b.test(1'000));
  CHECK(b.count() == 2);
  b.set({1'000 + kHours, 1'000 + kHours});
  CHECK_FALSE(b.test(1'000));
  CHECK(b.count() == 2);
  b.set({1'000, 1'000});  // too old to be taken
  CHECK(b.count() == 2);
  b.set({90'000, 90'000});  // after months of silence
  CHECK(b.count() == 1);
  CHECK(b.newest() == 90'000);
  CHECK(b.oldest() == 90'000 - kHours + 1);
}

TEST_CASE("hours: the end of time is no trouble") {
  HourBitmap b;
  b.set({0xffff'fff0u, 0xffff'ffffu});
  CHECK(b.empty());
  b.set({0x7fff'fff0u, 0xffff'ffffu});
  CHECK(b.count() == 16);
  CHECK(b.any({0, 0xffff'ffffu}));
}

TEST_CASE("hours: runs, and the same again from words") {
  HourBitmap b;
  b.set({70, 72});
  b.set({75, 75});
  CHECK(b.runs() == std::vector<HourSpan>{{70, 72}, {75, 75}});
  CHECK(HourBitmap{b.words(), b.newest()} == b);
  CHECK_FALSE(b.any({73, 74}));
  CHECK(b.any({74, 1'000'000}));
  CHECK(b.any({0, 70}));
  // Long rests, at both ends of a word and across two.
  for (const HourSpan& span : {HourSpan{127, 127}, HourSpan{160, 160}, HourSpan{223, 224},
                               HourSpan{287, 287}, HourSpan{735, 741}}) {
    b.set(span);
  }
  CHECK(b.runs() ==
        std::vector<HourSpan>{
            {70, 72}, {75, 75}, {127, 127}, {160, 160}, {223, 224}, {287, 287}, {735, 741}});
}

TEST_CASE("hours: any order of setting and merging is the set of hours") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    HourBitmap parts[2], all;
    Model model;
    for (int i = 0; i < 60; ++i) {
      const Hour first = 400'000 + static_cast<Hour>(dice.below(2 * kHours));
      const HourSpan span{first, first + static_cast<Hour>(dice.below(5))};
      parts[dice.below(2)].set(span);
      all.set(span);
      model.set(span);
    }
    parts[0].merge(parts[1]);
    CHECK(parts[0] == all);
    REQUIRE(all.count() == model.hours.size());
    for (int i = 0; i < 200; ++i) {
      const Hour first = 400'000 + static_cast<Hour>(dice.below(2 * kHours));
      const HourSpan span{first, first + static_cast<Hour>(dice.below(30))};
      CHECK(all.any(span) == model.any(span));
    }
  }
}
