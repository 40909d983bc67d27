/// \file
/// http: requests and answers as octets, on their way between the process that is asked and the one that
/// answers: a line of JSON, and the body as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowlens/request_queue.hpp"
#include "http/message.hpp"

namespace flowlensd::http {

/// Without credentials: of the headers only those that say what is wanted, and who asks by name.
[[nodiscard]] std::string encode_request(const Request& request);
/// \return nothing for what encode_request() has not written.
[[nodiscard]] std::optional<Request> decode_request(std::string_view octets);

[[nodiscard]] flowlens::QueuedAnswer encode_answer(Response response);
[[nodiscard]] std::optional<Response> decode_answer(flowlens::QueuedAnswer answer);

}  // namespace flowlensd::http
