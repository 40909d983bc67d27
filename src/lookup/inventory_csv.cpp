#include <algorithm>

#include "flowlens/error.hpp"
#include "lookup/csv_rows.hpp"
#include "lookup/inventory_rows.hpp"

namespace flowlens::lookup {

namespace {

/// The first of these in the header, so that commas win.
char separator_of(std::string_view text) noexcept {
  const std::string_view header = text.substr(0, text.find('\n'));
  for (const char c : {',', ';', '\t'}) {
    if (header.find(c) != std::string_view::npos) return c;
  }
  return ',';
}

std::vector<std::string> columns_of(const CsvRows& rows) {
  std::vector<std::string> columns;
  for (const std::string& cell : rows.cells()) columns.push_back(attribute_name(cell));
  return columns;
}

}  // namespace

std::string attribute_name(std::string_view column) {
  std::string name;
  for (const char c : lower(column)) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const char now = is_word || c == '.' ? c : '_';
    const bool is_between = name.empty() || name.back() == '_' || name.back() == '.';
    if (is_word || (now == '_' && !is_between)) {
      name += now;
    } else if (now == '.' && !name.empty() && name.back() != '.') {
      if (name.back() == '_') name.pop_back();
      name += now;
    }
  }
  while (name.ends_with('_') || name.ends_with('.')) name.pop_back();
  return name;
}

void read_inventory_csv(std::string_view text, FactSheet& sheet, const InventorySink& sink) {
  CsvRows rows{text, separator_of(text), sheet.options().max_line};
  const std::string path = sheet.options().path.string();
  const CsvRows::Row header = rows.next();
  if (header == CsvRows::Row::end)
    throw IoError(path + ": is empty; its first row names the columns");
  if (header == CsvRows::Row::broken) throw IoError(path + ":1: " + rows.error());
  const std::vector<std::string> columns = columns_of(rows);

  for (CsvRows::Row row = rows.next(); row != CsvRows::Row::end; row = rows.next()) {
    if (row == CsvRows::Row::broken) {
      sheet.broken(rows.line(), rows.error());
      continue;
    }
    const std::vector<std::string>& cells = rows.cells();
    if (cells.size() != columns.size()) {
      sheet.broken(rows.line(), "has " + std::to_string(cells.size()) + " cells; the header has " +
                                    std::to_string(columns.size()));
      continue;
    }
    InventoryRow said{rows.line(), {}, {}};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i].empty() && !columns[i].empty()) said.cells.emplace_back(columns[i], cells[i]);
    }
    sink(said);
  }
}

}  // namespace flowlens::lookup
