/// \file
/// pipeline: the thread of an ingest process that hands flows on by the database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "flowlens/parcel_store.hpp"
#include "library.hpp"
#include "pipeline/flow_channel.hpp"

namespace flowlensd {

/// How it fares.
struct ParcelSendingView {
  std::uint64_t flows = 0;        ///< handed over
  std::uint64_t sampled_out = 0;  ///< flows left out, as told with them
  std::uint64_t parcels = 0;
  std::uint64_t octets = 0;
  std::uint64_t failures = 0;  ///< attempts that failed
  std::uint64_t in_hand = 0;   ///< flows taken from the queue and not handed over yet
  bool is_full = false;  ///< the database has no room: the process that resolves does not take them
  std::string problem;   ///< empty: the last attempt was good
  double writing_seconds =
      0;                ///< for so long the database has not answered; 0: nothing is asked of it
  ParcelState channel;  ///< as of the last look, a few seconds ago
};

/// Takes parcels from the queue and writes them, many at once, until the database has them. While it takes
/// none, the queue fills, and the workers go by its depth. Thread-safe.
class ParcelSending {
 public:
  ParcelSending(FlowChannel& channel, std::unique_ptr<ParcelWriter> writer);
  ~ParcelSending();

  void start();
  /// After the queue was closed and all workers have ended: writes the rest, for at most `grace`, and ends the thread.
  /// \return flows that were lost.
  std::uint64_t finish(std::chrono::milliseconds grace);

  [[nodiscard]] ParcelSendingView view() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  /// Encodes one parcel, and those that wait behind it.
  void collect(FlowParcel& first);
  void add(const FlowParcel& parcel);
  void send();
  /// \return whether the database has them.
  bool send_once();
  void note_sent();
  void note_problem(const std::string& why);
  void look_at_channel();
  void pause(std::chrono::milliseconds length);
  [[nodiscard]] bool is_ending() const;
  [[nodiscard]] bool is_over() const;

  FlowChannel& channel_;
  const std::unique_ptr<ParcelWriter> writer_;
  std::vector<StoredParcel> batch_;  ///< of the thread, as are the next
  std::uint64_t number_ = 1;         ///< of the batch
  Clock::time_point next_look_{};
  std::minstd_rand dice_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ParcelSendingView view_;
  std::optional<Clock::time_point> asked_at_;
  std::optional<Clock::time_point> give_up_at_;
  std::thread thread_;
};

}  // namespace flowlensd
