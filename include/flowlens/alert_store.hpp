/// \file
/// store: where alerts, their rules and maintenance windows last.
#pragma once

#include <memory>

#include "flowlens/alert_engine.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/store.hpp"

namespace flowlens {

/// Keeps the state of an AlertEngine, in the same database as the map, through a connection of its own.
/// All members may throw IoError with the statement or path, the reason, and what would help.
///
/// Thread-compatible.
class AlertStore {
 public:
  virtual ~AlertStore() = default;

  /// \throws ConfigError for a rule or window that this release does not understand, naming it.
  virtual AlertState load() = 0;
  /// Writes what AlertEngine::take_changes() gave, all or nothing. The same changes may be written
  /// again.
  /// \throws StaleEpochError if a later epoch was taken.
  virtual void save(const AlertChanges& changes) = 0;
};

/// \param epoch  what Store::open() gave; it has brought the schema of the file up to date.
/// \throws IoError
[[nodiscard]] std::unique_ptr<AlertStore> make_sqlite_alert_store(const SqliteStoreOptions& options,
                                                                  Epoch epoch);

}  // namespace flowlens
