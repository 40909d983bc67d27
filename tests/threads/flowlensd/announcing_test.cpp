// Revisions go to followers in order; what fails, or comes too fast, is left to the store.
#include "pipeline/announcing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/error.hpp"
#include "support/wait_until.hpp"

using namespace flowlens;
using namespace flowlensd;
using flowlens::test::wait_until;

namespace {

std::shared_ptr<const Revision> revision(std::uint64_t number) {
  Revision r;
  r.number = number;
  return std::make_shared<const Revision>(std::move(r));
}

/// What the announcer has been given, and whether it answers.
struct Database {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::uint64_t> announced;
  bool is_silent = false;
  bool is_away = false;

  void set_silent(bool is) {
    {
      const std::lock_guard lock(mutex);
      is_silent = is;
    }
    changed.notify_all();
  }
  std::vector<std::uint64_t> numbers() {
    const std::lock_guard lock(mutex);
    return announced;
  }
};

class ToDatabase final : public RevisionAnnouncer {
 public:
  explicit ToDatabase(Database& database) : database_(database) {}
  void announce(const Revision& r) override {
    std::unique_lock lock(database_.mutex);
    database_.announced.push_back(r.number);
    database_.changed.wait(lock, [&] { return !database_.is_silent; });
    if (database_.is_away) throw IoError("the database is away");
  }

 private:
  Database& database_;
};

struct Fixture {
  Database database;
  std::string failure;
  Announcing announcing{std::make_unique<ToDatabase>(database),
                        [this](const std::string& why) { failure = why; }};
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("announcing: each once, in order") {
  Fixture f;
  f.announcing.start();
  for (std::uint64_t n = 1; n <= 20; ++n) {
    f.announcing.offer(revision(n));
    REQUIRE(wait_until([&] { return f.announcing.view().announced == n; }));
  }
  CHECK(f.database.numbers().size() == 20);
  CHECK(std::is_sorted(f.database.announced.begin(), f.database.announced.end()));
  CHECK(f.announcing.view().passed_over == 0);
}

TEST_CASE("announcing: a database that is silent holds nobody; the oldest are passed over") {
  Fixture f;
  f.database.is_silent = true;
  f.announcing.start();
  f.announcing.offer(revision(1));
  REQUIRE(wait_until([&] { return f.database.numbers() == Numbers{1}; }));
  for (std::uint64_t n = 2; n <= 8; ++n) f.announcing.offer(revision(n));
  CHECK(f.announcing.view().passed_over == 3);
  f.database.set_silent(false);
  REQUIRE(wait_until([&] { return f.announcing.view().announced == 5; }));
  CHECK(f.database.numbers() == Numbers{1, 5, 6, 7, 8});
}

TEST_CASE("announcing: failures are counted and told, and the next one is tried") {
  Fixture f;
  f.database.is_away = true;
  f.announcing.start();
  f.announcing.offer(revision(1));
  REQUIRE(wait_until([&] { return f.announcing.view().passed_over == 1; }));
  CHECK(f.announcing.view().problem == "the database is away");
  {
    const std::lock_guard lock(f.database.mutex);
    f.database.is_away = false;
  }
  f.announcing.offer(revision(2));
  REQUIRE(wait_until([&] { return f.announcing.view().announced == 1; }));
  CHECK(f.announcing.view().problem.empty());
  CHECK(f.failure.empty());
}
