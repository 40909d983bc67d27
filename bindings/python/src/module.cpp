// The module flowlens._core. Users import flowlens, which has all of it.
#include "arrow.hpp"
#include "binding.hpp"
#include "flowlens/version.hpp"

PYBIND11_MODULE(_core, m) {
  using namespace flowlens::python;
  m.doc() = "FlowLens' objects. Import flowlens, which has all of them.";
  m.attr("__version__") = flowlens::kVersion;
  begin_conversions();
  add_errors(m);
  add_filter(m);
  add_flows(m);
  add_decoder(m);
  add_parser(m);
  add_reader(m);
  add_datagrams(m);
  add_rows(m);
  add_graph(m);
  add_arrow(m);
  add_analysis(m);
  add_resolver(m);
  add_aggregator(m);
  add_classifier(m);
  add_detector(m);
  add_geo(m);
}
