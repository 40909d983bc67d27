// GeoDatabase.
#include "binding.hpp"
#include "flowlens/error.hpp"
#include "flowlens/geoip.hpp"

namespace flowlens::python {
namespace {

/// Closed by hand or by its end; who is still looking something up keeps it.
struct OpenDatabase {
  std::mutex mutex;
  std::shared_ptr<const GeoDatabase> file;

  [[nodiscard]] std::shared_ptr<const GeoDatabase> get() {
    const std::lock_guard lock(mutex);
    if (!file) throw ConfigError("the database is closed");
    return file;
  }
};

Cell text_cell(const std::string& text) { return text.empty() ? Cell{} : Cell{text}; }
Cell number_cell(const std::optional<double>& n) { return n ? Cell{*n} : Cell{}; }

GeoRecord find(OpenDatabase& self, py::handle address) {
  const auto file = self.get();
  const GeoAnswer answer = file->find(address_of(address, "address"));
  if (answer.status == GeoStatus::damaged) {
    throw IoError("the database is damaged where " + std::string(py::str(address)) +
                  " should be; fetch it anew");
  }
  return answer.record;
}

py::dict lookup(OpenDatabase& self, py::handle address) {
  const GeoRecord r = find(self, address);
  py::dict out;
  out["continent"] = to_python(text_cell(r.continent));
  out["country"] = to_python(text_cell(r.country));
  out["country_name"] = to_python(text_cell(r.country_name));
  out["region"] = to_python(text_cell(r.region));
  out["city"] = to_python(text_cell(r.city));
  out["latitude"] = to_python(number_cell(r.latitude));
  out["longitude"] = to_python(number_cell(r.longitude));
  out["as_number"] = r.as_number == 0 ? py::object(py::none()) : py::object(py::int_(r.as_number));
  out["as_organization"] = to_python(text_cell(r.as_organization));
  return out;
}

void close(OpenDatabase& self) {
  const std::lock_guard lock(self.mutex);
  self.file.reset();
}

}  // namespace

void add_geo(py::module_& m) {
  py::class_<OpenDatabase>(
      m, "GeoDatabase", "A file in MaxMind's DB format: countries, cities or autonomous systems.")
      .def(py::init([](py::handle path) {
             auto made = std::make_unique<OpenDatabase>();
             const std::string name = path_of(path);
             made->file = without_gil([&] { return std::make_shared<const GeoDatabase>(name); });
             return made;
           }),
           py::arg("path"))
      .def("lookup", &lookup, py::arg("address"),
           "All that the file tells; None for what it does not.")
      .def(
          "city",
          [](OpenDatabase& self, py::handle a) { return to_python(text_cell(find(self, a).city)); },
          py::arg("address"))
      .def(
          "country",
          [](OpenDatabase& self, py::handle a) {
            return to_python(text_cell(find(self, a).country));
          },
          py::arg("address"), "Two letters.")
      .def(
          "asn",
          [](OpenDatabase& self, py::handle a) -> py::object {
            const std::uint32_t number = find(self, a).as_number;
            return number == 0 ? py::object(py::none()) : py::object(py::int_(number));
          },
          py::arg("address"))
      .def_property_readonly("type", [](OpenDatabase& self) { return text_of(self.get()->type()); })
      .def_property_readonly("built",
                             [](OpenDatabase& self) { return to_python(self.get()->built()); })
      .def("close", &close)
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](OpenDatabase& self, const py::args&) { close(self); });
}

}  // namespace flowlens::python
