/// \file
/// http: CSV (RFC 4180) that spreadsheets may open, and that comes back from them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flowlensd::http {

/// One cell with its comma, unless it is the first. A spreadsheet would take what begins with `=`, `+`, `-`,
/// `@`, a tab or an end of a line for a formula: an apostrophe goes before that, and before the
/// apostrophes of one, so that csv_text() finds it again.
void add_cell(std::string& line, std::string_view text);
/// What add_cell() was given.
[[nodiscard]] std::string csv_text(std::string cell);

struct CsvCell {
  std::string text;
  std::size_t line = 0;    ///< where it begins, from 1
  std::size_t column = 0;  ///< characters from the begin of that line, from 1
};

/// Rows of cells; a cell in quotation marks may hold ends of lines. Empty lines say nothing.
/// Thread-compatible.
class CsvReader {
 public:
  /// \param text  stays the caller's, and must stay while this is used.
  explicit CsvReader(std::string_view text);
  /// Goes to the next row. \return false at the end.
  /// \throws Problem 400 naming line and column.
  [[nodiscard]] bool next(std::vector<CsvCell>& row);

 private:
  [[nodiscard]] char take();
  void take_quoted(CsvCell& cell);
  void take_plain(CsvCell& cell);
  [[nodiscard]] bool is_at_end_of_line() const noexcept;
  void end_line();

  std::string_view rest_;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

/// `line 3, column 12: `
[[nodiscard]] std::string csv_place(std::size_t line, std::size_t column);

}  // namespace flowlensd::http
