/// \file
/// arrow: the columns of rows of the map.
#pragma once

#include <span>
#include <string_view>

#include "arrow/cells.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/revision.hpp"

namespace flowlens::arrow {

/// A column: its name, and how a row fills it.
template <typename Row>
struct RowColumn {
  std::string_view name;
  CellType type;
  bool nullable;
  void (*fill)(const Row& row, const SiteTable& sites, Cells& out);
};

[[nodiscard]] std::span<const RowColumn<DependencyRow>> dependency_columns() noexcept;
[[nodiscard]] std::span<const RowColumn<AssetRow>> asset_columns() noexcept;
[[nodiscard]] std::span<const RowColumn<ChangeEvent>> change_columns() noexcept;

}  // namespace flowlens::arrow
