/// \file
/// graph: the part of a Snapshot that a filter matches, so that every question can be asked of it.
#pragma once

#include <memory>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/filter.hpp"
#include "flowlens/snapshot.hpp"

namespace flowlens {

/// All assets of `snapshot`, in the same places, and those of its edges whose rows match, as the rows are
/// now: also in a snapshot of the past. The edge of a row that has gone since does not match.
/// \param snapshot  one of this graph's.
/// \param filter  an empty one matches all.
[[nodiscard]] std::shared_ptr<const Snapshot> filter_snapshot(const DependencyGraph& graph,
                                                              const Snapshot& snapshot,
                                                              const Filter<DependencyRow>& filter);

}  // namespace flowlens
