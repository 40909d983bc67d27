/// \file
/// http: requests that only the Resolver's process can answer, sent there by one that follows it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "flowlens/request_queue.hpp"
#include "http/message.hpp"
#include "library.hpp"

namespace flowlensd {

struct ForwardingOptions {
  std::size_t max_waiting = 16;                      ///< requests at once; each holds a thread
  std::size_t max_octets = 5u << 20;                 ///< of one; more than a body may have
  std::chrono::milliseconds until_taken{5'000};      ///< then it is withdrawn
  std::chrono::milliseconds until_answered{20'000};  ///< once it was taken
};

struct ForwardingCounters {
  std::uint64_t waiting = 0;  ///< now
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;    ///< for more than max_waiting, or too large
  std::uint64_t withdrawn = 0;  ///< nobody took them in time: not done
  std::uint64_t unknown = 0;    ///< taken, and then no answer: done or not
};

/// Waits for the answer, and until the copy here has what the request changed, so that whoever has changed
/// something sees it. A request is done once or not at all; where it is not known which, the answer says so.
///
/// Thread-safe but for start() and stop().
class Forwarding {
 public:
  using WaitForCopy = std::function<bool(std::uint64_t revision, std::chrono::milliseconds)>;

  /// \param sender  to send by. \param watcher  to look for answers by: another connection.
  Forwarding(std::unique_ptr<RequestSender> sender, std::unique_ptr<RequestSender> watcher,
             WaitForCopy wait_for_copy, const ForwardingOptions& options = {});
  ~Forwarding();

  void start();
  /// Whoever waits is told that it is not known.
  void stop();
  /// \throws http::Problem where there is no answer.
  http::Response forward(const http::Request& request);
  [[nodiscard]] ForwardingCounters counters() const;

 private:
  using Clock = std::chrono::steady_clock;
  class Place;

  void run();
  void look();
  std::uint64_t send(const std::string& octets);
  /// \return nothing by then, or once there is nobody who looks any more.
  std::optional<RequestFate> wait(std::uint64_t position, Clock::time_point until);
  [[nodiscard]] bool withdraw(std::uint64_t position);
  RequestFate fate_of(std::uint64_t position);
  void count(std::uint64_t ForwardingCounters::*counter);

  const ForwardingOptions options_;
  const WaitForCopy wait_for_copy_;

  std::mutex sending_;  ///< of sender_
  const std::unique_ptr<RequestSender> sender_;
  const std::unique_ptr<RequestSender> watcher_;  ///< of the thread

  mutable std::mutex mutex_;  ///< of the rest
  std::condition_variable changed_;
  std::map<std::uint64_t, std::optional<RequestFate>> waiting_;  ///< by position
  ForwardingCounters counters_;
  bool is_running_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
