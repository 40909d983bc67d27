#include "tasks/tasks.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "log.hpp"

namespace flowlensd {
namespace {

Timestamp now() { return std::chrono::system_clock::now(); }

bool is_over(TaskState s) noexcept { return s != TaskState::waiting && s != TaskState::running; }

}  // namespace

std::string_view to_string(TaskState s) noexcept {
  constexpr std::string_view kNames[] = {"waiting", "running", "finished", "cancelled", "failed"};
  return kNames[static_cast<std::size_t>(s)];
}

Tasks::Tasks() {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

Tasks::~Tasks() { stop(); }

void Tasks::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (const Entry& e : entries_) {
      if (e.run) e.run->cancel();
    }
  }
  has_news_.notify_all();
  for (std::thread& t : threads_) t.join();
  threads_.clear();
}

std::optional<Task> Tasks::add(TaskOrder order) {
  Entry entry;
  entry.task.kind = std::move(order.kind);
  entry.task.by = std::move(order.by);
  entry.task.total = order.total;
  entry.task.ordered_at = now();
  entry.work = std::move(order.work);
  const std::lock_guard lock(mutex_);
  const auto waiting = std::count_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return e.task.state == TaskState::waiting && e.task.kind == entry.task.kind;
  });
  if (is_stopping_ || static_cast<std::size_t>(waiting) >= order.most_waiting) return std::nullopt;
  const std::string text =
      std::to_string(to_unix_ns(entry.task.ordered_at)) + "/" + std::to_string(count_++);
  entry.task.id = derive_id(Id{}, entry.task.kind + "/" + text);
  Task made = entry.task;
  entries_.push_back(std::move(entry));
  forget_oldest();
  has_news_.notify_all();
  return made;
}

/// Those that are not over are few, and stay.
void Tasks::forget_oldest() {
  if (entries_.size() <= kMostKept) return;
  const auto oldest = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& e) { return is_over(e.task.state); });
  if (oldest != entries_.end()) entries_.erase(oldest);
}

std::vector<Task> Tasks::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Task> all;
  for (auto e = entries_.rbegin(); e != entries_.rend(); ++e) all.push_back(e->task);
  return all;
}

std::optional<Task> Tasks::find(const Id& id) const {
  const std::lock_guard lock(mutex_);
  for (const Entry& e : entries_) {
    if (e.task.id == id) return e.task;
  }
  return std::nullopt;
}

bool Tasks::cancel(const Id& id) {
  const std::lock_guard lock(mutex_);
  for (Entry& e : entries_) {
    if (e.task.id != id || is_over(e.task.state)) continue;
    if (e.run) {
      e.run->cancel();  // its thread says the rest
    } else {
      e.task.state = TaskState::cancelled;
      e.task.ended_at = now();
      e.work = {};
    }
    return true;
  }
  return false;
}

void Tasks::change(const Id& id, const std::function<void(Task&)>& change) {
  const std::lock_guard lock(mutex_);
  for (Entry& e : entries_) {
    if (e.task.id == id) change(e.task);
  }
}

/// The oldest that waits and whose kind does not run. \return null: none.
Tasks::Entry* Tasks::next() {
  for (Entry& e : entries_) {
    if (e.task.state != TaskState::waiting) continue;
    const bool is_busy = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& other) {
      return other.run && other.task.kind == e.task.kind;
    });
    if (!is_busy) return &e;
  }
  return nullptr;
}

void Tasks::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    Entry* entry = next();
    if (entry == nullptr) {
      has_news_.wait(lock);
      continue;
    }
    const Id id = entry->task.id;
    const auto work = std::exchange(entry->work, {});
    const auto run = std::make_shared<TaskRun>(
        [this, id](const std::function<void(Task&)>& how) { change(id, how); });
    entry->run = run;
    entry->task.state = TaskState::running;
    entry->task.begun_at = now();
    lock.unlock();
    carry_out(id, *run, work);
    lock.lock();
    for (Entry& e : entries_) {
      if (e.task.id == id) e.run.reset();
    }
    has_news_.notify_all();  // the other thread may have passed over one of this kind
  }
}

void Tasks::carry_out(const Id& id, TaskRun& run, const std::function<void(TaskRun&)>& work) {
  std::string problem;
  try {
    work(run);
  } catch (const std::exception& e) {
    problem = e.what();
  }
  change(id, [&](Task& task) {
    task.problem = problem;
    task.state = !problem.empty()     ? TaskState::failed
                 : run.is_cancelled() ? TaskState::cancelled
                                      : TaskState::finished;
    task.ended_at = now();
    log::info(
        "tasks", "a task is over",
        {{"kind", task.kind}, {"state", std::string(to_string(task.state))}, {"done", task.done}});
  });
}

}  // namespace flowlensd
