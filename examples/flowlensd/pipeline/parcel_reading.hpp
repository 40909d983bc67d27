/// \file
/// pipeline: the thread that takes flows from the database for the Resolver.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "flowlens/parcel_store.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/flow_channel.hpp"

namespace flowlensd {

/// How it fares.
struct ParcelReadingView {
  std::uint64_t position = 0;  ///< of the last parcel taken
  std::uint64_t flows = 0;     ///< taken by this process
  std::uint64_t parcels = 0;
  std::uint64_t damaged_flows = 0;    ///< of parcels that could not be read
  std::uint64_t missing_parcels = 0;  ///< somebody else has removed them
  std::uint64_t failures = 0;         ///< attempts that failed
  double behind_seconds = 0;          ///< age of the parcel taken last; 0: there was none behind it
  std::string problem;                ///< empty: the last attempt was good
  ParcelState channel;                ///< as of the last look, a few seconds ago
};

/// Parcels in the order of their positions, each with its time: how far the Resolver may go on, so that
/// flows which have waited in the database are not late. Thread-safe.
class ParcelReading {
 public:
  /// \param position  up to where revisions contain the flows already.
  ParcelReading(std::unique_ptr<ParcelReader> reader, FlowChannel& channel, std::uint64_t position,
                FatalHandler fatal);
  ~ParcelReading();

  void start();
  /// What was read is in the queue then.
  void stop();

  [[nodiscard]] ParcelReadingView view() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  /// \return whether there may be more to read at once.
  bool read_once();
  void take(const StoredParcel& stored, Timestamp now);
  /// \return false for what a later release has written: it waits.
  bool decode(const StoredParcel& stored, FlowParcel& parcel);
  void clean_up();
  void note_problem(const std::string& why);
  /// \return false once the thread should end.
  bool pause(std::chrono::milliseconds length);

  const std::unique_ptr<ParcelReader> reader_;
  FlowChannel& channel_;
  FatalHandler fatal_;
  std::uint64_t position_;
  Clock::time_point next_clean_up_{};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ParcelReadingView view_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
