/// \file
/// store: SQLite through SQLiteCpp, with errors that say where, why and what would help.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/id.hpp"

namespace flowlens::store {

class Database;

/// A prepared statement. Parameters and columns are counted on from the last one, so they are written
/// in the order of the SQL. Numbers of 64 bits are stored as SQLite's signed ones, bit by bit.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  /// Begins anew: no row, next parameter is the first.
  Statement& begin();
  Statement& bind(std::uint64_t value);
  Statement& bind(std::int64_t value);
  Statement& bind(bool value) { return bind(std::uint64_t{value}); }
  Statement& bind(const Id& id);
  Statement& bind(std::string_view text);
  Statement& bind(std::span<const std::uint8_t> blob);
  Statement& bind_null();

  /// Runs to the end. \return rows changed.
  int run();
  /// \return whether there is a row; its columns are read from the first on.
  bool step();
  [[nodiscard]] std::uint64_t u64();
  [[nodiscard]] std::int64_t i64();
  [[nodiscard]] bool boolean() { return u64() != 0; }
  [[nodiscard]] Id id();
  [[nodiscard]] std::string text();
  [[nodiscard]] std::vector<std::uint8_t> blob();
  [[nodiscard]] std::optional<std::int64_t> optional_i64();

 private:
  Database* database_;
  std::unique_ptr<SQLite::Statement> statement_;
  int parameter_ = 0;
  int column_ = 0;
};

/// One connection.
class Database {
 public:
  /// \throws IoError
  Database(const std::filesystem::path& path, std::chrono::milliseconds busy_timeout);

  void run(const char* sql);
  /// The first column of the first row.
  [[nodiscard]] std::int64_t number(const char* sql);
  [[nodiscard]] SQLite::Database& handle() noexcept { return *handle_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Throws IoError for what SQLite reported while it did `what`.
  [[noreturn]] void fail(std::string_view what, const SQLite::Exception& error) const;

 private:
  std::string path_;
  std::unique_ptr<SQLite::Database> handle_;
};

/// Rolls back unless commit() was called.
class Transaction {
 public:
  enum class Kind { read, write };
  Transaction(Database& database, Kind kind);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database* database_;
  bool open_ = true;
};

}  // namespace flowlens::store
