#include "http/csv.hpp"

#include "http/message.hpp"

namespace flowlensd::http {
namespace {

/// Whether a spreadsheet may take it for a formula, apostrophes before it or not.
bool looks_like_formula(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of('\'');
  return first != std::string_view::npos &&
         std::string_view{"=+-@\t\r\n"}.find(text[first]) != std::string_view::npos;
}

[[noreturn]] void bad(std::size_t line, std::size_t column, const std::string& what) {
  throw Problem{400, "Bad body", csv_place(line, column) + what};
}

}  // namespace

std::string csv_place(std::size_t line, std::size_t column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
}

void add_cell(std::string& line, std::string_view text) {
  if (!line.empty() && line.back() != '\n') line += ',';
  std::string cell = looks_like_formula(text) ? "'" : "";
  cell += text;
  // A row of one empty cell would be an empty line; there is none here.
  if (cell.find_first_of(",\"\r\n") == std::string::npos && !cell.starts_with(' ') &&
      !cell.ends_with(' ')) {
    line += cell;
    return;
  }
  line += '"';
  for (const char c : cell) line.append(c == '"' ? 2 : 1, c);
  line += '"';
}

std::string csv_text(std::string cell) {
  if (cell.starts_with('\'') && looks_like_formula(cell)) cell.erase(0, 1);
  return cell;
}

CsvReader::CsvReader(std::string_view text) : rest_(text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";  // of UTF-8, by spreadsheets
  if (rest_.starts_with(kMark)) rest_.remove_prefix(kMark.size());
}

bool CsvReader::next(std::vector<CsvCell>& row) {
  row.clear();
  while (!rest_.empty() && is_at_end_of_line()) end_line();
  if (rest_.empty()) return false;
  while (true) {
    CsvCell& cell = row.emplace_back();
    cell.line = line_;
    cell.column = column_;
    if (rest_.starts_with('"')) {
      take_quoted(cell);
    } else {
      take_plain(cell);
    }
    if (rest_.empty()) return true;
    if (is_at_end_of_line()) {
      end_line();
      return true;
    }
    if (rest_.front() != ',') bad(line_, column_, "a quoted cell goes on; put a comma behind it");
    static_cast<void>(take());
  }
}

bool CsvReader::is_at_end_of_line() const noexcept {
  return rest_.starts_with('\n') || rest_.starts_with("\r\n");
}

void CsvReader::end_line() {
  rest_.remove_prefix(rest_.front() == '\r' ? 2 : 1);
  ++line_;
  column_ = 1;
}

char CsvReader::take() {
  const char c = rest_.front();
  rest_.remove_prefix(1);
  if (c == '\n') {
    ++line_;
    column_ = 1;
  } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {  // once a character
    ++column_;
  }
  return c;
}

void CsvReader::take_quoted(CsvCell& cell) {
  static_cast<void>(take());
  while (!rest_.empty()) {
    const char c = take();
    if (c != '"') {
      cell.text += c;
    } else if (rest_.starts_with('"')) {
      cell.text += take();
    } else {
      return;
    }
  }
  bad(cell.line, cell.column, "a quotation mark opens a cell and none closes it");
}

void CsvReader::take_plain(CsvCell& cell) {
  while (!rest_.empty() && rest_.front() != ',' && !is_at_end_of_line()) {
    if (rest_.front() == '"') bad(line_, column_, "a quotation mark stands in a cell without them");
    cell.text += take();
  }
}

}  // namespace flowlensd::http
