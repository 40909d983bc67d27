// Resolver: flows and facts in, the map out.
#include "flowlens/resolver.hpp"

#include "counters.hpp"
#include "flowlens/error.hpp"
#include "reader.hpp"
#include "resolver.hpp"
#include "revision.hpp"

namespace flowlens::python {
namespace {

constexpr std::chrono::seconds kFlushEvery{60};  // of the files' own time

/// Its mutex is that of all who write to the map. What is read of the map goes past it.
struct LockedResolver {
  explicit LockedResolver(const ResolverOptions& options) : resolver(options) {
    resolver.begin({1}, 0);
  }
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();
  Resolver resolver;
  Timestamp now;         ///< the latest that was told; a Resolver's never goes back
  Timestamp next_flush;  ///< of read()

  Timestamp advance(Timestamp to) noexcept { return now = std::max(now, to); }
};
using Shared = std::shared_ptr<LockedResolver>;

Shared make(py::handle sites, py::handle internal_networks, py::handle window,
            py::handle allowed_lateness, std::size_t max_conversations, std::size_t max_assets,
            std::size_t max_dependencies, bool detect_changes, py::handle learning) {
  ResolverOptions o;
  o.enricher = enricher_options(sites, internal_networks);
  o.aggregator.window = seconds_of(window, "window");
  o.aggregator.allowed_lateness = seconds_of(allowed_lateness, "allowed_lateness");
  o.aggregator.max_conversations = max_conversations;
  o.graph.max_assets = max_assets;
  o.graph.max_dependencies = max_dependencies;
  o.changes.is_on = detect_changes;
  o.changes.learning =
      std::chrono::duration_cast<std::chrono::hours>(duration_of(learning, "learning"));
  return without_gil([&] { return std::make_shared<LockedResolver>(o); });
}

/// Each second of the batch with the time at which it was received.
void add_by_received(LockedResolver& self, const FlowBatch& batch) {
  self.resolver.tell(batch);
  for_each_second(batch, [&](std::size_t first, std::size_t end, Timestamp now) {
    self.resolver.add(batch, first, end, self.advance(now));
  });
}

void add(LockedResolver& self, const Batch& batch, py::handle now) {
  if (now.is_none()) {
    alone(*self.mutex, [&] { add_by_received(self, *batch.flows); });
    return;
  }
  const Timestamp at = time_of(now);
  alone(*self.mutex, [&] { self.resolver.add(*batch.flows, self.advance(at)); });
}

std::size_t add_facts(LockedResolver& self, const py::iterable& facts) {
  std::vector<Fact> told;
  for (const py::handle f : facts) {
    told.push_back(fact_for(py::cast<const PyFact&>(f), self.resolver.graph().sites()));
  }
  return without_gil([&] { return self.resolver.add(told); });
}

/// As a daemon does that reads files: flushed every minute of their time, so that windows close in time.
void take(LockedResolver& self, const FlowBatch& batch) {
  self.resolver.tell(batch);
  for_each_second(batch, [&](std::size_t first, std::size_t end, Timestamp at) {
    const Timestamp now = self.advance(at);
    self.resolver.add(batch, first, end, now);
    if (now < self.next_flush) return;
    (void)self.resolver.flush(now);
    self.next_flush = now + kFlushEvery;
  });
}

/// \return false at the end.
bool take_some(LockedResolver& self, Reader& reader, FlowBatch& batch) {
  return without_gil([&] {
    const std::scoped_lock lock(reader.mutex, *self.mutex);
    if (!reader.next(batch)) return false;
    take(self, batch);
    return true;
  });
}

void read(LockedResolver& self, Reader& reader, const py::object& progress) {
  FlowBatch batch;
  const auto show = [&] {
    if (progress.is_none()) return;
    const std::uint64_t octets = alone(reader.mutex, [&] {
      reader.note();
      return reader.octets_read;
    });
    progress(octets, reader.octets_total);
  };
  while (take_some(self, reader, batch)) {
    check_signals();
    show();
  }
  show();
  without_gil([&] {
    const std::scoped_lock lock(reader.mutex, *self.mutex);
    reader.note();
    (void)self.resolver.finish(self.advance(reader.now));
  });
}

PyRevision flush(LockedResolver& self, py::handle now, bool is_end) {
  const auto at = now.is_none() ? std::optional<Timestamp>{} : time_of(now);
  return alone(*self.mutex, [&] {
    const Timestamp to = at ? self.advance(*at) : self.now;
    return PyRevision{is_end ? self.resolver.finish(to) : self.resolver.flush(to),
                      self.resolver.graph().sites()};
  });
}

py::dict ledger(LockedResolver& self) {
  return dict_of(alone(*self.mutex, [&] { return self.resolver.ledger(); }));
}

}  // namespace

void add_resolver(py::module_& m) {
  add_enricher(m);
  const ResolverOptions o;
  py::class_<LockedResolver, Shared>(m, "Resolver",
                                     "The only writer of a map: flows and facts in, revisions out.")
      .def(py::init(&make), py::kw_only(), py::arg("sites") = py::none(),
           py::arg("internal_networks") = py::none(),
           py::arg("window") = o.aggregator.window.count(),
           py::arg("allowed_lateness") = o.aggregator.allowed_lateness.count(),
           py::arg("max_conversations") = o.aggregator.max_conversations,
           py::arg("max_assets") = o.graph.max_assets,
           py::arg("max_dependencies") = o.graph.max_dependencies,
           py::arg("detect_changes") = o.changes.is_on,
           py::arg("learning") = std::chrono::seconds(o.changes.learning).count())
      .def("add", &add, py::arg("batch"), py::kw_only(), py::arg("now") = py::none(),
           "now: the caller's clock, which never goes back; None: each flow comes when it was "
           "received.")
      .def("add_facts", &add_facts, py::arg("facts"), "How many the map has taken.")
      .def(
          "begin",
          [](LockedResolver& self, std::uint64_t epoch, std::uint64_t last_revision) {
            alone(*self.mutex, [&] { self.resolver.begin({epoch}, last_revision); });
          },
          py::kw_only(), py::arg("epoch"), py::arg("last_revision"),
          "Starts a term: revisions carry the epoch and follow on the last one.")
      .def("read", &read, py::arg("reader"), py::kw_only(), py::arg("progress") = py::none(),
           "Takes all that a FlowReader has left to give, by the files' own time, and closes every "
           "window.\n"
           "progress: called with the octets read so far, and those of all files.")
      .def(
          "flush", [](LockedResolver& s, py::handle now) { return flush(s, now, false); },
          py::arg("now") = py::none(), "What changed since the last flush.")
      .def(
          "finish", [](LockedResolver& s, py::handle now) { return flush(s, now, true); },
          py::arg("now") = py::none(), "As flush(), and closes every window.")
      .def_property_readonly("graph",
                             [](const Shared& self) {
                               return Graph{{self, &self->resolver.graph()}, self->mutex};
                             })
      .def_property_readonly(
          "now",
          [](LockedResolver& self) {
            return to_python(alone(*self.mutex, [&] { return self.now; }));
          },
          "The latest time that it was told.")
      .def_property_readonly("ledger", &ledger, "Where the flows went.");
}

}  // namespace flowlens::python
