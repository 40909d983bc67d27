// Classifier: what each asset is, and why.
#include "flowlens/classifier.hpp"

#include "flowlens/error.hpp"
#include "graph.hpp"
#include "resolver.hpp"

namespace flowlens::python {
namespace {

ClassifierOptions options_of(py::handle rules, py::handle networks, py::handle min_observation,
                             std::uint64_t min_flows) {
  ClassifierOptions o;
  if (!rules.is_none()) {
    o.rules = parse_classification_rules(py::cast<std::string>(rules), "rules");
  }
  if (!networks.is_none()) {
    o.networks = parse_network_rules(py::cast<std::string>(networks), "networks");
  }
  o.min_observation = std::chrono::duration_cast<std::chrono::hours>(
      duration_of(min_observation, "min_observation"));
  o.min_flows = min_flows;
  return o;
}

struct LockedClassifier {
  explicit LockedClassifier(const ClassifierOptions& options) : classifier(options) {}
  std::mutex mutex;  ///< of look(); all else may be asked meanwhile
  Classifier classifier;
  Timestamp now;
};

py::list listed(const std::vector<std::string>& texts) {
  py::list out;
  for (const std::string& text : texts) out.append(text_of(text));
  return out;
}

py::dict dict_of(const Verdict& v) {
  py::dict out;
  out["type"] = text_of(to_string(v.type));
  out["confidence"] = v.confidence();
  out["reasons"] = listed(v.reasons(v.type));
  py::dict probability;
  for (std::size_t i = 0; i < kAssetTypeCount; ++i) {
    if (v.probability[i] > 0.005) {
      probability[text_of(to_string(static_cast<AssetType>(i)))] = v.probability[i];
    }
  }
  out["probability"] = probability;
  return out;
}

py::dict dict_of(const Classification& c) {
  py::dict out;
  out["type"] = text_of(to_string(c.answer.type));
  out["confidence"] = double{c.answer.confidence};
  out["reasons"] = listed(c.answer.reasons);
  out["at"] = to_python(c.answer.at);
  out["looked_at"] = to_python(c.looked_at);
  return out;
}

/// None: when the map saw traffic last.
Timestamp latest_of(const Graph& graph, py::handle now) {
  if (!now.is_none()) return time_of(now);
  AssetQuery query;
  query.order = AssetOrder::last_seen;
  query.is_descending = true;
  query.limit = 1;
  const auto latest = without_gil([&] { return graph.map->assets(query); });
  return latest.rows.empty() ? Timestamp{} : latest.rows.front().last_seen;
}

py::list look(LockedClassifier& self, const Graph& graph, py::handle now) {
  const Timestamp at = latest_of(graph, now);
  const std::vector<Fact> facts = alone(self.mutex, [&] {
    self.now = std::max(self.now, at);
    return self.classifier.look(*graph.map, self.now);
  });
  py::list out;
  for (const Fact& fact : facts) {
    out.append(py::cast(PyFact{fact, std::string(graph.map->sites().name(fact.subject.site))}));
  }
  return out;
}

py::dict judge(LockedClassifier& self, const Graph& graph, py::handle which, py::handle now) {
  const Id id = asset_row(graph, which).id;
  const Timestamp at = latest_of(graph, now);
  const auto verdict = without_gil([&] { return self.classifier.judge_now(*graph.map, id, at); });
  if (!verdict) throw py::key_error("there is no asset " + id.to_string());
  return dict_of(*verdict);
}

py::object classification(LockedClassifier& self, const Graph& graph, py::handle which) {
  const Id id = asset_row(graph, which).id;
  const auto found = self.classifier.classification(id);
  return found ? py::object(dict_of(*found)) : py::none();
}

/// All assets judged as of now; the map stays as it is.
py::dict classify(const Graph& graph, py::handle rules, py::handle networks, py::handle now) {
  ClassifierOptions o = options_of(rules, networks, py::int_(0), 0);
  const Timestamp at = latest_of(graph, now);
  std::vector<std::pair<std::string, Verdict>> verdicts;
  without_gil([&] {
    const Classifier classifier(o);
    for (const AssetRow& row : graph.map->copy().assets) {
      if (auto verdict = classifier.judge_now(*graph.map, row.id, at)) {
        verdicts.emplace_back(row.id.to_string(), std::move(*verdict));
      }
    }
  });
  py::dict out;
  for (const auto& [id, verdict] : verdicts) out[py::str(id)] = dict_of(verdict);
  return out;
}

std::size_t apply_facts(const Graph& graph, const py::iterable& facts) {
  std::vector<Fact> told;
  for (const py::handle f : facts) {
    told.push_back(fact_for(py::cast<const PyFact&>(f), graph.map->sites()));
  }
  return without_gil([&] { return graph.map->apply(told); });
}

}  // namespace

void add_classifier(py::module_& m) {
  const ClassifierOptions o;
  py::class_<LockedClassifier>(m, "Classifier",
                               "Says what each asset is, by scored rules over what it does.")
      .def(py::init([](py::handle rules, py::handle networks, py::handle min_observation,
                       std::uint64_t min_flows) {
             const ClassifierOptions options =
                 options_of(rules, networks, min_observation, min_flows);
             return without_gil([&] { return std::make_unique<LockedClassifier>(options); });
           }),
           py::kw_only(), py::arg("rules") = py::none(), py::arg("networks") = py::none(),
           py::arg("min_observation") = std::chrono::seconds(o.min_observation).count(),
           py::arg("min_flows") = o.min_flows,
           "rules, networks: tables as text (docs/classification.md); without rules those FlowLens "
           "comes with.")
      .def("look", &look, py::arg("graph"), py::arg("now") = py::none(),
           "Looks at what is due. What is new comes as facts, for Resolver.add_facts() or "
           "Graph.add_facts().")
      .def("classification", &classification, py::arg("graph"), py::arg("asset"),
           "The answer that stands; None for an asset not come across.")
      .def("judge", &judge, py::arg("graph"), py::arg("asset"), py::arg("now") = py::none(),
           "Judges one asset now, with all probabilities, and keeps nothing of it.");
  py::reinterpret_borrow<py::class_<Graph>>(m.attr("Graph"))
      .def("classify", &classify, py::arg("rules") = py::none(), py::kw_only(),
           py::arg("networks") = py::none(), py::arg("now") = py::none(),
           "What the rules make of each asset now, however little was seen of it: {id: type, "
           "confidence, reasons,\n"
           "probability}. The map stays as it is.")
      .def("add_facts", &apply_facts, py::arg("facts"), "How many the map has taken.");
}

}  // namespace flowlens::python
