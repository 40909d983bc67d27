// What every store of applications promises: what was saved is there again, all or nothing, of one
// epoch only.
#include <doctest/doctest.h>

#include <algorithm>

#include "application_fixture.hpp"
#include "backend.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using namespace flowlens::test;
using flowlens::testing::edge;
using flowlens::testing::snapshot_of;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  std::unique_ptr<Backend> backend = make_backend();
  std::unique_ptr<Store> map = backend->store();
  StoreOpened term = map->open();
  std::unique_ptr<ApplicationStore> store = backend->application_store(term.epoch);
  ApplicationBook book;
  Snapshot snapshot = [] {
    std::vector<Snapshot::Edge> edges;
    for (std::uint32_t a = 0; a < 10; ++a) {
      for (std::uint32_t b = a + 1; b < (a < 5 ? 5u : 10u); ++b) edges.push_back(edge(a, b));
    }
    return snapshot_of(20, edges);
  }();

  void look(Timestamp now) {
    (void)book.take(propose_applications(snapshot, {}, book.before()), now);
  }
  Id at(std::uint32_t asset) const {
    for (const KnownApplication& a : book.all()) {
      if (std::binary_search(a.members.begin(), a.members.end(), snapshot.assets[asset])) {
        return a.entry.id;
      }
    }
    return {};
  }
  /// What is kept is what the book holds.
  void check_kept() const {
    ApplicationState kept = backend->application_store(term.epoch)->load();
    ApplicationBook again;
    again.restore(kept);
    CHECK(again.entries() == book.entries());
    const auto mine = book.all(), theirs = again.all();
    REQUIRE(mine.size() == theirs.size());
    for (std::size_t i = 0; i < mine.size(); ++i) CHECK(mine[i].members == theirs[i].members);
    const auto before = book.before(), before_again = again.before();
    REQUIRE(before.size() == before_again.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(before[i].members == before_again[i].members);
    }
  }
};

}  // namespace

TEST_CASE("application store: what traffic shows and people say is there after a restart") {
  Fixture f;
  CHECK(f.store->load().entries.empty());
  f.look(at_second(0));
  f.store->save(f.book.take_changes());
  f.check_kept();
  const Id first = f.at(0), second = f.at(5);
  f.book.edit(first, {"sh'op \xc3\xa4", "sells \"things\"", Criticality::critical, {}}, "anna",
              at_second(1));
  f.book.edit_members(first, {f.snapshot.assets[7], f.snapshot.assets[15]}, {f.snapshot.assets[2]},
                      "anna", at_second(2));
  f.book.reject(second, "bert", at_second(3));
  const ApplicationChanges changes = f.book.take_changes();
  f.store->save(changes);
  f.store->save(changes);  // the same may be written again
  f.check_kept();
  CHECK(f.book.entries().at(second).rejected.size() == 4);
  const auto kept = f.store->load().seats;
  const auto seat = std::find_if(kept.begin(), kept.end(), [&](const ApplicationSeat& s) {
    return s.asset == f.snapshot.assets[7];
  });
  REQUIRE(seat != kept.end());
  CHECK(*seat == ApplicationSeat{f.snapshot.assets[7], first, second, at_second(0)});
}

TEST_CASE("application store: what goes is gone, with its words") {
  Fixture f;
  f.look(at_second(0));
  const Id first = f.at(0), second = f.at(5);
  f.book.edit_members(first, {}, {f.snapshot.assets[1]}, "anna", at_second(1));
  f.store->save(f.book.take_changes());
  f.book.merge(first, second, "anna", at_second(2));
  f.store->save(f.book.take_changes());
  f.check_kept();
  f.book.edit_members(first, {f.snapshot.assets[1]}, {}, "anna", at_second(3));
  f.store->save(f.book.take_changes());
  f.check_kept();
  f.book.erase(first);
  f.store->save(f.book.take_changes());
  const ApplicationState state = f.store->load();
  CHECK(state.entries.empty());
  CHECK(state.seats.empty());
  CHECK(f.backend->sql("SELECT count(*) FROM application_words") == "0");
  f.look(at_second(4));  // the same id again, without what was said
  f.store->save(f.book.take_changes());
  f.check_kept();
}

TEST_CASE("application store: another process has taken over") {
  Fixture f;
  f.look(at_second(0));
  const auto later = f.backend->store();
  (void)later->open();
  CHECK_THROWS_AS(f.store->save(f.book.take_changes()), StaleEpochError);
  CHECK(f.store->load().entries.empty());
}
