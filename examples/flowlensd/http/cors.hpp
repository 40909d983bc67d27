/// \file
/// http: which pages of other origins may read the API (the Fetch standard's CORS).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace flowlensd::http {

/// Immutable.
class Cors {
 public:
  /// \param origins  `https://host:port`, with commas between, or `*`.
  /// \param has_log_in  without one every page that a browser here opens could read the map, so `*` then
  /// means none. \throws flowlens::ConfigError naming what is no origin.
  Cors(std::string_view origins, bool has_log_in);

  /// The answer to a browser that asks before it asks.
  [[nodiscard]] std::optional<Response> preflight(const Request& request) const;
  /// Whether a page may open a WebSocket: browsers send one to any server, and do not ask before.
  [[nodiscard]] bool may_connect(const Request& request) const;
  /// \param origin  of the request; empty: none.
  void add_headers(Response& response, std::string_view origin) const;

 private:
  [[nodiscard]] bool allows(std::string_view origin) const;

  std::vector<std::string> origins_;
  bool allows_all_ = false;
};

}  // namespace flowlensd::http
