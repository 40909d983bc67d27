#include "graph/export_text.hpp"

#include <cstddef>
#include <cstdint>

namespace flowlens::graph {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::uint8_t at(std::string_view text, std::size_t i) noexcept {
  return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
}

bool in(std::uint8_t c, std::uint8_t low, std::uint8_t high) noexcept {
  return c >= low && c <= high;
}

/// Octets of the character at `i`, or 0 if none begins there (RFC 3629 §4).
std::size_t character_length(std::string_view text, std::size_t i) noexcept {
  const std::uint8_t a = at(text, i), b = at(text, i + 1);
  const bool c = in(at(text, i + 2), 0x80, 0xbf), d = in(at(text, i + 3), 0x80, 0xbf);
  if (a < 0x80) return 1;
  if (in(a, 0xc2, 0xdf)) return in(b, 0x80, 0xbf) ? 2 : 0;
  if (in(a, 0xe0, 0xef)) {
    const std::uint8_t low = a == 0xe0 ? 0xa0 : 0x80, high = a == 0xed ? 0x9f : 0xbf;
    return in(b, low, high) && c ? 3 : 0;
  }
  if (in(a, 0xf0, 0xf4)) {
    const std::uint8_t low = a == 0xf0 ? 0x90 : 0x80, high = a == 0xf4 ? 0x8f : 0xbf;
    return in(b, low, high) && c && d ? 4 : 0;
  }
  return 0;
}

/// Copies `text`, with single octets replaced by what `escape` gives for them (empty: as it is).
template <typename Escape>
std::string escaped(std::string_view text, Escape escape) {
  std::string out;
  out.reserve(text.size());
  for (const char c : to_utf8(text)) {
    const std::string_view instead = escape(c);
    if (instead.empty()) {
      out += c;
    } else {
      out += instead;
    }
  }
  return out;
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}

}  // namespace

std::string to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_length(text, i);
    if (length == 0) {
      out += kReplacement;
      ++i;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : to_utf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string xml_text(std::string_view text) {
  return escaped(text, [](char c) -> std::string_view {
    switch (c) {
      case '&':
        return "&amp;";
      case '<':
        return "&lt;";
      case '>':
        return "&gt;";
      case '"':
        return "&quot;";
      case '\'':
        return "&apos;";
      // Written as they are, a parser would turn them into spaces.
      case '\t':
        return "&#9;";
      case '\n':
        return "&#10;";
      case '\r':
        return "&#13;";
      default:
        return static_cast<unsigned char>(c) < 0x20 ? kReplacement : std::string_view{};
    }
  });
}

std::string dot_text(std::string_view text) {
  return '"' +
         escaped(text,
                 [](char c) -> std::string_view {
                   if (c == '"') return "\\\"";
                   if (c == '\\') return "\\\\";
                   if (c == '\n') return "\\n";
                   return is_control(c) ? " " : std::string_view{};
                 }) +
         '"';
}

std::string mermaid_text(std::string_view text) {
  return escaped(text, [](char c) -> std::string_view {
    switch (c) {
      case '"':
        return "#quot;";
      case '#':
        return "#35;";
      case '&':
        return "#amp;";
      case '<':
        return "#lt;";
      case '>':
        return "#gt;";
      case '`':
        return "#96;";
      case ';':
        return "#59;";
      default:
        return is_control(c) ? " " : std::string_view{};
    }
  });
}

std::string csv_text(std::string_view text) {
  const std::string clean = to_utf8(text);
  if (clean.find_first_of("\",\r\n") == std::string::npos) return clean;
  return '"' +
         escaped(
             clean,
             [](char c) -> std::string_view { return c == '"' ? "\"\"" : std::string_view{}; }) +
         '"';
}

}  // namespace flowlens::graph
