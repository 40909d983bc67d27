/// \file
/// lookup: rows of CSV as programs write it (RFC 4180): cells in quotation marks may hold ends of lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flowlens::lookup {

class CsvRows {
 public:
  /// \param max_row  octets of a row, over all its lines.
  CsvRows(std::string_view text, char separator, std::size_t max_row)
      : text_(text), separator_(separator), max_row_(max_row), to_read_again_(text.size()) {}

  enum class Row { good, broken, end };
  /// Goes to the next row that is not empty. After a broken one it goes on with the next line.
  Row next();
  /// Of the row at hand, without the blanks around those that stand in no quotation marks.
  [[nodiscard]] const std::vector<std::string>& cells() const noexcept { return cells_; }
  [[nodiscard]] std::size_t line() const noexcept { return row_line_; }  ///< where the row begins
  [[nodiscard]] const char* error() const noexcept { return error_; }    ///< of a broken row

 private:
  Row take_row();
  bool take_quoted(std::string& cell, std::size_t end);
  void go_back_to(std::size_t octet, std::size_t line) noexcept;
  Row broken(const char* error) noexcept;
  [[nodiscard]] bool is_at_end_of_line() const noexcept;

  std::string_view text_;
  char separator_;
  std::size_t max_row_;
  std::size_t to_read_again_;  ///< octets
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t row_line_ = 0;
  std::vector<std::string> cells_;
  const char* error_ = "";
};

}  // namespace flowlens::lookup
