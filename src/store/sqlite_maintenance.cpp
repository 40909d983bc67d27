// Versions, copies and the health of a SQLite store's file.
#include <SQLiteCpp/Backup.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "flowlens/error.hpp"
#include "flowlens/store.hpp"
#include "store/schema_step.hpp"
#include "store/sqlite_database.hpp"
#include "store/sqlite_schema.hpp"

namespace flowlens {
namespace {

using store::Database;
using store::Transaction;

void need_path(const SqliteStoreOptions& options) {
  if (options.path.empty()) throw ConfigError("store: the path of the SQLite database is empty");
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw IoError("SQLite database " + path.string() + ": " + what);
}

void sync_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_good = file >= 0 && fsync(file) == 0;
  const int reason = errno;
  if (file >= 0) ::close(file);
  if (!is_good)
    fail(path, std::string("the copy cannot be synced to disk: ") + std::strerror(reason));
}

/// In one step, which is one read transaction: writers go on meanwhile, in the write-ahead log. (Between
/// steps every change would make SQLite begin anew.)
void copy(Database& from, const std::filesystem::path& to) {
  SQLite::Database target(to.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  SQLite::Backup backup(target, from.handle());
  backup.executeStep(-1);
}

}  // namespace

SchemaVersion sqlite_schema_version(const SqliteStoreOptions& options) {
  need_path(options);
  SchemaVersion version{0, store::newest_version()};
  if (!std::filesystem::exists(options.path)) return version;
  Database database(options.path, options.busy_timeout);
  store::check_schema(database);
  version.found = store::version_of(database);
  return version;
}

SchemaVersion migrate_sqlite(const SqliteStoreOptions& options, std::uint32_t to) {
  const SchemaVersion version = sqlite_schema_version(options);
  store::check_step(version, to);
  Database database(options.path, options.busy_timeout);
  Transaction transaction(database, Transaction::Kind::write);
  store::migrate(database, to);
  transaction.commit();
  return version;
}

void backup_sqlite(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::filesystem::exists(to)) fail(to, "is there already; a backup overwrites nothing");
  if (!std::filesystem::exists(from)) fail(from, "there is no such file");
  Database database(from, SqliteStoreOptions{}.busy_timeout);
  try {
    copy(database, to);
    SQLite::Database written(to.string(), SQLite::OPEN_READWRITE);
    written.exec("PRAGMA journal_mode = DELETE");  // one file, that can be moved
  } catch (const SQLite::Exception& e) {
    std::error_code ignored;
    std::filesystem::remove(to, ignored);
    fail(from, "cannot be copied to " + to.string() + ": " + e.what());
  }
  sync_file(to);
}

std::string check_sqlite(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) fail(path, "there is no such file");
  try {
    SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
    SQLite::Statement query(database, "PRAGMA integrity_check(10)");
    std::string problems;
    while (query.executeStep()) {
      const std::string line = query.getColumn(0).getString();
      if (line != "ok") problems += (problems.empty() ? "" : "; ") + line;
    }
    return problems;
  } catch (const SQLite::Exception& e) {
    return e.what();
  }
}

}  // namespace flowlens
