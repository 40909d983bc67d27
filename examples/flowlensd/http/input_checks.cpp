#include "http/input_checks.hpp"

#include <cstdint>

namespace flowlensd::http {
namespace {

/// What the first octet of a character says: how many follow, and the least code of that length.
struct Lead {
  std::size_t more;
  std::uint32_t bits;
  std::uint32_t least;
};

bool lead_of(unsigned char c, Lead& out) noexcept {
  if (c < 0x80)
    out = {0, c, 0};
  else if (c >= 0xc2 && c < 0xe0)
    out = {1, c & 0x1fu, 0x80};
  else if (c >= 0xe0 && c < 0xf0)
    out = {2, c & 0x0fu, 0x800};
  else if (c >= 0xf0 && c < 0xf5)
    out = {3, c & 0x07u, 0x10000};
  else
    return false;
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    Lead lead{};
    if (!lead_of(static_cast<unsigned char>(text[i]), lead)) return false;
    if (text.size() - i <= lead.more) return false;
    std::uint32_t code = lead.bits;
    for (std::size_t k = 1; k <= lead.more; ++k) {
      const auto c = static_cast<unsigned char>(text[i + k]);
      if ((c & 0xc0u) != 0x80) return false;
      code = code << 6 | (c & 0x3fu);
    }
    if (code < lead.least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += 1 + lead.more;
  }
  return true;
}

bool is_deeper(std::string_view json, std::size_t most) noexcept {
  std::size_t depth = 0;
  bool is_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_text && c == '\\')
      ++i;
    else if (c == '"')
      is_text = !is_text;
    else if (is_text)
      continue;
    else if (c == '[' || c == '{') {
      if (++depth > most) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace flowlensd::http
