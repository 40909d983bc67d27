/// \file
/// store: rows on their way to PostgreSQL and back: a sink and a source as in rows.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/id.hpp"

namespace flowlens::store::postgres {

/// Rows as one array a column, for `unnest`: one statement writes thousands of them.
class Columns {
 public:
  explicit Columns(std::size_t columns) : arrays_(columns) {}

  Columns& bind(std::uint64_t value) { return bind(static_cast<std::int64_t>(value)); }
  Columns& bind(std::int64_t value);
  Columns& bind(bool value);
  Columns& bind(const Id& id);
  Columns& bind(std::string_view text);
  Columns& bind(std::span<const std::uint8_t> blob);
  Columns& bind_null();

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  /// The arrays as PostgreSQL writes them; this is empty then.
  [[nodiscard]] std::vector<std::string> take();

 private:
  /// The array of the next column, ready for one more element.
  std::string& next();

  std::vector<std::string> arrays_;
  std::size_t column_ = 0;
  std::size_t rows_ = 0;
};

/// Columns are counted on from the last one, so they are read in the order of the query.
class Row {
 public:
  explicit Row(const pqxx::row& row) : row_(row) {}

  [[nodiscard]] std::int64_t i64();
  [[nodiscard]] std::uint64_t u64() { return static_cast<std::uint64_t>(i64()); }
  [[nodiscard]] bool boolean();
  [[nodiscard]] Id id();
  [[nodiscard]] std::string text();
  [[nodiscard]] std::vector<std::uint8_t> blob();
  [[nodiscard]] std::optional<std::int64_t> optional_i64();

 private:
  pqxx::field next() { return row_[column_++]; }

  pqxx::row row_;
  int column_ = 0;
};

}  // namespace flowlens::store::postgres
