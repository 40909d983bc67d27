#include "flowlens/application_book.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "support/alerts.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using namespace std::chrono_literals;
using flowlens::testing::edge;
using flowlens::testing::kMonday;
using flowlens::testing::snapshot_of;
using Kind = ApplicationError::Kind;

namespace {

/// Assets in groups in which everyone uses everyone after; groups are lists of positions.
Snapshot groups(const std::vector<std::vector<std::uint32_t>>& list, std::uint32_t assets = 40) {
  std::vector<Snapshot::Edge> edges;
  for (const auto& group : list) {
    for (std::size_t a = 0; a < group.size(); ++a) {
      for (std::size_t b = a + 1; b < group.size(); ++b) edges.push_back(edge(group[a], group[b]));
    }
  }
  return snapshot_of(assets, edges);
}
const std::vector<std::uint32_t> kFirst{0, 1, 2, 3, 4, 5}, kSecond{6, 7, 8, 9, 10, 11};
const Snapshot kTwo = groups({kFirst, kSecond});

Id asset(std::uint32_t position) { return kTwo.assets[position]; }
std::vector<Id> assets(const std::vector<std::uint32_t>& positions) {
  std::vector<Id> ids;
  for (const std::uint32_t p : positions) ids.push_back(asset(p));
  return ids;
}

struct Fixture {
  ApplicationBook book;
  Timestamp now = kMonday;

  explicit Fixture(const ApplicationBookOptions& options = {}) : book(options) {}
  std::vector<MembershipChange> look(const Snapshot& s, std::chrono::minutes later = 30min) {
    now += later;
    return book.take(propose_applications(s, {}, book.before()), now);
  }
  /// The application that an asset is in; none: it is in none.
  [[nodiscard]] Id at(std::uint32_t position) const {
    for (const KnownApplication& a : book.all()) {
      if (std::binary_search(a.members.begin(), a.members.end(), asset(position))) {
        return a.entry.id;
      }
    }
    return {};
  }
  [[nodiscard]] std::vector<Id> members(const Id& id) const { return book.find(id)->members; }
  [[nodiscard]] ApplicationStatus status(const Id& id) const { return book.find(id)->entry.status; }
  /// What a store would hold of it.
  ApplicationBook again() const {
    ApplicationState state;
    ApplicationBook copy = book;
    ApplicationBook reader;
    // All of it is new to who has never kept anything.
    for (const auto& [id, entry] : copy.entries()) state.entries.push_back(entry);
    state.seats = seats;
    reader.restore(state);
    return reader;
  }
  std::vector<ApplicationSeat> seats;
  /// As a store follows: what changed, over what it had.
  void keep() {
    const ApplicationChanges c = book.take_changes();
    const auto is_gone = [&](const ApplicationSeat& s) {
      return std::binary_search(c.removed_seats.begin(), c.removed_seats.end(), s.asset) ||
             std::any_of(c.seats.begin(), c.seats.end(),
                         [&](const ApplicationSeat& n) { return n.asset == s.asset; });
    };
    std::erase_if(seats, is_gone);
    seats.insert(seats.end(), c.seats.begin(), c.seats.end());
  }
};

template <typename Call>
std::pair<Kind, std::string> refusal(const Call& call) {
  try {
    call();
  } catch (const ApplicationError& e) {
    return {e.kind(), e.what()};
  }
  FAIL("was not refused");
  return {};
}

ApplicationWords named(std::string name) { return {std::move(name), {}, {}, {}}; }

}  // namespace

TEST_CASE("application book: proposals keep their ids, over runs and over a restart") {
  Fixture f;
  CHECK(f.look(kTwo).empty());
  REQUIRE(f.book.all().size() == 2);
  const Id first = f.at(0), second = f.at(6);
  CHECK(f.members(first) == assets(kFirst));
  CHECK(f.status(first) == ApplicationStatus::proposed);
  f.keep();

  // Most of it stays, and its first member, of which the id was made, goes.
  const Snapshot later = groups({{1, 2, 3, 4, 5}, {0, 6, 7, 8, 9, 10, 11}});
  f.book = f.again();
  CHECK(f.look(later).empty());  // nobody has confirmed anything
  CHECK(f.at(1) == first);
  CHECK(f.at(0) == second);
  CHECK(f.book.all().size() == 2);
  f.keep();
  CHECK(f.book.take_changes().empty());
  CHECK(f.look(later).empty());
  CHECK(f.book.take_changes().empty());  // a run that changes nothing writes nothing

  f.look(groups({kSecond}));  // what nobody has said a word of goes with its traffic
  CHECK(f.book.all().size() == 1);
  CHECK(f.book.take_changes().removed_entries == std::vector<Id>{first});
}

TEST_CASE("application book: a confirmed one gains and loses members slowly, and tells once") {
  Fixture f;
  f.look(kTwo);
  const Id shop = f.at(0), other = f.at(6);
  f.book.edit(shop, named("shop"), "anna", f.now);
  f.book.confirm(shop, "anna", f.now);
  CHECK(f.book.find(shop)->entry.said_by == "anna");
  f.keep();
  const Snapshot moved = groups({{0, 1, 2, 3, 4, 12}, {5, 6, 7, 8, 9, 10, 11}});

  CHECK(f.look(moved).empty());
  const Timestamp begun = f.now;
  CHECK(f.at(5) == shop);
  CHECK(f.at(12).is_none());
  CHECK(f.look(kTwo).empty());  // it flaps: nothing comes of it
  CHECK(f.look(moved, 45min).empty());
  const Timestamp since = f.now;
  CHECK(f.look(moved, 59min).empty());  // not an hour since it came back
  f.keep();
  f.book = f.again();  // what waits survives a restart, with its time
  const auto changes = f.look(moved, 1min);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0] == MembershipChange{asset(5), shop, other, false, since});
  CHECK(changes[1] == MembershipChange{asset(12), shop, {}, true, since});
  CHECK(begun < since);
  CHECK(f.at(5) == other);
  CHECK(f.at(12) == shop);
  CHECK(f.look(moved, 2h).empty());
  CHECK(f.book.find(shop)->entry.name == "shop");
}

TEST_CASE("application book: a part that leaves a confirmed one has one id all the while") {
  Fixture f;
  const std::vector<std::uint32_t> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  f.look(groups({all}));
  const Id whole = f.at(0);
  f.book.confirm(whole, "anna", f.now);
  const Snapshot split = groups({{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9}});
  for (int i = 0; i < 2; ++i) CHECK(f.look(split, 25min).empty());
  REQUIRE(f.book.all().size() == 2);
  const auto changes = f.look(split, 40min);
  REQUIRE(changes.size() == 4);
  const Id part = f.at(6);
  CHECK(part != whole);
  for (const MembershipChange& c : changes) {
    CHECK(c.application == whole);
    CHECK(c.other == part);
    CHECK_FALSE(c.has_joined);
  }
  CHECK(f.members(part) == assets({6, 7, 8, 9}));
}

TEST_CASE("application book: members put in stay, members taken out do not come back") {
  Fixture f;
  f.look(kTwo);
  const Id first = f.at(0), second = f.at(6);
  f.book.edit_members(first, assets({9, 30}), {}, "anna", f.now);
  f.book.edit_members(first, {}, assets({3}), "anna", f.now);
  for (int i = 0; i < 4; ++i) {
    CHECK(f.at(9) == first);
    CHECK(f.at(30) == first);  // without any traffic
    CHECK(f.at(3).is_none());
    f.look(kTwo, 2h);
    f.keep();
    f.book = f.again();
  }
  CHECK(f.at(10) == second);
  f.book.edit_members(second, assets({9}), {}, "bert", f.now);  // the last word counts
  f.book.edit_members(first, assets({3}), {}, "bert", f.now);
  f.look(kTwo, 2h);
  CHECK(f.at(9) == second);
  CHECK(f.at(3) == first);
  CHECK(f.book.entries().at(first).added == assets({3, 30}));
  CHECK(f.book.entries().at(first).removed.empty());

  f.book.rename_asset(asset(30), asset(31));  // two turned out to be one machine
  f.look(kTwo, 2h);
  CHECK(f.at(30).is_none());
  CHECK(f.at(31) == first);
  CHECK(f.book.beyond(assets(kFirst)) == assets({6, 7, 8, 9, 10, 11, 31}));
}

TEST_CASE("application book: it is known again however many were put in or taken out") {
  Fixture f;
  f.look(kTwo);
  const Id first = f.at(0);
  f.book.edit_members(first, {}, assets({1, 2, 3, 4}), "anna", f.now);
  f.book.edit_members(first, assets({20, 21, 22, 23, 24, 25, 26, 27}), {}, "anna", f.now);
  for (int i = 0; i < 3; ++i) f.look(kTwo, 2h);
  CHECK(f.members(first) == assets({0, 5, 20, 21, 22, 23, 24, 25, 26, 27}));
  CHECK(f.book.all().size() == 2);
}

TEST_CASE("application book: what is rejected is not proposed again, until somebody confirms it") {
  Fixture f;
  f.look(kTwo);
  const Id first = f.at(0);
  f.book.reject(first, "anna", f.now);
  CHECK(f.book.find(first)->members == assets(kFirst));
  f.look(kTwo);
  f.keep();
  f.book = f.again();
  // It joins the other for a while, and comes apart again.
  std::vector<std::uint32_t> both = kFirst;
  both.insert(both.end(), kSecond.begin(), kSecond.end());
  for (int i = 0; i < 3; ++i) f.look(groups({both}), 2h);
  for (int i = 0; i < 3; ++i) f.look(kTwo, 2h);
  CHECK(f.at(0) == first);
  CHECK(f.status(first) == ApplicationStatus::rejected);
  CHECK(refusal([&] { f.book.edit_members(first, assets({20}), {}, "anna", f.now); }).first ==
        Kind::conflict);
  f.book.confirm(first, "bert", f.now);
  CHECK(f.status(first) == ApplicationStatus::confirmed);
  CHECK(f.members(first) == assets(kFirst));
  CHECK(f.book.entries().at(first).rejected.empty());
}

TEST_CASE("application book: two that are merged are one, whatever traffic says, under both ids") {
  Fixture f;
  f.look(kTwo);
  const Id first = f.at(0), second = f.at(6);
  f.book.edit(first, named("shop"), "anna", f.now);
  f.book.edit_members(second, assets({20}), {}, "anna", f.now);
  f.book.edit_members(second, {}, assets({11}), "anna", f.now);
  f.book.merge(first, second, "anna", f.now);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(f.book.all().size() == 1);
    CHECK(f.members(first) == assets({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20}));
    CHECK(f.book.all()[0].members == f.members(first));
    CHECK(f.book.find(second)->entry.id == first);
    CHECK(f.status(first) == ApplicationStatus::confirmed);
    CHECK(f.look(kTwo, 2h).empty());
    f.keep();
    f.book = f.again();
  }
  f.book.edit(second, {{}, "what the web shop needs", Criticality::high, {}}, "bert", f.now);
  CHECK(f.book.find(first)->entry.description == "what the web shop needs");
  CHECK(f.book.find(first)->entry.name == "shop");
  CHECK(refusal([&] { f.book.merge(first, second, "anna", f.now); }).first == Kind::conflict);
  // Within it assets move as they like; who leaves it is told of.
  CHECK(f.look(groups({{0, 1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11}}), 2h).empty());
  CHECK(f.members(first).size() == 12);

  f.book.erase(first);
  CHECK(f.book.all().empty());
  CHECK(f.book.entries().empty());
  CHECK_FALSE(f.book.find(second));
  f.look(kTwo);
  CHECK(f.book.all().size() == 2);  // proposed anew
  CHECK(f.at(11) == f.at(6));
  CHECK(f.book.find(f.at(0))->entry.name.empty());
}

TEST_CASE("application book: what was merged goes along when that is merged again") {
  Fixture f;
  const Snapshot three = groups({kFirst, kSecond, {20, 21, 22, 23}});
  f.look(three);
  const Id first = f.at(0), second = f.at(6), third = f.at(20);
  f.book.merge(second, first, "anna", f.now);
  f.book.merge(third, second, "anna", f.now);
  CHECK(f.book.find(first)->entry.id == third);
  CHECK(f.members(third).size() == 16);
  f.look(three, 2h);
  CHECK(f.members(third).size() == 16);
}

TEST_CASE("application book: what is rejected with its parts comes back in none") {
  Fixture f;
  f.look(kTwo);
  const Id first = f.at(0), second = f.at(6);
  f.book.merge(first, second, "anna", f.now);
  f.book.reject(second, "anna", f.now);  // an id that was merged stands for the whole
  f.look(kTwo, 2h);
  CHECK(f.status(first) == ApplicationStatus::rejected);
  CHECK(f.status(second) == ApplicationStatus::rejected);
  CHECK(f.book.all().size() == 2);
}

TEST_CASE("application book: made by hand, without traffic") {
  Fixture f;
  const Id made = f.book.make({"billing", "invoices", Criticality::critical, {}}, assets({20, 21}),
                              "anna", f.now);
  f.look(kTwo, 2h);
  CHECK(f.members(made) == assets({20, 21}));
  CHECK(f.status(made) == ApplicationStatus::confirmed);
  CHECK(f.book.all().size() == 3);
  // Traffic that they share with others brings those in.
  const auto changes = [&] {
    const Snapshot more = groups({kFirst, kSecond, {20, 21, 22, 23}});
    f.look(more);
    return f.look(more, 61min);
  }();
  CHECK(changes.size() == 2);
  CHECK(f.members(made) == assets({20, 21, 22, 23}));
  f.book.erase(made);
  CHECK_FALSE(f.book.find(made));
}

TEST_CASE("application book: a word that does not fit is refused, and changes nothing") {
  ApplicationBookOptions options;
  options.max_applications = 3;
  options.max_words = 8;
  options.max_seats = 14;
  Fixture f{options};
  f.look(kTwo);
  f.book.edit(f.at(0), named("shop"), "anna", f.now);
  (void)f.book.take_changes();
  const Id first = f.at(0), second = f.at(6), nobody = asset(39);
  const std::uint64_t words = f.book.words();
  struct Case {
    const char* name;
    std::function<void()> call;
    Kind kind;
    const char* what;
  };
  const Case cases[] = {
      {"unknown", [&] { f.book.confirm(nobody, "a", f.now); }, Kind::unknown, "no application"},
      {"by nobody", [&] { f.book.confirm(first, "", f.now); }, Kind::invalid, "by: is empty"},
      {"by a line", [&] { f.book.confirm(first, "a\nb", f.now); }, Kind::invalid, "control"},
      {"long", [&] { f.book.edit(first, named(std::string(201, 'x')), "a", f.now); }, Kind::invalid,
       "201 octets; give at most 200"},
      {"taken", [&] { f.book.edit(second, named("shop"), "a", f.now); }, Kind::conflict,
       "is that of application"},
      {"status",
       [&] {
         f.book.edit(first, {{}, {}, {}, ApplicationStatus::merged}, "a", f.now);
       },
       Kind::invalid, "give confirmed or rejected"},
      {"all or nothing",
       [&] {
         f.book.edit(second, {"shop", "x", {}, ApplicationStatus::confirmed}, "a", f.now);
       },
       Kind::conflict, "is that of application"},
      {"nameless", [&] { f.book.make({}, {}, "a", f.now); }, Kind::invalid, "name: is missing"},
      {"words full",
       [&] {
         f.book.edit_members(first, assets({20, 21, 22, 23, 24, 25, 26, 27, 28}), {}, "a", f.now);
       },
       Kind::full, "at most 8"},
      {"seats full",
       [&] {
         f.book.edit_members(first, assets({20, 21, 22}), {}, "a", f.now);
       },
       Kind::full, "no room for 3 more"},
      {"mere proposal", [&] { f.book.erase(second); }, Kind::conflict, "reject it"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto [kind, what] = refusal(c.call);
    CHECK(kind == c.kind);
    CHECK(what.find(c.what) != std::string::npos);
    CHECK(f.book.take_changes().empty());
    CHECK(f.book.words() == words);
  }
  f.book.make(named("third"), {}, "a", f.now);
  CHECK(refusal([&] { f.book.make(named("fourth"), {}, "a", f.now); }).first == Kind::full);
  CHECK_THROWS_AS(ApplicationBook{ApplicationBookOptions{.hold = 0s}}, ConfigError);
  CHECK_THROWS_AS(ApplicationBook{ApplicationBookOptions{.max_seats = 0}}, ConfigError);
}

TEST_CASE("application book: bounds hold, and what they cost is counted") {
  ApplicationBookOptions options;
  options.max_applications = 1;
  options.max_seats = 4;
  options.max_changes = 1;
  Fixture f{options};
  f.look(kTwo);
  CHECK(f.book.all().size() == 1);
  CHECK(f.book.counters().left_out == 1);
  CHECK(f.book.counters().unseated == 2);
  const Id only = f.book.all()[0].entry.id;
  CHECK(f.members(only).size() == 4);
  f.book.confirm(only, "anna", f.now);
  const Snapshot none = groups({});
  f.look(none);
  CHECK(f.look(none, 2h).empty());  // nothing continues it, and nobody else has them
  CHECK(f.members(only).size() == 4);
  f.look(groups({{0, 20, 21, 22, 23, 24, 25}}));
  CHECK(f.members(only).size() == 4);
}

TEST_CASE("application book: rows of a store that fit no other are left out") {
  ApplicationState state;
  ApplicationEntry lost;
  lost.id = asset(1);
  lost.status = ApplicationStatus::merged;
  lost.into = asset(2);
  ApplicationEntry kept;
  kept.id = asset(3);
  kept.added = {asset(20)};
  state.entries = {lost, kept};
  state.seats = {{asset(20), kept.id, lost.id, kMonday}, {asset(21), lost.id, {}, kMonday}};
  ApplicationBook book;
  book.restore(state);
  CHECK(book.entries().size() == 1);
  CHECK(book.find(kept.id)->members == assets({20}));
  CHECK(book.beyond({}) == assets({20}));
  CHECK_FALSE(book.find(lost.id));
}
