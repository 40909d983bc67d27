#include "reader.hpp"

#include "counters.hpp"
#include "flowlens/arrow.hpp"
#include "flowlens/error.hpp"

namespace flowlens::python {
namespace {

CaptureContent content_of(const std::string& word) {
  if (word == "automatic") return CaptureContent::automatic;
  if (word == "exports") return CaptureContent::exports;
  if (word == "traffic") return CaptureContent::traffic;
  throw ConfigError("content: `" + word + "`; `automatic`, `exports` or `traffic` is wanted");
}

std::shared_ptr<Reader> open(py::handle paths, py::handle filter, std::size_t batch_flows,
                             py::handle exporter_ports, const std::string& content) {
  FlowFileOptions o;
  o.batch_flows = batch_flows;
  o.capture.content = content_of(content);
  if (!exporter_ports.is_none()) {
    o.capture.exporter_ports.clear();
    for (const py::handle port : py::iter(exporter_ports)) {
      o.capture.exporter_ports.push_back(py::cast<std::uint16_t>(port));
    }
  }
  std::vector<std::filesystem::path> files;
  for (std::string& path : paths_of(paths)) files.emplace_back(std::move(path));
  auto reader = std::make_shared<Reader>();
  reader->filter = filter_of<FlowRecord>(filter);
  without_gil([&] { reader->file = std::make_unique<FlowFile>(files, o); });
  reader->octets_total = reader->file->octets_total();
  reader->note();
  return reader;
}

Batch next(Reader& reader) {
  while (true) {
    auto batch = std::make_shared<FlowBatch>();
    const bool is_there = alone(reader.mutex, [&] { return reader.next(*batch); });
    if (!is_there) throw py::stop_iteration();
    check_signals();
    if (!batch->flows.empty() || !batch->nat_events.empty()) return {std::move(batch), true, {}};
  }
}

template <typename Get>
auto known(Reader& reader, Get&& get) {
  return alone(reader.mutex, [&] {
    reader.note();
    return get();
  });
}

std::string format_of(Reader& reader) {
  std::string format;
  for (const InputFile& file : known(reader, [&] { return reader.files; })) {
    const std::string one = py::cast<std::string>(dict_of(file)["format"]);
    if (!format.empty() && format != one) return "mixed";
    format = one;
  }
  return format;
}

py::list files_of(Reader& reader) {
  py::list out;
  for (const InputFile& file : known(reader, [&] { return reader.files; })) {
    out.append(dict_of(file));
  }
  return out;
}

py::list problems_of(Reader& reader) {
  py::list out;
  for (const py::handle file : files_of(reader)) {
    for (const py::handle problem : file["problems"]) out.append(problem);
  }
  return out;
}

}  // namespace

void Reader::note() {
  if (!file) return;
  counters = file->counters();
  files = file->files();
  octets_read = file->octets_read();
  now = file->now();
}

void Reader::close() {
  note();
  file.reset();
}

bool Reader::next(FlowBatch& batch) {
  if (!file || is_at_end) return false;
  if (!file->next(batch)) {
    is_at_end = true;
    return false;
  }
  if (filter) batch.keep_if(0, [&](const FlowRecord& flow) { return filter.matches(flow); });
  return true;
}

void add_reader(py::module_& m) {
  py::class_<Reader, std::shared_ptr<Reader>>(
      m, "FlowReader", "An iterator of FlowBatches out of files; made by flowlens.read().")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", &next)
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](Reader& r, const py::args&) { alone(r.mutex, [&] { r.close(); }); })
      .def(
          "close", [](Reader& r) { alone(r.mutex, [&] { r.close(); }); },
          "Lets go of the files. What is known of them can still be asked.")
      .def_property_readonly("octets_read",
                             [](Reader& r) { return known(r, [&] { return r.octets_read; }); })
      .def_property_readonly(
          "octets_total", [](const Reader& r) { return r.octets_total; },
          "Of all files; 0 where one is no regular file.")
      .def_property_readonly(
          "format", &format_of,
          "`capture`, `ipfix_file`, a kind of log such as `zeek_log`, or `mixed`.")
      .def_property_readonly(
          "now", [](Reader& r) { return to_python(known(r, [&] { return r.now; })); },
          "The latest time at which anything was received so far.")
      .def_property_readonly(
          "counters", [](Reader& r) { return dict_of(known(r, [&] { return r.counters; })); },
          "What was read so far; `flows` before the filter.")
      .def_property_readonly("files", &files_of, "What is known of each file.")
      .def_property_readonly(
          "problems", &problems_of,
          "What was wrong with the files so far, each naming its file; empty for nothing.")
      .def("__repr__", [](Reader& r) {
        return "<flowlens.FlowReader, " +
               std::to_string(known(r, [&] { return r.counters.flows; })) + " flows so far>";
      });
  m.def("read", &open, py::arg("paths"), py::kw_only(), py::arg("filter") = py::none(),
        py::arg("batch_flows") = 65'536, py::arg("exporter_ports") = py::none(),
        py::arg("content") = "automatic",
        "Reads flows out of files: captures (of exporters, or of traffic itself), IPFIX files, "
        "flow logs. What a\n"
        "file is shows in what it holds; several are one, in the order of time. A file that is "
        "damaged ends there,\n"
        "and `problems` says so.");
}

}  // namespace flowlens::python
