/// \file
/// One value of all flows of a batch, as a buffer.
#pragma once

#include <memory>
#include <vector>

#include "binding.hpp"
#include "flowlens/flow_columns.hpp"

namespace flowlens::python {

/// Lies over the records of the batch, or, of what is told by bits, in octets of its own.
struct Column {
  std::shared_ptr<const FlowBatch> batch;
  const FlowColumn* of = nullptr;
  std::vector<std::uint8_t> own{};  ///< a truth a flow
  bool has_own = false;
  Py_ssize_t shape[2] = {0, 16};
  Py_ssize_t strides[2] = {0, 1};
};

/// \throws ConfigError naming the columns, if there is none of that name.
[[nodiscard]] std::unique_ptr<Column> column_of(const std::shared_ptr<const FlowBatch>& batch,
                                                const std::string& name);
/// The value of one flow; None where it was not exported.
[[nodiscard]] Cell cell_of(const FlowColumn& column, const FlowRecord& flow);

void add_column(py::module_& m);

}  // namespace flowlens::python
