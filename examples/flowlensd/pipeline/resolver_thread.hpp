/// \file
/// pipeline: the thread that takes flows from the channel and keeps the map.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "pipeline/fatal.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/map_writer.hpp"

namespace flowlensd {

/// What the time is for the Resolver: by the clock, or as the parcels say it, which a database has held
/// up.
enum class TimeSource : std::uint8_t { clock, parcels };

class ResolverThread {
 public:
  ResolverThread(MapWriter& writer, FlowChannel& channel, std::chrono::milliseconds flush_interval,
                 TimeSource time_source, FatalHandler fatal);
  ~ResolverThread();

  void start();
  /// After the channel was closed: takes the rest, flushes once more, and ends. Windows stay open:
  /// the next run goes on with them.
  void finish();

  /// Lets the next flush come at once, but for some pause after the one before. Any thread.
  void flush_soon();

  /// How long it has not come round: some seconds while it makes a big revision.
  [[nodiscard]] std::chrono::steady_clock::duration silent_for() const noexcept {
    return std::chrono::steady_clock::now() - last_round_.load();
  }

 private:
  void run();
  void take(const FlowParcel& parcel);
  void flush_if_due();
  /// Nothing before the first parcel of those that say it.
  [[nodiscard]] std::optional<Timestamp> now() const;

  MapWriter& writer_;
  FlowChannel& channel_;
  const std::chrono::milliseconds interval_;
  const TimeSource time_source_;
  std::optional<Timestamp> time_;  ///< of the last parcel that says it
  FatalHandler fatal_;
  std::chrono::steady_clock::time_point next_flush_;
  std::chrono::steady_clock::time_point last_flush_;
  std::atomic<bool> is_flush_wanted_{false};
  bool is_by_hand_ = false;  ///< the next flush: somebody has said something
  std::atomic<std::chrono::steady_clock::time_point> last_round_{std::chrono::steady_clock::now()};
  std::thread thread_;
};

}  // namespace flowlensd
