#include "flowlens/csv_table.hpp"

#include <algorithm>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlens {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::string list(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) (text += text.empty() ? "" : ", ") += name;
  return text;
}

}  // namespace

CsvTable::CsvTable(std::string_view csv, std::string name,
                   std::span<const std::string_view> columns, std::size_t needed)
    : rest_(csv), name_(std::move(name)), row_(columns.size()) {
  if (!take_line()) {
    fail("is empty; its first line names the columns, of " + list(columns));
  }
  for (const std::string& cell : cells_) {
    const auto known = std::find(columns.begin(), columns.end(), cell);
    if (known == columns.end()) {
      fail("there is no column `" + cell + "`; columns are " + list(columns));
    }
    const auto column = static_cast<std::size_t>(known - columns.begin());
    if (std::find(header_.begin(), header_.end(), column) != header_.end()) {
      fail("there are two columns `" + cell + "`");
    }
    header_.push_back(column);
  }
  for (std::size_t i = 0; i < needed; ++i) {
    if (std::find(header_.begin(), header_.end(), i) != header_.end()) continue;
    fail("the first line names the columns; `" + std::string(columns[i]) + "` must be one");
  }
}

bool CsvTable::next() {
  if (!take_line()) return false;
  if (cells_.size() != header_.size()) {
    fail("has " + std::to_string(cells_.size()) + " cells; the first line has " +
         std::to_string(header_.size()));
  }
  for (std::size_t i = 0; i < cells_.size(); ++i) row_[header_[i]] = std::move(cells_[i]);
  return true;
}

void CsvTable::fail(const std::string& what) const {
  throw ConfigError(name_ + ":" + std::to_string(line_) + ": " + what);
}

/// Splits the next line that says something into cells.
bool CsvTable::take_line() {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view line = trimmed(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++line_;
    if (line.empty() || line.front() == '#') continue;
    split(line);
    return true;
  }
  return false;
}

void CsvTable::split(std::string_view line) {
  cells_.clear();
  for (bool has_more = true; has_more;) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::string& cell = cells_.emplace_back();
    if (line.starts_with('"')) line = take_quoted(line, cell);
    const std::size_t comma = std::min(line.find(','), line.size());
    cell += trimmed(line.substr(0, comma));
    has_more = comma < line.size();
    line.remove_prefix(has_more ? comma + 1 : comma);
  }
}

/// \return what follows the quotation.
std::string_view CsvTable::take_quoted(std::string_view line, std::string& cell) const {
  for (line.remove_prefix(1); !line.empty(); line.remove_prefix(1)) {
    if (line.front() == '"') {
      line.remove_prefix(1);
      if (!line.starts_with('"')) return line;
    }
    cell += line.front();
  }
  fail("a quotation mark opens a cell and none closes it");
}

}  // namespace flowlens
