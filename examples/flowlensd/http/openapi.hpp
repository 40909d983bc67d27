/// \file
/// http: the description of the API in OpenAPI 3.1, put together from http/openapi/*.json.
#pragma once

#include "http/rows.hpp"

namespace flowlensd::http {

/// What a router or server may answer wherever it is asked is added to each operation: each file
/// says only what is its operation's own.
/// \throws flowlens::Error if two files say different things of the same.
[[nodiscard]] Json openapi_document();

}  // namespace flowlensd::http
