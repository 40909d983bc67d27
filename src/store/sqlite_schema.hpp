/// \file
/// store: the tables of the SQLite store and how they came to be, version by version.
#pragma once

#include "flowlens/revision.hpp"
#include "store/sqlite_database.hpp"

namespace flowlens::store {

/// Refuses a file that is no store of ours, or one of a newer release. Changes nothing.
/// \throws IoError
void check_schema(Database& database);

/// The newest version that this release knows.
[[nodiscard]] std::uint32_t newest_version() noexcept;
/// That of the file; 0: it is empty.
[[nodiscard]] std::uint32_t version_of(Database& database);

/// Runs the migrations that the file lacks, up to a version. Call within a write transaction.
void migrate(Database& database, std::uint32_t to = newest_version());

/// Call within a write transaction, so that no later one begins before it ends.
[[nodiscard]] Epoch newest_epoch(Database& database);

}  // namespace flowlens::store
