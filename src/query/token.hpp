/// \file
/// query: the words of a filter.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace flowlens::query {

enum class TokenKind : std::uint8_t {
  word,    ///< a name, keyword, number, address, time …: what it is depends on where it stands
  quoted,  ///< with its quotation marks
  open,    ///< ( [ {
  close,   ///< ) ] }
  comma,
  op,   ///< = == != <> < <= > >= ~ !~ ! && ||
  bad,  ///< what no filter holds; the last but one then
  end
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;
  std::uint32_t column = 0;  ///< octets before it
};

/// \return the tokens of `text`, an `end` last.
[[nodiscard]] std::vector<Token> scan(std::string_view text);

}  // namespace flowlens::query
