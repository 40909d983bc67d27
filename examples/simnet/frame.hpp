/// \file
/// Ethernet frames with valid checksums, for sampled headers and for capture files.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "address.hpp"
#include "byte_writer.hpp"

namespace simnet {

using Mac = std::array<std::uint8_t, 6>;

/// \return a locally administered address.
[[nodiscard]] Mac mac_of(std::uint32_t number) noexcept;

/// What one packet is, its payload apart.
struct FrameHead {
  Mac source_mac{};
  Mac destination_mac{};
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t ip_id = 0;
  std::uint8_t ttl = 64;
};

/// A UDP datagram in a frame, without the frame check sequence.
[[nodiscard]] Bytes udp_frame(const FrameHead& head, std::span<const std::uint8_t> payload);

/// A TCP segment in a frame; its payload is zeros. The header length follows from the flags:
/// SYN 40 octets, RST 20, else 32.
/// \param ip_octets  of the whole IP packet.
[[nodiscard]] Bytes tcp_frame(const FrameHead& head, std::uint8_t flags, std::uint32_t sequence,
                              std::uint32_t ip_octets);

}  // namespace simnet
