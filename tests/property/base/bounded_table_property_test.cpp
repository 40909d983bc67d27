#include "base/bounded_table.hpp"

#include <doctest/doctest.h>

#include <map>

#include "base/hash.hpp"
#include "support/traffic.hpp"

using flowlens::base::BoundedTable;
using flowlens::testing::Dice;

namespace {

/// Few different hashes, so that keys crowd and erasing has gaps to close.
struct PoorHash {
  std::uint64_t operator()(std::uint32_t key, std::uint64_t seed) const noexcept {
    return flowlens::base::mix(key % 7, seed);
  }
};

}  // namespace

TEST_CASE("bounded table: holds what a map holds, up to its bound") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    constexpr std::size_t kBound = 40;
    BoundedTable<std::uint32_t, int, PoorHash> table{kBound, seed};
    std::map<std::uint32_t, int> model;
    for (int step = 0; step < 2'000; ++step) {
      const auto key = static_cast<std::uint32_t>(dice.below(60));
      const std::uint32_t position = table.find(key);
      REQUIRE((position != table.kNone) == (model.count(key) == 1));
      if (position != table.kNone) {
        REQUIRE(table[position].value == model[key]);
        if (!dice.one_in(3)) continue;
        table.erase(position);
        model.erase(key);
      } else {
        const auto [made, is_new] = table.insert(key);
        REQUIRE((made == table.kNone) == (model.size() == kBound));
        if (made == table.kNone) continue;
        REQUIRE(is_new);
        table[made].value = model[key] = step;
      }
      REQUIRE(table.size() == model.size());
      REQUIRE(table.positions() <= kBound);
    }
    table.clear();
    CHECK(table.size() == 0);
    CHECK(table.find(1) == table.kNone);
  }
}
