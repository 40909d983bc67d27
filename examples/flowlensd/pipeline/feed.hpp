/// \file
/// pipeline: a decoder with its parcel of flows: what every source feeds.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "flowlens/udp_receiver.hpp"
#include "library.hpp"
#include "pipeline/accounts.hpp"
#include "pipeline/flow_channel.hpp"

namespace flowlensd {

struct FeedOptions {
  std::size_t batch_size = 1'000;  ///< flows
  std::chrono::milliseconds batch_timeout{1'000};
  /// Sources that can wait do so while as many flows wait before them, so that those that cannot have the
  /// rest of the channel.
  std::size_t most_waiting = 25'000;
};

/// One line a minute for each reason: a broken exporter must not fill the disk.
class ProblemLog {
 public:
  void note(const Diagnostic& d, const IpAddress& exporter);

 private:
  struct Entry {
    std::optional<std::chrono::steady_clock::time_point> last;
    std::uint64_t since = 0;
  };
  std::array<Entry, kDiagnosticCodeCount> entries_{};
};

/// Used by one thread, but for ask().
class Feed {
 public:
  Feed(const FeedOptions& options, const DecoderOptions& decoder, FlowChannel& channel,
       AccountSlot& slot)
      : options_(options), channel_(channel), slot_(slot), decoder_(decoder) {}

  [[nodiscard]] Decoder& decoder() noexcept { return decoder_; }
  [[nodiscard]] FlowParcel& parcel() noexcept { return parcel_; }
  [[nodiscard]] bool is_full() const noexcept { return parcel_.size() >= options_.batch_size; }
  /// How long to wait for more before settle().
  [[nodiscard]] std::chrono::milliseconds wait() const noexcept;

  void decode(const ReceivedDatagram& datagram);
  void decode(const CapturedPacket& packet);
  void take(const FlowRecord& flow);
  /// Counts a datagram that is not looked into.
  void refuse(DiagnosticCode why, const ReceivedDatagram& datagram);

  bool hand_on() { return channel_.try_push(parcel_); }
  /// Waits for its turn. \return false if `stopping` came first; then the parcel is still here.
  bool hand_on_in_turn(const std::atomic<bool>& stopping);
  /// Whether there is room before FeedOptions::most_waiting, within some 100 ms. Answers meanwhile.
  bool has_turn();
  /// Between two rounds of a source. Waiting for more makes sense only while some come.
  void settle(bool is_idle);
  /// Hands on what there is, if it must, past all limits.
  void finish();

  /// The feed's thread will call it between two rounds. Thread-safe.
  void ask(std::function<void(const Decoder&)> question);

 private:
  using Clock = std::chrono::steady_clock;
  void begin_parcel(bool was_empty, Timestamp received);
  void answer();

  const FeedOptions& options_;
  FlowChannel& channel_;
  AccountSlot& slot_;
  Decoder decoder_;
  ProblemLog problems_;
  FlowParcel parcel_;
  Clock::time_point parcel_since_{};

  std::mutex questions_mutex_;
  std::deque<std::function<void(const Decoder&)>> questions_;
};

}  // namespace flowlensd
