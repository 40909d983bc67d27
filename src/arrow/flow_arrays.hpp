/// \file
/// arrow: flows turned from rows to columns.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "arrow/array_data.hpp"
#include "flowlens/arrow.hpp"

namespace flowlens::arrow {

/// All columns of flows by name: those of FlowRecord, then those of what stands beside.
[[nodiscard]] std::vector<std::string_view> flow_column_names();

/// \param chosen  positions in flow_column_names().
[[nodiscard]] SchemaData flow_schema(const std::vector<std::size_t>& chosen, AddressForm addresses);
/// The flows [first, end) of a batch.
[[nodiscard]] ArrayData flow_arrays(const FlowBatch& batch, std::size_t first, std::size_t end,
                                    const std::vector<std::size_t>& chosen, AddressForm addresses);

}  // namespace flowlens::arrow
