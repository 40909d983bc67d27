// Aggregator: flows to summaries of conversations.
#include "flowlens/aggregator.hpp"

#include "counters.hpp"
#include "flowlens/error.hpp"
#include "resolver.hpp"
#include "summaries.hpp"

namespace flowlens::python {
namespace {

/// One of them.
struct Summary {
  std::shared_ptr<const Summaries> all;
  const ConnectionSummary& row;
};

struct LockedAggregator {
  LockedAggregator(const AggregatorOptions& options, std::shared_ptr<Enricher> labels)
      : aggregator(options), enricher(std::move(labels)) {}
  std::mutex mutex;
  Aggregator aggregator;
  std::shared_ptr<Enricher> enricher;
  std::vector<FlowLabels> labels;
  Timestamp now;
};

std::unique_ptr<LockedAggregator> make(std::shared_ptr<Enricher> enricher, py::handle window,
                                       py::handle allowed_lateness, std::size_t max_conversations) {
  AggregatorOptions o;
  o.window = seconds_of(window, "window");
  o.allowed_lateness = seconds_of(allowed_lateness, "allowed_lateness");
  o.max_conversations = max_conversations;
  if (!enricher) enricher = std::make_shared<Enricher>();
  return without_gil([&] { return std::make_unique<LockedAggregator>(o, std::move(enricher)); });
}

void add(LockedAggregator& self, const Batch& batch, py::handle now) {
  const Timestamp at = time_of(now);
  alone(self.mutex, [&] {
    self.now = std::max(self.now, at);
    self.enricher->label(*batch.flows, 0, batch.flows->flows.size(), self.labels);
    self.aggregator.add(batch.flows->flows, self.labels, self.now);
  });
}

std::shared_ptr<Summaries> summaries(LockedAggregator& self, std::optional<Timestamp> now) {
  return alone(self.mutex, [&] {
    auto out = std::make_shared<Summaries>(self.enricher);
    if (now) {
      self.now = std::max(self.now, *now);
      self.aggregator.flush(self.now, out->rows, &out->redirections, &out->attempts);
    } else {
      self.aggregator.finish(out->rows, &out->redirections, &out->attempts);
    }
    return out;
  });
}

Summary at(const std::shared_ptr<Summaries>& self, std::ptrdiff_t index) {
  const auto size = static_cast<std::ptrdiff_t>(self->rows.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) throw py::index_error();
  return {self, self->rows[static_cast<std::size_t>(index)]};
}

std::string site_of(const Summary& s, const Endpoint& e) {
  return std::string(s.all->enricher->sites().name(e.site));
}
Cell number(std::uint64_t n) { return n; }

const Attribute<Summary> kSummary[] = {
    {"window_start", [](const Summary& s) { return Cell{s.row.window_start}; }},
    {"client_address", [](const Summary& s) { return Cell{s.row.key.client.address}; }},
    {"server_address", [](const Summary& s) { return Cell{s.row.key.server.address}; }},
    {"client_site", [](const Summary& s) { return Cell{site_of(s, s.row.key.client)}; }},
    {"server_site", [](const Summary& s) { return Cell{site_of(s, s.row.key.server)}; }},
    {"port", [](const Summary& s) { return number(s.row.key.port); }},
    {"protocol", [](const Summary& s) { return number(s.row.key.protocol); }},
    {"service", [](const Summary& s) { return Cell{std::string(service_name(s.row.service))}; }},
    {"direction", [](const Summary& s) { return Cell{std::string(to_string(s.row.direction))}; }},
    {"evidence", [](const Summary& s) { return Cell{std::string(to_string(s.row.rung))}; }},
    {"confidence", [](const Summary& s) { return Cell{double{confidence(s.row.reasons)}}; }},
    {"provisional", [](const Summary& s) { return Cell{s.row.provisional}; }},
    {"first", [](const Summary& s) { return Cell{s.row.first}; }},
    {"last", [](const Summary& s) { return Cell{s.row.last}; }},
    {"flows", [](const Summary& s) { return number(s.row.counts.flows); }},
    {"octets_to_server", [](const Summary& s) { return number(s.row.counts.octets_to_server); }},
    {"octets_to_client", [](const Summary& s) { return number(s.row.counts.octets_to_client); }},
    {"packets_to_server", [](const Summary& s) { return number(s.row.counts.packets_to_server); }},
    {"packets_to_client", [](const Summary& s) { return number(s.row.counts.packets_to_client); }},
    {"estimated_octets_to_server",
     [](const Summary& s) { return number(s.row.counts.estimated_octets_to_server); }},
    {"estimated_octets_to_client",
     [](const Summary& s) { return number(s.row.counts.estimated_octets_to_client); }},
    {"exporters",
     [](const Summary& s) {
       return Cell{std::vector<IpAddress>{s.row.observers.begin(),
                                          s.row.observers.begin() + s.row.observer_count}};
     }},
};

}  // namespace

void add_aggregator(py::module_& m) {
  const AggregatorOptions o;
  py::class_<Summary> summary(
      m, "Summary",
      "One dependency in one window: the counts so far; final once it is not provisional.");
  add_attributes(summary, kSummary);
  py::class_<Summaries, std::shared_ptr<Summaries>>(
      m, "Summaries", "What an Aggregator tells of at one time: a sequence of Summary.")
      .def("__len__", [](const Summaries& self) { return self.rows.size(); })
      .def("__getitem__", &at, py::arg("index"))
      .def("__iter__", [](const std::shared_ptr<Summaries>& self) {
        py::list all;
        for (const ConnectionSummary& row : self->rows) all.append(py::cast(Summary{self, row}));
        return py::iter(all);
      });
  py::class_<LockedAggregator>(
      m, "Aggregator",
      "Pairs the halves of conversations, counts each once, and decides who serves.")
      .def(py::init(&make), py::kw_only(), py::arg("enricher") = py::none(),
           py::arg("window") = o.window.count(),
           py::arg("allowed_lateness") = o.allowed_lateness.count(),
           py::arg("max_conversations") = o.max_conversations)
      .def("add", &add, py::arg("batch"), py::kw_only(), py::arg("now"),
           "now: the caller's clock; it never goes back.")
      .def(
          "flush",
          [](LockedAggregator& self, py::handle now) { return summaries(self, time_of(now)); },
          py::arg("now"), "Summaries of what changed since the last time.")
      .def(
          "finish", [](LockedAggregator& self) { return summaries(self, std::nullopt); },
          "The same, and closes every window.")
      .def_property_readonly("ledger", [](LockedAggregator& self) {
        return dict_of(alone(self.mutex, [&] { return self.aggregator.ledger(); }));
      });
}

}  // namespace flowlens::python
