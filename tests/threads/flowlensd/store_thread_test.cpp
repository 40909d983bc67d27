#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/store_thread.hpp"
#include "support/temporary_folder.hpp"
#include "support/wait_until.hpp"

using namespace flowlensd;
using flowlens::test::wait_until;
using std::chrono::milliseconds;

namespace {

/// What the store was asked, and how it should answer.
struct Script {
  std::atomic<int> failures_left{0};
  std::atomic<bool> is_stale{false};
  std::atomic<bool> is_stuck{false};  ///< apply() does not come back
  std::mutex mutex;
  std::vector<std::uint64_t> applied;
  struct Expiry {
    std::size_t after = 0;  ///< revisions
    std::chrono::days windows{};
    Timestamp now;
  };
  std::vector<Expiry> expired;
  std::atomic<bool> is_expiry_broken{false};
};

class ScriptedStore final : public Store {
 public:
  explicit ScriptedStore(Script& script) : script_(script) {}
  StoreOpened open() override { return {Epoch{1}, 0, {}}; }
  StoreOpened resume(Epoch epoch) override { return {epoch, 0, {}}; }
  void load(DependencyGraph&) override {}
  void apply(const Revision& revision) override {
    if (script_.is_stale) throw StaleEpochError("epoch 2 was taken");
    while (script_.is_stuck) std::this_thread::sleep_for(milliseconds{1});
    if (script_.failures_left-- > 0) throw IoError("disk full");
    const std::lock_guard lock(script_.mutex);
    script_.applied.push_back(revision.number);
  }
  void scan(const WindowScan&, const std::function<bool(const WindowRow&)>&) override {}
  bool expire(const Retention& retention, Timestamp now) override {
    const std::lock_guard lock(script_.mutex);
    script_.expired.push_back({script_.applied.size(), retention.windows, now});
    if (script_.is_expiry_broken) throw IoError("no room to add up");
    return script_.expired.size() < 3;
  }
  FlowLedger ledger() override { return {}; }

 private:
  Script& script_;
};

Revision revision(std::uint64_t number) {
  Revision r;
  r.number = number;
  return r;
}

std::shared_ptr<const Revision> shared(Revision r) {
  return std::make_shared<const Revision>(std::move(r));
}

std::unique_ptr<Spool> spool_in(const flowlens::test::TemporaryFolder& folder) {
  SpoolOptions o;
  o.folder = folder.path / "spool";
  return std::make_unique<Spool>(o, SiteTable{});
}

}  // namespace

TEST_CASE("store thread: a failure is tried again until it is good, in order") {
  Script script;
  script.failures_left = 3;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {});
  thread.start();
  thread.submit(shared(revision(1)));
  thread.submit(shared(revision(2)));
  CHECK(thread.wait_for_room(milliseconds{10'000}));
  CHECK(thread.finish(milliseconds{10'000}));
  CHECK(script.applied == std::vector<std::uint64_t>{1, 2});
  const StoreView view = thread.view();
  CHECK(view.failures == 3);
  CHECK(view.problem.empty());
  CHECK(view.applied_revision == 2);
}

TEST_CASE("store thread: a full one has no room, so that the flush waits and not the channel") {
  Script script;
  script.failures_left = 1'000'000;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {});
  thread.start();
  thread.submit(shared(revision(1)));
  thread.submit(shared(revision(2)));
  CHECK_FALSE(thread.has_room());
  CHECK_FALSE(thread.wait_for_room(milliseconds{1}));
  CHECK_FALSE(thread.finish(milliseconds{1}));
  CHECK(thread.view().waiting == 2);
  CHECK(thread.view().problem == "disk full");
}

TEST_CASE("store thread: a store that does not answer is seen") {
  Script script;
  script.is_stuck = true;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {});
  thread.start();
  CHECK(thread.view().writing_seconds == 0);
  thread.submit(shared(revision(1)));
  double first = 0;
  while ((first = thread.view().writing_seconds) == 0) std::this_thread::yield();
  while (thread.view().writing_seconds <= first) std::this_thread::yield();
  script.is_stuck = false;
  CHECK(thread.finish(milliseconds{10'000}));
  CHECK(thread.view().writing_seconds == 0);
}

TEST_CASE("store thread: what is old goes step by step once no revision waits") {
  Script script;
  Retention retention;
  retention.windows = std::chrono::days{7};
  StoreThread thread(std::make_unique<ScriptedStore>(script), retention, {}, {});
  Revision second = revision(2);
  second.at = Timestamp{std::chrono::hours{5}};
  thread.submit(shared(revision(1)));
  thread.submit(shared(std::move(second)));
  thread.start();
  const auto steps = [&] {
    const std::lock_guard lock(script.mutex);
    return script.expired.size();
  };
  while (steps() < 3) std::this_thread::yield();
  CHECK(thread.finish(milliseconds{10'000}));
  REQUIRE(script.expired.size() == 3);  // not again within the minute
  CHECK(script.expired[0].after == 2);
  CHECK(script.expired[0].windows == std::chrono::days{7});
  CHECK(script.expired[0].now == Timestamp{std::chrono::hours{5}});
}

TEST_CASE("store thread: traffic of the future makes nothing old") {
  Script script;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {});
  Revision ahead = revision(1);
  ahead.at = Timestamp{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
  thread.submit(shared(std::move(ahead)));
  thread.start();
  const auto looks = [&] {
    const std::lock_guard lock(script.mutex);
    return script.expired.size();
  };
  while (looks() == 0) std::this_thread::yield();
  CHECK(thread.finish(milliseconds{10'000}));
  CHECK(script.expired[0].now <= std::chrono::system_clock::now());
}

TEST_CASE("store thread: a store that cannot remove what is old is seen, and goes on writing") {
  Script script;
  script.is_expiry_broken = true;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {});
  thread.start();
  thread.submit(shared(revision(1)));
  while (thread.view().expiry_problem.empty()) std::this_thread::yield();
  CHECK(thread.view().expiry_problem == "no room to add up");
  CHECK(thread.view().problem.empty());
  thread.submit(shared(revision(2)));
  CHECK(thread.finish(milliseconds{10'000}));
  CHECK(script.applied == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("store thread: one whose epoch is over stops, and says so") {
  Script script;
  script.is_stale = true;
  std::atomic<int> calls{0};
  std::mutex mutex;
  std::string why;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {},
                     [&](const std::string& text) {
                       const std::lock_guard lock(mutex);
                       why = text;
                       ++calls;
                     },
                     {});
  thread.start();
  thread.submit(shared(revision(1)));
  CHECK_FALSE(thread.finish(milliseconds{10'000}));
  CHECK(calls == 1);
  CHECK(why.find("another flowlensd has taken over this store") != std::string::npos);
  CHECK(script.applied.empty());
}

TEST_CASE("store thread: while the store fails all go to disk, and from there to it in order") {
  const flowlens::test::TemporaryFolder folder;
  Script script;
  script.failures_left = 1'000'000;
  StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {}, spool_in(folder));
  thread.start();
  thread.submit(shared(revision(1)));
  REQUIRE(wait_until([&] { return thread.view().spool.revisions == 1; }));
  for (std::uint64_t n = 2; n <= 20; ++n) {
    CHECK(thread.has_room());
    thread.submit(shared(revision(n)));
  }
  CHECK(thread.view().spool.revisions == 20);
  CHECK(thread.view().waiting == 20);
  script.failures_left = 0;
  REQUIRE(wait_until([&] { return thread.view().waiting == 0; }));
  thread.submit(shared(revision(21)));
  CHECK(thread.finish(milliseconds{10'000}));
  REQUIRE(script.applied.size() == 21);
  for (std::size_t i = 0; i < 21; ++i) CHECK(script.applied[i] == i + 1);
  CHECK(spool_in(folder)->empty());
}

TEST_CASE(
    "store thread: it ends at once when all that waits is on disk, and the next one finds it") {
  const flowlens::test::TemporaryFolder folder;
  Script script;
  script.failures_left = 1'000'000;
  {
    StoreThread thread(std::make_unique<ScriptedStore>(script), {}, {}, {}, spool_in(folder));
    thread.start();
    thread.submit(shared(revision(1)));
    REQUIRE(wait_until([&] { return thread.view().spool.revisions == 1; }));
    thread.submit(shared(revision(2)));
    CHECK(thread.finish(std::chrono::hours{1}));
    CHECK(thread.view().waiting == 2);
  }
  CHECK(script.applied.empty());
  CHECK(spool_in(folder)->size() == 2);
}
