/// \file
/// base: who sent a datagram, and how it came.
#pragma once

#include <compare>
#include <cstdint>

#include "flowlens/ip_address.hpp"

namespace flowlens {

enum class Transport : std::uint8_t { udp, tcp, tls, file };

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
