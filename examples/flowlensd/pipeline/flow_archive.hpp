/// \file
/// pipeline: single flows of the past, for whoever asks.
#pragma once

#include <utility>
#include <vector>

#include "flowlens/flow_store.hpp"
#include "library.hpp"
#include "pipeline/reader_pool.hpp"

namespace flowlensd {

/// Thread-safe.
class FlowArchive {
 public:
  FlowArchive(ReaderPool<FlowReader>::Make make, const ReaderPoolOptions& options)
      : readers_(std::move(make), options) {}

  /// \throws IoError, also if the questions before take too long.
  template <typename Visit>
  void scan(const FlowScan& what, const Visit& visit) const {
    readers_.with_reader("flows", [&](FlowReader& reader) { reader.scan(what, visit); });
  }
  [[nodiscard]] std::vector<FlowSums> sum(const FlowScan& what, const FlowSumming& how) const {
    return readers_.with_reader("flows", [&](FlowReader& reader) { return reader.sum(what, how); });
  }

 private:
  ReaderPool<FlowReader> readers_;
};

}  // namespace flowlensd
