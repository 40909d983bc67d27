// Sources of facts: what goes through the door, and what becomes of one that fails.
#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/error.hpp"
#include "lookups/lookup_runner.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;

namespace {

const Timestamp kNow = from_unix_ns(1'795'262'400'000'000'000);

Fact fact(unsigned host, std::string attribute, std::string value) {
  Fact f;
  f.subject.address = IpAddress::v4(0x0a000000 + host);
  f.attribute = std::move(attribute);
  f.value = std::move(value);
  f.source = FactSource::inventory;
  f.at = kNow;
  return f;
}

/// Says what it is told to say, or fails.
class Scripted final : public FactLister {
 public:
  struct Script {
    std::mutex mutex;
    std::vector<Fact> facts;
    std::string problem;
    std::atomic<int> asked{0};
    std::atomic<bool> hangs{false};
    std::atomic<std::chrono::milliseconds> takes{0ms};
  };
  Scripted(std::string origin, Script& script) : origin_(std::move(origin)), script_(script) {}
  [[nodiscard]] const std::string& origin() const noexcept override { return origin_; }
  [[nodiscard]] std::vector<Fact> list(Timestamp) override {
    while (script_.hangs) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(script_.takes.load());
    const std::lock_guard lock(script_.mutex);
    ++script_.asked;
    if (!script_.problem.empty()) throw IoError(script_.problem);
    return script_.facts;
  }

 private:
  const std::string origin_;
  Script& script_;
};

struct Fixture {
  DependencyGraph graph;
  FactDoor door{[this](std::span<const Fact> facts) { return graph.apply(facts); }, 1'000};
  Scripted::Script one, two;

  std::vector<LookupSource> sources(std::filesystem::path file = {}) {
    std::vector<LookupSource> all;
    all.push_back({"hosts", std::make_unique<Scripted>("hosts:one", one), 1h, std::move(file)});
    all.push_back({"hosts", std::make_unique<Scripted>("hosts:two", two), 1h});
    return all;
  }
};

template <typename Done>
bool wait_for(Done done) {
  for (int i = 0; i < 2'000 && !done(); ++i) std::this_thread::sleep_for(2ms);
  return done();
}

}  // namespace

TEST_CASE("door: only news go on, and what is said no more is taken back") {
  Fixture f;
  CHECK(f.door.replace("a", {fact(1, "name", "x"), fact(2, "name", "y")}, kNow).facts == 2);
  CHECK(f.graph.counters().facts == 2);
  const std::uint64_t said = f.graph.counters().said;
  CHECK(f.door.replace("a", {fact(1, "name", "x"), fact(2, "name", "y")}, kNow + 1s).refused == 0);
  CHECK(f.graph.counters().said == said);
  f.door.replace("b", {fact(1, "name", "z")}, kNow);
  CHECK(f.door.replace("a", {fact(2, "name", "y")}, kNow + 2s).facts == 1);
  const auto facts = f.graph.facts();
  REQUIRE(facts.size() == 2);
  CHECK(facts[0].facts.at(0).origin == "b");
  CHECK(facts[1].facts.at(0).origin == "a");
  CHECK(f.door.replace("a", {fact(3, "No", "y"), fact(4, "name", "n")}, kNow + 3s).refused == 1);
}

TEST_CASE("door: what the map does not take is counted") {
  DependencyGraphOptions options;
  options.max_facts = 3;
  DependencyGraph graph{options};
  FactDoor door{[&](std::span<const Fact> facts) { return graph.apply(facts); }, 1'000};
  std::vector<Fact> facts;
  for (unsigned host = 0; host < 10; ++host) facts.push_back(fact(host, "name", "x"));
  CHECK(door.replace("a", facts, kNow).refused == 7);
  CHECK(door.tell(std::span{facts}.last(2)).refused == 2);
}

TEST_CASE("door: after a restart, sources that nobody asks any more have nothing to say") {
  Fixture before;
  before.door.replace("hosts:one", {fact(1, "name", "x"), fact(2, "name", "y")}, kNow);
  before.door.replace("hosts:old", {fact(3, "name", "z")}, kNow);
  Fact by_people = fact(4, "name", "mine"), passing = fact(5, "name", "ptr");
  passing.origin = "dns";
  passing.expires = kNow + 1h;
  CHECK(before.graph.apply(std::vector{by_people, passing}) == 2);

  Fixture f;
  f.graph.apply(before.graph.copy());
  f.door.remember(f.graph.facts());
  f.door.forget_others({"hosts:one"}, kNow + 60s);
  std::vector<unsigned> left;
  for (const EndpointFacts& said : f.graph.facts()) {
    left.push_back(said.subject.address.octets()[15]);
  }
  CHECK(left == std::vector<unsigned>{1, 2, 4, 5});
  f.door.replace("hosts:one", {fact(2, "name", "y")}, kNow + 120s);
  CHECK(f.graph.counters().facts == 3);
}

TEST_CASE("runner: one that fails keeps what it said, says why, and comes back") {
  Fixture f;
  f.one.facts = {fact(1, "name", "x")};
  f.two.facts = {fact(2, "name", "y")};
  LookupRunner runner{f.sources(), f.door};
  for (const LookupStatus& s : runner.statuses()) CHECK(s.state() == std::string("waiting"));
  runner.ask_all();
  f.one.problem = "hosts: line 3: what is this";
  f.two.facts.clear();
  runner.ask_all();
  CHECK(f.graph.counters().facts == 1);
  auto all = runner.statuses();
  CHECK(all[0].state() == std::string("failing"));
  CHECK(all[0].last_error == "hosts: line 3: what is this");
  CHECK(all[0].facts == 1);
  CHECK(all[0].successes == 1);
  CHECK(all[0].failures == 1);
  CHECK(all[0].last_error_at.has_value());
  CHECK(all[0].last_success.has_value());
  CHECK(all[1].state() == std::string("ok"));
  CHECK(all[1].facts == 0);
  f.one.problem.clear();
  runner.ask_all();
  all = runner.statuses();
  CHECK(all[0].state() == std::string("ok"));
  CHECK(all[0].last_error.empty());
}

TEST_CASE("runner: a file that changes is read at once; one that hangs holds up no other") {
  const test::TemporaryFolder folder;
  const auto path = folder.path / "hosts";
  std::ofstream(path) << "1";
  Fixture f;
  f.one.facts = {fact(1, "name", "x")};
  f.two.hangs = true;
  LookupRunner runner{f.sources(path), f.door, {2, 5ms}};
  runner.start();
  CHECK(wait_for([&] { return f.one.asked == 1; }));
  std::ofstream(path, std::ios::app) << "22";
  CHECK(wait_for([&] { return f.one.asked == 2; }));
  CHECK(runner.statuses()[1].asked_since.has_value());
  CHECK(f.two.asked == 0);
  f.two.hangs = false;
  CHECK(wait_for([&] { return runner.statuses()[1].last_success.has_value(); }));
  runner.stop();
  CHECK(f.one.asked == 2);
}

TEST_CASE("runner: a source with news is asked at once, and rests after it") {
  Fixture f;
  f.one.facts = {fact(1, "name", "x")};
  std::atomic<bool> has_news{false};
  auto sources = f.sources();
  sources[0].has_news = [&] { return has_news.load(); };
  LookupRunner runner{std::move(sources), f.door, {2, 5ms}};
  runner.start();
  CHECK(wait_for([&] { return f.one.asked == 1; }));
  std::this_thread::sleep_for(50ms);
  CHECK(f.one.asked == 1);
  f.one.takes = 100ms;
  has_news = true;
  CHECK(wait_for([&] { return f.one.asked == 2; }));
  std::this_thread::sleep_for(400ms);
  CHECK(f.one.asked == 2);  // it rests for a second
  CHECK(wait_for([&] { return f.one.asked == 3; }));
  runner.stop();
}

TEST_CASE("runner: what of a list could not be used is told, once") {
  Fixture f;
  auto sources = f.sources();
  LookupRemarks remarks{3, 2, 0, {}};
  sources[0].remarks = [&] { return remarks; };
  LookupRunner runner{std::move(sources), f.door};
  runner.ask_all();
  CHECK(runner.statuses()[0].remarks.words() == "3 entries could not be read");
  remarks = {1, 0, 7, "hosts:3: is none"};
  runner.ask_all();
  CHECK(runner.statuses()[0].remarks.words() == "hosts:3: is none; 7 are past a limit");
  remarks = {0, 5, 0, {}};
  runner.ask_all();
  CHECK(runner.statuses()[0].remarks.words().empty());
  CHECK(runner.statuses()[0].remarks.passed_over == 5);
  CHECK(runner.statuses()[1].remarks.words().empty());
}
