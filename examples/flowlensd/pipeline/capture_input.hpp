/// \file
/// pipeline: files of --input: captures, of exporters' datagrams or of traffic itself, and IPFIX files, read at
/// full speed through the same decoders as the sockets feed; and flow logs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "flowlens/input_merge.hpp"
#include "library.hpp"
#include "pipeline/accounts.hpp"
#include "pipeline/map_writer.hpp"

namespace flowlensd {

struct CaptureOptions {
  std::vector<std::filesystem::path> files;
  std::size_t workers = 1;  ///< decoders; the result is the same for any number
  DecoderOptions decoder;
  CaptureReaderOptions reader;
};

struct CaptureReport {
  std::uint64_t datagrams = 0;
  std::uint64_t traffic = 0;  ///< packets that became flows themselves, or could not
  std::uint64_t logged = 0;   ///< flows of logs
  std::uint64_t flows = 0;    ///< of all of them
  Timestamp first;            ///< time of the first of them
  Timestamp last;
  bool was_stopped = false;  ///< before the end
  std::vector<InputFile> files;
};

/// Reads all files into the map and closes its windows.
/// \param accounts  one slot for each worker.
/// \param on_progress  called after every few thousand packets or flows.
/// \throws IoError if a file cannot be opened.
CaptureReport read_captures(const CaptureOptions& options, MapWriter& writer, Accounts& accounts,
                            const std::atomic<bool>& stop,
                            const std::function<void(const CaptureReport&)>& on_progress);

}  // namespace flowlensd
