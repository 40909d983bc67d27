/// \file
/// tasks: what people ask for and do not wait for: scans, imports.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "library.hpp"

namespace flowlensd {

enum class TaskState : std::uint8_t { waiting, running, finished, cancelled, failed };
[[nodiscard]] std::string_view to_string(TaskState s) noexcept;

struct Task {
  Id id;
  std::string kind;  ///< `scan`, `import`
  std::string by;
  TaskState state = TaskState::waiting;
  Timestamp ordered_at;
  std::optional<Timestamp> begun_at;
  std::optional<Timestamp> ended_at;
  std::uint64_t total = 0;  ///< steps
  std::uint64_t done = 0;
  std::string problem;  ///< why it failed
  std::string result;   ///< a JSON object; empty: there is none
};

/// What the work sees of its task. Thread-safe.
class TaskRun {
 public:
  explicit TaskRun(std::function<void(const std::function<void(Task&)>&)> change)
      : change_(std::move(change)) {}

  /// Set once somebody wants it to end early.
  [[nodiscard]] const std::atomic<bool>& is_cancelled() const noexcept { return is_cancelled_; }
  void cancel() noexcept { is_cancelled_ = true; }
  void step(std::uint64_t steps = 1) {
    change_([&](Task& task) { task.done += steps; });
  }
  void set_result(std::string json) {
    change_([&](Task& task) { task.result = std::move(json); });
  }

 private:
  std::function<void(const std::function<void(Task&)>&)> change_;
  std::atomic<bool> is_cancelled_{false};
};

struct TaskOrder {
  std::string kind;
  std::string by;
  std::uint64_t total = 0;
  std::size_t most_waiting = 16;  ///< of this kind
  /// Called on a thread of the tasks. What it throws is the problem of one that failed.
  std::function<void(TaskRun&)> work;
};

/// Carries out tasks, those of a kind one after another, and keeps the latest, in memory. Thread-safe.
class Tasks {
 public:
  Tasks();
  ~Tasks();
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  /// \return nothing if too many wait already.
  std::optional<Task> add(TaskOrder order);
  [[nodiscard]] std::vector<Task> all() const;  ///< the newest first
  [[nodiscard]] std::optional<Task> find(const Id& id) const;
  /// \return false for one that is not there, or over.
  bool cancel(const Id& id);
  /// Ends those that run, and starts no more.
  void stop();

 private:
  static constexpr std::size_t kMostKept = 100;
  static constexpr std::size_t kThreads = 2;

  struct Entry {
    Task task;
    std::function<void(TaskRun&)> work;
    std::shared_ptr<TaskRun> run;  ///< while it runs; shared with its thread
  };

  void run();
  [[nodiscard]] Entry* next();
  void carry_out(const Id& id, TaskRun& run, const std::function<void(TaskRun&)>& work);
  void change(const Id& id, const std::function<void(Task&)>& change);
  void forget_oldest();

  mutable std::mutex mutex_;
  std::condition_variable has_news_;
  std::deque<Entry> entries_;  ///< the oldest first
  std::uint64_t count_ = 0;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace flowlensd
