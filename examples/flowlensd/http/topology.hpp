/// \file
/// http: the map as a drawing, by nodes and edges, or by groups of assets.
#pragma once

#include <optional>
#include <string>

#include "http/rows.hpp"
#include "library.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// How assets are put together.
enum class GroupBy : std::uint8_t { type, site, network, application, owner, tag };

/// What is to be drawn.
struct TopologyQuery {
  std::size_t limit = 0;  ///< edges; of more, those with the most octets
  std::optional<AsOf> as_of{};
  bool as_applications = false;  ///< see ApplicationView
  Filter<DependencyRow> filter{};
  std::optional<Id> focus{};  ///< only what lies around this asset
  std::uint32_t depth = 1;    ///< steps from the focus, either way
  bool with_positions = false;
};

/// \throws Problem 404 if the focus is not there.
[[nodiscard]] Json topology_json(const Service& service, const TopologyQuery& query);

/// The same by groups: how many assets each has, and what runs between them. An asset with several tags
/// is in the group of the first.
[[nodiscard]] Json grouped_topology_json(const Service& service, const Snapshot& snapshot,
                                         std::size_t limit, GroupBy by);

}  // namespace flowlensd::http
