/// \file
/// store: rows back out of SQLite.
#pragma once

#include "flowlens/dependency_graph.hpp"
#include "flowlens/store.hpp"
#include "store/row_text.hpp"
#include "store/sqlite_database.hpp"

namespace flowlens::store {

/// Gives the graph all rows, at most `rows_at_once` in one revision. `frame` carries the number, epoch
/// and time of each. Call within a transaction.
void load_graph(Database& database, const SiteNames& sites, const Revision& frame,
                std::size_t rows_at_once, DependencyGraph& graph);

void scan_windows(Database& database, const WindowScan& what,
                  const std::function<bool(const WindowRow&)>& visit);

/// All epochs added up.
[[nodiscard]] FlowLedger read_ledger(Database& database);
/// Every site named in a row.
[[nodiscard]] std::vector<std::string> read_sites(Database& database);

}  // namespace flowlens::store
