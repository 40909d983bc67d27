/// \file
/// arrow: what gives arrays, as an ArrowArrayStream.
#pragma once

#include <functional>
#include <optional>

#include "arrow/array_data.hpp"

namespace flowlens::arrow {

/// A stream's two answers. What they throw is its error.
struct Producer {
  std::function<SchemaData()> schema;
  std::function<std::optional<ArrayData>()> next;  ///< nothing at the end, then and ever after
};

void give(Producer producer, ArrowArrayStream* out);

}  // namespace flowlens::arrow
