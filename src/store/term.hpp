/// \file
/// store: who may write which revisions, by the same rule on every database.
#pragma once

#include <cstdint>
#include <string>

#include "flowlens/revision.hpp"

namespace flowlens::store {

/// What Store::open() gave a writer.
struct Term {
  Epoch epoch;
  std::uint64_t first_revision = 0;
  std::string where;  ///< the database, for messages
};

/// \param newest  the newest epoch that the database knows now.
/// \throws StaleEpochError if a later one than the writer's has begun.
/// \throws ConfigError if the revision does not follow on what open() gave.
void check_revision(const Term& term, Epoch newest, const Revision& revision);
/// As check_revision(), for a term that a process before this one had.
/// \throws StaleEpochError if it is not the newest.
void check_resumed(const Term& term, Epoch newest);
/// The same for what has no revisions.
/// \param what  that another process writes otherwise, for the message: `the alerts`.
void check_epoch(const Term& term, Epoch newest, const char* what);

}  // namespace flowlens::store
