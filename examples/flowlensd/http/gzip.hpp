/// \file
/// http: answers compressed for who can read that.
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace flowlensd::http {

/// Whether Accept-Encoding lets gzip through.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);
/// RFC 1952.
[[nodiscard]] std::string gzip(std::string_view text);

/// Compresses a text that is long enough for it. Its ETag gets another name, as the octets differ.
/// \param is_wanted  by who asks.
void compress(Response& response, bool is_wanted);
/// Gives ETags in If-Match and If-None-Match the name that handlers know.
/// \return whether one of them was that of a compressed answer.
bool take_gzip_etags(Request& request);
/// The other way, for an answer 304.
void name_gzip_etag(Response& response);

}  // namespace flowlensd::http
