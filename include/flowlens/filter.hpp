/// \file
/// query: the filter language: one grammar over flows, dependencies, assets and events.
///
///     src net 10.0.0.0/8 and dst port 443 and bytes > 1M
///     service in (postgresql, redis) and not client ip = 10.1.2.3
///
/// The grammar, operators and how values are written stand in docs/filters.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/field_table.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Longer texts, more comparisons and deeper parentheses are refused.
inline constexpr std::size_t kMaxFilterLength = 4'096;
inline constexpr std::size_t kMaxFilterTerms = 256;
inline constexpr std::size_t kMaxFilterDepth = 64;

/// Why a text is no filter.
struct FilterError {
  std::uint32_t column = 0;  ///< octets before what is wrong, from 0
  std::string message;       ///< `'70000' is no port`
  std::string expected;      ///< `a port (0 to 65535 or a service name)`

  /// Two lines, the second with a mark under the column, after the filter's own.
  [[nodiscard]] std::string pointing_into(std::string_view text) const;
};

namespace query {
class Program;
}

/// A filter, compiled. A value that is cheap to copy. Immutable: share it freely.
class AnyFilter {
 public:
  AnyFilter() noexcept = default;
  explicit AnyFilter(std::shared_ptr<const query::Program> program) noexcept;

  /// False until it is compiled.
  [[nodiscard]] explicit operator bool() const noexcept { return program_ != nullptr; }
  /// \param row  of the type that the table was made for.
  [[nodiscard]] bool matches(const void* row) const noexcept;
  /// The same filter in one spelling: compiling it gives an equal filter and the same text. Ages
  /// stand as the times they meant.
  [[nodiscard]] std::string canonical() const;

 private:
  std::shared_ptr<const query::Program> program_;
};

/// \param now  what ages count back from. \param error  what is wrong, if no filter is returned.
/// \return an empty filter and an error; an empty text matches every row.
[[nodiscard]] AnyFilter compile_filter(std::string_view text, const FieldTable& fields,
                                       Timestamp now, FilterError& error);

/// A filter of rows of one type.
template <typename Row>
class Filter {
 public:
  Filter() noexcept = default;
  /// As compile_filter().
  [[nodiscard]] static Filter compile(std::string_view text, const FieldTableOf<Row>& fields,
                                      Timestamp now, FilterError& error) {
    Filter made;
    made.any_ = compile_filter(text, fields, now, error);
    return made;
  }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(any_); }
  [[nodiscard]] bool matches(const Row& row) const noexcept { return any_.matches(&row); }
  [[nodiscard]] std::string canonical() const { return any_.canonical(); }

 private:
  AnyFilter any_;
};

/// What may stand where somebody types.
struct Completion {
  std::size_t from = 0;                 ///< octet where the word begins that a candidate replaces
  std::vector<std::string> candidates;  ///< ascending, each once
};
/// \param cursor  octets of `text` before the cursor; past its end: the end.
[[nodiscard]] Completion complete_filter(std::string_view text, std::size_t cursor,
                                         const FieldTable& fields);

}  // namespace flowlens
