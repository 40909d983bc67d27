/// \file
/// analyze: where to draw what, so that the same map is drawn the same way and a grown one nearly so.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "flowlens/id.hpp"

namespace flowlens {

/// Both from 0 to 1.
struct DrawnAt {
  float x = 0.5f;
  float y = 0.5f;
};

struct LayoutOptions {
  std::uint32_t steps = 60;  ///< more: quieter, and longer
};

/// Places nodes so that those joined by an edge lie near each other and all others apart (after
/// Fruchterman and Reingold, 1991; whom to push away is looked for nearby only, so the time grows with
/// nodes and edges). Each node sets out from a place that follows from its id, so the result depends on
/// nothing else but the edges.
/// \param edges  positions in `nodes`; those beyond are passed over.
[[nodiscard]] std::vector<DrawnAt> lay_out(
    std::span<const Id> nodes, std::span<const std::pair<std::uint32_t, std::uint32_t>> edges,
    const LayoutOptions& options = {});

}  // namespace flowlens
