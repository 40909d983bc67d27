/// \file
/// arrow: a column that is filled value by value, for rows that are few or long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "arrow/array_data.hpp"
#include "flowlens/time.hpp"

namespace flowlens::arrow {

enum class CellType : std::uint8_t {
  text,
  texts,  ///< a list
  number8,
  number16,
  number32,
  number64,
  real,
  time,
  boolean
};

/// Arrow's format of a column; of `texts` that of the list alone.
[[nodiscard]] const char* format_of(CellType type) noexcept;

/// The values of one column. Each row calls one of the members, that of the column's type or null().
class Cells {
 public:
  explicit Cells(CellType type) noexcept : type_(type) {}

  void null();
  void number(std::uint64_t value);
  void real(float value);
  void time(Timestamp value);
  void boolean(bool value) { number(value); }
  /// As UTF-8, whatever it is.
  void text(std::string_view value);
  /// Null for an empty one.
  void text_or_null(std::string_view value) { value.empty() ? null() : text(value); }
  /// One of the list, which end_list() ends.
  void item(std::string_view value);
  void end_list();

  [[nodiscard]] ArrayData take();

 private:
  void there(bool is_there);
  void put(const void* value, std::size_t octets);

  CellType type_;
  std::size_t rows_ = 0;
  std::size_t nulls_ = 0;
  std::vector<std::uint8_t> validity_;
  std::vector<std::uint8_t> values_;
  std::vector<std::int32_t> list_ends_{0};
  std::int32_t items_ = 0;
  TextBuilder texts_;
};

}  // namespace flowlens::arrow
