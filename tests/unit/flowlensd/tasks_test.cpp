// Tasks: one of a kind at a time, cancelled ones end, the latest are kept.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "tasks/tasks.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;

namespace {

TaskOrder order(std::string kind, std::function<void(TaskRun&)> work) {
  TaskOrder o;
  o.kind = std::move(kind);
  o.total = 10;
  o.most_waiting = 3;
  o.work = std::move(work);
  return o;
}

Task ended(const Tasks& tasks, const Id& id) {
  for (int i = 0; i < 500; ++i) {
    const auto task = tasks.find(id);
    if (task && task->ended_at) return *task;
    std::this_thread::sleep_for(10ms);
  }
  FAIL("the task does not end");
  return {};
}

void wait_until_cancelled(TaskRun& run) {
  while (!run.is_cancelled()) std::this_thread::sleep_for(1ms);
}

}  // namespace

TEST_CASE("tasks: tell how far they are, what came of them, and why not") {
  Tasks tasks;
  const auto good = tasks.add(order("a", [](TaskRun& run) {
    run.step(4);
    run.step();
    run.set_result("{}");
  }));
  const auto bad = tasks.add(order("a", [](TaskRun&) { throw std::runtime_error("no paper"); }));
  REQUIRE(good.has_value());
  REQUIRE(bad.has_value());
  const Task first = ended(tasks, good->id), second = ended(tasks, bad->id);
  CHECK(first.state == TaskState::finished);
  CHECK(first.done == 5);
  CHECK(first.result == "{}");
  CHECK(second.state == TaskState::failed);
  CHECK(second.problem == "no paper");
  CHECK(tasks.all()[0].id == bad->id);
  CHECK_FALSE(tasks.cancel(good->id));
  CHECK_FALSE(tasks.cancel(Id{}));
}

TEST_CASE("tasks: those of a kind run one after another, others beside them") {
  Tasks tasks;
  std::atomic<int> at_once{0}, most{0};
  const auto slow = [&](TaskRun&) {
    most = std::max(most.load(), ++at_once);
    std::this_thread::sleep_for(20ms);
    --at_once;
  };
  Id last;
  for (int i = 0; i < 3; ++i) last = tasks.add(order("a", slow))->id;
  const auto other = tasks.add(order("b", [](TaskRun&) {}));
  const Task b = ended(tasks, other->id), a = ended(tasks, last);
  CHECK(most == 1);
  CHECK(*b.ended_at < *a.ended_at);
}

TEST_CASE("tasks: cancelled while they run and while they wait; too many are refused") {
  Tasks tasks;
  const auto running = tasks.add(order("a", wait_until_cancelled));
  for (int i = 0; i < 500 && tasks.find(running->id)->state != TaskState::running; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  std::atomic<bool> has_run{false};
  std::vector<Id> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(tasks.add(order("a", [&](TaskRun&) { has_run = true; }))->id);
  }
  CHECK_FALSE(tasks.add(order("a", [](TaskRun&) {})));
  CHECK(tasks.add(order("b", [](TaskRun&) {})));
  for (const Id& id : waiting) CHECK(tasks.cancel(id));
  CHECK(tasks.find(waiting[0])->state == TaskState::cancelled);
  CHECK(tasks.cancel(running->id));
  CHECK(ended(tasks, running->id).state == TaskState::cancelled);
  tasks.stop();
  CHECK_FALSE(has_run);
  CHECK_FALSE(tasks.add(order("a", [](TaskRun&) {})));
}

TEST_CASE("tasks: only the latest are kept, and none that is not over goes") {
  Tasks tasks;
  const auto running = tasks.add(order("a", wait_until_cancelled));
  Id last;
  for (int i = 0; i < 150; ++i) {
    const auto added = tasks.add(order("b", [](TaskRun&) {}));
    REQUIRE(added.has_value());
    last = ended(tasks, added->id).id;
  }
  CHECK(tasks.all().size() == 100);
  CHECK(tasks.find(running->id));
  CHECK(tasks.find(last));
  CHECK(tasks.cancel(running->id));
}
