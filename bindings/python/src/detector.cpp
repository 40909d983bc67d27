// ChangeDetector: what became otherwise.
#include "flowlens/change_detector.hpp"

#include "counters.hpp"
#include "flowlens/error.hpp"
#include "summaries.hpp"

namespace flowlens::python {
namespace {

struct LockedDetector {
  explicit LockedDetector(const ChangeDetectorOptions& options) : detector(options) {}
  std::mutex mutex;
  ChangeDetector detector;
};

std::unique_ptr<LockedDetector> make(py::handle window, py::handle learning,
                                     std::uint32_t scan_ends, std::size_t max_watched) {
  ChangeDetectorOptions o;
  o.window = seconds_of(window, "window");
  o.learning = std::chrono::duration_cast<std::chrono::hours>(duration_of(learning, "learning"));
  o.scan_ends = scan_ends;
  o.max_assets = o.max_services = o.max_dependencies = max_watched;
  return without_gil([&] { return std::make_unique<LockedDetector>(o); });
}

std::uint64_t add_summaries(const Graph& graph, Summaries& summaries) {
  auto ids = std::make_shared<std::vector<Id>>();
  const std::uint64_t refused = alone(*graph.writing, [&] {
    return graph.map->apply(summaries.rows, summaries.redirections, ids.get());
  });
  summaries.ids = std::move(ids);
  return refused;
}

py::list look(LockedDetector& self, const Graph& graph, const Summaries& summaries) {
  const auto ids = summaries.ids;
  if (!ids) {
    throw ConfigError("no graph has taken these summaries: Graph.add_summaries() goes first");
  }
  std::vector<ChangeEvent> events;
  alone(self.mutex,
        [&] { self.detector.look(*graph.map, summaries.rows, *ids, events, summaries.attempts); });
  py::list out;
  for (ChangeEvent& event : events) out.append(py::cast(Change{std::move(event), graph.map}));
  return out;
}

void load_state(LockedDetector& self, py::handle state) {
  const PinnedBuffer pinned(state);
  const Diagnostic problem = alone(self.mutex, [&] { return self.detector.load(pinned.octets()); });
  if (problem.code != DiagnosticCode::none) {
    throw IoError("the saved state cannot be used: " + to_string(problem));
  }
}

}  // namespace

void add_detector(py::module_& m) {
  const ChangeDetectorOptions o;
  py::class_<LockedDetector>(
      m, "ChangeDetector",
      "Watches closed windows for what is otherwise than usual. A Resolver has one of its own.")
      .def(py::init(&make), py::kw_only(),
           py::arg("window") = std::chrono::duration_cast<std::chrono::seconds>(o.window).count(),
           py::arg("learning") = std::chrono::seconds(o.learning).count(),
           py::arg("scan_ends") = o.scan_ends, py::arg("max_watched") = o.max_assets,
           "window: the Aggregator's. learning: until then only discovery is said. scan_ends: "
           "addresses or ports that\n"
           "one client had never called, in a window. max_watched: assets, services and "
           "dependencies each.")
      .def("look", &look, py::arg("graph"), py::arg("summaries"),
           "Looks at the rows of closed windows, which the graph has taken: changes, causes before "
           "their parts.")
      .def(
          "save_state",
          [](LockedDetector& self) {
            return bytes_of(alone(self.mutex, [&] { return self.detector.save(); }));
          },
          "All that was learned, for a restart.")
      .def("load_state", &load_state, py::arg("state"));
  py::reinterpret_borrow<py::class_<Graph>>(m.attr("Graph"))
      .def(
          "add_summaries", &add_summaries, py::arg("summaries"),
          "Takes what an Aggregator tells of, for a map without a Resolver. How many flows did not "
          "fit.");
}

}  // namespace flowlens::python
