/// \file
/// http: JSON bodies of requests, read strictly; what does not fit is answered 400.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "http/message.hpp"
#include "http/rows.hpp"
#include "library.hpp"

namespace flowlensd::http {

/// \throws Problem always.
[[noreturn]] void bad_body(const std::string& detail);

/// The body as an object.
[[nodiscard]] Json object_of(const Request& request);
/// The same, with no members but these.
[[nodiscard]] Json object_of(const Request& request, const std::set<std::string>& members);
/// `object` is one, with no members but these. \param what  it is, for messages: `this body`.
void check_members(const Json& object, const char* what, const std::set<std::string>& members);

/// A text that must be there.
[[nodiscard]] std::string text_member(const Json& object, const char* name);
/// A text, empty for null, or nothing where the member is absent.
[[nodiscard]] std::optional<std::string> optional_text_member(const Json& object, const char* name);
/// True or false, or `fallback` where the member is absent.
[[nodiscard]] bool flag_member(const Json& object, const char* name, bool fallback);
/// An id that must be there.
[[nodiscard]] Id id_member(const Json& object, const char* name);
/// `{"address": "10.0.0.1", "site": "default"}`; the site may be absent.
[[nodiscard]] Endpoint endpoint_of(const Json& item, const SiteTable& sites);
/// A whole number, or `fallback` where the member is absent.
[[nodiscard]] std::uint64_t number_member(const Json& object, const char* name,
                                          std::uint64_t fallback, std::uint64_t least,
                                          std::uint64_t most);
/// RFC 3339 text in UTC, or nothing where the member is absent or null.
[[nodiscard]] std::optional<Timestamp> time_member(const Json& object, const char* name);
/// `as_of` with `hours`, or nothing where `as_of` is absent.
[[nodiscard]] std::optional<AsOf> as_of_member(const Json& object);
/// The filter over dependencies of member `filter`, and what views show of them; empty where nothing
/// is left out.
[[nodiscard]] Filter<DependencyRow> filter_member(const Request& request, const Json& object);

}  // namespace flowlensd::http
