/// \file
/// http: query and path parameters, read strictly; what does not fit is answered 400.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "http/message.hpp"
#include "library.hpp"

namespace flowlensd::http {

/// A whole number, or `fallback` where the parameter is absent.
[[nodiscard]] std::uint64_t number_parameter(const Request& request, std::string_view name,
                                             std::uint64_t fallback, std::uint64_t least,
                                             std::uint64_t most);
/// The `next_cursor` of a page before; 0 for the first page.
[[nodiscard]] std::uint32_t cursor_parameter(const Request& request);
/// RFC 3339 text in UTC, or nothing where the parameter is absent.
[[nodiscard]] std::optional<Timestamp> time_parameter(const Request& request,
                                                      std::string_view name);
/// `as_of` with `hours`, or nothing where `as_of` is absent.
[[nodiscard]] std::optional<AsOf> as_of_parameter(const Request& request);
[[nodiscard]] Problem bad_filter(std::string_view text, const FilterError& error);
/// What somebody asks for, and what views show of it; empty where nothing is left out. Ages count back
/// from the daemon's clock.
template <typename Row>
[[nodiscard]] Filter<Row> compiled_filter(const std::optional<std::string>& asked,
                                          const std::string& shown,
                                          const FieldTableOf<Row>& fields) {
  Filter<Row> filter;
  FilterError error;
  const Timestamp now = std::chrono::system_clock::now();
  if (asked) {
    filter = Filter<Row>::compile(*asked, fields, now, error);
    if (!filter) throw bad_filter(*asked, error);
  }
  if (shown.empty()) return filter;
  const std::string both = asked ? "(" + *asked + ") and (" + shown + ")" : shown;
  filter = Filter<Row>::compile(both, fields, now, error);
  if (!filter) throw bad_filter(both, error);
  return filter;
}
/// The filter of the parameter, of dependencies with what views show of them.
template <typename Row>
[[nodiscard]] Filter<Row> filter_parameter(const Request& request,
                                           const FieldTableOf<Row>& fields) {
  const auto found = request.query.find("filter");
  const auto asked = found == request.query.end() ? std::nullopt : std::optional(found->second);
  if constexpr (std::is_same_v<Row, DependencyRow>) {
    return compiled_filter(asked, request.shown_dependencies, fields);
  } else {
    return compiled_filter(asked, {}, fields);
  }
}
/// `view`: as it passes the network, or from who asks to who answers in the end.
[[nodiscard]] bool wants_applications(const Request& request);
/// The `{address}` of the path.
[[nodiscard]] IpAddress address_parameter(const Request& request);
/// The `{id}` of the path.
[[nodiscard]] Id id_parameter(const Request& request);

}  // namespace flowlensd::http
