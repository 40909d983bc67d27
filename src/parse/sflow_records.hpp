/// \file
/// parse: the structures of sFlow records, as far as needed to tell a whole one from a cut one.
#pragma once

#include "flowlens/sflow_record.hpp"

namespace flowlens::parse {

/// Whether the octets hold the structure that the record's format names. Formats without a known
/// structure are always whole; octets behind the structure are allowed (later versions add
/// members).
[[nodiscard]] bool is_whole(const SflowRecord& record, SflowRecordClass of) noexcept;

}  // namespace flowlens::parse
