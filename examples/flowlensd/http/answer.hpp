/// \file
/// http: answers in JSON.
#pragma once

#include "http/message.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {

/// One that caches ask for again each time.
[[nodiscard]] Response fresh(const Json& body, unsigned status = 200);

}  // namespace flowlensd::http
