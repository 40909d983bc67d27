/// \file
/// collect: one file, whatever it holds: a capture, an IPFIX file or a flow log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/capture_reader.hpp"
#include "flowlens/flow_log_reader.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/ipfix_file_reader.hpp"

namespace flowlens {

enum class InputKind : std::uint8_t { capture, ipfix_file, flow_log };

/// A datagram, a packet or a flow.
struct InputItem {
  bool is_flow = false;
  CaptureItem captured;  ///< else
  FlowRecord flow;       ///< with is_flow
};
[[nodiscard]] Timestamp time_of(const InputItem& item) noexcept;

/// What was read of a file, and what was wrong with it.
struct InputFile {
  std::filesystem::path path;
  InputKind kind = InputKind::capture;
  std::uint64_t octets_read = 0;  ///< of the file as it lies there, packed or not
  CaptureCounters capture;        ///< by kind, as the next ones are
  IpfixFileCounters ipfix;
  FlowLogCounters log;
  ExportProtocol log_format = ExportProtocol::ipfix;
  std::vector<FlowLogProblem> log_problems;  ///< the first of them
  std::string problem;                       ///< empty: read to its end
};

/// Reads one file in about the order of time.
///
/// Thread-compatible.
class InputSource {
 public:
  virtual ~InputSource() = default;
  /// The next item. Valid until the next call. \return false at the end.
  /// \throws IoError if the file turns out damaged.
  virtual bool next(InputItem& item) = 0;
  /// Fills in the kind, its counters and how far the file was read.
  virtual void describe(InputFile& file) const = 0;
};

/// What the file is shows in its first octets. A pipe is taken for a capture, as it can be read once only.
/// Times of a log that lie a day ahead of the system's clock, or more, are damage.
/// \param files  how many are read at once: they share the memory that puts logs in order.
/// \throws IoError naming the file and what is wrong with it.
std::unique_ptr<InputSource> open_input(const std::filesystem::path& path,
                                        const CaptureReaderOptions& options, std::size_t files);

}  // namespace flowlens
