/// \file
/// collect: lines of AWS VPC flow logs, versions 2 to 5 and later ones, in any order of fields.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collect/log_output.hpp"

namespace flowlens::collect {

/// The fields that a flow is made of. Others are passed over.
enum class VpcField : std::uint8_t {
  interface_id,
  srcaddr,
  dstaddr,
  pkt_srcaddr,
  pkt_dstaddr,
  srcport,
  dstport,
  protocol,
  packets,
  bytes,
  start,
  end,
  action,
  log_status,
  tcp_flags,
  flow_direction,
  count
};

/// Which field stands where in a line.
class VpcFormat {
 public:
  /// Whether these are names of fields, and not values: then it is a header line.
  static bool is_header(std::string_view line) noexcept;
  /// \param fields  names with single spaces between, each `name` or `${name}`. Empty: the default format.
  /// \param where  named in messages.
  /// \throws ConfigError if a field that a flow needs is missing, or one stands there twice.
  explicit VpcFormat(std::string_view fields, const std::string& where);

  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  /// \return `columns()` or more if it is not there.
  [[nodiscard]] std::size_t position(VpcField field) const noexcept {
    return positions_[static_cast<std::size_t>(field)];
  }

 private:
  std::array<std::uint8_t, static_cast<std::size_t>(VpcField::count)> positions_;
  std::size_t columns_ = 0;
};

/// Reads lines into flows. A header line in between changes the format, as in files put together.
class VpcLines {
 public:
  VpcLines(VpcFormat format, bool has_time_prefix)
      : format_(format), has_time_prefix_(has_time_prefix) {}
  /// \param line  at hand in `out`.
  void read(std::string_view line, LogOutput& out);

 private:
  static constexpr std::size_t kMostColumns = 64;
  [[nodiscard]] Value value(VpcField field) const noexcept;
  bool is_flow(RecordReader& reader, LogOutput& out) const;
  void give(RecordReader& reader, LogOutput& out);
  void read_ends(RecordReader& reader, FlowRecord& flow) const;
  void read_counts(RecordReader& reader, FlowRecord& flow) const;
  void read_tcp_flags(RecordReader& reader, FlowRecord& flow) const;
  void read_verdict(RecordReader& reader, FlowRecord& flow);

  VpcFormat format_;
  bool has_time_prefix_;  ///< as CloudWatch Logs exports them
  std::array<std::string_view, kMostColumns + 1> columns_;
  std::string interface_;  ///< of the line before, with its domain
  std::uint32_t domain_ = 0;
};

/// Without the time that CloudWatch Logs puts in front. \return all of it if there is none.
std::string_view without_time_prefix(std::string_view line) noexcept;

}  // namespace flowlens::collect
