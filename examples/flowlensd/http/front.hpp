/// \file
/// http: what is done to each request before the router and to each answer after it: who asks behind a
/// proxy, origins, tokens of browsers' WebSockets, compression.
#pragma once

#include <functional>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "http/cors.hpp"
#include "http/message.hpp"

namespace flowlensd::http {

/// A browser cannot set Authorization on a WebSocket, but can offer this with a token behind it.
inline constexpr std::string_view kTokenProtocol = "flowlens.token.";

/// Thread-safe.
class Front {
 public:
  /// \param handle  must not throw.
  Front(Cors cors, std::vector<flowlens::IpPrefix> trusted_proxies,
        std::function<Response(Request)> handle);

  /// Never throws.
  [[nodiscard]] Response handle(Request request) const noexcept;

 private:
  [[nodiscard]] Response answer(Request request) const;

  const Cors cors_;
  const std::vector<flowlens::IpPrefix> trusted_proxies_;
  const std::function<Response(Request)> handle_;
};

}  // namespace flowlensd::http
