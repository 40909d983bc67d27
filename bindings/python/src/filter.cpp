// The filter language.
#include <pybind11/stl.h>

#include "binding.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/error.hpp"
#include "flowlens/flow_fields.hpp"
#include "flowlens/map_fields.hpp"

namespace flowlens::python {
namespace {

template <typename Row>
const FieldTableOf<Row>& fields_of();
template <>
const FieldTableOf<FlowRecord>& fields_of() {
  return flow_fields();
}
template <>
const FieldTableOf<DependencyRow>& fields_of() {
  return dependency_fields();
}
template <>
const FieldTableOf<AssetRow>& fields_of() {
  return asset_fields();
}
template <>
const FieldTableOf<ChangeEvent>& fields_of() {
  return change_fields();
}

template <typename Row>
Filter<Row> compiled(const std::string& text, Timestamp now) {
  FilterError error;
  Filter<Row> filter = Filter<Row>::compile(text, fields_of<Row>(), now, error);
  if (!filter) {
    throw ConfigError("filter, column " + std::to_string(error.column + 1) + ":\n" + text + "\n" +
                      error.pointing_into(text));
  }
  return filter;
}

RowFilter make(const std::string& text, const std::string& rows, py::handle now) {
  const Timestamp at = time_of(now);
  if (rows == "flows") return {compiled<FlowRecord>(text, at)};
  if (rows == "dependencies") return {compiled<DependencyRow>(text, at)};
  if (rows == "assets") return {compiled<AssetRow>(text, at)};
  if (rows == "changes") return {compiled<ChangeEvent>(text, at)};
  throw ConfigError("rows: `" + rows +
                    "`; `flows`, `dependencies`, `assets` or `changes` is wanted");
}

const FieldTable& fields_by_name(const std::string& rows) {
  if (rows == "flows") return flow_fields();
  if (rows == "dependencies") return dependency_fields();
  if (rows == "assets") return asset_fields();
  if (rows == "changes") return change_fields();
  throw ConfigError("rows: `" + rows +
                    "`; `flows`, `dependencies`, `assets` or `changes` is wanted");
}

bool matches(const RowFilter& filter, py::handle row) {
  const auto check = [&](const auto& wanted) -> bool {
    using Wanted = std::decay_t<decltype(wanted)>;
    if constexpr (std::is_same_v<Wanted, Filter<FlowRecord>>) {
      return wanted.matches(py::cast<const Flow&>(row).record());
    } else if constexpr (std::is_same_v<Wanted, Filter<DependencyRow>>) {
      return wanted.matches(py::cast<const Dependency&>(row).row);
    } else if constexpr (std::is_same_v<Wanted, Filter<AssetRow>>) {
      return wanted.matches(py::cast<const Asset&>(row).row);
    } else {
      return wanted.matches(py::cast<const Change&>(row).row);
    }
  };
  try {
    return std::visit(check, filter.compiled);
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(py::repr(row)) + " is no row that this filter is for");
  }
}

std::string canonical(const RowFilter& filter) {
  return std::visit([](const auto& f) { return f.canonical(); }, filter.compiled);
}

py::list described(const std::string& rows) {
  py::list out;
  for (const Field& field : fields_by_name(rows).fields()) {
    py::dict d;
    d["name"] = text_of(field.name);
    d["aliases"] = text_of(field.aliases);
    d["kind"] = text_of(to_string(field.kind));
    d["description"] = text_of(field.description);
    out.append(d);
  }
  return out;
}

}  // namespace

template <typename Row>
Filter<Row> filter_of(py::handle filter) {
  if (filter.is_none()) return {};
  if (py::isinstance<py::str>(filter)) {
    return compiled<Row>(py::cast<std::string>(filter), time_of(py::none()));
  }
  if (!py::isinstance<RowFilter>(filter)) {
    throw py::type_error(std::string(py::repr(filter)) + " is no filter; text or a Filter is");
  }
  const auto* found = std::get_if<Filter<Row>>(&py::cast<const RowFilter&>(filter).compiled);
  if (found == nullptr) throw py::type_error("the filter is for rows of another kind");
  return *found;
}
template Filter<FlowRecord> filter_of(py::handle);
template Filter<DependencyRow> filter_of(py::handle);
template Filter<AssetRow> filter_of(py::handle);
template Filter<ChangeEvent> filter_of(py::handle);

void add_filter(py::module_& m) {
  py::class_<RowFilter>(m, "Filter", "A filter, compiled (docs/filters.md). Share it freely.")
      .def(py::init(&make), py::arg("text"), py::arg("rows") = "flows", py::kw_only(),
           py::arg("now") = py::none(),
           "rows: flows, dependencies, assets or changes. now: what ages such as `5m` count back "
           "from.")
      .def("matches", &matches, py::arg("row"))
      .def_property_readonly("canonical", &canonical, "The same filter in one spelling.")
      .def_static(
          "fields", &described, py::arg("rows") = "flows",
          "What can be asked of rows of a kind: name, aliases, kind and description of each field.")
      .def("__str__", &canonical)
      .def("__repr__", [](const RowFilter& f) { return "<flowlens.Filter " + canonical(f) + ">"; });
}

}  // namespace flowlens::python
