#include "arrow.hpp"

#include <functional>

#include "flowlens/error.hpp"

namespace flowlens::python {
namespace {

constexpr const char* kStreamName = "arrow_array_stream";

void release_unused(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, kStreamName));
  if (stream == nullptr) {
    PyErr_WriteUnraisable(capsule);
    return;
  }
  if (stream->release != nullptr) stream->release(stream);
  delete stream;
}

/// Rows copied out of a map, so that each who asks gets all of them.
struct ArrowRows {
  std::function<void(ArrowArrayStream*)> make;
};

AddressForm form_of(const std::string& word) {
  if (word == "octets") return AddressForm::octets;
  if (word == "text") return AddressForm::text;
  throw ConfigError("addresses: `" + word + "`; `octets` or `text` is wanted");
}

ArrowOptions options_of(const std::string& addresses, py::handle columns) {
  ArrowOptions o;
  o.addresses = form_of(addresses);
  if (!columns.is_none()) {
    for (const py::handle name : py::iter(columns))
      o.columns.push_back(py::cast<std::string>(name));
  }
  return o;
}

ArrowRows flows_of(std::shared_ptr<const FlowBatch> flows, ArrowOptions options) {
  return {[flows = std::move(flows), options = std::move(options)](ArrowArrayStream* out) {
    export_flows(flows, options, out);
  }};
}

/// The rest of a reader, once: it does not begin anew.
ArrowRows flows_of(std::shared_ptr<Reader> reader, ArrowOptions options) {
  return {[reader = std::move(reader), options = std::move(options)](ArrowArrayStream* out) {
    export_flows(
        [reader](FlowBatch& batch) {
          const std::lock_guard lock(reader->mutex);
          bool is_there = true;
          do {
            is_there = reader->next(batch);
          } while (is_there && batch.flows.empty());
          return is_there;
        },
        options, out);
  }};
}

Revision rows_of(const Graph& graph) {
  return without_gil([&] { return graph.map->copy(); });
}

}  // namespace

py::object stream_capsule(const std::function<void(ArrowArrayStream*)>& make) {
  auto stream = std::make_unique<ArrowArrayStream>();
  without_gil([&] { make(stream.get()); });
  PyObject* capsule = PyCapsule_New(stream.get(), kStreamName, &release_unused);
  if (capsule == nullptr) {
    stream->release(stream.get());
    throw py::error_already_set();
  }
  stream.release();
  return py::reinterpret_steal<py::object>(capsule);
}

py::object arrow_of_assets(const Graph& graph) {
  auto map = graph.map;
  return py::cast(ArrowRows{[map, rows = rows_of(graph).assets](ArrowArrayStream* out) {
    export_assets(rows, map->sites(), {}, out);
  }});
}
py::object arrow_of_dependencies(const Graph& graph) {
  auto map = graph.map;
  return py::cast(ArrowRows{[map, rows = rows_of(graph).dependencies](ArrowArrayStream* out) {
    export_dependencies(rows, map->sites(), {}, out);
  }});
}
py::object arrow_of_changes(const Graph& graph) {
  auto map = graph.map;
  ChangeQuery query;
  query.limit = SIZE_MAX;
  auto page = without_gil([&] { return map->changes(query); });
  return py::cast(ArrowRows{[map, rows = std::move(page.rows)](ArrowArrayStream* out) {
    export_changes(rows, map->sites(), {}, out);
  }});
}

void add_arrow(py::module_& m) {
  py::class_<ArrowRows>(m, "ArrowRows",
                        "Rows for who knows the Arrow PyCapsule interface: pyarrow.table(rows), "
                        "polars.from_arrow(rows).")
      .def(
          "__arrow_c_stream__",
          [](const ArrowRows& r, py::handle) { return stream_capsule(r.make); },
          py::arg("requested_schema") = py::none());

  // Added here, so that the files of the objects need not know of Arrow.
  py::reinterpret_borrow<py::class_<Batch>>(m.attr("FlowBatch"))
      .def(
          "__arrow_c_stream__",
          [](const Batch& b, py::handle) { return stream_capsule(flows_of(b.flows, {}).make); },
          py::arg("requested_schema") = py::none())
      .def(
          "arrow",
          [](const Batch& b, const std::string& addresses, py::handle columns) {
            return flows_of(b.flows, options_of(addresses, columns));
          },
          py::kw_only(), py::arg("addresses") = "octets", py::arg("columns") = py::none(),
          "The same with addresses as 16 octets or as text, and with some columns only.");
  py::reinterpret_borrow<py::class_<Reader, std::shared_ptr<Reader>>>(m.attr("FlowReader"))
      .def(
          "__arrow_c_stream__",
          [](const std::shared_ptr<Reader>& r, py::handle) {
            return stream_capsule(flows_of(r, {}).make);
          },
          py::arg("requested_schema") = py::none(),
          "What the reader has left to give, as it is read.")
      .def(
          "arrow",
          [](const std::shared_ptr<Reader>& r, const std::string& addresses, py::handle columns) {
            return flows_of(r, options_of(addresses, columns));
          },
          py::kw_only(), py::arg("addresses") = "octets", py::arg("columns") = py::none());
}

}  // namespace flowlens::python
