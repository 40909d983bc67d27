/// \file
/// store: rows into a table of PostgreSQL, thousands with one statement.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "store/postgres/connection.hpp"

namespace flowlens::store::postgres {

struct Column {
  const char* name;
  const char* type;  ///< `uuid`, `text`, `bigint`, `boolean` or `bytea`
};

struct Table {
  const char* name;                 ///< in schema flowlens_store
  std::span<const Column> columns;  ///< those of the key first
  std::size_t key = 1;              ///< columns that name a row
};

/// Rows of one table; at most so many wait that a statement stays of a bearable size. A row whose key is
/// there is replaced. Within one write() no two rows may have the same key.
class Upsert {
 public:
  Upsert(Transaction& tx, const Table& table);
  /// Ready for the columns of one row.
  Columns& next();
  /// What waits; call at the end.
  void write();

 private:
  Transaction* tx_;
  std::string sql_;
  Columns rows_;
};

/// `{id,id}`, for `= ANY($1::uuid[])`.
[[nodiscard]] std::string array_of(std::span<const Id> ids);

}  // namespace flowlens::store::postgres
