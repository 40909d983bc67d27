/// \file
/// pipeline: work that is done from time to time, by a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "library.hpp"
#include "pipeline/fatal.hpp"

namespace flowlensd {

class Periodic {
 public:
  /// \param name  who failed, if `work` throws: then it is done no more.
  Periodic(std::string name, std::chrono::milliseconds interval,
           std::function<void(Timestamp now)> work, FatalHandler fatal);
  ~Periodic();

  /// Works at once, and then again after each interval.
  void start();
  /// Waits for the work at hand.
  void stop();

 private:
  void run();

  const std::string name_;
  const std::chrono::milliseconds interval_;
  const std::function<void(Timestamp)> work_;
  const FatalHandler fatal_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
