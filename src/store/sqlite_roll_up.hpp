/// \file
/// store: hours, days and what is too old, in SQLite.
#pragma once

#include "flowlens/store.hpp"
#include "store/sqlite_database.hpp"

namespace flowlens::store {

/// One step, see Store::expire(). Call within a write transaction.
/// \return false if there was nothing to do.
bool roll_up_and_expire(Database& database, const Retention& retention, Timestamp now);

/// Gives disk back, some megabytes a call, once a quarter of the file is empty: until then empty pages
/// are used again. Call outside of transactions. \return false if there was nothing to do.
bool give_disk_back(Database& database);

}  // namespace flowlens::store
