/// \file
/// parse: the structures of sFlow records, as far as needed to tell a whole one from a cut one.
#pragma once

#include "flowlens/sflow_record.hpp"
#include "flowlens/sflow_sample.hpp"
#include "wire/load.hpp"

namespace flowlens::parse {

/// The first word of the record that every flow sample has.
inline constexpr std::uint32_t kSampledHeader = 1;
/// is_whole() for that one.
[[nodiscard]] inline bool is_whole_header(std::span<const std::byte> octets) noexcept {
  return octets.size() >= 16 && wire::load32(octets.data() + 12) <= octets.size() - 16;
}

/// Whether the octets of a record hold the structure that its format names. Formats without a known
/// structure are always whole; octets behind the structure are allowed (later versions add
/// members).
[[nodiscard]] bool is_whole(SflowRecordClass of, std::uint32_t enterprise, std::uint32_t format,
                            std::span<const std::byte> octets) noexcept;

}  // namespace flowlens::parse
