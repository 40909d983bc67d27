/// \file
/// http: answers that are the same as long as the map is.
#pragma once

#include <optional>
#include <string>

#include "http/message.hpp"
#include "http/rows.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// Another one with each revision, and with each word of people.
[[nodiscard]] std::string etag_of(const Service& service);
/// Of what was made of an earlier revision.
[[nodiscard]] std::string etag_of(const Service& service, std::uint64_t revision);
/// \return an answer without a body if the client has this state already.
[[nodiscard]] std::optional<Response> not_modified(const Request& request, const std::string& etag);
/// One that caches may keep and ask about.
[[nodiscard]] Response cached_text(std::string body, const std::string& etag);
[[nodiscard]] Response cached_json(const Json& body, const std::string& etag);

}  // namespace flowlensd::http
