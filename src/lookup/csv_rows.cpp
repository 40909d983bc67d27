#include "lookup/csv_rows.hpp"

#include <algorithm>

#include "lookup/fact_sheet.hpp"

namespace flowlens::lookup {

CsvRows::Row CsvRows::next() {
  while (at_ < text_.size()) {
    row_line_ = line_;
    const Row row = take_row();
    const bool is_empty = cells_.size() == 1 && cells_.front().empty();
    if (row == Row::broken || !is_empty) return row;
  }
  return Row::end;
}

bool CsvRows::is_at_end_of_line() const noexcept {
  return at_ >= text_.size() || text_[at_] == '\n';
}

CsvRows::Row CsvRows::broken(const char* error) noexcept {
  error_ = error;
  const std::size_t end = std::min(text_.find('\n', at_), text_.size());
  at_ = std::min(end + 1, text_.size());
  ++line_;
  return Row::broken;
}

CsvRows::Row CsvRows::take_row() {
  cells_.clear();
  const std::size_t end = max_row_ < text_.size() - at_ ? at_ + max_row_ : text_.size();
  for (;;) {
    std::string cell;
    while (at_ < end && text_[at_] == ' ') ++at_;
    if (at_ < end && text_[at_] == '"') {
      const std::size_t begin = at_++;
      const std::size_t begin_line = line_;
      const bool is_closed = take_quoted(cell, end);
      while (at_ < end && (text_[at_] == ' ' || text_[at_] == '\r')) ++at_;
      if (!is_closed || (!is_at_end_of_line() && text_[at_] != separator_)) {
        go_back_to(begin, begin_line);
        return broken(is_closed ? "a cell goes on behind its quotation marks"
                                : "a quotation mark opens a cell and none closes it");
      }
    } else {
      const std::size_t begin = at_;
      while (at_ < end && text_[at_] != separator_ && text_[at_] != '\n') ++at_;
      cell = trimmed(text_.substr(begin, at_ - begin));
    }
    if (at_ >= end && end < text_.size() && !is_at_end_of_line())
      return broken("the row is too long");
    cells_.push_back(std::move(cell));
    if (is_at_end_of_line()) break;
    ++at_;  // the separator
  }
  at_ = std::min(at_ + 1, text_.size());
  ++line_;
  return Row::good;
}

/// What an open quotation swallowed is read again, as long as that does not come to more than reading the
/// text twice.
void CsvRows::go_back_to(std::size_t octet, std::size_t line) noexcept {
  if (at_ - octet > to_read_again_) return;
  to_read_again_ -= at_ - octet;
  at_ = octet;
  line_ = line;
}

/// Reads to behind the closing mark.
bool CsvRows::take_quoted(std::string& cell, std::size_t end) {
  for (; at_ < end; ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      if (at_ >= text_.size() || text_[at_] != '"') return true;
    }
    if (text_[at_] == '\n') ++line_;
    cell += text_[at_];
  }
  return false;
}

}  // namespace flowlens::lookup
