/// \file
/// http: query and path parameters, read strictly; what does not fit is answered 400.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

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
/// The filter of the parameter, empty where it is absent. Ages count back from the daemon's clock.
template <typename Row>
[[nodiscard]] Filter<Row> filter_parameter(const Request& request,
                                           const FieldTableOf<Row>& fields) {
  const auto found = request.query.find("filter");
  if (found == request.query.end()) return {};
  FilterError error;
  const Timestamp now = std::chrono::system_clock::now();
  auto filter = Filter<Row>::compile(found->second, fields, now, error);
  if (!filter) throw bad_filter(found->second, error);
  return filter;
}
/// `view`: as it passes the network, or from who asks to who answers in the end.
[[nodiscard]] bool wants_applications(const Request& request);
/// The `{address}` of the path.
[[nodiscard]] IpAddress address_parameter(const Request& request);
/// The `{id}` of the path.
[[nodiscard]] Id id_parameter(const Request& request);

}  // namespace flowlensd::http
