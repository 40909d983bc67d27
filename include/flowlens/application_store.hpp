/// \file
/// store: where applications last, and what people say of them.
#pragma once

#include <memory>

#include "flowlens/application_book.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/store.hpp"

namespace flowlens {

/// Keeps the state of an ApplicationBook, in the same database as the map, through a connection of its
/// own. All members may throw IoError with the statement or path, the reason, and what would help.
///
/// Thread-compatible.
class ApplicationStore {
 public:
  virtual ~ApplicationStore() = default;

  virtual ApplicationState load() = 0;
  /// Writes what ApplicationBook::take_changes() gave, all or nothing. The same changes may be written
  /// again.
  /// \throws StaleEpochError if a later epoch was taken.
  virtual void save(const ApplicationChanges& changes) = 0;
};

/// \param epoch  what Store::open() gave; it has brought the schema of the file up to date.
/// \throws IoError
[[nodiscard]] std::unique_ptr<ApplicationStore> make_sqlite_application_store(
    const SqliteStoreOptions& options, Epoch epoch);

}  // namespace flowlens
