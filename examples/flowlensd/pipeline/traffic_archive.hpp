/// \file
/// pipeline: the traffic of the past, for whoever asks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// One question to the store at a time, so that a database that never answers holds one thread of those
/// who ask, not all. Thread-safe.
class TrafficArchive {
 public:
  /// \param patience  how long a question waits for the one before.
  explicit TrafficArchive(std::unique_ptr<TrafficReader> reader,
                          std::chrono::milliseconds patience = std::chrono::seconds{2})
      : reader_(std::move(reader)), patience_(patience) {}

  /// The first `most` rows. \throws IoError, also if the question before takes too long.
  [[nodiscard]] std::vector<WindowRow> rows(const WindowScan& what, std::size_t most) const {
    std::vector<WindowRow> rows;
    if (most == 0) return rows;
    ++waiting_;
    const std::unique_lock lock(mutex_, patience_);
    --waiting_;
    if (!lock) throw IoError("store: still busy with another question about traffic; ask again");
    reader_->scan(what, [&](const WindowRow& row) {
      rows.push_back(row);
      return rows.size() < most;
    });
    return rows;
  }
  /// Questions that wait for the one before.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

 private:
  std::unique_ptr<TrafficReader> reader_;
  std::chrono::milliseconds patience_;
  mutable std::timed_mutex mutex_;
  mutable std::atomic<std::size_t> waiting_{0};
};

}  // namespace flowlensd
