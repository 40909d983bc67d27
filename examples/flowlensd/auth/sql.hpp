/// \file
/// auth: the little of SQL that the auth store needs, the same on SQLite and PostgreSQL.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace flowlensd::sql {

using Value = std::variant<std::nullptr_t, std::int64_t, std::string>;
using Row = std::vector<Value>;

struct Result {
  std::vector<Row> rows;
  std::int64_t changed = 0;  ///< rows written or removed
};

/// One transaction.
class Transaction {
 public:
  virtual ~Transaction() = default;
  /// \param text  one statement, `$1`, `$2` … for `values`. \throws flowlens::IoError
  virtual Result run(const std::string& text, const std::vector<Value>& values = {}) = 0;
};

/// A database with the tables of the auth store. Thread-safe: one transaction at a time.
class Database {
 public:
  virtual ~Database() = default;
  /// All of `work` or nothing. Writers take turns, those of other processes too.
  /// \throws flowlens::IoError
  virtual void write(const std::function<void(Transaction&)>& work) = 0;
  virtual void read(const std::function<void(Transaction&)>& work) = 0;
};

/// A file that only its owner may read, made if there is none. \param path  empty: in memory only.
/// \throws flowlens::IoError
[[nodiscard]] std::unique_ptr<Database> open_sqlite(const std::filesystem::path& path);
/// Schema `flowlens_auth` of that database, made if there is none.
/// \param connection  as libpq takes it. \throws flowlens::IoError
[[nodiscard]] std::unique_ptr<Database> open_postgres(const std::string& connection);

/// The tables, in the words of both.
/// \param integer  type of 64-bit numbers. \param counter  type of a key that counts up by itself.
[[nodiscard]] std::vector<std::string> schema(const std::string& integer,
                                              const std::string& counter);
constexpr std::int64_t kSchemaVersion = 1;

/// \throws flowlens::IoError if `found` is of a later release.
void check_version(std::int64_t found, const std::string& where);

}  // namespace flowlensd::sql
