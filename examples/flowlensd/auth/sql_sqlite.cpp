#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "auth/sql.hpp"
#include "flowlens/error.hpp"

namespace flowlensd::sql {
namespace {

using flowlens::IoError;

constexpr int kBusyMs = 5'000;

/// SQLite would make the file readable for all; its journal takes the rights of the file.
void make_private_file(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || fchmod(file, 0600) != 0) {
    const int reason = errno;
    if (file >= 0) close(file);
    throw IoError(path.string() + ": cannot be opened: " + std::strerror(reason) +
                  "; it keeps the users, and must be ours and writable");
  }
  close(file);
}

void bind(SQLite::Statement& statement, int index, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind(index, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind(index, *text);
  } else {
    statement.bind(index);
  }
}

Value value_of(const SQLite::Column& column) {
  if (column.isNull()) return nullptr;
  if (column.isInteger()) return column.getInt64();
  return column.getString();
}

class SqliteTransaction final : public Transaction {
 public:
  explicit SqliteTransaction(SQLite::Database& database) : database_(database) {}

  Result run(const std::string& text, const std::vector<Value>& values) override {
    SQLite::Statement statement(database_, text);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string name = "$" + std::to_string(i + 1);
      bind(statement, statement.getIndex(name.c_str()), values[i]);
    }
    Result result;
    while (statement.executeStep()) {
      Row& row = result.rows.emplace_back();
      for (int i = 0; i < statement.getColumnCount(); ++i) {
        row.push_back(value_of(statement.getColumn(i)));
      }
    }
    result.changed = database_.getChanges();
    return result;
  }

 private:
  SQLite::Database& database_;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(const std::filesystem::path& path)
      : where_(path.empty() ? "users in memory" : path.string()) {
    if (!path.empty()) make_private_file(path);
    guarded([&] {
      handle_ = std::make_unique<SQLite::Database>(
          path.empty() ? ":memory:" : path.string(),
          SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, kBusyMs);
      handle_->exec(
          "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON");
    });
    write([this](Transaction& tx) { migrate(tx); });
  }

  void write(const std::function<void(Transaction&)>& work) override {
    transact("BEGIN IMMEDIATE", work);
  }
  void read(const std::function<void(Transaction&)>& work) override { transact("BEGIN", work); }

 private:
  void migrate(Transaction& tx) {
    const auto version = std::get<std::int64_t>(tx.run("PRAGMA user_version").rows.at(0).at(0));
    check_version(version, where_);
    if (version == kSchemaVersion) return;
    for (const std::string& statement : schema("integer", "integer PRIMARY KEY AUTOINCREMENT")) {
      tx.run(statement);
    }
    tx.run(
        "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN "
        "SELECT RAISE(ABORT, 'the audit is never rewritten'); END");
    tx.run("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  }

  void transact(const char* begin, const std::function<void(Transaction&)>& work) {
    const std::lock_guard lock(mutex_);
    guarded([&] {
      handle_->exec(begin);
      try {
        SqliteTransaction transaction(*handle_);
        work(transaction);
        handle_->exec("COMMIT");
      } catch (...) {
        (void)handle_->tryExec("ROLLBACK");
        throw;
      }
    });
  }

  template <typename Work>
  void guarded(const Work& work) const {
    try {
      work();
    } catch (const SQLite::Exception& e) {
      throw IoError("SQLite database " + where_ + ": " + e.what());
    }
  }

  const std::string where_;
  std::mutex mutex_;
  std::unique_ptr<SQLite::Database> handle_;
};

}  // namespace

std::unique_ptr<Database> open_sqlite(const std::filesystem::path& path) {
  return std::make_unique<SqliteDatabase>(path);
}

}  // namespace flowlensd::sql
