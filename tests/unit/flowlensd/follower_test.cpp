// A copy of the map that follows revisions, with a feed made by hand.
#include "pipeline/follower.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "unit/store/store_fixture.hpp"

namespace flowlensd {
namespace {

using namespace flowlens::test;
using namespace std::chrono_literals;

/// The process that writes: its revisions, and whether it is there.
struct Source {
  std::mutex mutex;
  DependencyGraph graph;
  std::vector<Revision> kept;
  bool is_away = false;
  std::uint64_t last = 0;
  std::uint64_t loads = 0;

  void apply(Revision r) {
    const std::lock_guard lock(mutex);
    r.number = ++last;
    r.epoch = Epoch{1};
    r.at = at_second(static_cast<std::int64_t>(last));
    graph.apply(r);
    kept.push_back(std::move(r));
  }
  void forget() {
    const std::lock_guard lock(mutex);
    kept.clear();
  }
  void be_away(bool is) {
    const std::lock_guard lock(mutex);
    is_away = is;
  }
};

class Feed final : public RevisionFeed {
 public:
  explicit Feed(Source& source) : source_(source) {}
  FeedPosition load(DependencyGraph& graph) override {
    const std::lock_guard lock(source_.mutex);
    ++source_.loads;
    graph.apply(source_.graph.copy());
    return {source_.last, Epoch{1}, at_second(static_cast<std::int64_t>(source_.last))};
  }
  FeedPart next(const FeedPosition& after, std::size_t most) override {
    const std::lock_guard lock(source_.mutex);
    if (source_.is_away) throw IoError("the database is away");
    FeedPart part;
    part.newest = source_.last;
    for (const Revision& r : source_.kept) {
      if (r.number == after.revision + 1 + part.revisions.size() && part.revisions.size() < most) {
        part.revisions.push_back(r);
      }
    }
    part.has_gap =
        after.revision + part.revisions.size() < source_.last && part.revisions.size() < most;
    return part;
  }
  void wait(std::chrono::milliseconds) override { std::this_thread::sleep_for(1ms); }

 private:
  Source& source_;
};

struct Following {
  Following() { follower.load(); }
  template <typename Is>
  void wait_until(Is is) const {
    for (int i = 0; i < 5'000 && !is(); ++i) std::this_thread::sleep_for(2ms);
    CHECK(is());
  }

  Source source;
  DependencyGraph graph;
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, bool>> told;
  std::atomic<bool> has_failed{false};
  Follower follower{std::make_unique<Feed>(source),
                    graph,
                    {},
                    [this](Revision r, bool is_after_gap) {
                      const std::lock_guard lock(mutex);
                      told.emplace_back(r.number, is_after_gap);
                    },
                    [this](const std::string&) { has_failed = true; }};
};

Revision of_assets(std::initializer_list<std::uint32_t> numbers) {
  Revision r;
  for (const std::uint32_t n : numbers) r.assets.push_back(asset_row(n));
  return r;
}

}  // namespace

TEST_CASE("follower: takes each revision once, and says how far it is") {
  Following f;
  CHECK(!f.follower.wait_for(1, 0ms));
  f.follower.start();
  for (std::uint32_t n = 1; n <= 40; ++n) f.source.apply(of_assets({n}));
  CHECK(f.follower.wait_for(40, 10s));
  CHECK(f.graph.counters().assets == 40);
  CHECK(f.follower.view().revision == 40);
  CHECK(f.follower.view().epoch == 1);
  f.wait_until([&] { return f.follower.status().newest == 40; });
  CHECK(f.follower.status().behind_seconds == 0);
  CHECK(f.follower.status().reloads == 0);
  f.follower.stop();
  REQUIRE(f.told.size() == 40);
  for (std::uint64_t n = 0; n < 40; ++n) CHECK(f.told[n] == std::pair{n + 1, false});
}

TEST_CASE("follower: where revisions are missing it becomes the map as it is, and says so") {
  Following f;
  Annotation said;
  said.subject = asset_id(2);
  said.tags = {"db"};
  Revision first = of_assets({1, 2, 3});
  first.dependencies = {dependency_row(1, 5)};
  first.annotations = {said};
  f.source.apply(first);
  f.follower.start();
  REQUIRE(f.follower.wait_for(1, 10s));
  f.source.be_away(true);
  f.wait_until([&] { return !f.follower.status().problem.empty(); });
  Revision second = of_assets({4});
  second.removed_assets = {asset_id(3)};
  second.removed_dependencies = {dependency_id(1)};
  said.tags.clear();
  second.annotations = {said};
  f.source.apply(second);
  f.source.forget();
  f.source.be_away(false);
  REQUIRE(f.follower.wait_for(2, 10s));
  f.wait_until([&] { return f.follower.status().reloads == 1; });
  f.wait_until([&] { return f.follower.status().problem.empty(); });
  CHECK(f.graph.counters().assets == 3);
  CHECK(f.graph.counters().dependencies == 0);
  CHECK(!f.graph.asset(asset_id(3)));
  CHECK(f.graph.asset(asset_id(4)));
  CHECK(!f.graph.asset(asset_id(2))->annotation);
  f.source.apply(of_assets({5}));
  CHECK(f.follower.wait_for(3, 10s));
  f.follower.stop();
  CHECK(f.told == std::vector<std::pair<std::uint64_t, bool>>{{1, false}, {2, true}, {3, false}});
  CHECK(f.source.loads == 2);
  CHECK(!f.has_failed);
}

}  // namespace flowlensd
