/// \file
/// collect: IPFIX over TCP (RFC 7011 §10.4) and TLS.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"
#include "flowlens/udp_receiver.hpp"

namespace flowlens {

/// Whether exporters must show a certificate. One that is shown must always be good.
enum class ClientCertificates : std::uint8_t { not_asked, optional, required };

struct IpfixTlsFiles {
  std::string certificate_file;  ///< PEM, with its chain
  std::string key_file;          ///< PEM
  std::string client_ca_file;    ///< PEM; needed unless certificates are not asked for
  ClientCertificates client_certificates = ClientCertificates::not_asked;
};

struct IpfixListenerOptions {
  /// `::` takes IPv6 and IPv4 (where the system has no IPv6: IPv4), 0.0.0.0 IPv4 only.
  IpAddress bind_address;
  std::optional<std::uint16_t> tcp_port;  ///< 0: the system picks
  std::optional<std::uint16_t> tls_port;  ///< the same
  IpfixTlsFiles tls;
  std::size_t max_connections = 1'000;
  std::size_t max_connections_per_address = 50;
  std::chrono::milliseconds handshake_timeout{10'000};
  /// From a message's first octets to its last.
  std::chrono::milliseconds message_timeout{60'000};
  /// Between two messages; 0: for ever.
  std::chrono::milliseconds idle_timeout{1'800'000};
  /// Whose connections are taken; asked again now and then. Empty: everybody's.
  std::function<bool(const IpAddress&)> allows;
};

/// Every connection that was accepted is open, or ended in one of the ways from `not_allowed` on.
struct IpfixListenerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;         ///< now; with TLS, also those that have not shaken hands
  std::uint64_t not_allowed = 0;  ///< by address
  std::uint64_t too_many = 0;     ///< past one of the two limits
  std::uint64_t handshake_failed = 0;
  std::uint64_t handshake_timed_out = 0;
  std::uint64_t ended = 0;        ///< by the exporter, behind a whole message
  std::uint64_t cut = 0;          ///< by the exporter or the network, within a message
  std::uint64_t failed = 0;       ///< by the network or by TLS, elsewhere
  std::uint64_t bad_version = 0;  ///< what stood where a message begins was not IPFIX
  std::uint64_t bad_length = 0;   ///< a message shorter than its header
  std::uint64_t stalled = 0;      ///< a message did not come to its end in time
  std::uint64_t idle = 0;
  std::uint64_t accept_failures = 0;
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;            ///< of messages
  std::uint64_t discarded_octets = 0;  ///< came, but belong to no whole message
};

struct IpfixListenerProblem {
  Timestamp at;
  std::string text;  ///< empty: there was none
};

struct IpfixConnection {
  TransportSession session;
  Timestamp since;
  Timestamp last_message;  ///< since, if there was none
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;
  std::string certificate;  ///< the subject that the exporter has shown; empty: none
};

/// Takes IPFIX messages from connections, each a transport session of its own. A stream in which
/// something else stands where a message should begin cannot be followed any further: the connection is
/// closed, and the exporter makes a new one.
///
/// All work is done within receive(). While nobody calls it, or `take` does not return, nothing is read:
/// then TCP slows the exporters down, and no time-out runs.
///
/// One thread calls receive(); all else may be called by any.
class IpfixListener {
 public:
  /// \throws IoError naming address and port if one cannot be bound.
  /// \throws ConfigError for a file that does not fit, a limit of 0, or no port.
  explicit IpfixListener(const IpfixListenerOptions& options);
  ~IpfixListener();

  /// Waits for messages and hands each to `take`.
  /// \param ended  told of each session behind its last message; its templates mean nothing any more.
  /// \return how many messages; 0 after `timeout` without any, or after stop().
  std::size_t receive(std::chrono::milliseconds timeout,
                      const std::function<void(const ReceivedDatagram&)>& take,
                      const std::function<void(const TransportSession&)>& ended);
  /// Accepts nobody any more; receive() gives what is already there, without waiting.
  void stop() noexcept;

  /// Reads certificate, key and authorities again, for connections from now on.
  /// \throws ConfigError naming the file that does not fit; then the ones before stay in use.
  void reload_certificates();

  [[nodiscard]] IpfixListenerCounters counters() const;
  [[nodiscard]] IpfixListenerProblem last_problem() const;
  /// Ascending by exporter, `most` at the most.
  [[nodiscard]] std::vector<IpfixConnection> connections(std::size_t most) const;
  [[nodiscard]] std::uint16_t tcp_port() const noexcept;  ///< 0: none
  [[nodiscard]] std::uint16_t tls_port() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
