/// \file
/// store: the tables of the SQLite store and how they came to be, version by version.
#pragma once

#include "flowlens/revision.hpp"
#include "store/sqlite_database.hpp"

namespace flowlens::store {

/// Refuses a file that is no store of ours, or one of a newer release. Changes nothing.
/// \throws IoError
void check_schema(Database& database);

/// Runs the migrations that the file lacks. Call within a write transaction.
void migrate(Database& database);

/// Call within a write transaction, so that no later one begins before it ends.
[[nodiscard]] Epoch newest_epoch(Database& database);

}  // namespace flowlens::store
