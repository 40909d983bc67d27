/// \file
/// collect: from a captured frame to the UDP payload in it. Outermost headers only: exporters do not
/// tunnel their exports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "flowlens/ip_address.hpp"
#include "flowlens/packet.hpp"

namespace flowlens::collect {

enum class FrameContent : std::uint8_t { udp, fragment, other };

struct UdpPayload {
  IpAddress source;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::span<const std::byte> octets;
};

/// \param frame  as captured; what the capture cut short is `other`.
/// \return what it is; `payload` is set for `udp` only.
[[nodiscard]] FrameContent find_udp_payload(LinkType link, std::span<const std::byte> frame,
                                            UdpPayload& payload) noexcept;

}  // namespace flowlens::collect
