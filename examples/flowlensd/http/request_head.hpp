/// \file
/// http: what a server says to the head of a request before anything else looks at it. Only files of the
/// server include it.
#pragma once

#include <boost/beast/core/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "http/connection_base.hpp"

namespace flowlensd::http {

[[nodiscard]] flowlens::IpAddress peer_of(const tcp::socket& socket);
/// \return why the request is not taken.
[[nodiscard]] std::optional<Response> objection(const beast::http::request_header<>& head,
                                                const flowlens::IpAddress& peer,
                                                const ServerOptions& options);
/// How long the body may be.
[[nodiscard]] std::uint64_t body_limit_of(std::string_view target, const ServerOptions& options);
[[nodiscard]] Response body_too_long(std::uint64_t limit);
/// The answer to what is no request. \param body_limit  octets.
/// \return nothing where nobody would read it.
[[nodiscard]] std::optional<Response> refusal_of(beast::error_code error,
                                                 const ServerOptions& options,
                                                 std::uint64_t body_limit);
[[nodiscard]] Request request_of(const beast::http::request<beast::http::string_body>& message,
                                 const flowlens::IpAddress& peer, bool is_encrypted);

}  // namespace flowlensd::http
