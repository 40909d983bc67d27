/// \file
/// collect: files to flows: captures of exporters or of traffic, IPFIX files and flow logs, told apart by what
/// they hold.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "flowlens/capture_reader.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/input_source.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

struct FlowFileOptions {
  DecoderOptions decoder;
  /// Of the first file; each further one is an observation point of its own, counted on from it.
  CaptureReaderOptions capture;
  std::size_t batch_flows = 65'536;  ///< a batch is full from there on; at least 1
};

/// What was read so far, of all files.
struct FlowFileCounters {
  std::uint64_t datagrams = 0;          ///< of exporters
  std::uint64_t packets = 0;            ///< of ordinary traffic
  std::uint64_t logged = 0;             ///< flows of logs
  std::uint64_t flows = 0;              ///< of all of them
  std::uint64_t unclean_datagrams = 0;  ///< of `datagrams`: with something wrong, or waiting
};

/// Reads files into flows, several as one in the order of time. The files' own times stand for the clock:
/// FlowRecord::received is the time of capture, of the message, or of a log's flow.
///
/// Thread-compatible.
class FlowFile {
 public:
  /// \throws IoError naming a file that cannot be read, or is none of those known.
  /// \throws ConfigError for no file, and for a limit that cannot be.
  explicit FlowFile(const std::vector<std::filesystem::path>& paths,
                    const FlowFileOptions& options = {});
  explicit FlowFile(const std::filesystem::path& path, const FlowFileOptions& options = {});
  ~FlowFile();
  FlowFile(FlowFile&&) noexcept;
  FlowFile& operator=(FlowFile&&) noexcept;

  /// The next flows; `batch` is cleared first. A full batch is FlowFileOptions::batch_flows and what the
  /// last datagram gave beyond. It may be empty: after 262,144 packets the caller gets its turn in any case.
  /// A file that turns out damaged ends there, and files() says so.
  /// \return false at the end of all files.
  bool next(FlowBatch& batch);

  /// The latest time at which anything was received so far; 1970 before the first next().
  [[nodiscard]] Timestamp now() const noexcept;
  [[nodiscard]] const FlowFileCounters& counters() const noexcept;
  /// What is known of each file: its kind and counters, and what was wrong.
  [[nodiscard]] std::vector<InputFile> files() const;
  [[nodiscard]] std::uint64_t octets_read() const;
  /// Of all files together; 0 if one is no regular file.
  [[nodiscard]] std::uint64_t octets_total() const noexcept;
  /// What the exporters told.
  [[nodiscard]] const Decoder& decoder() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Calls `take(first, end, now)` for the flows [first, end) of each second in which they were received, for
/// Resolver::add(). A batch of a quiet network spans hours: taken with the time of its end, all it holds
/// would be late.
template <typename Take>
void for_each_second(const FlowBatch& batch, Take&& take) {
  const std::vector<FlowRecord>& flows = batch.flows;
  for (auto first = flows.begin(); first != flows.end();) {
    const auto second = std::chrono::floor<std::chrono::seconds>(first->received);
    const auto end = std::find_if(first, flows.end(), [second](const FlowRecord& f) {
      return std::chrono::floor<std::chrono::seconds>(f.received) != second;
    });
    take(static_cast<std::size_t>(first - flows.begin()),
         static_cast<std::size_t>(end - flows.begin()), (end - 1)->received);
    first = end;
  }
}

}  // namespace flowlens
