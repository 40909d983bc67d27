/// \file
/// http: what is looked at before anything reads a text from outside.
#pragma once

#include <cstddef>
#include <string_view>

namespace flowlensd::http {

/// Well-formed UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Deeper arrays and objects are refused: some of what reads JSON goes down by recursion.
inline constexpr std::size_t kMaxJsonDepth = 64;
/// Whether brackets are open deeper than `most`, be it JSON or not.
[[nodiscard]] bool is_deeper(std::string_view json, std::size_t most = kMaxJsonDepth) noexcept;

}  // namespace flowlensd::http
