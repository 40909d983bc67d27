/// \file
/// notify: what waits to be told to one receiver, and goes there in order. A thread of its own delivers;
/// whoever hands something over never waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace flowlensd {

/// What came of one attempt.
struct Delivery {
  std::string problem;      ///< empty: it was taken
  bool is_refused = false;  ///< to try this one again is of no use
};

struct OutboxOptions {
  std::size_t max_waiting = 1'000;  ///< past it the oldest goes
  std::chrono::milliseconds first_pause{
      1'000};  ///< after a failure; doubled after each further one,
  std::chrono::milliseconds longest_pause{60'000};  ///< up to this
  std::chrono::milliseconds give_up_after{3'600'000};
  std::chrono::milliseconds grace{2'000};  ///< for what still waits at the end
};

struct OutboxView {
  std::uint64_t waiting = 0;
  std::uint64_t delivered = 0;
  std::uint64_t failures = 0;  ///< attempts
  std::uint64_t crowded_out = 0;
  std::uint64_t refused = 0;
  std::uint64_t given_up = 0;   ///< too old
  std::uint64_t abandoned = 0;  ///< at the end
  std::string problem;          ///< of the last attempt; empty: it was good, or there was none
};

/// Thread-safe.
class Outbox {
 public:
  using Deliver = std::function<Delivery(const std::string& text)>;

  /// \param name  for the log. \param deliver  called by one thread; what it throws is a problem.
  Outbox(std::string name, Deliver deliver, const OutboxOptions& options = {});
  ~Outbox();

  void push(std::string text);
  /// Delivers what waits as long as that goes well and `grace` lasts; the rest is counted.
  void stop();
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] OutboxView view() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    std::string text;
    Clock::time_point since;
  };

  void run();
  bool deliver_first(std::unique_lock<std::mutex>& lock);
  Delivery attempt(const std::string& text) const noexcept;
  void note(const Delivery& delivery);
  void end();

  const std::string name_;
  const Deliver deliver_;
  const OutboxOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  OutboxView view_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
