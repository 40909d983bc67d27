// Single flows on their way to a store that is slow, away, or good.
#include "pipeline/flow_keeper.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>

#include "support/wait_until.hpp"

using namespace flowlensd;
using flowlens::test::wait_until;
using std::chrono::milliseconds;

namespace {

struct Script {
  std::atomic<int> failures_left{0};
  std::atomic<bool> is_stuck{false};
  std::atomic<bool> is_stale{false};
  std::mutex mutex;
  std::vector<std::size_t> batches;  ///< how many flows each had
  std::vector<std::uint64_t> numbers;
  std::uint64_t next_octets = 0;  ///< of the flow expected next
  bool is_in_order = true;
  std::atomic<int> expiries{0};

  std::size_t flows() {
    const std::lock_guard lock(mutex);
    std::size_t sum = 0;
    for (const std::size_t n : batches) sum += n;
    return sum;
  }
};

class ScriptedStore final : public FlowStore {
 public:
  explicit ScriptedStore(Script& script) : script_(script) {}
  void append(std::span<const FlowRecord> flows, std::uint64_t batch) override {
    if (script_.is_stale) throw StaleEpochError("epoch 2 was taken");
    while (script_.is_stuck) std::this_thread::sleep_for(milliseconds{1});
    if (script_.failures_left-- > 0) throw IoError("disk full");
    const std::lock_guard lock(script_.mutex);
    script_.batches.push_back(flows.size());
    script_.numbers.push_back(batch);
    for (const FlowRecord& f : flows) {
      if (f.octet_count < script_.next_octets) script_.is_in_order = false;
      script_.next_octets = f.octet_count + 1;
    }
  }
  bool expire(const FlowRetention&, Timestamp) override { return ++script_.expiries < 3; }
  std::uint64_t octets() override { return 4'711; }

 private:
  Script& script_;
};

/// Numbered by their octets.
std::vector<FlowRecord> flows(std::size_t count) {
  static std::uint64_t number = 0;
  std::vector<FlowRecord> made(count);
  for (FlowRecord& f : made) f.octet_count = number++;
  return made;
}

FlowKeeperOptions options() {
  FlowKeeperOptions o;
  o.max_rate = 0;
  o.queue = 1'000;
  o.batch_low = 10;
  o.batch_high = 100;
  o.batch_timeout = milliseconds{20};
  return o;
}

}  // namespace

TEST_CASE("flow keeper: all that is offered is written in order, also the last few") {
  Script script;
  FlowKeeper keeper{std::make_unique<ScriptedStore>(script), options()};
  keeper.start();
  for (int i = 0; i < 100; ++i) {
    keeper.offer(flows(7));
    REQUIRE(wait_until([&] { return keeper.view().waiting < 900; }));
  }
  REQUIRE(wait_until([&] { return script.flows() == 700; }));
  keeper.offer(flows(3));
  keeper.finish(milliseconds{10'000});
  CHECK(script.flows() == 703);
  CHECK(script.is_in_order);
  for (std::size_t i = 0; i < script.numbers.size(); ++i) CHECK(script.numbers[i] == i + 1);
  CHECK(keeper.view().kept == 703);
  CHECK(keeper.view().queue_full == 0);
  CHECK(keeper.view().lost == 0);
}

TEST_CASE(
    "flow keeper: a store that does not answer holds nobody up; what has no room is counted") {
  Script script;
  script.is_stuck = true;
  FlowKeeper keeper{std::make_unique<ScriptedStore>(script), options()};
  keeper.start();
  keeper.offer(flows(10));
  REQUIRE(wait_until([&] { return keeper.view().waiting == 0; }));  // they are being written
  for (int i = 0; i < 30; ++i) keeper.offer(flows(50));
  CHECK(keeper.view().waiting == 1'000);
  CHECK(keeper.view().queue_full == 500);
  script.is_stuck = false;
  keeper.finish(milliseconds{10'000});
  CHECK(script.flows() == 1'010);
  CHECK(script.is_in_order);
  // More at once while many wait, and fewer again.
  CHECK(script.batches[1] == 100);
  CHECK(script.batches.back() <= 10);
}

TEST_CASE("flow keeper: what failed is given again under the same number, before what came later") {
  Script script;
  script.failures_left = 2;
  FlowKeeper keeper{std::make_unique<ScriptedStore>(script), options()};
  keeper.start();
  keeper.offer(flows(10));
  REQUIRE(wait_until([&] { return keeper.view().failures > 0; }));
  CHECK(keeper.view().problem == "disk full");
  keeper.offer(flows(10));
  REQUIRE(wait_until([&] { return script.flows() == 20; }));
  keeper.finish(milliseconds{10'000});
  CHECK(script.is_in_order);
  CHECK(script.numbers == std::vector<std::uint64_t>{1, 2});
  CHECK(keeper.view().failures == 2);
  CHECK(keeper.view().problem.empty());
}

TEST_CASE("flow keeper: a store that is away at the end costs what waits, which is counted") {
  Script script;
  script.failures_left = 1'000'000;
  FlowKeeper keeper{std::make_unique<ScriptedStore>(script), options()};
  keeper.start();
  keeper.offer(flows(300));
  keeper.finish(milliseconds{50});
  CHECK(keeper.view().lost == 300);
  CHECK(keeper.view().kept == 0);
}

TEST_CASE("flow keeper: one whose epoch is over writes no more") {
  Script script;
  script.is_stale = true;
  FlowKeeper keeper{std::make_unique<ScriptedStore>(script), options()};
  keeper.start();
  keeper.offer(flows(10));
  REQUIRE(wait_until([&] { return keeper.view().failures == 1; }));
  keeper.finish(milliseconds{10'000});
  CHECK(keeper.view().lost == 10);
}

TEST_CASE("flow keeper: what is old is looked for, step by step") {
  Script script;
  FlowKeeper keeper{std::make_unique<ScriptedStore>(script), options()};
  keeper.start();
  REQUIRE(wait_until([&] { return keeper.view().octets == 4'711; }));
  keeper.finish(milliseconds{1});
  CHECK(script.expiries == 3);
}

TEST_CASE("flow rate: kept up to the rate, no more from a burst on, and again after calm") {
  using Clock = FlowRate::Clock;
  const auto at = [](int ms) { return Clock::time_point{milliseconds{1'000'000 + ms}}; };
  FlowRate rate{1'000};
  for (int ms = 0; ms < 5'000; ms += 100) CHECK(rate.allows(90, at(ms)));
  CHECK(rate.allows(0, at(5'100)));
  CHECK_FALSE(rate.allows(1'500, at(5'200)));  // before its second is over
  int closed_until = 0;
  for (int ms = 5'300; ms < 30'000; ms += 100) {
    if (!rate.allows(40, at(ms))) closed_until = ms;
  }
  CHECK(closed_until > 15'000);
  CHECK(closed_until < 18'000);
  // Between the half and the whole it stays as it is.
  CHECK_FALSE(rate.allows(5'000, at(30'000)));
  for (int ms = 30'100; ms < 60'000; ms += 100) CHECK_FALSE(rate.allows(70, at(ms)));
  FlowRate any{0};
  CHECK(any.allows(1'000'000'000, at(0)));
}
