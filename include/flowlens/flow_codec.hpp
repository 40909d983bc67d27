/// \file
/// normalize: flows as octets, for those who carry them from one process to another.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "flowlens/diagnostic.hpp"
#include "flowlens/flow_record.hpp"

namespace flowlens {

/// More than so many flows, or NAT events, in one piece are refused by decode_flows().
inline constexpr std::size_t kMostCodedFlows = 1u << 20;

/// Writes the flows of a batch with what the Resolver asks of it beside them: translations, NAT events and
/// VRFs. The layers of tunnelled packets are left out. Closed by a checksum.
[[nodiscard]] std::vector<std::byte> encode_flows(const FlowBatch& batch);

/// Reads what encode_flows() of this release, or one with the same version of the format, has written.
/// \param batch  overwritten; after a problem its content means nothing.
/// \return `none`, `unknown_version`, `truncated` or `state_damaged`, with the octet.
[[nodiscard]] Diagnostic decode_flows(std::span<const std::byte> octets, FlowBatch& batch);

}  // namespace flowlens
