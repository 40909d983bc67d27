/// \file
/// normalize: fields that only have to be put in their places, many at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "normalize/plan.hpp"
#include "normalize/rules.hpp"

namespace flowlens::normalize {

/// A field of a segment, for a place of the FlowRecord.
struct Placed {
  std::uint32_t offset = 0;  ///< in the segment
  std::uint16_t octets = 0;
  bool is_address = false;  ///< octets stay in their order
  Place place;
};

/// Whether this processor has what moves need (SSSE3).
[[nodiscard]] bool can_move() noexcept;

/// Octets of a record that one move reads.
inline constexpr std::uint32_t kMoveOctets = 16;

/// Adds moves for the fields of one segment, and the steps that make them. Those of the first
/// segment lay whole flows, `start` apart; those of another are laid over what is there.
/// \param fixed_octets   of the segment.
/// \param octets_before  that every record has in front of the segment.
/// \return false if the segment is too short to read 16 octets at once: then nothing was added.
bool add_moves(std::span<const Placed> fields, std::uint32_t fixed_octets,
               std::uint32_t octets_before, Plan& plan);

}  // namespace flowlens::normalize
