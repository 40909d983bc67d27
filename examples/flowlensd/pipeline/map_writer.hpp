/// \file
/// pipeline: the Resolver with its store behind it, used by one thread at a time: by the Resolver
/// thread, or by the reader of captures. The larger half of a flush has a thread of its own, so that
/// the channel before the Resolver does not fill up meanwhile.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "library.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/store_thread.hpp"

namespace flowlensd {

/// The map's state as of the last flush; its parts belong together.
struct MapView {
  FlowLedger flows;             ///< of this epoch
  FlowLedger flows_all_epochs;  ///< with what the store had before
  AggregatorCounters aggregator;
  ExternalPeersCounters external_peers;
  GraphCounters graph;
  ChangeDetectorCounters changes;
  GatewayCounters gateways;
  std::uint64_t next_hops_refused = 0;  ///< flows
  std::uint64_t revision = 0;
  std::uint64_t epoch = 0;
  Timestamp flushed;
  double flush_seconds = 0;
  std::uint64_t flushes_postponed = 0;  ///< the store was busy
};

/// Whoever has a map: that which writes it, or a copy. Thread-safe.
class MapSource {
 public:
  virtual ~MapSource() = default;
  [[nodiscard]] virtual MapView view() const = 0;
};

/// Called by two threads; those of a flush by the ones that flush. They must not wait.
struct MapObservers {
  std::function<void(double seconds)> on_latency;  ///< from the socket to the map, each parcel
  std::function<void(double seconds)> on_flush;
  std::function<void(const Revision&)> on_revision{};              ///< with news
  std::function<void(const std::vector<FlowRecord>&)> on_flows{};  ///< each parcel's
  /// What the store is about to get.
  std::function<void(std::shared_ptr<const Revision>)> on_submit{};
};

class MapWriter final : public MapSource {
 public:
  /// \param store  null: the map lives in memory only.
  MapWriter(Resolver& resolver, StoreThread* store, const FlowLedger& earlier_epochs, Epoch epoch,
            MapObservers observers);
  ~MapWriter() override;

  /// \param now  wall clock or capture time; a step back is ignored.
  /// The flows [first, end) of a batch, without what it says beside them of translation.
  void add(const FlowBatch& batch, std::size_t first, std::size_t end, Timestamp now);
  void add(const FlowParcel& parcel, Timestamp now);
  /// What a batch says of translation.
  void tell(const FlowBatch& batch) { resolver_.tell(batch); }

  /// Begins a flush, unless the one before or the store is still busy. The map and view() follow a
  /// moment later; windows that are over, after go_on_closing() and the next flush.
  /// \param is_by_hand  for what people have said: the store may be a little further behind.
  /// \return false if it was postponed.
  /// \throws what a flush before has thrown.
  bool try_flush(Timestamp now, bool is_by_hand = false);
  /// Goes on, for a moment, with closing windows that try_flush() found to be over.
  /// \return whether there is more to do.
  bool go_on_closing();
  /// Flushes once the store has room, or after `patience` in spite of it.
  void flush(Timestamp now, std::chrono::milliseconds patience);
  /// As flush(), and closes all windows.
  void finish(Timestamp now, std::chrono::milliseconds patience);

  /// What the ChangeDetector has learned, between two flushes. Thread-safe.
  [[nodiscard]] std::vector<std::byte> save_changes();

  /// Thread-safe.
  [[nodiscard]] MapView view() const override;

 private:
  Timestamp advance(Timestamp now) noexcept;
  void take(Timestamp now, bool is_end, std::chrono::milliseconds patience);
  void hand_on(Revision revision, double seconds);
  void publish(Timestamp now, const FlowLedger& flows, double flush_seconds);

  void run();
  void wait_until_idle();
  void count_first_half();

  Resolver& resolver_;
  StoreThread* store_;
  const FlowLedger earlier_;
  const Epoch epoch_;
  MapObservers observers_;
  Timestamp now_;
  std::uint64_t revision_ = 0;     ///< the last one handed to the store
  AggregatorCounters aggregator_;  ///< as of the flush at hand, as is the next
  std::uint64_t next_hops_refused_ = 0;
  FlushedSummaries summaries_;  ///< the same

  mutable std::mutex mutex_;
  MapView view_;
  std::uint64_t postponed_ = 0;
  std::condition_variable changed_;
  bool is_applying_ = false;  ///< summaries_ and the like belong to the thread
  bool is_saving_ = false;    ///< the resolver's second half is being read
  bool is_ending_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  ///< begins with the first try_flush()
};

}  // namespace flowlensd
