/// \file
/// pipeline: single flows on their way to the store, as many as it can take.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "flowlens/flow_store.hpp"
#include "library.hpp"
#include "pipeline/flow_queue.hpp"

namespace flowlensd {

/// Whether flows are few enough to be kept one by one. Thread-compatible.
class FlowRate {
 public:
  using Clock = std::chrono::steady_clock;
  /// \param most  flows a second; 0: however many come.
  explicit FlowRate(std::uint64_t most) : most_(static_cast<double>(most)) {}

  /// From a second with more than `most` on until ten seconds in a row have had less than half of it.
  /// \return whether these are to be kept.
  bool allows(std::uint64_t flows, Clock::time_point now) noexcept;

 private:
  double most_;
  Clock::time_point since_{};
  std::uint64_t count_ = 0;
  double calm_seconds_ = 0;
  bool is_open_ = true;
};

struct FlowKeeperOptions {
  std::uint64_t max_rate = 10'000;  ///< flows a second, see FlowRate
  std::size_t queue = 100'000;      ///< flows that may wait
  std::size_t batch_low = 1'000;    ///< written at once while few wait
  std::size_t batch_high = 10'000;  ///< and while the queue is nearly full
  std::chrono::milliseconds batch_timeout{1'000};
  FlowRetention retention;
};

struct FlowKeeperView {
  std::uint64_t kept = 0;
  std::uint64_t over_rate = 0;   ///< not kept, as too many came
  std::uint64_t queue_full = 0;  ///< not kept, as the store was too slow
  std::uint64_t lost = 0;        ///< not kept, as the store was away at the end
  std::uint64_t failures = 0;    ///< attempts to write
  std::size_t waiting = 0;       ///< flows
  std::uint64_t octets = 0;      ///< in the store, as of the last minute
  bool is_paused = false;        ///< too many come
  std::string problem;           ///< empty: the last attempt was good
};

/// Collects flows and writes them from a thread of its own. What does not fit is counted; whoever brings
/// flows never waits for the store.
///
/// Thread-safe; one thread calls offer().
class FlowKeeper {
 public:
  FlowKeeper(std::unique_ptr<FlowStore> store, const FlowKeeperOptions& options);
  ~FlowKeeper();

  void start();
  void offer(const std::vector<FlowRecord>& flows);
  /// Writes what waits, if the store takes it within about `grace`, and ends the thread.
  void finish(std::chrono::milliseconds grace);

  [[nodiscard]] FlowKeeperView view() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  [[nodiscard]] std::size_t batch_size() const noexcept;
  bool write_batch();
  void write_until_good();
  bool pause(std::chrono::milliseconds length);
  void expire();
  void note(const std::string& problem);

  const std::unique_ptr<FlowStore> store_;
  const FlowKeeperOptions options_;
  FlowRate rate_;  ///< of offer()

  // Of the thread.
  std::vector<FlowRecord> batch_;
  std::uint64_t batch_number_ = 1;
  bool is_stale_ = false;
  Clock::time_point next_expiry_{};
  std::minstd_rand dice_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FlowQueue queue_;
  FlowKeeperView view_;
  bool is_finishing_ = false;
  Clock::time_point give_up_at_{};
  std::thread thread_;
};

}  // namespace flowlensd
