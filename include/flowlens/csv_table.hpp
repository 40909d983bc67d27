/// \file
/// base: rows of a CSV text (RFC 4180) that people write, with errors that say where.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowlens {

/// Reads a text whose first line names its columns, in any order. Empty lines and those that begin with
/// `#` say nothing; blanks around a cell are none of it. A cell in quotation marks may hold commas and,
/// doubled, quotation marks, but no end of a line.
///
/// Thread-compatible.
class CsvTable {
 public:
  /// Reads the header. \param csv, columns  stay the caller's, and must stay while this is used.
  /// \param name     what the text is called in errors: its file.
  /// \param columns  all that there may be. \param needed  the first of them that must be there.
  /// \throws ConfigError for another column, or where one is missing.
  CsvTable(std::string_view csv, std::string name, std::span<const std::string_view> columns,
           std::size_t needed);

  /// Goes to the next row. \return false at the end.
  /// \throws ConfigError for a row of more or fewer cells than columns, or a quotation that does not end.
  bool next();
  /// What the row says in `columns[column]`; empty where the text has no such column.
  [[nodiscard]] const std::string& operator[](std::size_t column) const { return row_[column]; }
  /// \throws ConfigError "name:line: what"
  [[noreturn]] void fail(const std::string& what) const;

 private:
  [[nodiscard]] bool take_line();
  void split(std::string_view line);
  std::string_view take_quoted(std::string_view line, std::string& cell) const;

  std::string_view rest_;
  std::string name_;
  std::size_t line_ = 0;
  std::vector<std::string> cells_;
  std::vector<std::size_t> header_;  ///< of each cell, its place in `columns`
  std::vector<std::string> row_;
};

}  // namespace flowlens
