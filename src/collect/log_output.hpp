/// \file
/// collect: where the readers of logs put what they find.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowlens/flow_log_reader.hpp"

namespace flowlens::collect {

/// Sets a value of a flow that has a presence bit.
inline void mark(FlowRecord& flow, FlowField field) noexcept {
  flow.present |= static_cast<std::uint32_t>(field);
}

/// What is told of one direction of a conversation.
struct Way {
  std::optional<std::uint64_t> octets;
  std::optional<std::uint64_t> packets;
  std::optional<std::uint8_t> tcp_flags;
  std::optional<std::uint16_t> icmp_type_code;
  [[nodiscard]] bool is_silent() const noexcept {
    return octets.value_or(0) == 0 && packets.value_or(0) == 0;
  }
};

/// One conversation of a log that counts both ways.
struct Conversation {
  FlowRecord both;  ///< what both ways share, as seen from the source
  Way there;        ///< from the source
  Way back;
};

/// The flows, counts and problems of one log. Of one thread.
class LogOutput {
 public:
  explicit LogOutput(const FlowLogOptions& options) : options_(&options) {}

  FlowLogCounters counters;
  std::vector<FlowLogProblem> problems;
  FlowBatch batch;

  [[nodiscard]] const FlowLogOptions& options() const noexcept { return *options_; }

  /// From now on this record is at hand. \param text  kept until the next one.
  /// \param into_line  octets before it in its first line.
  void begin(std::string_view text, std::uint64_t line, std::size_t into_line = 0) noexcept {
    record_ = text;
    line_ = line;
    into_line_ = into_line;
  }
  /// Counts the record at hand as not understood. \param at  where in it; null: the record as a whole.
  void refuse(const char* at, std::string what);
  /// The record at hand gave these flows: one, or two if somebody answered.
  void give(const FlowRecord& flow);
  void give(const Conversation& conversation);
  /// Whether a time may be believed.
  [[nodiscard]] bool is_plausible(Timestamp t) const noexcept {
    return !options_->latest || t <= *options_->latest;
  }

 private:
  const FlowLogOptions* options_;
  std::string_view record_;
  std::uint64_t line_ = 0;
  std::size_t into_line_ = 0;
};

/// A value of a record as it stands there.
struct Value {
  std::string_view text;
  const char* at = nullptr;  ///< in the record, for messages; null: it is not told
  [[nodiscard]] bool is_told() const noexcept { return at != nullptr; }
};

/// Reads the values of one record. The first that makes no sense refuses the record; then all further
/// reading is idle.
class RecordReader {
 public:
  explicit RecordReader(LogOutput& out) : out_(out) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  void fail(const Value& value, const char* name, const char* wanted);
  void fail_missing(const char* name);

  // Nothing is nothing told; `name` is for messages.
  std::optional<std::uint64_t> number(const Value& value, const char* name,
                                      std::uint64_t most = ~std::uint64_t{0});
  std::optional<IpAddress> address(const Value& value, const char* name);
  /// Seconds since 1970, in digits.
  std::optional<Timestamp> epoch(const Value& value, const char* name);
  std::optional<Timestamp> time(const Value& value, const char* name);  ///< RFC 3339
  std::optional<std::chrono::nanoseconds> seconds(const Value& value, const char* name);
  void address(const Value& value, const char* name, FlowField field, FlowRecord& flow,
               IpAddress& to);
  void port(const Value& value, const char* name, FlowField field, FlowRecord& flow,
            std::uint16_t& to);

 private:
  std::optional<Timestamp> plausible(Timestamp t, const Value& value, const char* name);
  LogOutput& out_;
  bool failed_ = false;
};

/// A name as an observation domain: the same name is the same domain in every log.
std::uint32_t domain_of(std::string_view name) noexcept;

/// A text from a log, fit for a message: not too long, nothing that a terminal would obey.
std::string plain(std::string_view text, std::size_t most);
std::string quoted(std::string_view text);

}  // namespace flowlens::collect
