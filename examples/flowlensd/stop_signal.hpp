/// \file
/// How the daemon hears that it should stop (SIGTERM, SIGINT, or a part that failed) or read its settings
/// again (SIGHUP).
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

namespace flowlensd {

/// Make one before any thread, so that all threads inherit the blocked signals.
class StopSignal {
 public:
  StopSignal();  ///< \throws flowlens::IoError
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Thread-safe; the first reason stays.
  void fail(const std::string& why);

  /// \return true once the daemon should stop; false after `timeout`.
  bool wait(std::chrono::milliseconds timeout);
  /// Set as soon as wait() would return true; for loops that cannot wait.
  [[nodiscard]] const std::atomic<bool>& flag() const noexcept { return is_set_; }
  /// Whether there was a SIGHUP since this was asked last. \return true once for each.
  [[nodiscard]] bool take_reload() noexcept { return reload_.exchange(false); }
  [[nodiscard]] std::string failure() const;  ///< empty: none

 private:
  int signals_ = -1;
  int event_ = -1;
  std::atomic<bool> is_set_{false};
  std::atomic<bool> reload_{false};
  mutable std::mutex mutex_;
  std::string failure_;
};

}  // namespace flowlensd
