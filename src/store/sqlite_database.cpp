#include "store/sqlite_database.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>

#include "flowlens/error.hpp"

namespace flowlens::store {
namespace {

/// What would help, by SQLite's primary result code.
std::string_view advice(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "the disk is full: free some space, or let windows expire earlier";
    case SQLITE_IOERR:
      return "the disk failed, is full, or a limit on file size was reached: see the system log";
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return "the file is no SQLite database: name another path, or move the file away";
    case SQLITE_READONLY:
      return "file and folder must be writable: check owner, permissions and mount";
    case SQLITE_CANTOPEN:
      return "the folder must exist and be writable: make it, or check owner and permissions";
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "check owner and permissions of file and folder";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another process holds the database: stop it, or wait longer";
    case SQLITE_CORRUPT:
      return "the database is damaged: restore a backup, or save what is left with `sqlite3 FILE "
             ".recover`";
    default:
      return {};
  }
}

}  // namespace

Database::Database(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout)
    : path_(path.string()) {
  try {
    // One thread at a time uses a connection, so SQLite need not lock it for each call.
    handle_ = std::make_unique<SQLite::Database>(
        path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
        static_cast<int>(busy_timeout.count()));
  } catch (const SQLite::Exception& error) {
    fail("open", error);
  }
}

void Database::run(const char* sql) {
  try {
    handle_->exec(sql);
  } catch (const SQLite::Exception& error) {
    fail(sql, error);
  }
}

std::int64_t Database::number(const char* sql) {
  Statement statement{*this, sql};
  return statement.begin().step() ? statement.i64() : 0;
}

void Database::fail(std::string_view what, const SQLite::Exception& error) const {
  std::string text = "SQLite database " + path_ + ": ";
  const std::string_view first_line = what.substr(0, what.find('\n'));
  text += std::string{first_line} + (first_line.size() < what.size() ? " …: " : ": ");
  text += error.what();
  if (const auto hint = advice(error.getErrorCode()); !hint.empty())
    text += "; " + std::string{hint};
  throw IoError(text);
}

Statement::Statement(Database& database, const char* sql) : database_(&database) {
  try {
    statement_ = std::make_unique<SQLite::Statement>(database.handle(), sql);
  } catch (const SQLite::Exception& error) {
    database.fail(sql, error);
  }
}

Statement& Statement::begin() {
  // Reports the failure of the last run once more, which was thrown already.
  (void)statement_->tryReset();
  parameter_ = 0;
  return *this;
}

Statement& Statement::bind(std::int64_t value) {
  statement_->bind(++parameter_, value);
  return *this;
}
Statement& Statement::bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
Statement& Statement::bind(const Id& id) {
  statement_->bind(++parameter_, id.octets.data(), static_cast<int>(id.octets.size()));
  return *this;
}
Statement& Statement::bind(std::string_view text) {
  statement_->bind(++parameter_, std::string{text});
  return *this;
}
Statement& Statement::bind(std::span<const std::uint8_t> blob) {
  // A null pointer would be NULL, not an empty blob.
  static constexpr std::uint8_t kNothing = 0;
  statement_->bind(++parameter_, blob.empty() ? &kNothing : blob.data(),
                   static_cast<int>(blob.size()));
  return *this;
}
Statement& Statement::bind_null() {
  statement_->bind(++parameter_);
  return *this;
}

int Statement::run() {
  try {
    return statement_->exec();
  } catch (const SQLite::Exception& error) {
    const std::string sql = statement_->getQuery();
    (void)statement_->tryReset();
    database_->fail(sql, error);
  }
}

bool Statement::step() {
  column_ = 0;
  try {
    return statement_->executeStep();
  } catch (const SQLite::Exception& error) {
    const std::string sql = statement_->getQuery();
    (void)statement_->tryReset();
    database_->fail(sql, error);
  }
}

std::int64_t Statement::i64() { return statement_->getColumn(column_++).getInt64(); }
std::uint64_t Statement::u64() { return static_cast<std::uint64_t>(i64()); }
std::string Statement::text() { return statement_->getColumn(column_++).getString(); }

std::vector<std::uint8_t> Statement::blob() {
  const SQLite::Column column = statement_->getColumn(column_++);
  const auto* first = static_cast<const std::uint8_t*>(column.getBlob());
  return {first, first + column.getBytes()};
}

Id Statement::id() {
  const SQLite::Column column = statement_->getColumn(column_++);
  Id id;
  const auto size = static_cast<std::size_t>(column.getBytes());
  if (size > 0) std::memcpy(id.octets.data(), column.getBlob(), std::min(size, id.octets.size()));
  return id;
}

std::optional<std::int64_t> Statement::optional_i64() {
  const SQLite::Column column = statement_->getColumn(column_++);
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

Transaction::Transaction(Database& database, Kind kind) : database_(&database) {
  database.run(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}
Transaction::~Transaction() {
  // After some failures SQLite has rolled back by itself, and this one finds nothing to do.
  if (open_) (void)database_->handle().tryExec("ROLLBACK");
}
void Transaction::commit() {
  database_->run("COMMIT");
  open_ = false;
}

}  // namespace flowlens::store
