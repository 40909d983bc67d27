// What waits for a database that does not answer, and what does not.
#include "pipeline/saving.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "pipeline/grouping.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;

namespace {

/// save() does not come back before `released`.
struct Stuck {
  std::atomic<bool> asked{false}, released{false};
  std::atomic<int> saved{0};

  void hold() {
    asked = true;
    while (!released) std::this_thread::yield();
    ++saved;
  }
};

struct StuckStore {
  explicit StuckStore(Stuck& s) : stuck(s) {}
  void save(const std::vector<int>&) { stuck.hold(); }
  Stuck& stuck;
};

class StuckApplications final : public ApplicationStore {
 public:
  explicit StuckApplications(Stuck& s) : stuck_(s) {}
  ApplicationState load() override { return {}; }
  void save(const ApplicationChanges&) override { stuck_.hold(); }

 private:
  Stuck& stuck_;
};

}  // namespace

TEST_CASE("saving: one waits for the store, others leave their changes to a later one") {
  Stuck stuck;
  Saving<StuckStore, std::vector<int>> saving{
      "words", std::make_unique<StuckStore>(stuck), {}, 10ms};
  std::thread first([&] { saving.save([] { return std::vector<int>{1}; }); });
  while (!stuck.asked) std::this_thread::yield();
  bool is_taken = false;
  saving.save([&] {
    is_taken = true;
    return std::vector<int>{2};
  });
  CHECK_FALSE(is_taken);
  CHECK(saving.failures() == 0);
  stuck.released = true;
  first.join();
  saving.save([] { return std::vector<int>{2}; });
  CHECK(stuck.saved == 2);
}

TEST_CASE("grouping: applications are listed while the store does not answer") {
  Stuck stuck;
  DependencyGraph graph;
  Grouping grouping{{}, graph, std::make_unique<StuckApplications>(stuck), {}, 1min, {}};
  std::thread person([&] {
    grouping.change([](ApplicationBook& book) {
      return book.make({"shop", {}, {}, {}}, {}, "anna", Timestamp{1h});
    });
  });
  while (!stuck.asked) std::this_thread::yield();
  REQUIRE(grouping.all()->size() == 1);
  CHECK(grouping.all()->at(0).entry.name == "shop");
  CHECK(grouping.view().failures == 0);
  stuck.released = true;
  person.join();
  CHECK(stuck.saved == 1);
}
