/// \file
/// pipeline: the Resolver with its store behind it, used by one thread at a time: by the Resolver
/// thread, or by the reader of captures.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "library.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/store_thread.hpp"

namespace flowlensd {

/// The map's state as of the last flush; its parts belong together.
struct MapView {
  FlowLedger flows;             ///< of this epoch
  FlowLedger flows_all_epochs;  ///< with what the store had before
  AggregatorCounters aggregator;
  GraphCounters graph;
  std::uint64_t revision = 0;
  std::uint64_t epoch = 0;
  Timestamp flushed;
  double flush_seconds = 0;
  std::uint64_t flushes_postponed = 0;  ///< the store was busy
};

/// Times worth a quantile; called by the writing thread.
struct MapObservers {
  std::function<void(double seconds)> on_latency;  ///< from the socket to the map, each parcel
  std::function<void(double seconds)> on_flush;
};

class MapWriter {
 public:
  /// \param store  null: the map lives in memory only.
  MapWriter(Resolver& resolver, StoreThread* store, const FlowLedger& earlier_epochs, Epoch epoch,
            MapObservers observers);

  /// \param now  wall clock or capture time; a step back is ignored.
  void add(std::span<const FlowRecord> flows, Timestamp now);
  void add(const FlowParcel& parcel, Timestamp now);

  /// Flushes unless the store is still busy.
  /// \return false if it was postponed.
  bool try_flush(Timestamp now);
  /// Flushes once the store has room, or after `patience` in spite of it.
  void flush(Timestamp now, std::chrono::milliseconds patience);
  /// As flush(), and closes all windows.
  void finish(Timestamp now, std::chrono::milliseconds patience);

  /// Thread-safe.
  [[nodiscard]] MapView view() const;

 private:
  Timestamp advance(Timestamp now) noexcept;
  void take(Timestamp now, bool is_end);
  void publish(Timestamp now, double flush_seconds);

  Resolver& resolver_;
  StoreThread* store_;
  const FlowLedger earlier_;
  const Epoch epoch_;
  MapObservers observers_;
  Timestamp now_;
  std::uint64_t revision_ = 0;
  std::uint64_t postponed_ = 0;
  mutable std::mutex mutex_;
  MapView view_;
};

}  // namespace flowlensd
