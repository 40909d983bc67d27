// What several processes share in one real PostgreSQL: revisions, requests, the lease.
// FLOWLENS_TEST_PGBOUNCER=1 puts a real PgBouncer in transaction mode between.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <pqxx/pqxx>
#include <thread>

#include "flowlens/request_queue.hpp"
#include "flowlens/resolver_lease.hpp"
#include "flowlens/revision_feed.hpp"
#include "store/postgres_server.hpp"
#include "unit/store/store_fixture.hpp"

using namespace flowlens;
using namespace flowlens::test;
using namespace std::chrono_literals;

namespace {

bool is_behind_pgbouncer() { return std::getenv("FLOWLENS_TEST_PGBOUNCER") != nullptr; }

/// An empty database with an opened store.
struct Shared {
  Shared() {
    static int number = 0;
    TestPostgres& server = TestPostgres::instance();
    const std::string name = "shared_" + std::to_string(number++);
    direct = options.connection = server.make_database(name);
    if (is_behind_pgbouncer()) options.connection = server.by_pgbouncer(name);
    open();
  }
  void open() {
    store = make_postgres_store(options);
    opened = store->open();
  }
  /// The next one, not applied. \param asset  that it brings.
  Revision make(std::uint32_t asset) {
    Revision r = revision(opened, ++last);
    r.assets = {asset_row(asset)};
    r.windows = {{at_second(0), dependency_id(1), counts(1)}};
    return r;
  }
  Revision apply(std::uint32_t asset) {
    Revision r = make(asset);
    store->apply(r);
    return r;
  }
  [[nodiscard]] std::int64_t count(const std::string& what) const {
    pqxx::connection c{direct};
    return pqxx::work{c}.exec("SELECT count(*) FROM " + what)[0][0].as<std::int64_t>();
  }
  void sql(const std::string& statement) const {
    pqxx::connection c{direct};
    pqxx::work tx{c};
    tx.exec(statement);
    tx.commit();
  }

  PostgresStoreOptions options;
  std::string direct;
  std::unique_ptr<Store> store;
  StoreOpened opened;
  std::uint64_t last = 0;
};

std::vector<std::uint64_t> numbers_of(const FeedPart& part) {
  std::vector<std::uint64_t> numbers;
  for (const Revision& r : part.revisions) numbers.push_back(r.number);
  return numbers;
}

FeedPosition position_of(const Revision& r) { return {r.number, r.epoch, r.at}; }

using Numbers = std::vector<std::uint64_t>;
using Kind = RequestFate::Kind;

std::vector<RequestFate> fates(RequestSender& sender, std::uint64_t position) {
  return sender.fates(std::span{&position, 1});
}

double seconds_of(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace

TEST_CASE("followers: a map is loaded, and each revision after it comes once and in order") {
  Shared shared;
  shared.apply(1);
  shared.apply(2);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  const FeedPosition at = feed->load(graph);
  CHECK(at.revision == 2);
  CHECK(at.epoch == shared.opened.epoch);
  CHECK(at.at == at_second(2));
  CHECK(graph.counters().assets == 2);
  CHECK(feed->next(at, 10).revisions.empty());
  shared.apply(3);
  shared.open();  // another term goes on with the numbers
  shared.apply(4);
  const Revision last = shared.apply(5);
  FeedPart part = feed->next(at, 2);
  CHECK(numbers_of(part) == Numbers{3, 4});
  CHECK(part.newest == 5);
  CHECK(!part.has_gap);
  CHECK(part.revisions[0].epoch < part.revisions[1].epoch);
  CHECK(part.revisions[0].assets.size() == 1);
  CHECK(part.revisions[0].windows.empty());
  part = feed->next(position_of(part.revisions[1]), 2);
  CHECK(numbers_of(part) == Numbers{5});
  CHECK(feed->next(position_of(last), 2).revisions.empty());
}

TEST_CASE("followers: revisions are kept only for those who follow") {
  Shared shared;
  shared.apply(1);
  const Revision second = shared.apply(2);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  const FeedPosition at = feed->load(graph);
  const FeedPart before = feed->next({1, shared.opened.epoch, at_second(1)}, 10);
  CHECK(before.has_gap);
  CHECK(before.revisions.empty());
  shared.apply(3);
  CHECK(numbers_of(feed->next(at, 10)) == Numbers{3});
  shared.sql("UPDATE flowlens_store.followers SET seen_at = now() - interval '16 minutes'");
  shared.apply(4);
  const FeedPart part = feed->next(at, 10);
  CHECK(numbers_of(part) == Numbers{3});
  CHECK(part.has_gap);
}

TEST_CASE("followers: old revisions and requests are removed") {
  Shared shared;
  shared.apply(1);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  const FeedPosition at = feed->load(graph);
  shared.apply(2);
  shared.apply(3);
  const auto sender = make_postgres_request_sender(shared.options);
  (void)sender->send("old");
  shared.sql(
      "UPDATE flowlens_store.revisions SET written_at = now() - interval '16 minutes' "
      "WHERE number = 2");
  shared.sql("UPDATE flowlens_store.facts SET made_at = now() - interval '16 minutes'");
  while (shared.store->expire({}, at_second(3))) {
  }
  CHECK(feed->next(at, 10).has_gap);
  CHECK(numbers_of(feed->next({2, shared.opened.epoch, at_second(2)}, 10)) == Numbers{3});
  CHECK(shared.count("flowlens_store.facts") == 0);
}

TEST_CASE("followers: at most a gibibyte is kept, the newest") {
  Shared shared;
  shared.apply(1);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  const FeedPosition at = feed->load(graph);
  for (std::uint32_t asset = 2; asset < 6; ++asset) shared.apply(asset);
  shared.sql("UPDATE flowlens_store.revisions SET octets = 500000000");
  while (shared.store->expire({}, at_second(5))) {
  }
  CHECK(feed->next(at, 10).has_gap);
  CHECK(numbers_of(feed->next({3, shared.opened.epoch, at_second(3)}, 10)) == Numbers{4, 5});
}

TEST_CASE("followers: a copy of another history is told so") {
  Shared shared;
  shared.apply(1);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  (void)feed->load(graph);
  const Revision second = shared.apply(2);
  CHECK(!feed->next(position_of(second), 10).has_gap);
  // The database was put back from a backup, and went on otherwise.
  CHECK(feed->next({2, shared.opened.epoch, at_second(99)}, 10).has_gap);
  CHECK(feed->next({2, Epoch{7}, at_second(2)}, 10).has_gap);
  CHECK(feed->next({3, shared.opened.epoch, at_second(3)}, 10).has_gap);
}

TEST_CASE("followers: what is announced comes before its rows, and once") {
  Shared shared;
  shared.apply(1);
  const auto announcer = make_postgres_revision_announcer(shared.options);
  announcer->announce(shared.make(2));  // for nobody
  CHECK(shared.count("flowlens_store.revisions") == 0);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  FeedPosition at = feed->load(graph);
  CHECK(at.revision == 1);

  shared.last = 1;
  const Revision second = shared.make(2);
  announcer->announce(second);
  CHECK(shared.count("flowlens_store.assets") == 1);
  FeedPart part = feed->next(at, 10);
  CHECK(numbers_of(part) == Numbers{2});
  CHECK(part.newest == 2);
  CHECK(part.revisions[0].assets.size() == 1);
  at = position_of(part.revisions[0]);
  shared.store->apply(second);
  CHECK(shared.count("flowlens_store.assets") == 2);
  CHECK(shared.count("flowlens_store.revisions") == 1);
  part = feed->next(at, 10);
  CHECK(!part.has_gap);
  CHECK(part.revisions.empty());
  shared.apply(3);  // not announced
  CHECK(numbers_of(feed->next(at, 10)) == Numbers{3});
}

TEST_CASE("followers: what was announced and never written is taken back") {
  Shared shared;
  shared.apply(1);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  FeedPosition at = feed->load(graph);
  const auto announcer = make_postgres_revision_announcer(shared.options);
  const Revision lost = shared.make(2);
  announcer->announce(lost);
  at = position_of(feed->next(at, 10).revisions.at(0));

  shared.open();  // the writer was killed before it came to it
  CHECK(feed->next(at, 10).has_gap);
  shared.last = 1;
  const Revision second = shared.apply(7);
  CHECK(feed->next(at, 10).has_gap);
  DependencyGraph anew;
  at = feed->load(anew);
  CHECK(at == position_of(second));
  CHECK(anew.counters().assets == 2);

  announcer->announce(lost);  // by one who does not know yet
  shared.sql(
      "INSERT INTO flowlens_store.revisions (number, epoch, revision_at, octets, body) "
      "SELECT 3, 1, revision_at, octets, body FROM flowlens_store.revisions WHERE number = 2");
  CHECK(feed->next(at, 10).revisions.empty());
  CHECK(!feed->next(at, 10).has_gap);
  const Revision third = shared.apply(8);
  const FeedPart part = feed->next(at, 10);
  CHECK(numbers_of(part) == Numbers{3});
  CHECK(part.revisions.at(0).epoch == third.epoch);
}

TEST_CASE("followers: a database without a map is refused, and says what is missing") {
  const std::string name = "shared_empty";
  PostgresStoreOptions options;
  options.connection = TestPostgres::instance().make_database(name);
  if (is_behind_pgbouncer()) options.connection = TestPostgres::instance().by_pgbouncer(name);
  const auto feed = make_postgres_revision_feed(options);
  DependencyGraph graph;
  check_says(error_of([&] { (void)feed->load(graph); }),
             {"schema version 0", "start the Resolver"});
}

TEST_CASE("followers: who waits is woken, or looks again by itself") {
  Shared shared;
  shared.apply(1);
  const auto feed = make_postgres_revision_feed(shared.options);
  DependencyGraph graph;
  const FeedPosition at = feed->load(graph);
  feed->wait(1ms);  // begins to listen
  std::thread writer([&] { shared.apply(2); });
  const double waited = seconds_of([&] { feed->wait(5s); });
  writer.join();
  if (!is_behind_pgbouncer()) CHECK(waited < 4);
  CHECK(numbers_of(feed->next(at, 10)) == Numbers{2});
}

TEST_CASE("requests: each is taken once, and answered with what it changed once that is kept") {
  Shared shared;
  const auto sender = make_postgres_request_sender(shared.options);
  const auto taker = make_postgres_request_taker(shared.options, shared.opened.epoch);
  const auto other = make_postgres_request_taker(shared.options, shared.opened.epoch);
  const std::string octets{"a\0\xff", 3};
  const std::uint64_t first = sender->send(octets), second = sender->send("b");
  CHECK(first < second);
  const auto taken = taker->take(1);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].position == first);
  CHECK(taken[0].body == octets);
  const auto rest = other->take(10);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].position == second);
  CHECK(taker->take(10).empty());
  CHECK(shared.count("flowlens_store.facts") == 0);  // there may have been a secret in it
  CHECK(fates(*sender, first).empty());
  taker->answer(first, {"head", octets, 0});
  REQUIRE(fates(*sender, first).size() == 1);
  CHECK(fates(*sender, first)[0].kind == Kind::answered);
  CHECK(fates(*sender, first)[0].answer.head == "head");
  CHECK(fates(*sender, first)[0].answer.body == octets);
  other->answer(second, {"head", "", 1});  // its revision is on its way to the store
  CHECK(fates(*sender, second).empty());
  shared.apply(1);
  REQUIRE(fates(*sender, second).size() == 1);
  CHECK(fates(*sender, second)[0].answer.revision == 1);
}

TEST_CASE(
    "requests: what a Resolver took and did not answer, or keep, is lost and never done again") {
  Shared shared;
  const auto sender = make_postgres_request_sender(shared.options);
  auto taker = make_postgres_request_taker(shared.options, shared.opened.epoch);
  const std::uint64_t unanswered = sender->send("a"), unkept = sender->send("b");
  REQUIRE(taker->take(10).size() == 2);
  taker->answer(unkept, {"head", "", 1});
  CHECK(fates(*sender, unkept).empty());
  const std::uint64_t waiting = sender->send("c");
  const auto old = std::move(taker);
  shared.open();
  for (const std::uint64_t position : {unanswered, unkept}) {
    REQUIRE(fates(*sender, position).size() == 1);
    CHECK(fates(*sender, position)[0].kind == Kind::lost);
  }
  CHECK_THROWS_AS((void)old->take(10), StaleEpochError);
  CHECK_THROWS_AS(old->answer(unanswered, {"head", "", 0}), StaleEpochError);
  taker = make_postgres_request_taker(shared.options, shared.opened.epoch);
  const auto taken = taker->take(10);
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].position == waiting);
}

TEST_CASE(
    "requests: one that was withdrawn, or is old, is not taken; one that was taken, not "
    "withdrawn") {
  Shared shared;
  const auto sender = make_postgres_request_sender(shared.options);
  const auto taker = make_postgres_request_taker(shared.options, shared.opened.epoch);
  CHECK(sender->withdraw(sender->send("a")));
  CHECK(taker->take(10).empty());
  const std::uint64_t taken = sender->send("b");
  CHECK(taker->take(10).size() == 1);
  CHECK(!sender->withdraw(taken));
  (void)sender->send("c");
  shared.sql("UPDATE flowlens_store.facts SET made_at = now() - interval '31 seconds'");
  CHECK(taker->take(10).empty());
}

TEST_CASE("requests: of many who take at once each request goes to one") {
  Shared shared;
  const auto sender = make_postgres_request_sender(shared.options);
  constexpr int kRequests = 40;
  for (int i = 0; i < kRequests; ++i) (void)sender->send(std::to_string(i));
  std::atomic<int> taken{0};
  std::vector<std::thread> takers;
  for (int i = 0; i < 4; ++i) {
    takers.emplace_back([&] {
      const auto taker = make_postgres_request_taker(shared.options, shared.opened.epoch);
      for (int turn = 0; turn < kRequests; ++turn) {
        taken += static_cast<int>(taker->take(3).size());
      }
    });
  }
  for (std::thread& t : takers) t.join();
  CHECK(taken == kRequests);
}

TEST_CASE("lease: one has it; whoever saw it before it was renewed does not get it") {
  const std::string name = "shared_lease";
  PostgresStoreOptions options;
  options.connection = TestPostgres::instance().make_database(name);
  if (is_behind_pgbouncer()) options.connection = TestPostgres::instance().by_pgbouncer(name);
  const auto a = make_postgres_resolver_lease(options), b = make_postgres_resolver_lease(options);
  const LeaseView free = b->look();
  CHECK(free.holder.empty());
  CHECK(a->take(free, "a"));
  CHECK(!b->take(free, "b"));
  const LeaseView taken = b->look();
  CHECK(taken.holder == "a");
  CHECK(a->renew());
  CHECK(!(b->look() == taken));
  CHECK(!b->take(taken, "b"));
  CHECK(b->take(b->look(), "b"));
  CHECK(!a->renew());
  CHECK(b->renew());
  a->release();  // not its own any more
  CHECK(b->look().holder == "b");
  b->release();
  CHECK(b->look().holder.empty());
  CHECK(a->take(a->look(), "a"));
}
