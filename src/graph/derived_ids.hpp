/// \file
/// graph: the ids of assets and dependencies found in traffic, which are derived (DESIGN section 2).
#pragma once

#include <cstdint>

#include "flowlens/connection_summary.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/id.hpp"

namespace flowlens::graph {

/// \param ordinal  how many assets began with this endpoint before.
[[nodiscard]] Id asset_id(const SiteTable& sites, const Endpoint& first, std::uint32_t ordinal);
[[nodiscard]] Id dependency_id(const SiteTable& sites, const DependencyKey& key);

}  // namespace flowlens::graph
