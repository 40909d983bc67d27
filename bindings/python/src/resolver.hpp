/// \file
/// How options of the Enricher and facts come from Python.
#pragma once

#include "binding.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/fact.hpp"

namespace flowlens::python {

/// \param sites  {network: site}, or SiteRules.
[[nodiscard]] EnricherOptions enricher_options(py::handle sites, py::handle internal_networks);

/// A fact whose site has a name, as no map is at hand that could number it.
struct PyFact {
  Fact fact;
  std::string site = "default";
};
/// With the number of its site. \throws ConfigError for a site that there is not.
[[nodiscard]] Fact fact_for(const PyFact& fact, const SiteTable& sites);

}  // namespace flowlens::python
