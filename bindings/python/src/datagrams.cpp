// Exporters' datagrams out of captures, for those who decode them on their own.
#include <memory>
#include <mutex>
#include <optional>

#include "binding.hpp"
#include "flowlens/capture_reader.hpp"

namespace flowlens::python {
namespace {

/// One datagram, with octets of its own.
struct Datagram {
  std::vector<std::byte> octets;
  TransportSession session;
  Timestamp received;
};

/// One thread at a time reads, under `mutex`.
struct DatagramReader {
  std::mutex mutex;
  std::unique_ptr<CaptureReader> capture;

  std::optional<Datagram> next() {
    CaptureItem item;
    while (capture->next(item)) {
      if (!item.is_datagram) continue;
      const ReceivedDatagram& d = item.datagram;
      return Datagram{{d.octets.begin(), d.octets.end()}, d.session, d.received};
    }
    return {};
  }
};

std::shared_ptr<DatagramReader> open(py::handle path) {
  auto reader = std::make_shared<DatagramReader>();
  const std::string text = path_of(path);
  without_gil([&] { reader->capture = std::make_unique<CaptureReader>(text); });
  return reader;
}

Datagram next(DatagramReader& reader) {
  std::optional<Datagram> found = alone(reader.mutex, [&] { return reader.next(); });
  if (!found) throw py::stop_iteration();
  return *std::move(found);
}

}  // namespace

void add_datagrams(py::module_& m) {
  py::class_<Datagram>(m, "Datagram", "An exporter's datagram, as it lies in a capture.")
      .def_property_readonly("payload", [](const Datagram& d) { return bytes_of(d.octets); })
      .def_property_readonly("exporter",
                             [](const Datagram& d) { return to_python(d.session.exporter); })
      .def_property_readonly("exporter_port",
                             [](const Datagram& d) { return d.session.exporter_port; })
      .def_property_readonly("collector_port",
                             [](const Datagram& d) { return d.session.collector_port; })
      .def_property_readonly(
          "received", [](const Datagram& d) { return to_python(d.received); },
          "When it was captured.")
      .def("__repr__", [](const Datagram& d) {
        return "<flowlens.Datagram of " + d.session.exporter.to_string() + ", " +
               std::to_string(d.octets.size()) + " octets>";
      });
  py::class_<DatagramReader, std::shared_ptr<DatagramReader>>(
      m, "DatagramReader", "An iterator of Datagrams; made by flowlens.datagrams().")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", &next);
  m.def("datagrams", &open, py::arg("path"),
        "Reads exporters' datagrams out of a capture (pcap, pcapng), in its order; packets of "
        "other traffic are\n"
        "passed over. Raises InputError where the file is damaged; what came before was given.");
}

}  // namespace flowlens::python
