/// \file
/// pipeline: the traffic of the past, for whoever asks.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// One question to the store at a time. Thread-safe.
class TrafficArchive {
 public:
  explicit TrafficArchive(std::unique_ptr<TrafficReader> reader) : reader_(std::move(reader)) {}

  /// The first `most` rows. \throws IoError
  [[nodiscard]] std::vector<WindowRow> rows(const WindowScan& what, std::size_t most) const {
    std::vector<WindowRow> rows;
    if (most == 0) return rows;
    const std::lock_guard lock(mutex_);
    reader_->scan(what, [&](const WindowRow& row) {
      rows.push_back(row);
      return rows.size() < most;
    });
    return rows;
  }

 private:
  std::unique_ptr<TrafficReader> reader_;
  mutable std::mutex mutex_;
};

}  // namespace flowlensd
