// The rows of the map as columns.
#include <utility>
#include <vector>

#include "graph_handle.hpp"

namespace capi = flowlens::capi;

namespace {

using flowlens::DependencyGraph;

/// Rows of a filter's kind. \param of  the member of flowlens_filter for these rows.
template <typename Row>
void keep(std::vector<Row>& rows, const flowlens_filter* filter, flowlens_rows kind,
          flowlens::Filter<Row> flowlens_filter::*of) {
  if (filter == nullptr) return;
  capi::require(filter->rows == kind, "the filter is one of other rows");
  std::erase_if(rows, [&](const Row& row) { return !(filter->*of).matches(row); });
}

std::vector<flowlens::ChangeEvent> all_changes(const DependencyGraph& graph,
                                               const flowlens_filter* filter) {
  flowlens::ChangeQuery query;
  query.limit = 10'000;
  if (filter != nullptr) {
    capi::require(filter->rows == FLOWLENS_ROWS_CHANGES, "the filter is one of other rows");
    query.filter = filter->changes;
  }
  std::vector<flowlens::ChangeEvent> all;
  for (bool has_more = true; has_more;) {
    auto page = graph.changes(query);
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(all));
    has_more = page.has_more;
    query.after = page.next;
  }
  return all;
}

}  // namespace

flowlens_status flowlens_graph_dependencies(const flowlens_graph* graph,
                                            const flowlens_filter* filter,
                                            const flowlens_arrow_options* options,
                                            ArrowArrayStream* out, flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    const DependencyGraph& g = capi::graph_of(graph);
    auto rows = g.copy().dependencies;
    keep(rows, filter, FLOWLENS_ROWS_DEPENDENCIES, &flowlens_filter::dependencies);
    export_dependencies(std::move(rows), g.sites(), capi::arrow_options(options),
                        &capi::need(out, "out"));
  });
}

flowlens_status flowlens_graph_assets(const flowlens_graph* graph, const flowlens_filter* filter,
                                      const flowlens_arrow_options* options, ArrowArrayStream* out,
                                      flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    const DependencyGraph& g = capi::graph_of(graph);
    auto rows = g.copy().assets;
    keep(rows, filter, FLOWLENS_ROWS_ASSETS, &flowlens_filter::assets);
    export_assets(std::move(rows), g.sites(), capi::arrow_options(options),
                  &capi::need(out, "out"));
  });
}

flowlens_status flowlens_graph_changes(const flowlens_graph* graph, const flowlens_filter* filter,
                                       const flowlens_arrow_options* options, ArrowArrayStream* out,
                                       flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    const DependencyGraph& g = capi::graph_of(graph);
    export_changes(all_changes(g, filter), g.sites(), capi::arrow_options(options),
                   &capi::need(out, "out"));
  });
}
