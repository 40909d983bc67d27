/// \file
/// lookup: rows of an inventory, whether it came as CSV or JSON.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lookup/fact_sheet.hpp"

namespace flowlens::lookup {

/// What one row says: columns as attributes are written, and their texts, none of them empty.
struct InventoryRow {
  std::size_t line = 0;  ///< 0: JSON
  std::string where;     ///< for messages, of JSON: `row 17: `
  std::vector<std::pair<std::string, std::string>> cells;
};
using InventorySink = std::function<void(const InventoryRow&)>;

/// `operating_system` of `Operating System`: lower case, with `_` for all that an attribute cannot have.
[[nodiscard]] std::string attribute_name(std::string_view column);

/// \throws IoError for a text without a header.
void read_inventory_csv(std::string_view text, FactSheet& sheet, const InventorySink& sink);
/// \throws IoError with line and column of what is no JSON, and for a document of another shape.
void read_inventory_json(std::string_view text, FactSheet& sheet, const InventorySink& sink);

}  // namespace flowlens::lookup
