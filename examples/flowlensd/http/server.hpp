/// \file
/// http: the HTTP/1.1 server, with TLS, WebSocket and server-sent events. Which library serves shows only in
/// any_stream.hpp, tls_context.hpp and what includes them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "http/message.hpp"

namespace flowlensd::http {

class LiveUpdates;

/// PEM files.
struct TlsFiles {
  std::string certificate;  ///< with its chain; empty: no TLS
  std::string key;
  std::string client_ca;  ///< empty: clients show no certificate
};

struct ServerOptions {
  flowlens::IpAddress address;
  std::uint16_t port = 8000;                ///< 0: any free one
  std::size_t max_connections = 512;        ///< past it, who has said nothing for long makes room
  std::uint32_t max_header_octets = 8'192;  ///< beyond: 431
  std::uint64_t max_body_octets = 65'536;   ///< beyond: 413
  std::vector<std::string> large_paths{};   ///< where a body may be longer
  std::uint64_t max_large_body_octets = 4u << 20;  ///< there; beyond: 413
  std::size_t max_large_bodies = 4;                ///< at once; beyond: 503
  std::chrono::milliseconds read_time{
      30'000};  ///< for a whole request, idle time before it included
  std::chrono::milliseconds write_time{60'000};
  std::chrono::milliseconds answer_time{60'000};     ///< for a handler; beyond: 503
  std::chrono::milliseconds handshake_time{10'000};  ///< for TLS
  std::chrono::milliseconds least_patience{2'000};   ///< before a silent one makes room
  std::size_t handler_threads = 2;
  TlsFiles tls{};
  std::vector<flowlens::IpPrefix> trusted_proxies{};  ///< may send any Host

  LiveUpdates* live = nullptr;   ///< null: no connection becomes one of live updates
  std::size_t max_live = 1'000;  ///< such connections; beyond: 503
  std::chrono::milliseconds ping_interval{30'000};
  std::chrono::milliseconds stall_time{60'000};  ///< for which a live client may take nothing
};

struct ServerCounters {
  std::uint64_t connections = 0;        ///< open now
  std::uint64_t refused = 0;            ///< over max_connections
  std::uint64_t made_room = 0;          ///< closed for others, as they had said nothing for long
  std::uint64_t handshakes_failed = 0;  ///< of TLS
  std::uint64_t late_answers = 0;       ///< requests that took longer than answer_time

  std::uint64_t websockets = 0;     ///< open now
  std::uint64_t event_streams = 0;  ///< open now
  std::uint64_t live_refused = 0;   ///< over max_live
  std::uint64_t live_stalled = 0;   ///< clients dropped as they took nothing, or answered no ping
  std::uint64_t live_expelled = 0;  ///< clients dropped for what they sent
  std::uint64_t live_expired = 0;   ///< clients dropped as they may listen no more
};

/// One thread for all sockets, a few for the handlers.
class Server {
 public:
  /// \param handle  called from several threads at once; must not throw.
  /// \param observe  called after each answer with its time in seconds.
  /// \throws flowlens::IoError naming address and port if they cannot be bound;
  /// flowlens::ConfigError naming the file if TLS cannot be had with it.
  using Handle = std::function<Response(Request)>;
  using Observe = std::function<void(const std::string& method, const Response&, double seconds)>;
  Server(const ServerOptions& options, Handle handle, Observe observe);
  ~Server();

  void start();
  void stop();
  /// Reads the files of TLS again, for connections from now on. Thread-safe.
  /// \return what is wrong with them; then those before stay in use. Empty: nothing.
  std::string reload_certificates();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] ServerCounters counters() const noexcept;

  /// Asks the thread of the sockets for a sign of life. Thread-safe, returns at once.
  void ask_sign();
  /// How long ago it gave the last one, or start() was called.
  [[nodiscard]] std::chrono::steady_clock::duration silent_for() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlensd::http
