/// \file
/// store: the statements that write a revision into PostgreSQL.
#pragma once

#include "flowlens/revision.hpp"
#include "store/postgres/connection.hpp"
#include "store/row_text.hpp"

namespace flowlens::store::postgres {

/// All but the partitions of its windows, which must be there.
void write_revision(Transaction& tx, const SiteNames& sites, const Revision& revision);

}  // namespace flowlens::store::postgres
