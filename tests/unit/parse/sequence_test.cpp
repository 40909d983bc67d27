// Sequence numbers and uptimes: gap, reorder, duplicate, wrap and reset told apart.
#include <doctest/doctest.h>

#include "parse/sequence.hpp"
#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::parse;

namespace {

constexpr auto kDatagrams = SequenceUnit::datagrams;
constexpr auto kRecords = SequenceUnit::records;

struct Message {
  std::uint32_t sequence = 0;
  std::uint32_t units = 1;
  std::uint32_t unknown = 0;
  int second = 0;  ///< of export
};

SequenceTracker after(SequenceUnit unit, const std::vector<Message>& messages) {
  SequenceTracker tracker{unit};
  for (const Message& m : messages) {
    tracker.judge({m.sequence, m.units, m.unknown, Timestamp{std::chrono::seconds{m.second}}},
                  false);
  }
  return tracker;
}

/// Messages of `units` each, one behind the other.
std::vector<Message> run(std::uint32_t from, std::uint32_t count, std::uint32_t units = 1,
                         int second = 0) {
  std::vector<Message> messages;
  for (std::uint32_t i = 0; i < count; ++i)
    messages.push_back({from + i * units, units, 0, second});
  return messages;
}
std::vector<Message> operator+(std::vector<Message> a, const std::vector<Message>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("sequence: what happened on the way, told apart") {
  struct Case {
    const char* name;
    SequenceUnit unit;
    std::vector<Message> messages;
    SequenceStatus want;  ///< without `last`
  };
  const auto status = [](SequenceUnit unit, std::uint64_t received) {
    SequenceStatus s;
    s.unit = unit;
    s.received = received;
    return s;
  };
  std::vector<Case> cases;
  const auto add = [&](const char* name, SequenceUnit unit, std::vector<Message> messages,
                       std::uint64_t received) -> SequenceStatus& {
    cases.push_back({name, unit, std::move(messages), status(unit, received)});
    return cases.back().want;
  };
  add("all in order", kDatagrams, run(5, 10), 10);
  add("records in order, templates only between", kRecords,
      {{0, 20}, {20, 0}, {20, 0}, {20, 7}, {27, 1}}, 28);
  {
    auto& s = add("a gap of three datagrams", kDatagrams, {{1}, {2}, {6}, {7}}, 4);
    s.gaps = 1;
    s.lost = 3;
  }
  {
    auto& s = add("a gap of 60 records", kRecords, {{0, 20}, {80, 20}, {100, 20}}, 60);
    s.gaps = 1;
    s.lost = 60;
  }
  {
    auto& s = add("overtaken: no loss remains", kDatagrams, {{1}, {2}, {4}, {3}, {5}}, 5);
    s.gaps = 1;
    s.late = 1;
  }
  {
    auto& s = add("overtaken records fill their part of the hole", kRecords,
                  {{0, 10}, {40, 10}, {20, 10}, {10, 10}, {50, 10}}, 50);
    s.gaps = 1;
    s.late = 2;
    s.lost = 10;
  }
  {
    auto& s = add("the same again", kDatagrams, {{1}, {2}, {3}, {3}, {2}, {4}}, 4);
    s.duplicates = 2;
  }
  {
    auto& s = add("wrapped", kDatagrams, {{0xffff'fffe}, {0xffff'ffff}, {0}, {1}}, 4);
    s.wraps = 1;
  }
  {
    auto& s = add("a gap over the wrap", kRecords, {{0xffff'fff0, 10}, {10, 10}}, 20);
    s.wraps = 1;
    s.gaps = 1;
    s.lost = 16;
  }
  {
    auto& s = add("begun anew far behind: two in a row", kDatagrams,
                  run(100'000, 20) + run(0, 10, 1, 60), 30);
    s.resets = 1;
  }
  {
    auto& s = add("begun anew close behind, but exported later", kRecords,
                  run(0, 5, 20) + run(0, 10, 20, 60), 300);
    s.resets = 1;
  }
  {
    auto& s = add("one forged number changes nothing", kDatagrams,
                  run(100, 20) + std::vector<Message>{{9'000'000}} + run(120, 10), 30);
    s.astray = 1;
  }
  {
    auto& s = add("a long silence of ours: many are lost", kDatagrams,
                  run(100, 20) + run(100'120, 20), 40);
    s.gaps = 1;
    s.lost = 100'000;
  }
  {
    auto& s = add("uncounted records are no gap as far as they can reach", kRecords,
                  {{0, 20}, {20, 5, 60}, {50, 20}, {70, 1}}, 46);
    s.unknowable = 1;
  }
  {
    auto& s = add("beyond that they are", kRecords, {{0, 20}, {20, 5, 60}, {100, 20}}, 45);
    s.unknowable = 1;
    s.gaps = 1;
    s.lost = 15;
  }
  add("no numbers at all", SequenceUnit::none, {{0, 20}, {0, 20}, {9, 1}}, 41);
  for (Case& c : cases) {
    CAPTURE(c.name);
    SequenceStatus got = after(c.unit, c.messages).status();
    got.last = 0;
    CHECK(got.received == c.want.received);
    CHECK(got.lost == c.want.lost);
    CHECK(got.gaps == c.want.gaps);
    CHECK(got.late == c.want.late);
    CHECK(got.duplicates == c.want.duplicates);
    CHECK(got.wraps == c.want.wraps);
    CHECK(got.resets == c.want.resets);
    CHECK(got.astray == c.want.astray);
    CHECK(got.unknowable == c.want.unknowable);
  }
}

TEST_CASE("sequence: a known restart is a reset whatever the number") {
  SequenceTracker tracker = after(kDatagrams, run(0, 10));
  CHECK(tracker.judge({3, 1, 0, Timestamp{}}, true) == SequenceVerdict::reset);
  CHECK(tracker.judge({4, 1, 0, Timestamp{}}, false) == SequenceVerdict::in_order);
  CHECK(tracker.status().resets == 1);
  CHECK(tracker.status().lost == 0);
}

TEST_CASE("sequence: records counted later make the next number exact") {
  SequenceTracker tracker = after(kRecords, {{0, 20}, {20, 0, 60}});
  tracker.resolve(20, 5, 60);
  CHECK_FALSE(tracker.is_next(20));
  CHECK(tracker.is_next(25));
  CHECK(tracker.judge({26, 1, 0, Timestamp{}}, false) == SequenceVerdict::gap);
  CHECK(tracker.status().lost == 1);
  CHECK(tracker.status().received == 26);
}

TEST_CASE("uptime: a restart is seen, what only looks like one is not") {
  struct Look {
    std::int64_t at_s;
    std::uint32_t uptime_ms;
  };
  struct Case {
    const char* name;
    std::vector<Look> looks;
    int restarts;
  };
  constexpr std::int64_t kDay = 86'400;
  const Case cases[] = {
      {"steady", {{0, 1'000'000}, {10, 1'010'000}, {20, 1'020'000}}, 0},
      {"a few seconds back: a datagram was overtaken", {{0, 1'009'000}, {1, 1'001'000}}, 0},
      {"back to the beginning", {{0, 1'000'000}, {60, 5'000}, {70, 15'000}}, 1},
      {"wrapped", {{0, 0xffff'f000}, {10, 5'904}, {20, 15'904}}, 0},
      {"wrapped while nothing came", {{0, 0xffff'f000}, {3'600, 3'595'904}}, 0},
      {"nothing came for 30 days", {{0, 1'000}, {30 * kDay, 2'592'001'000}}, 0},
      {"restarted while nothing came, and longer up than before",
       {{0, 5'000}, {3'600, 20'000}, {3'660, 80'000}},
       1},
      {"an uptime that never moves", {{0, 0}, {60, 0}, {600, 0}}, 0},
      {"twice", {{0, 900'000}, {60, 1'000}, {600, 541'000}, {660, 1'000}}, 2},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    UptimeTracker tracker;
    int restarts = 0;
    for (const Look& look : c.looks) {
      restarts += tracker.judge(look.uptime_ms, Timestamp{std::chrono::seconds{look.at_s}}) ? 1 : 0;
    }
    CHECK(restarts == c.restarts);
  }
}
