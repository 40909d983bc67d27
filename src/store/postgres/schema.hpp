/// \file
/// store: the tables that FlowLens keeps in PostgreSQL.
#pragma once

#include "flowlens/revision.hpp"
#include "flowlens/time.hpp"
#include "store/postgres/connection.hpp"

namespace flowlens::store::postgres {

/// Brings the schema up to date, one process at a time.
/// \throws IoError if it is newer than this release knows.
void migrate(Transaction& tx, const std::string& where);

struct NewestEpoch {
  Epoch epoch;
  std::uint64_t last_revision = 0;
};
/// Keeps a later epoch from beginning until the transaction ends; others may write in the same one.
/// \throws IoError if there is none.
[[nodiscard]] NewestEpoch newest_epoch(Transaction& tx, const std::string& where);

}  // namespace flowlens::store::postgres
