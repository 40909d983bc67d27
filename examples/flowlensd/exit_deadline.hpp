/// \file
/// A limit to how long flowlensd takes to end, whatever it waits for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace flowlensd {

/// Ends the process with status 1, without any clean-up, unless it is destroyed within the limit: a database
/// that keeps its connection and never answers would hold a thread, and who joins it, for ever.
class ExitDeadline {
 public:
  explicit ExitDeadline(std::chrono::milliseconds limit);
  ~ExitDeadline();
  ExitDeadline(const ExitDeadline&) = delete;
  ExitDeadline& operator=(const ExitDeadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
