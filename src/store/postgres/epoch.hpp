/// \file
/// store: who may write.
#pragma once

#include <string>

#include "flowlens/revision.hpp"
#include "store/postgres/connection.hpp"

namespace flowlens::store::postgres {

/// Keeps a later epoch from beginning until the transaction ends.
/// \param what  that another process writes otherwise, for the message: `the alerts`.
/// \throws StaleEpochError if a later one has begun.
void check_epoch(Transaction& tx, Epoch epoch, const std::string& where, const char* what);

}  // namespace flowlens::store::postgres
