/// \file
/// http: changes of one row that hold only for what the client has read (RFC 9110 §13).
#pragma once

#include <string>

#include "http/message.hpp"
#include "library.hpp"

namespace flowlensd::http {

/// The ETag of one row. What changes by people, by themselves or by rules is told apart from traffic,
/// which goes on: `"SAID.MAP"`.
[[nodiscard]] std::string row_etag(const AssetRow& row, const std::string& map_etag);
[[nodiscard]] std::string row_etag(const DependencyRow& row, const std::string& map_etag);

/// If-Match and If-None-Match of a request that changes the row, by the part that says what people see
/// of it and change; traffic meanwhile is no conflict.
/// \throws Problem 412 if it is not as the client says.
void check_preconditions(const Request& request, const std::string& etag);

}  // namespace flowlensd::http
