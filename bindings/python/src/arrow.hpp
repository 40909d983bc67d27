/// \file
/// What has `__arrow_c_stream__`, for all who know the Arrow PyCapsule interface.
#pragma once

#include "binding.hpp"
#include "flowlens/arrow.hpp"
#include "reader.hpp"

namespace flowlens::python {

void add_arrow(py::module_& m);
[[nodiscard]] py::object arrow_of_assets(const Graph& graph);
[[nodiscard]] py::object arrow_of_dependencies(const Graph& graph);
[[nodiscard]] py::object arrow_of_changes(const Graph& graph);

/// A capsule of a stream that `make` fills. What no one takes is released with the capsule.
[[nodiscard]] py::object stream_capsule(const std::function<void(ArrowArrayStream*)>& make);

}  // namespace flowlens::python
