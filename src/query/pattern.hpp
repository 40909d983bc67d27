/// \file
/// query: a pattern to find in a text: POSIX extended regular expressions by the C library.
#pragma once

#include <regex.h>

#include <string>

namespace flowlens::query {

/// Case is ignored. Back references, counted repetitions and too many repetitions within repetitions are
/// refused: with them a short pattern can cost without bound. Immutable once made.
class Pattern {
 public:
  static constexpr std::size_t kMaxLength = 256;
  static constexpr std::size_t kMaxWrittenOut = 4'096;  ///< octets, with `a+` written as `aa*`

  /// \param why  what is wrong; empty if the pattern can be used.
  explicit Pattern(std::string text, std::string& why);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  [[nodiscard]] bool found_in(const char* text) const noexcept;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  regex_t compiled_{};
  bool is_compiled_ = false;
};

}  // namespace flowlens::query
