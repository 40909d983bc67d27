// Flows between processes, on a real PostgreSQL.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <pqxx/pqxx>
#include <thread>

#include "flowlens/postgres_store.hpp"
#include "store/postgres_server.hpp"
#include "unit/store/backend.hpp"
#include "unit/store/store_fixture.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::uint64_t kPlenty = 1 << 30;

Id writer_id(std::uint8_t n) {
  Id id;
  id.octets.fill(n);
  return id;
}

StoredParcel parcel(std::uint64_t flows, std::size_t octets = 10) {
  StoredParcel p;
  p.made_at = at_second(static_cast<std::int64_t>(flows));
  p.first_received = at_second(1);
  p.flows = flows;
  p.sampled_out = 2 * flows;
  p.octets.assign(octets, static_cast<std::byte>(flows));
  return p;
}

/// A database of its own.
struct Channel {
  PostgresStoreOptions options;
  std::string direct;  ///< not by way of PgBouncer

  Channel() {
    static int number = 0;
    const std::string database = "channel_" + std::to_string(number++);
    direct = options.connection = TestPostgres::instance().make_database(database);
    if (std::getenv("FLOWLENS_TEST_PGBOUNCER") != nullptr) {
      options.connection = TestPostgres::instance().by_pgbouncer(database);
    }
  }
  [[nodiscard]] std::unique_ptr<ParcelWriter> writer(std::uint8_t n = 1,
                                                     std::uint64_t most = kPlenty) const {
    return make_postgres_parcel_writer(options, writer_id(n), most);
  }
  [[nodiscard]] std::unique_ptr<ParcelReader> reader() const {
    return make_postgres_parcel_reader(options);
  }
};

using Numbers = std::vector<std::uint64_t>;

Numbers positions(const std::vector<StoredParcel>& parcels) {
  Numbers found;
  for (const StoredParcel& p : parcels) found.push_back(p.position);
  return found;
}

/// A revision that says how far its flows were taken.
Revision taken_up_to(const StoreOpened& opened, std::uint64_t n, std::uint64_t position) {
  Revision r;
  r.number = opened.last_revision + n;
  r.epoch = opened.epoch;
  r.at = at_second(1);
  r.input_position = position;
  return r;
}

}  // namespace

TEST_CASE("parcels: come back as they were, in order, bounded in flows") {
  const Channel c;
  const auto writer = c.writer();
  const std::vector<StoredParcel> parcels{parcel(3), parcel(0, 0), parcel(7, 100'000)};
  CHECK(writer->append(parcels, 1));
  const auto reader = c.reader();
  const auto found = reader->read(0, 1'000);
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found[i].position == i + 1);
    CHECK(found[i].made_at == parcels[i].made_at);
    CHECK(found[i].first_received == parcels[i].first_received);
    CHECK(found[i].flows == parcels[i].flows);
    CHECK(found[i].sampled_out == parcels[i].sampled_out);
    CHECK(found[i].octets == parcels[i].octets);
  }
  CHECK(positions(reader->read(1, 1'000)) == Numbers{2, 3});
  CHECK(reader->read(3, 1'000).empty());
  CHECK(positions(reader->read(0, 9)) == Numbers{1, 2});
  CHECK(positions(reader->read(0, 1)) == Numbers{1});  // one at least
}

TEST_CASE("parcels: a batch given once more changes nothing") {
  const Channel c;
  const auto writer = c.writer();
  const std::vector<StoredParcel> parcels{parcel(1), parcel(2)};
  CHECK(writer->append(parcels, 1));
  CHECK(writer->append(parcels, 1));
  CHECK(writer->append(parcels, 2));
  CHECK(c.writer(2)->append(parcels, 1));  // another's first
  CHECK(positions(c.reader()->read(0, 100)) == Numbers{1, 2, 3, 4, 5, 6});
  const ParcelState state = writer->state();
  CHECK(state.last_position == 6);
  CHECK(state.flows == 3 * 9);
  CHECK(state.octets == 60);
}

TEST_CASE("parcels: past the bound there is no room, until revisions contain what waits") {
  const Channel c;
  const auto writer = c.writer(1, 100);
  CHECK(writer->append(std::vector{parcel(1, 250)}, 1));  // alone it has room
  CHECK_FALSE(writer->append(std::vector{parcel(1, 1)}, 2));
  CHECK_FALSE(writer->append(std::vector{parcel(1, 1)}, 2));
  const auto store = make_postgres_store(c.options);
  const StoreOpened opened = store->open();
  CHECK(opened.input_position == 0);
  const auto reader = c.reader();
  reader->remove_taken();
  CHECK(reader->state().octets == 250);  // nobody has taken it
  store->apply(taken_up_to(opened, 1, 1));
  reader->remove_taken();
  CHECK(reader->state().octets == 0);
  CHECK(reader->state().taken_position == 1);
  CHECK(reader->read(0, 100).empty());
  CHECK(writer->append(std::vector{parcel(1, 60), parcel(1, 40)}, 2));
  CHECK_FALSE(writer->append(std::vector{parcel(1, 1)}, 3));
  CHECK(positions(reader->read(1, 100)) == Numbers{2, 3});
}

TEST_CASE("parcels: the position is as lasting as the revision, and an older epoch has no say") {
  const Channel c;
  const auto writer = c.writer();
  CHECK(writer->append(std::vector{parcel(1), parcel(2), parcel(3)}, 1));
  const auto old = make_postgres_store(c.options);
  const StoreOpened first = old->open();
  old->apply(taken_up_to(first, 1, 2));
  const auto store = make_postgres_store(c.options);
  const StoreOpened second = store->open();
  CHECK(second.input_position == 2);
  CHECK_THROWS_AS(old->apply(taken_up_to(first, 2, 3)), StaleEpochError);
  CHECK(writer->state().taken_position == 2);
  // One that says nothing about it changes nothing about it.
  store->apply(taken_up_to(second, 1, 3));
  store->apply(taken_up_to(second, 2, 0));
  CHECK(writer->state().taken_position == 3);
  CHECK(make_postgres_store(c.options)->open().input_position == 3);
}

TEST_CASE("parcels: a higher position is never seen before a lower one") {
  const Channel c;
  const auto reader = c.reader();
  CHECK(c.writer()->append(std::vector{parcel(1)}, 1));
  // A writer in the middle of its transaction, as append() does it: its position is given, not committed.
  pqxx::connection slow{c.direct};
  pqxx::work tx{slow};
  tx.exec("UPDATE flowlens_store.flow_channel SET last_position = last_position + 1");
  tx.exec(
      "INSERT INTO flowlens_store.flow_parcels SELECT last_position, gen_random_uuid(), 0, 0, 1, "
      "0, "
      "'' FROM flowlens_store.flow_channel");
  auto other = std::async(std::launch::async,
                          [&] { return c.writer(2)->append(std::vector{parcel(2)}, 1); });
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  CHECK(positions(reader->read(0, 100)) == Numbers{1});  // not 3, with 2 to come behind it
  tx.commit();
  CHECK(other.get());
  CHECK(positions(reader->read(1, 100)) == Numbers{2, 3});
}

TEST_CASE("parcels: many writers at once, one reader: each parcel once, in order") {
  const Channel c;
  constexpr std::uint64_t kWriters = 4, kBatches = 25;
  static_cast<void>(c.writer()->state());  // the tables
  std::vector<std::thread> threads;
  for (std::uint64_t w = 0; w < kWriters; ++w) {
    threads.emplace_back([&c, w] {
      const auto writer = c.writer(static_cast<std::uint8_t>(w + 1));
      for (std::uint64_t n = 1; n <= kBatches; ++n) {
        REQUIRE(writer->append(std::vector{parcel(w * kBatches + n), parcel(0)}, n));
      }
    });
  }
  const auto reader = c.reader();
  std::vector<std::uint64_t> seen;
  std::uint64_t after = 0;
  while (seen.size() < kWriters * kBatches) {
    for (const StoredParcel& p : reader->read(after, 50)) {
      REQUIRE(p.position == after + 1);
      after = p.position;
      if (p.flows > 0) seen.push_back(p.flows);
    }
  }
  for (std::thread& t : threads) t.join();
  std::sort(seen.begin(), seen.end());
  for (std::uint64_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == i + 1);
}
