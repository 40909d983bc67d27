/// \file
/// The objects of the module, and what its files share of each other.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "convert.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/diagnostic.hpp"
#include "flowlens/filter.hpp"
#include "flowlens/flow_record.hpp"

namespace flowlens::python {

/// Flows that change no more: so any thread may read them, and views need nothing but to keep them.
struct Batch {
  std::shared_ptr<const FlowBatch> flows;
  bool accepted = true;  ///< of a decoded datagram
  Diagnostic diagnostic;
  std::uint32_t sets = 0;  ///< the next three as in ParseResult
  std::uint32_t sets_waiting = 0;
  std::uint32_t sets_skipped = 0;
};

/// One of them.
struct Flow {
  std::shared_ptr<const FlowBatch> batch;
  std::size_t index = 0;
  [[nodiscard]] const FlowRecord& record() const noexcept { return batch->flows[index]; }
};

/// The map, and the lock of those who write to it: its Resolver's, where it has one.
struct Graph {
  std::shared_ptr<DependencyGraph> map;
  std::shared_ptr<std::mutex> writing = std::make_shared<std::mutex>();
};

/// Rows of the map. What names their sites is kept with them.
struct Asset {
  AssetRow row;
  std::shared_ptr<const DependencyGraph> map;
};
struct Dependency {
  DependencyRow row;
  std::shared_ptr<const DependencyGraph> map;
};
struct Change {
  ChangeEvent row;
  std::shared_ptr<const DependencyGraph> map;
};

/// A filter of rows of one kind.
struct RowFilter {
  std::variant<Filter<FlowRecord>, Filter<DependencyRow>, Filter<AssetRow>, Filter<ChangeEvent>>
      compiled;
};
/// \param filter  None, text, or a Filter. \return an empty filter for None.
/// \throws ConfigError pointing into the text; TypeError for a Filter of other rows.
template <typename Row>
[[nodiscard]] Filter<Row> filter_of(py::handle filter);

// Each adds its part to the module; a file each.
void add_errors(py::module_& m);
void add_flows(py::module_& m);
void add_filter(py::module_& m);
void add_decoder(py::module_& m);
void add_parser(py::module_& m);
void add_reader(py::module_& m);
void add_datagrams(py::module_& m);
void add_rows(py::module_& m);
void add_graph(py::module_& m);
void add_analysis(py::module_& m);
void add_enricher(py::module_& m);
void add_resolver(py::module_& m);
void add_aggregator(py::module_& m);
void add_classifier(py::module_& m);
void add_detector(py::module_& m);
void add_geo(py::module_& m);

}  // namespace flowlens::python
