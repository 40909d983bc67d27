/// \file
/// pipeline: single flows of the past, for whoever asks.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "flowlens/flow_store.hpp"
#include "library.hpp"

namespace flowlensd {

/// As TrafficArchive: one question at a time, so that a database that never answers holds one thread.
/// Thread-safe.
class FlowArchive {
 public:
  /// \param patience  how long a question waits for the one before.
  explicit FlowArchive(std::unique_ptr<FlowReader> reader,
                       std::chrono::milliseconds patience = std::chrono::seconds{2})
      : reader_(std::move(reader)), patience_(patience) {}

  /// \throws IoError, also if the question before takes too long.
  template <typename Visit>
  void scan(const FlowScan& what, const Visit& visit) const {
    const auto lock = take_turn();
    reader_->scan(what, visit);
  }
  [[nodiscard]] std::vector<FlowSums> sum(const FlowScan& what, const FlowSumming& how) const {
    const auto lock = take_turn();
    return reader_->sum(what, how);
  }

 private:
  [[nodiscard]] std::unique_lock<std::timed_mutex> take_turn() const {
    std::unique_lock lock(mutex_, patience_);
    if (!lock) throw IoError("store: still busy with another question about flows; ask again");
    return lock;
  }

  std::unique_ptr<FlowReader> reader_;
  std::chrono::milliseconds patience_;
  mutable std::timed_mutex mutex_;
};

}  // namespace flowlensd
