/// \file
/// notify: tells a receiver by HTTP POST.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "notify/outbox.hpp"

namespace flowlensd {

struct WebhookOptions {
  std::string host;  ///< name or address, without brackets
  std::string port;
  std::string target;                        ///< path and query
  std::string authorization;                 ///< value of the header; empty: none
  std::chrono::milliseconds timeout{5'000};  ///< for all of one attempt
};

/// `http://HOST[:PORT][/PATH][?QUERY]` in parts.
/// \throws flowlens::ConfigError, which does not repeat the URL: it may hold a secret.
[[nodiscard]] WebhookOptions parse_webhook_url(std::string_view url);

/// Posts a JSON text. 2xx: it was taken. 408, 425, 429, 5xx and trouble on the way: try again. All else:
/// refused.
[[nodiscard]] Delivery post_json(const WebhookOptions& receiver, const std::string& json);

}  // namespace flowlensd
