/// \file
/// store: rows back out of PostgreSQL.
#pragma once

#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/store.hpp"
#include "store/postgres/connection.hpp"
#include "store/row_text.hpp"

namespace flowlens::store::postgres {

/// Gives the graph all rows; `frame` carries the number, epoch and time of each revision.
void load_graph(Transaction& tx, const SiteNames& sites, const Revision& frame,
                DependencyGraph& graph);
void scan_windows(Transaction& tx, const WindowScan& what,
                  const std::function<bool(const WindowRow&)>& visit);
/// All epochs added up.
[[nodiscard]] FlowLedger read_ledger(Transaction& tx);
/// Every site named in a row.
[[nodiscard]] std::vector<std::string> read_sites(Transaction& tx);

}  // namespace flowlens::store::postgres
