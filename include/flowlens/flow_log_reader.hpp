/// \file
/// collect: flow logs: AWS VPC, Azure virtual networks, GCP VPC, Zeek's conn.log, Suricata's EVE flows.
/// docs/flow_logs.md says what each column becomes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowlens/flow_record.hpp"
#include "flowlens/template.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

struct FlowLogOptions {
  /// AWS VPC: the fields of each line in their order, `version srcaddr …` or `${version} ${srcaddr} …` as
  /// AWS writes it. Empty: as the header line of the file says, or the default format (version 2).
  std::string vpc_format;
  /// FlowRecord::observation_domain of logs that one sensor writes (Zeek, Suricata). Logs of two sensors
  /// need different ones, or what both saw counts twice.
  std::uint32_t observation_point = 0;
  std::size_t batch_flows = 4'096;     ///< in one batch, at least 2
  std::size_t max_record = 16u << 20;  ///< octets of a line, or of one record of a JSON document
  std::size_t max_problems = 10;       ///< kept in words; all are counted
  /// Times after it are taken to be damage, and the line is refused. None: any time is believed.
  std::optional<Timestamp> latest;
};

/// What is wrong with one line or record.
struct FlowLogProblem {
  std::uint64_t line = 0;    ///< from 1
  std::uint32_t column = 0;  ///< from 1, in octets; 0: the line as a whole
  std::string what;
};
/// `12:34: srcport: \`http\` is no port (0 to 65535)`
[[nodiscard]] std::string to_string(const FlowLogProblem& problem);

/// records = conversations + no_data + skipped_data + beginnings + others + refused.
struct FlowLogCounters {
  std::uint64_t octets = 0;         ///< of the log, unpacked
  std::uint64_t records = 0;        ///< lines, tuples or events; comments and headers are none
  std::uint64_t conversations = 0;  ///< records that gave one flow or two
  std::uint64_t flows = 0;
  std::uint64_t no_data = 0;       ///< AWS: nothing was seen in that time
  std::uint64_t skipped_data = 0;  ///< AWS: what was seen could not be recorded
  std::uint64_t beginnings = 0;    ///< Azure: a flow began; its counts come with a later record
  std::uint64_t others = 0;        ///< events of other kinds, and protocols without a number
  std::uint64_t refused = 0;       ///< not understood
};

/// Reads one log, plain or gzip; what it is shows in its first octets.
///
/// What is held does not grow with the file: one record at most, and the flows of one.
///
/// Thread-compatible.
class FlowLogReader {
 public:
  /// \throws IoError naming the file, if it cannot be read, is no flow log, or lacks columns that a flow
  /// needs.
  /// \throws ConfigError for a format or a limit that cannot be.
  explicit FlowLogReader(const std::filesystem::path& path, const FlowLogOptions& options = {});
  ~FlowLogReader();

  /// What the file is, or nothing if it is no flow log.
  /// \throws IoError if it cannot be read.
  static std::optional<ExportProtocol> recognise(const std::filesystem::path& path);

  /// The next flows in the order of the log, at most FlowLogOptions::batch_flows; `batch` is cleared
  /// first. FlowRecord::received is the end of the flow, in logs that tell no other time.
  /// \return false at the end.
  /// \throws IoError if the file is cut short or damaged; what came before was delivered.
  bool next(FlowBatch& batch);

  [[nodiscard]] ExportProtocol format() const noexcept;
  [[nodiscard]] const FlowLogCounters& counters() const noexcept;
  /// Octets of the file that were read so far, packed or not: a measure of progress.
  [[nodiscard]] std::uint64_t octets_read() const noexcept;
  /// The first of them.
  [[nodiscard]] const std::vector<FlowLogProblem>& problems() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
