/// \file
/// store: hours, days and what is too old, in PostgreSQL. Rows of one time lie in a partition, which goes whole.
#pragma once

#include "flowlens/store.hpp"
#include "store/postgres/connection.hpp"
#include "store/roll_up.hpp"

namespace flowlens::store::postgres {

/// Makes the partition of a series that holds rows starting at `start`, unless it is there.
void make_partition(Transaction& tx, const Series& series, Timestamp start);

/// One step, see Store::expire(). \return false if there was nothing to do.
bool roll_up_and_expire(Transaction& tx, const Retention& retention, Timestamp now);

}  // namespace flowlens::store::postgres
