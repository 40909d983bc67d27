/// \file
/// arrow: the values of a FlowRecord as columns, for those who take many flows at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "flowlens/flow_record.hpp"

namespace flowlens {

/// How a column's values lie in a FlowRecord.
enum class FlowColumnType : std::uint8_t {
  address,    ///< 16 octets, IPv4 as v4-mapped
  time,       ///< std::int64_t, nanoseconds since 1970-01-01 UTC
  unsigned8,  ///< and so on: as wide as they say, of this machine's byte order
  unsigned16,
  unsigned32,
  unsigned64,
  boolean,  ///< an octet, 0 or 1
  word,     ///< an octet, a position in `words`
  remark    ///< no value of its own: whether the bit `present` is set
};

/// One value of a FlowRecord: where it lies, and when it is there.
struct FlowColumn {
  std::string_view name;  ///< of the member, such as `octet_count`; filters know it, too
  FlowColumnType type = FlowColumnType::unsigned8;
  std::size_t offset = 0;  ///< octets from the begin of the record
  std::uint32_t present =
      0;  ///< the FlowField bit that says it was exported; 0: it is always there
  std::span<const std::string_view> words{};  ///< of FlowColumnType::word
};

/// All of them; what stands beside the flows of a FlowBatch is not among them.
[[nodiscard]] std::span<const FlowColumn> flow_columns() noexcept;
/// \return null if there is none of that name.
[[nodiscard]] const FlowColumn* find_flow_column(std::string_view name) noexcept;

}  // namespace flowlens
