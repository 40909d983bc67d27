/// \file
/// pipeline: the traffic of the past, for whoever asks.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "library.hpp"
#include "pipeline/reader_pool.hpp"

namespace flowlensd {

/// Thread-safe.
class TrafficArchive {
 public:
  TrafficArchive(ReaderPool<TrafficReader>::Make make, const ReaderPoolOptions& options)
      : readers_(std::move(make), options) {}

  /// The first `most` rows. \throws IoError, also if the questions before take too long.
  [[nodiscard]] std::vector<WindowRow> rows(const WindowScan& what, std::size_t most) const {
    std::vector<WindowRow> rows;
    if (most == 0) return rows;
    readers_.with_reader("traffic", [&](TrafficReader& reader) {
      reader.scan(what, [&](const WindowRow& row) {
        rows.push_back(row);
        return rows.size() < most;
      });
    });
    return rows;
  }
  /// Questions that wait for one before them.
  [[nodiscard]] std::size_t waiting() const noexcept { return readers_.waiting(); }

 private:
  ReaderPool<TrafficReader> readers_;
};

}  // namespace flowlensd
