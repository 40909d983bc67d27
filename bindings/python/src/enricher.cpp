// Enricher, rules of sites, and facts.
#include "flowlens/enricher.hpp"

#include <limits>

#include "flowlens/error.hpp"
#include "resolver.hpp"

namespace flowlens::python {
namespace {

IpPrefix optional_prefix(py::handle value, const char* what) {
  return value.is_none() ? IpPrefix{} : prefix_of(value, what);
}

SiteRule rule(const std::string& site, py::handle addresses, py::handle exporters,
              py::handle vrf_id, const std::string& vrf_name) {
  SiteRule r;
  r.site = site;
  r.addresses = optional_prefix(addresses, "addresses");
  r.exporters = optional_prefix(exporters, "exporters");
  if (!vrf_id.is_none()) r.vrf_id = py::cast<std::uint32_t>(vrf_id);
  r.vrf_name = vrf_name;
  return r;
}

/// Labels of the flows of a batch; they know the names of sites.
struct Labels {
  std::shared_ptr<const Enricher> enricher;
  FlowLabels labels;
};

py::list label(const std::shared_ptr<Enricher>& enricher, const Batch& batch) {
  std::vector<FlowLabels> found;
  without_gil([&] { enricher->label(*batch.flows, 0, batch.flows->flows.size(), found); });
  py::list out;
  for (const FlowLabels& l : found) out.append(py::cast(Labels{enricher, l}));
  return out;
}

const Attribute<Labels> kLabels[] = {
    {"source_site",
     [](const Labels& l) {
       return Cell{std::string(l.enricher->sites().name(l.labels.source_site))};
     }},
    {"destination_site",
     [](const Labels& l) {
       return Cell{std::string(l.enricher->sites().name(l.labels.destination_site))};
     }},
    {"source_service",
     [](const Labels& l) { return Cell{std::string(service_name(l.labels.source_service))}; }},
    {"destination_service",
     [](const Labels& l) { return Cell{std::string(service_name(l.labels.destination_service))}; }},
    {"source_internal", [](const Labels& l) { return Cell{l.labels.source_internal}; }},
    {"destination_internal", [](const Labels& l) { return Cell{l.labels.destination_internal}; }},
};

FactSource source_of(const std::string& word) {
  for (const auto source : {FactSource::observed, FactSource::inferred, FactSource::dns,
                            FactSource::cloud, FactSource::inventory, FactSource::declared}) {
    if (to_string(source) == word) return source;
  }
  throw ConfigError(
      "source: `" + word +
      "`; `observed`, `inferred`, `dns`, `cloud`, `inventory` or `declared` is wanted");
}

PyFact fact(py::handle address, const std::string& attribute, const std::string& value,
            const std::string& site, const std::string& source, py::handle at, py::handle expires,
            py::handle since, const std::string& origin) {
  if (!is_valid_attribute(attribute)) {
    throw ConfigError(
        "attribute: `" + attribute +
        "`; words of lower-case letters, digits and `_` with points in between are wanted");
  }
  PyFact made;
  made.site = site;
  made.fact.subject.address = address_of(address, "address");
  made.fact.attribute = attribute;
  made.fact.value = value;
  made.fact.source = source_of(source);
  made.fact.at = time_of(at);
  if (!expires.is_none()) made.fact.expires = time_of(expires);
  if (!since.is_none()) made.fact.since = time_of(since);
  made.fact.origin = origin;
  return made;
}

}  // namespace

EnricherOptions enricher_options(py::handle sites, py::handle internal_networks) {
  EnricherOptions o;
  if (py::isinstance<py::dict>(sites)) {
    for (const auto& [network, site] : py::reinterpret_borrow<py::dict>(sites)) {
      o.sites.push_back(rule(py::cast<std::string>(site), network, py::none(), py::none(), ""));
    }
  } else if (!sites.is_none()) {
    for (const py::handle r : py::iter(sites)) o.sites.push_back(py::cast<const SiteRule&>(r));
  }
  if (!internal_networks.is_none()) {
    for (const py::handle network : py::iter(internal_networks)) {
      o.internal_networks.push_back(prefix_of(network, "internal_networks"));
    }
  }
  return o;
}

Fact fact_for(const PyFact& fact, const SiteTable& sites) {
  Fact out = fact.fact;
  if (fact.site == sites.name({})) return out;
  for (std::uint16_t id = 1; id < std::numeric_limits<std::uint16_t>::max(); ++id) {
    const std::string_view name = sites.name({id});
    if (name == sites.name({})) break;
    if (name != fact.site) continue;
    out.subject.site = {id};
    return out;
  }
  throw ConfigError("there is no site `" + fact.site + "`");
}

void add_enricher(py::module_& m) {
  py::class_<SiteRule>(
      m, "SiteRule",
      "Puts addresses into a site. The most specific rule wins; those of a VRF come first.")
      .def(py::init(&rule), py::arg("site"), py::kw_only(), py::arg("addresses") = py::none(),
           py::arg("exporters") = py::none(), py::arg("vrf_id") = py::none(),
           py::arg("vrf_name") = "")
      .def_readonly("site", &SiteRule::site);
  py::class_<Labels> labels(m, "FlowLabels", "What an Enricher says of a flow.");
  add_attributes(labels, kLabels);
  py::class_<Enricher, std::shared_ptr<Enricher>>(
      m, "Enricher", "Labels flows: services, sites, what is internal.")
      .def(py::init([](py::handle sites, py::handle internal_networks) {
             return std::make_shared<Enricher>(enricher_options(sites, internal_networks));
           }),
           py::kw_only(), py::arg("sites") = py::none(), py::arg("internal_networks") = py::none())
      .def("label", &label, py::arg("batch"), "FlowLabels for each flow, in their order.")
      .def(
          "is_internal",
          [](const Enricher& e, py::handle address) {
            return e.is_internal(address_of(address, "address"));
          },
          py::arg("address"));
  py::class_<PyFact>(
      m, "Fact",
      "Something about an endpoint that did not come from a flow: its `name`, `type`, and so on.")
      .def(py::init(&fact), py::arg("address"), py::arg("attribute"), py::arg("value"),
           py::kw_only(), py::arg("site") = "default", py::arg("source") = "declared",
           py::arg("at") = py::none(), py::arg("expires") = py::none(),
           py::arg("since") = py::none(), py::arg("origin") = "python")
      .def_property_readonly("address",
                             [](const PyFact& f) { return to_python(f.fact.subject.address); })
      .def_readonly("site", &PyFact::site)
      .def_property_readonly("attribute", [](const PyFact& f) { return text_of(f.fact.attribute); })
      .def_property_readonly("value", [](const PyFact& f) { return text_of(f.fact.value); })
      .def_property_readonly("source",
                             [](const PyFact& f) { return text_of(to_string(f.fact.source)); })
      .def_property_readonly("at", [](const PyFact& f) { return to_python(f.fact.at); })
      .def("__repr__", [](const PyFact& f) {
        return text_of("<flowlens.Fact " + f.fact.subject.address.to_string() + " " +
                       f.fact.attribute + "=" + f.fact.value + ">");
      });
}

}  // namespace flowlens::python
