#include "lookup/zone_entries.hpp"

#include <algorithm>

namespace flowlens::lookup {

bool ZoneEntries::next(ZoneEntry& entry) {
  while (at_ < text_.size()) {
    entry = {};
    entry.line = line_;
    entry.has_owner = std::string_view{" \t\r\n;()"}.find(text_[at_]) == std::string_view::npos;
    const std::size_t begin = at_;
    const std::size_t begin_line = line_;
    if (!take(entry)) {
      // What an open parenthesis swallowed is read again, each line for itself: as long as that does
      // not come to more than reading the text twice.
      if (at_ - begin <= to_read_again_) {
        to_read_again_ -= at_ - begin;
        at_ = begin;
        line_ = begin_line;
      }
      pass_over_line();
      return true;
    }
    if (!entry.words.empty()) return true;
  }
  return false;
}

/// Reads up to the end of the line that ends the entry. \return false for one that is broken.
bool ZoneEntries::take(ZoneEntry& entry) {
  bool is_open = false;
  const std::size_t end = max_entry_ < text_.size() - at_ ? at_ + max_entry_ : text_.size();
  while (at_ < text_.size() && entry.error.empty()) {
    const char c = text_[at_];
    if (at_ >= end) {
      entry.error = is_open ? "a parenthesis is not closed" : "the line is too long";
    } else if (c == ';') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '\n') {
      ++at_;
      ++line_;
      if (!is_open) return true;
    } else if (c == '(' || c == ')') {
      if (is_open == (c == '(')) entry.error = "parentheses do not match";
      is_open = c == '(';
      ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '"') {
      take_quoted(entry);
    } else {
      take_word(entry);
    }
  }
  if (entry.error.empty() && is_open) entry.error = "a parenthesis is not closed";
  return entry.error.empty();
}

void ZoneEntries::take_word(ZoneEntry& entry) {
  const std::size_t begin = at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
      at_ += 2;
    } else if (std::string_view{" \t\r\n;()\""}.find(c) != std::string_view::npos) {
      break;
    } else {
      ++at_;
    }
  }
  entry.words.emplace_back(text_.substr(begin, at_ - begin));
}

void ZoneEntries::take_quoted(ZoneEntry& entry) {
  const std::size_t begin = ++at_;
  for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == '"') {
      entry.words.emplace_back(text_.substr(begin, at_++ - begin));
      return;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
  }
  entry.error = "a quotation mark opens a text and none closes it";
}

void ZoneEntries::pass_over_line() noexcept {
  const std::size_t end = text_.find('\n', at_);
  at_ = end == std::string_view::npos ? text_.size() : end + 1;
  ++line_;
}

}  // namespace flowlens::lookup
