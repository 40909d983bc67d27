/// \file
/// analyze: the order of a baseline's edges.
#pragma once

#include <tuple>

#include "flowlens/baseline.hpp"

namespace flowlens::analyze {

/// What names an edge.
inline auto order(const BaselineEdge& e) {
  return std::tie(e.client, e.server, e.protocol, e.port);
}
inline bool is_before(const BaselineEdge& a, const BaselineEdge& b) { return order(a) < order(b); }

}  // namespace flowlens::analyze
