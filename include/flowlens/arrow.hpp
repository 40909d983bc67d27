/// \file
/// arrow: flows and rows of the map for pyarrow, pandas, polars, DuckDB and all others who know the Arrow C data
/// interface, without a library of theirs.
///
/// A stream gives record batches: a struct with a child for each column. Columns:
/// * flows: flow_columns(), then of what stands beside them `post_source_address`, `post_destination_address`,
///   `post_source_port`, `post_destination_port` (behind a translation), `ingress_vrf`, `egress_vrf`. What was
///   not exported is null. Times are timestamps in nanoseconds, UTC. `kind`, `initiator` and the like are
///   dictionaries of a few words.
/// * dependencies, assets, changes: ids and addresses as text, times as above, `tags`, `exporters` and
///   `addresses` as lists of texts. Texts are UTF-8 whatever was said: an octet that is not comes as U+FFFD.
///
/// A column that a filter can ask for has the same name there (docs/filters.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/arrow_abi.h"
#include "flowlens/change_event.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/flow_columns.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

/// How addresses of flows come.
enum class AddressForm : std::uint8_t {
  octets,  ///< fixed_size_binary(16), IPv4 as v4-mapped: quickest, and sorts as addresses do
  text     ///< utf8, `10.0.0.1`: what people read
};

struct ArrowOptions {
  AddressForm addresses = AddressForm::octets;  ///< of flows; the map has texts
  std::vector<std::string> columns{};           ///< only these, in this order; empty: all
  std::size_t rows_per_batch = 65'536;          ///< at most; what comes in larger pieces is cut
};

/// Gives the next flows; clears or overwrites `batch`. \return false at the end. What it throws is the stream's
/// error (EIO), with its message.
using NextFlows = std::function<bool(FlowBatch& batch)>;

// All set `out` to a stream that the receiver releases, and that needs nothing else any more. Its calls go to
// one thread at a time; errors are numbers of errno.h, with a message. What they throw leaves `out` as it was.

/// \throws ConfigError for a column that there is not or that is named twice, and for `rows_per_batch` 0.
void export_flows(NextFlows next, const ArrowOptions& options, ArrowArrayStream* out);
/// The flows of one batch. The stream shares it, so it must not change any more.
void export_flows(std::shared_ptr<const FlowBatch> batch, const ArrowOptions& options,
                  ArrowArrayStream* out);
/// \param sites  names those of the endpoints; DependencyGraph::sites().
void export_dependencies(std::vector<DependencyRow> rows, const SiteTable& sites,
                         const ArrowOptions& options, ArrowArrayStream* out);
void export_assets(std::vector<AssetRow> rows, const SiteTable& sites, const ArrowOptions& options,
                   ArrowArrayStream* out);
void export_changes(std::vector<ChangeEvent> rows, const SiteTable& sites,
                    const ArrowOptions& options, ArrowArrayStream* out);

}  // namespace flowlens
