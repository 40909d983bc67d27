/// \file
/// aggregate: a dependency that turned out to be another (DESIGN section 2, "Re-direction").
#pragma once

#include <cstddef>

#include "flowlens/connection_summary.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Stronger evidence turned an edge round: what was recorded under `from` in closed windows is
/// `to`'s. What open windows hold is not: the Aggregator takes it back and reports it anew.
struct Redirection {
  DependencyKey from;
  DependencyKey to;
  Timestamp at;  ///< start of the first window that is not moved: windows before it are closed
  DirectionRung why = DirectionRung::none;
  std::size_t before_row = 0;  ///< of the summaries flushed with it: those before it come first
};

}  // namespace flowlens
