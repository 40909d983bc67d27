/// \file
/// pipeline: the channel between the receive workers and the Resolver thread, measured in flows.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// What a worker hands on at once.
struct FlowParcel {
  FlowBatch batch;
  std::uint64_t sampled_out = 0;  ///< flows left out under pressure since the parcel before
  Timestamp first_received;       ///< of the oldest flow in it
  // Of a channel in a database only.
  std::uint64_t position = 0;  ///< all up to here came before it or with it; 0: says nothing
  std::optional<Timestamp>
      as_of;  ///< what the time is for the Resolver; nothing: what the clock says

  [[nodiscard]] bool empty() const noexcept { return size() == 0 && sampled_out == 0; }
  /// Flows, and events that come without one.
  [[nodiscard]] std::size_t size() const noexcept {
    return batch.flows.size() + batch.nat_events.size();
  }
  void clear() noexcept;  ///< keeps the memory
};

/// Bounded: never holds more than `max_flows`, but for one parcel that alone is larger.
///
/// Thread-safe: any number of pushers, one popper.
class FlowChannel {
 public:
  explicit FlowChannel(std::size_t max_flows) : max_flows_(max_flows) {}

  /// Takes the parcel and leaves an empty one with memory to reuse.
  /// \return false if there is no room; the parcel is untouched then.
  bool try_push(FlowParcel& parcel);
  /// As try_push(), but waits for room, or for close().
  void push(FlowParcel& parcel);

  /// Waits until fewer flows wait than that, or close() was called. \return whether either is so.
  bool wait_below(std::size_t flows, std::chrono::milliseconds timeout);

  enum class Popped { parcel, nothing, closed };
  /// \return `nothing` after `timeout`; `closed` once close() was called and all is taken.
  Popped pop(FlowParcel& parcel, std::chrono::milliseconds timeout);
  /// Ends one waiting of pop(), the present or the next one.
  void nudge();

  /// Lets pop() end once all is taken, and nobody wait for room any more.
  void close();
  /// Whether all was taken, parcels without flows too.
  [[nodiscard]] bool empty();
  /// Flows waiting.
  [[nodiscard]] std::size_t depth() const noexcept {
    return depth_.load(std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] bool has_room(std::size_t flows) const noexcept;
  void push_locked(FlowParcel& parcel);

  const std::size_t max_flows_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable emptied_;
  std::deque<FlowParcel> waiting_;
  std::vector<FlowParcel> spare_;
  std::atomic<std::size_t> depth_{0};
  bool closed_ = false;
  bool nudged_ = false;
};

}  // namespace flowlensd
