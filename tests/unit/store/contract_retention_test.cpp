// What every store does as time goes on: windows add up to hours and days, and all of them go.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include "backend.hpp"

using namespace flowlens;
using namespace flowlens::test;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr Timestamp kMidnight{days{19'700}};

using Sums = std::map<std::pair<Timestamp, Id>, TrafficCounts>;

/// What the windows add up to.
template <typename Length>
Sums summed(const Sums& windows) {
  Sums sums;
  for (const auto& [key, counts] : windows) {
    sums[{std::chrono::floor<Length>(key.first), key.second}] += counts;
  }
  return sums;
}

Sums kept(Store& store, Period period, std::optional<Id> dependency = {}) {
  Sums found;
  store.scan({kMidnight - days{9'999}, kMidnight + days{9'999}, dependency, period},
             [&](const WindowRow& row) {
               found[{row.window_start, row.dependency}] = row.counts;
               return true;
             });
  return found;
}

/// \return steps taken.
int expire_all(Store& store, const Retention& retention, Timestamp now) {
  int steps = 0;
  while (store.expire(retention, now)) REQUIRE(++steps < 10'000);
  return steps;
}

/// A store and the truth of its windows.
struct Past {
  Opened o;
  std::uint64_t number = 1;
  Sums windows;  ///< summed over epochs

  void write(std::initializer_list<WindowRow> rows) { write(std::vector<WindowRow>{rows}); }
  void write(const std::vector<WindowRow>& rows) {
    Revision r = revision(o.opened, number++);
    r.windows = rows;
    o.store->apply(r);
    for (const WindowRow& row : rows) windows[{row.window_start, row.dependency}] += row.counts;
  }
  void restart() {
    o.reopen();
    number = o.opened.last_revision + 1;
  }
};

/// Ten days of windows of five dependencies, in the order of time, with a restart in each night.
void fill(Past& past, std::uint32_t seed) {
  std::mt19937 random{seed};
  for (int day = 0; day < 10; ++day) {
    if (day > 0) past.restart();
    for (int part = 0; part < 6; ++part) {
      std::vector<WindowRow> rows;
      for (int n = 0; n < 30; ++n) {
        const Timestamp start =
            kMidnight + days{day} + hours{4 * part} + minutes{5 * (random() % 48)};
        rows.push_back({start, dependency_id(static_cast<std::uint32_t>(random() % 5)),
                        counts(1 + random() % 1'000)});
      }
      // Later rows of one window replace earlier ones of the same epoch: here each comes once.
      std::map<std::pair<Timestamp, Id>, WindowRow> once;
      for (const WindowRow& row : rows) {
        if (!past.windows.contains({row.window_start, row.dependency})) {
          once.emplace(std::pair{row.window_start, row.dependency}, row);
        }
      }
      rows.clear();
      for (const auto& [key, row] : once) rows.push_back(row);
      past.write(rows);
    }
    past.restart();
    // What the next epoch has of a window adds to it.
    past.write({{kMidnight + days{day}, dependency_id(1), counts(7)}});
  }
}

}  // namespace

TEST_CASE("whoever reads traffic sees what is whole, while revisions are written") {
  Past past;
  past.write({{kMidnight, dependency_id(1), counts(1)}});
  const auto reader = past.o.backend->traffic_reader();
  const auto seen = [&](Period period) {
    Sums found;
    reader->scan({kMidnight, kMidnight + days{2}, dependency_id(1), period},
                 [&](const WindowRow& row) {
                   found[{row.window_start, row.dependency}] = row.counts;
                   return true;
                 });
    return found;
  };
  CHECK(seen(Period::window) == past.windows);
  past.write({{kMidnight + minutes{5}, dependency_id(1), counts(2)}});
  CHECK(seen(Period::window) == past.windows);
  expire_all(*past.o.store, {}, kMidnight + days{1} + minutes{15});
  CHECK(seen(Period::hour) == summed<hours>(past.windows));
  CHECK(seen(Period::day) == summed<days>(past.windows));
}

TEST_CASE("hours and days are the sums of their windows") {
  Past past;
  fill(past, 1);
  const Timestamp now = kMidnight + days{10} + minutes{15};
  std::set<Timestamp> starts_of_hours, starts_of_days;
  for (const auto& [key, counts] : past.windows) {
    starts_of_hours.insert(std::chrono::floor<hours>(key.first));
    starts_of_days.insert(std::chrono::floor<days>(key.first));
  }
  // Each once: a day waits for its hours.
  CHECK(expire_all(*past.o.store, {}, now) ==
        static_cast<int>(starts_of_hours.size() + starts_of_days.size()));
  CHECK(kept(*past.o.store, Period::window) == past.windows);
  CHECK(kept(*past.o.store, Period::hour) == summed<hours>(past.windows));
  CHECK(kept(*past.o.store, Period::day) == summed<days>(past.windows));
  for (std::uint32_t n = 0; n < 5; ++n) {
    Sums of_one;
    for (const auto& [key, counts] : past.windows) {
      if (key.second == dependency_id(n)) of_one[key] = counts;
    }
    CHECK(kept(*past.o.store, Period::hour, dependency_id(n)) == summed<hours>(of_one));
  }
  CHECK(expire_all(*past.o.store, {}, now) == 0);
}

TEST_CASE("an hour is added up a quarter of an hour after its end, and again when it changes") {
  Past past;
  past.write({{kMidnight, dependency_id(1), counts(1)}});
  CHECK(expire_all(*past.o.store, {}, kMidnight + minutes{74}) == 0);
  CHECK(expire_all(*past.o.store, {}, kMidnight + minutes{75}) == 1);
  CHECK(kept(*past.o.store, Period::hour) == past.windows);
  CHECK(kept(*past.o.store, Period::day).empty());

  past.write({{kMidnight + minutes{5}, dependency_id(1), counts(2)}});
  CHECK(expire_all(*past.o.store, {}, kMidnight + hours{24} + minutes{15}) == 2);  // hour and day
  CHECK(kept(*past.o.store, Period::hour) == summed<hours>(past.windows));
  CHECK(kept(*past.o.store, Period::day) == summed<days>(past.windows));

  Revision r = revision(past.o.opened, past.number++);  // both turn out to have been nothing
  r.windows = {{kMidnight, dependency_id(1), {}}, {kMidnight + minutes{5}, dependency_id(1), {}}};
  past.o.store->apply(r);
  CHECK(expire_all(*past.o.store, {}, kMidnight + hours{24} + minutes{15}) == 2);
  CHECK(kept(*past.o.store, Period::hour).empty());
  CHECK(kept(*past.o.store, Period::day).empty());
}

TEST_CASE("windows, hours and days go when they are too old, and what they added up to stays") {
  Past past;
  fill(past, 2);
  const Sums by_hour = summed<hours>(past.windows), by_day = summed<days>(past.windows);
  Retention retention;
  retention.windows = days{3};
  const Timestamp now = kMidnight + days{10} + minutes{15};
  expire_all(*past.o.store, retention, now);
  Sums expected = past.windows;
  std::erase_if(expected, [&](const auto& item) { return item.first.first < now - days{3}; });
  const Sums windows = kept(*past.o.store, Period::window);
  // By pieces of a day at most.
  for (const auto& [key, counts] : expected) CHECK(windows.at(key) == counts);
  CHECK(windows.begin()->first.first >= now - days{4});
  CHECK(kept(*past.o.store, Period::hour) == by_hour);
  CHECK(kept(*past.o.store, Period::day) == by_day);

  retention.hours = days{400};
  expire_all(*past.o.store, retention, now + days{450});
  CHECK(kept(*past.o.store, Period::window).empty());
  CHECK(kept(*past.o.store, Period::hour).empty());
  CHECK(kept(*past.o.store, Period::day) == by_day);
  expire_all(*past.o.store, retention, now + days{2'000});
  CHECK(kept(*past.o.store, Period::day).empty());
  CHECK(expire_all(*past.o.store, retention, now + days{2'000}) == 0);
}

TEST_CASE("what comes for an hour whose windows have gone is added to it, once") {
  Past past;
  past.write({{kMidnight, dependency_id(1), counts(1)}});
  const Timestamp now = kMidnight + days{100};
  expire_all(*past.o.store, {}, now);
  REQUIRE(kept(*past.o.store, Period::window).empty());
  past.restart();
  past.write({{kMidnight + minutes{5}, dependency_id(1), counts(2)},
              {kMidnight + minutes{5}, dependency_id(2), counts(3)}});
  REQUIRE(past.o.store->expire({}, now));  // the hour is added up
  past.write({{kMidnight + minutes{10}, dependency_id(1), counts(4)}});
  for (int again = 0; again < 2; ++again) expire_all(*past.o.store, {}, now + hours{again});
  CHECK(kept(*past.o.store, Period::window).empty());
  CHECK(kept(*past.o.store, Period::hour) == summed<hours>(past.windows));
  CHECK(kept(*past.o.store, Period::day) == summed<days>(past.windows));
}

TEST_CASE("0 days: for ever") {
  Past past;
  past.write({{kMidnight, dependency_id(1), counts(1)}});
  Retention for_ever{days{0}, days{0}, days{0}, days{0}};
  expire_all(*past.o.store, for_ever, kMidnight + days{9'000});
  for (const Period period : {Period::window, Period::hour, Period::day}) {
    CHECK(kept(*past.o.store, period) == past.windows);
  }
}

TEST_CASE("hours follow what a dependency turned out to be") {
  Opened o;
  record_windows(*o.store, o.opened);
  const auto added = [&] { expire_all(*o.store, {}, at_second(86'400 * 2)); };
  const auto flows_of = [&](std::uint32_t n) {
    std::uint64_t flows = 0;
    for (const auto& [key, c] : kept(*o.store, Period::hour, dependency_id(n))) flows += c.flows;
    return flows;
  };
  added();
  CHECK(flows_of(1) == 6);
  CHECK(flows_of(2) == 7);
  // 1 is 2 from second 300 on; what lay in 1's open window goes with it.
  o.store->apply(redirection(o.opened, 2));
  added();
  CHECK(flows_of(2) == 5 + 7);
  CHECK(kept(*o.store, Period::hour).size() == 1);
  CHECK(kept(*o.store, Period::day).begin()->second.flows == 12);
  // And 2 becomes 3 much later: hours are not written again for it, but count as 3's.
  Revision r = revision(o.opened, 3);
  r.assets = {asset_row(3), asset_row(4)};
  r.dependencies = {dependency_row(3, 12)};
  r.removed_dependencies = {dependency_id(2)};
  r.aliases = {{dependency_id(2), dependency_id(3), at_second(86'400 * 3)}};
  o.store->apply(r);
  CHECK(flows_of(3) == 12);
  CHECK(kept(*o.store, Period::hour).begin()->first.second == dependency_id(3));
  // And that is turned round: they change sides, too.
  r = revision(o.opened, 4);
  r.assets = {asset_row(4), asset_row(5)};
  r.dependencies = {dependency_row(4, 12)};
  r.removed_dependencies = {dependency_id(3)};
  r.aliases = {{dependency_id(3), dependency_id(4), Timestamp::max(), true}};
  o.store->apply(r);
  for (const Period period : {Period::hour, Period::day}) {
    CHECK(kept(*o.store, period).begin()->second == turned_counts(12));
    CHECK(kept(*o.store, period, dependency_id(4)).begin()->second == turned_counts(12));
  }
}

TEST_CASE("an alias that parts an hour, and a dependency that goes, have it added up again") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1), asset_row(2), asset_row(3)};
  r.dependencies = {dependency_row(1, 5), dependency_row(2, 3)};
  r.windows = {{at_second(0), dependency_id(1), counts(5)},
               {at_second(0), dependency_id(2), counts(3)}};
  o.store->apply(r);
  const Timestamp later = at_second(86'400 * 2);
  expire_all(*o.store, {}, later);
  const auto flows = [&](std::uint32_t n) {
    const Sums sums = kept(*o.store, Period::hour, dependency_id(n));
    return sums.empty() ? 0 : sums.begin()->second.flows;
  };
  SUBCASE("an alias") {
    o.store->apply(redirection(o.opened, 2));
    expire_all(*o.store, {}, later);
    CHECK(flows(2) == 8);
    CHECK(kept(*o.store, Period::day).begin()->second.flows == 8);
  }
  SUBCASE("one goes") {
    r = revision(o.opened, 2);
    r.removed_dependencies = {dependency_id(1)};
    o.store->apply(r);
    expire_all(*o.store, {}, later);
    CHECK(flows(1) == 0);
    CHECK(flows(2) == 3);
    CHECK(kept(*o.store, Period::day).size() == 1);
  }
}

TEST_CASE("counters as large as an exporter can claim do not stop it") {
  Past past;
  TrafficCounts huge = counts(1);
  huge.octets_to_server = huge.estimated_octets_to_client = ~std::uint64_t{0} - 5;
  huge.octets_to_client = std::uint64_t{1} << 62;
  past.write({{kMidnight, dependency_id(1), huge},
              {kMidnight + minutes{5}, dependency_id(1), huge},
              {kMidnight + minutes{10}, dependency_id(1), huge}});
  const Timestamp now = kMidnight + days{100};
  expire_all(*past.o.store, {}, now);
  past.write({{kMidnight + minutes{15}, dependency_id(1), huge}});
  expire_all(*past.o.store, {}, now);
  const Sums by_day = kept(*past.o.store, Period::day);
  REQUIRE(by_day.size() == 1);
  CHECK(by_day.begin()->second.flows == 4);
  CHECK(by_day.begin()->second.octets_to_server == 9'200'000'000'000'000'000u);
  CHECK(by_day.begin()->second.octets_to_client == 9'200'000'000'000'000'000u);
}

TEST_CASE("events go when they are too old") {
  Opened o;
  Revision r = revision(o.opened, 1);
  for (int n = 0; n < 20; ++n) {
    ChangeEvent event;
    event.id = derive_id(event_namespace(), std::to_string(n));
    event.at = kMidnight + days{n};
    r.events.push_back(event);
  }
  o.store->apply(r);
  Retention retention;
  retention.events = days{5};
  expire_all(*o.store, retention, kMidnight + days{19});
  CHECK(o.sql("SELECT count(*) FROM events") == "6");
}

TEST_CASE("who may not write may not remove either") {
  Past past;
  past.write({{kMidnight, dependency_id(1), counts(1)}});
  auto second = past.o.backend->store();
  (void)second->open();
  CHECK_THROWS_AS((void)past.o.store->expire({}, kMidnight + days{100}), StaleEpochError);
  CHECK(kept(*second, Period::window) == past.windows);
}
