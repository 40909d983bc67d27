/// \file
/// collect: Zeek's conn.log: tab-separated with its own header, or JSON.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "collect/log_output.hpp"

namespace flowlens::collect {

enum class ZeekField : std::uint8_t {
  ts,
  orig_h,
  orig_p,
  resp_h,
  resp_p,
  proto,
  duration,
  orig_bytes,
  resp_bytes,
  conn_state,
  history,
  orig_pkts,
  orig_ip_bytes,
  resp_pkts,
  resp_ip_bytes,
  vlan,
  ip_proto,
  path,  ///< of JSON: which log a line belongs to
  count
};

inline constexpr std::size_t kZeekFields = static_cast<std::size_t>(ZeekField::count);
/// In the order of ZeekField, as header lines and JSON have them.
extern const std::array<std::string_view, kZeekFields> kZeekNames;

/// The values of one connection, wherever they stood.
using ZeekValues = std::array<Value, kZeekFields>;
void give_zeek(const ZeekValues& values, LogOutput& out);

/// Reads the lines of a conn.log as Zeek's ASCII writer has them. Its header may come again, as in logs
/// put together.
class ZeekLines {
 public:
  /// \param line  at hand in `out`.
  void read(std::string_view line, LogOutput& out);

 private:
  static constexpr std::size_t kMostColumns = 128;
  void read_header(std::string_view line, LogOutput& out);
  void read_names(std::string_view names, LogOutput& out);
  [[nodiscard]] std::string_view value_of_header(std::string_view line) const noexcept;

  char separator_ = '\t';
  std::array<char, 32> unset_{'-'};
  std::array<char, 32> empty_{'(', 'e', 'm', 'p', 't', 'y', ')'};
  std::size_t columns_ = 0;  ///< 0: not told yet
  std::array<std::uint8_t, kZeekFields> positions_{};
  std::array<std::string_view, kMostColumns> fields_;
};

}  // namespace flowlens::collect
