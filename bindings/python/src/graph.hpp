/// \file
/// How rows of the map are asked for.
#pragma once

#include <optional>
#include <string>

#include "binding.hpp"

namespace flowlens::python {

/// \param which  an Asset, or an id, address or name. \throws KeyError for none.
[[nodiscard]] AssetRow asset_row(const Graph& graph, py::handle which);
[[nodiscard]] std::optional<AssetRow> asset_named(const DependencyGraph& map,
                                                  const std::string& name);

}  // namespace flowlens::python
