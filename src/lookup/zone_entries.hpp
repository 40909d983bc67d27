/// \file
/// lookup: what stands in a master file of the DNS (RFC 1035 §5.1), entry by entry.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flowlens::lookup {

/// One directive or record: its words, put together over lines where parentheses say so.
struct ZoneEntry {
  bool has_owner = false;          ///< the first word begins the line
  std::vector<std::string> words;  ///< escapes as they stand; of a quoted text, its inside
  std::size_t line = 0;            ///< where it begins
  std::string error;               ///< not empty: it is broken, and the words are not all
};

/// Cuts a text into entries. After a broken one it goes on with the next line.
class ZoneEntries {
 public:
  /// \param max_entry  octets of an entry, over all its lines.
  ZoneEntries(std::string_view text, std::size_t max_entry)
      : text_(text), max_entry_(max_entry), to_read_again_(text.size()) {}
  /// \return false at the end.
  bool next(ZoneEntry& entry);

 private:
  bool take(ZoneEntry& entry);
  void take_word(ZoneEntry& entry);
  void take_quoted(ZoneEntry& entry);
  void pass_over_line() noexcept;

  std::string_view text_;
  std::size_t max_entry_;
  std::size_t to_read_again_;  ///< octets
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace flowlens::lookup
