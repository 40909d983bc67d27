/// \file
/// http: answers, in the process that writes the map, what others have let pass and sent here.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "flowlens/request_queue.hpp"
#include "http/router.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/map_writer.hpp"

namespace flowlensd {

struct RequestAnsweringCounters {
  std::uint64_t answered = 0;
  std::uint64_t unanswered = 0;  ///< done, but the database did not take the answer
};

/// One thread takes requests, as many as others have hands for; each is done once (see RequestTaker).
///
/// Thread-safe but for start() and stop().
class RequestAnswering {
 public:
  /// \param taker  to take by. \param answerer  to answer by: another connection.
  /// \param router  does what is asked. \param flush_soon  asks for a revision. References outlive this.
  RequestAnswering(std::unique_ptr<RequestTaker> taker, std::unique_ptr<RequestTaker> answerer,
                   const http::Router& router, const DependencyGraph& graph,
                   const MapSource& writer, std::function<void()> flush_soon, FatalHandler fatal);
  ~RequestAnswering();

  void start();
  /// What was taken is answered first.
  void stop();
  [[nodiscard]] RequestAnsweringCounters counters() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void take();
  void work();
  void answer(const QueuedRequest& request);
  [[nodiscard]] std::uint64_t revision_of_change(const GraphCounters& before) const;
  void send(std::uint64_t position, const QueuedAnswer& answer);

  const std::unique_ptr<RequestTaker> taker_;  ///< of the thread
  std::mutex answering_;                       ///< of answerer_
  const std::unique_ptr<RequestTaker> answerer_;
  const http::Router& router_;
  const DependencyGraph& graph_;
  const MapSource& writer_;
  const std::function<void()> flush_soon_;
  const FatalHandler fatal_;
  std::atomic<std::uint64_t> answered_{0}, unanswered_{0};

  std::mutex mutex_;  ///< of all down to the empty line
  std::condition_variable changed_;
  std::deque<QueuedRequest> waiting_;
  std::size_t busy_ = 0;  ///< of the hands
  bool is_ending_ = false;

  Clock::time_point last_request_{};  ///< of the thread
  std::vector<std::thread> hands_;
  std::thread thread_;
};

}  // namespace flowlensd
