/// \file
/// Files of flows, as a Python loop takes them.
#pragma once

#include <memory>
#include <mutex>

#include "binding.hpp"
#include "flowlens/flow_file.hpp"

namespace flowlens::python {

/// One thread at a time reads, under `mutex`.
struct Reader {
  std::mutex mutex;
  std::unique_ptr<FlowFile> file;  ///< null: closed
  Filter<FlowRecord> filter;
  FlowFileCounters counters;  ///< as they were when it was closed
  std::vector<InputFile> files;
  std::uint64_t octets_read = 0;
  std::uint64_t octets_total = 0;
  Timestamp now;
  bool is_at_end = false;

  /// The next flows that match; may be none, so that the caller gets its turn. Under `mutex`.
  /// \return false at the end, and when it is closed.
  bool next(FlowBatch& batch);
  /// Lets go of the files; what is known of them stays. Under `mutex`.
  void close();
  /// Brings what is known up to date. Under `mutex`.
  void note();
};

}  // namespace flowlens::python
