/// \file
/// graph: text from outside (names, sites) made harmless for each file format.
#pragma once

#include <string>
#include <string_view>

namespace flowlens::graph {

/// The text with everything that is not UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string to_utf8(std::string_view text);

/// RFC 8259 §7, with quotes.
[[nodiscard]] std::string json_text(std::string_view text);
/// XML 1.0 character data or attribute value. Characters XML cannot hold become U+FFFD.
[[nodiscard]] std::string xml_text(std::string_view text);
/// A double-quoted ID of the DOT language, with quotes; `\n` stays a line break of a label.
[[nodiscard]] std::string dot_text(std::string_view text);
/// The inside of a quoted Mermaid label.
[[nodiscard]] std::string mermaid_text(std::string_view text);
/// A field of RFC 4180, quoted where it must be.
[[nodiscard]] std::string csv_text(std::string_view text);

}  // namespace flowlens::graph
