#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/grouping.hpp"
#include "support/summaries.hpp"

using namespace flowlensd;
using namespace flowlens::testing;
using namespace std::chrono_literals;

TEST_CASE("grouping: people say words while the map is looked at, and none is lost") {
  DependencyGraph graph;
  std::vector<ConnectionSummary> all;
  for (int a = 1; a <= 6; ++a) {
    for (int b = a + 1; b <= 6; ++b) {
      all.push_back(summary("10.0.0." + std::to_string(a), "10.0.0." + std::to_string(b), 443));
    }
  }
  graph.apply(all);
  Grouping grouping{{}, graph, nullptr, {}, 1min, [](const std::string&) {}};
  grouping.look(kNoon);
  const Id id = grouping.all()->at(0).entry.id;

  constexpr int kWords = 300;
  std::atomic<bool> is_over{false};
  std::thread people([&] {
    for (int i = 1; i <= kWords; ++i) {
      grouping.change([&](ApplicationBook& book) {
        book.edit(id, {std::to_string(i), {}, {}, {}}, "anna", kNoon);
        return true;
      });
      CHECK(grouping.all()->at(0).entry.name == std::to_string(i));
      CHECK(grouping.all()->at(0).members.size() == 6);
    }
    is_over = true;
  });
  for (int look = 0; !is_over; ++look) grouping.look(kNoon + look * 1min);
  people.join();
  grouping.look(kNoon + 24h);
  CHECK(grouping.ask([](const ApplicationBook& book) { return book.words(); }) == kWords);
  CHECK(grouping.all()->at(0).entry.name == std::to_string(kWords));
}
