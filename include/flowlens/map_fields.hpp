/// \file
/// graph: what a filter can ask of the rows of the map.
#pragma once

#include "flowlens/field_table.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

[[nodiscard]] const FieldTableOf<DependencyRow>& dependency_fields() noexcept;
[[nodiscard]] const FieldTableOf<AssetRow>& asset_fields() noexcept;
[[nodiscard]] const FieldTableOf<ChangeEvent>& change_fields() noexcept;

}  // namespace flowlens
