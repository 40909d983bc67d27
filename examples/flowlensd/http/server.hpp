/// \file
/// http: the HTTP/1.1 server. Which library serves shows only in server.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "flowlens/ip_address.hpp"
#include "http/message.hpp"

namespace flowlensd::http {

struct ServerOptions {
  flowlens::IpAddress address;
  std::uint16_t port = 8000;  ///< 0: any free one
  std::size_t max_connections = 512;
  std::uint32_t max_header_octets = 8'192;  ///< beyond: 431
  std::uint64_t max_body_octets = 65'536;   ///< beyond: 413
  std::chrono::seconds read_time{30};       ///< for a whole request, idle time before it included
  std::chrono::seconds write_time{60};
  std::size_t handler_threads = 2;
};

struct ServerCounters {
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t refused = 0;      ///< over max_connections
};

/// One thread for all sockets, a few for the handlers.
class Server {
 public:
  /// \param handle  called from several threads at once; must not throw.
  /// \param observe  called after each answer with its time in seconds.
  /// \throws flowlens::IoError naming address and port if they cannot be bound.
  using Handle = std::function<Response(Request)>;
  using Observe = std::function<void(const std::string& method, const Response&, double seconds)>;
  Server(const ServerOptions& options, Handle handle, Observe observe);
  ~Server();

  void start();
  void stop();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] ServerCounters counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlensd::http
