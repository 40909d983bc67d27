#include "revision.hpp"

#include "flowlens/error.hpp"
#include "flowlens/revision_codec.hpp"

namespace flowlens::python {
namespace {

PyRevision from_bytes(py::handle octets, const py::iterable& sites) {
  const PinnedBuffer pinned(octets);
  PyRevision made;
  for (const py::handle site : sites) made.sites.add(py::cast<std::string>(site));
  const Diagnostic problem =
      without_gil([&] { return decode_revision(pinned.octets(), made.sites, made.revision); });
  if (problem.code != DiagnosticCode::none) {
    throw IoError("these octets are no revision: " + to_string(problem));
  }
  return made;
}

template <typename Row>
py::list ids_of(const std::vector<Row>& rows) {
  py::list out;
  for (const Row& row : rows) {
    if constexpr (std::is_same_v<Row, Id>) {
      out.append(row.to_string());
    } else {
      out.append(row.id.to_string());
    }
  }
  return out;
}

}  // namespace

void add_revision(py::module_& m) {
  py::class_<PyRevision>(
      m, "Revision", "What changed in a map since the revision before: ids of rows, new and gone.")
      .def_property_readonly("number", [](const PyRevision& r) { return r.revision.number; })
      .def_property_readonly("epoch", [](const PyRevision& r) { return r.revision.epoch.value; })
      .def_property_readonly("at", [](const PyRevision& r) { return to_python(r.revision.at); })
      .def_property_readonly("assets",
                             [](const PyRevision& r) { return ids_of(r.revision.assets); })
      .def_property_readonly("dependencies",
                             [](const PyRevision& r) { return ids_of(r.revision.dependencies); })
      .def_property_readonly("removed_assets",
                             [](const PyRevision& r) { return ids_of(r.revision.removed_assets); })
      .def_property_readonly(
          "removed_dependencies",
          [](const PyRevision& r) { return ids_of(r.revision.removed_dependencies); })
      .def_property_readonly("changes",
                             [](const PyRevision& r) { return ids_of(r.revision.events); })
      .def(
          "__bool__", [](const PyRevision& r) { return !r.revision.empty(); },
          "Whether anything changed.")
      .def("__bytes__",
           [](const PyRevision& r) {
             return bytes_of(without_gil([&] { return encode_revision(r.revision, r.sites); }));
           })
      .def_static("from_bytes", &from_bytes, py::arg("octets"), py::kw_only(),
                  py::arg("sites") = py::tuple(),
                  "sites: names of those configured, `default` aside.")
      .def("__repr__", [](const PyRevision& r) {
        return "<flowlens.Revision " + std::to_string(r.revision.number) + ", " +
               std::to_string(r.revision.dependencies.size()) + " dependencies>";
      });
}

}  // namespace flowlens::python
