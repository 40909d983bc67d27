/// \file
/// query: how values are written in a filter, by the kind of the field.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowlens/field_table.hpp"
#include "query/program.hpp"

namespace flowlens::query {

/// Reads a value: the range of what it stands for (a prefix, a day, one number), or two with `..`
/// between (numbers also `-`).
/// \return nothing if the field takes no such value.
[[nodiscard]] std::optional<Range> read_value(const Field& field, std::string_view text,
                                              Timestamp now);
/// As read_value() reads it.
[[nodiscard]] std::string write_value(const Field& field, const Range& range);
/// What the field takes: `a port (0 to 65535 or a service name)`.
[[nodiscard]] std::string describe_values(const Field& field);

/// The text of a word or a quoted token, and the other way round.
[[nodiscard]] std::string unquoted(std::string_view token);
[[nodiscard]] std::string quoted_if_needed(std::string_view text);

/// ASCII letters in lower case.
[[nodiscard]] std::string lower(std::string_view text);

/// Whether the field's values are words rather than ranges.
[[nodiscard]] constexpr bool holds_text(const Field& field) noexcept {
  return field.kind == FieldKind::text;
}
[[nodiscard]] constexpr bool holds_address(const Field& field) noexcept {
  return field.kind == FieldKind::address;
}

/// Whether `<` and `>` mean something.
[[nodiscard]] constexpr bool has_order(const Field& field) noexcept {
  return field.kind != FieldKind::text && field.kind != FieldKind::choice &&
         field.kind != FieldKind::boolean && field.kind != FieldKind::address;
}

}  // namespace flowlens::query
