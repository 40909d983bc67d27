/// \file
/// parse: the structures of sFlow records, as far as needed to tell a whole one from a cut one.
#pragma once

#include "flowlens/sflow_record.hpp"
#include "flowlens/sflow_sample.hpp"
#include "wire/load.hpp"

namespace flowlens::parse {

/// The record that every flow sample has.
[[nodiscard]] inline bool is_sampled_header(const SflowRecord& record) noexcept {
  return record.enterprise == 0 && record.format == 1;
}
/// is_whole() for that one.
[[nodiscard]] inline bool is_whole_header(const SflowRecord& record) noexcept {
  return record.octets.size() >= 16 &&
         wire::load32(record.octets.data() + 12) <= record.octets.size() - 16;
}

/// Whether the octets hold the structure that the record's format names. Formats without a known
/// structure are always whole; octets behind the structure are allowed (later versions add
/// members).
[[nodiscard]] bool is_whole(const SflowRecord& record, SflowRecordClass of) noexcept;

}  // namespace flowlens::parse
