/// \file
/// graph: a whole map as octets, to be kept in a file and read again.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/diagnostic.hpp"

namespace flowlens {

/// All rows at one moment, and the names of sites: versioned and checksummed. Equal maps give equal octets.
[[nodiscard]] std::vector<std::byte> encode_map(const DependencyGraph& map);

/// Reads what encode_map() of this release, or one with the same version of the format, has written.
/// \param options  bounds of the new map; rows past them are left out.
/// \param map  set to a new map; to null after a problem.
/// \return `none`, `truncated`, `unknown_version` or `state_damaged` with the octet.
/// \throws ConfigError if a limit is 0.
[[nodiscard]] Diagnostic decode_map(std::span<const std::byte> octets,
                                    const DependencyGraphOptions& options,
                                    std::unique_ptr<DependencyGraph>& map);

}  // namespace flowlens
