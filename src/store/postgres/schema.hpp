/// \file
/// store: the tables that FlowLens keeps in PostgreSQL.
#pragma once

#include "flowlens/revision.hpp"
#include "flowlens/time.hpp"
#include "store/postgres/connection.hpp"

namespace flowlens::store::postgres {

/// \throws IoError if it is newer than this release knows.
[[nodiscard]] SchemaVersion version_of(Transaction& tx, const std::string& where);
/// Brings the schema to a version, one process at a time. \throws IoError as version_of() does.
void migrate(Transaction& tx, const std::string& where, std::uint32_t to);
/// The same, to the newest.
void migrate(Transaction& tx, const std::string& where);

/// Up to where revisions contain the parcels of the flow channel.
[[nodiscard]] std::uint64_t taken_position(Transaction& tx);

struct NewestEpoch {
  Epoch epoch;
  std::uint64_t last_revision = 0;
};
/// Keeps a later epoch from beginning until the transaction ends; others may write in the same one.
/// \throws IoError if there is none.
[[nodiscard]] NewestEpoch newest_epoch(Transaction& tx, const std::string& where);

}  // namespace flowlens::store::postgres
