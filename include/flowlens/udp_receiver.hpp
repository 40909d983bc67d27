/// \file
/// collect: datagrams from UDP sockets. Linux: recvmmsg, SO_REUSEPORT, SO_RXQ_OVFL.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"

namespace flowlens {

struct UdpReceiverOptions {
  /// `::` takes IPv6 and IPv4 (where the system has no IPv6: IPv4), 0.0.0.0 IPv4 only.
  IpAddress bind_address;
  /// Repeated ones count once; 0: the system picks.
  std::vector<std::uint16_t> ports{2055, 4739, 6343};
  std::size_t workers = 1;                        ///< sockets per port, 1 to 64
  std::size_t receive_buffer_octets = 16u << 20;  ///< asked for, per socket
};

/// One datagram as it came. A view, valid during the call that hands it over.
struct ReceivedDatagram {
  std::span<const std::byte> octets;
  TransportSession session;
  Timestamp received;
};

struct UdpReceiverCounters {
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
  std::uint64_t kernel_dropped = 0;  ///< as SO_RXQ_OVFL counts: the socket's buffer was full
  std::uint64_t truncated = 0;       ///< longer than 65,535 octets: cannot be over UDP
};

/// `workers` sockets on each port, in order; a classic BPF program picks the socket by the source
/// address, so one exporter always meets the same worker, on every port.
///
/// Thread-safe for one thread per worker number; counters() and stop() may be called by anyone.
class UdpReceiver {
 public:
  /// \throws IoError naming address and port if one cannot be bound, also if another process holds it.
  /// \throws ConfigError for 0 or more than 64 workers, or no ports.
  explicit UdpReceiver(const UdpReceiverOptions& options);
  ~UdpReceiver();

  /// Waits for datagrams on the ports of one worker and hands each to `take`.
  /// \param take  may throw; the rest of the datagrams at hand, at most 63, are lost then.
  /// \return how many; 0 after `timeout` without any, or when stop() was called.
  /// \throws IoError if a socket fails.
  std::size_t receive(std::size_t worker, std::chrono::milliseconds timeout,
                      const std::function<void(const ReceivedDatagram&)>& take);
  /// Wakes all waiting calls; receive() returns 0 from now on.
  void stop() noexcept;

  /// Exact up to now: what was dropped since the last datagram is counted too.
  [[nodiscard]] UdpReceiverCounters counters() const noexcept;
  /// The ports bound, in the order of the options.
  [[nodiscard]] const std::vector<std::uint16_t>& ports() const noexcept;
  /// What the kernel granted for the smallest of the socket buffers, as usable octets.
  [[nodiscard]] std::size_t granted_buffer_octets() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
