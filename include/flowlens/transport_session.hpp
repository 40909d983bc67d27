/// \file
/// base: who sent a datagram, and how it came.
#pragma once

#include <compare>
#include <cstdint>

#include "flowlens/ip_address.hpp"

namespace flowlens {

enum class Transport : std::uint8_t { udp, tcp, tls, file };

/// Whether messages come by a connection: then templates hold as long as it does (RFC 7011 §8.1), and for
/// nobody else.
[[nodiscard]] constexpr bool is_connection(Transport transport) noexcept {
  return transport == Transport::tcp || transport == Transport::tls;
}

/// One exporter's stream to us (RFC 7011 §2, "transport session").
struct TransportSession {
  IpAddress exporter;
  std::uint16_t exporter_port = 0;
  std::uint16_t collector_port = 0;
  Transport transport = Transport::udp;
  friend constexpr auto operator<=>(const TransportSession&,
                                    const TransportSession&) noexcept = default;
};

}  // namespace flowlens
