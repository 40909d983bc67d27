#include "frame.hpp"

#include "dialogue.hpp"

namespace simnet {
namespace {

constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kIpv6Header = 40;

/// The Internet checksum, RFC 1071.
class Checksum {
 public:
  void add(std::span<const std::uint8_t> octets) {
    for (std::size_t i = 0; i < octets.size(); i += 2) {
      const std::uint64_t low = i + 1 < octets.size() ? octets[i + 1] : 0;
      sum_ += (static_cast<std::uint64_t>(octets[i]) << 8) | low;
    }
  }
  void add(std::uint64_t word) { sum_ += word; }
  [[nodiscard]] std::uint16_t value() const {
    std::uint64_t folded = sum_;
    while (folded >> 16 != 0) folded = (folded & 0xffff) + (folded >> 16);
    return static_cast<std::uint16_t>(~folded);
  }

 private:
  std::uint64_t sum_ = 0;
};

void write_ipv4_header(ByteWriter& out, const FrameHead& head, std::uint8_t protocol,
                       std::size_t ip_octets) {
  const std::size_t start = out.size();
  out.u16(0x4500);
  out.u16(ip_octets);
  out.u16(head.ip_id);
  out.u16(0x4000);  // do not fragment
  out.u8(head.ttl);
  out.u8(protocol);
  out.u16(0);
  out.address(head.source);
  out.address(head.destination);
  Checksum checksum;
  checksum.add(std::span(out.bytes()).subspan(start));
  out.patch_u16(start + 10, checksum.value());
}

void write_ipv6_header(ByteWriter& out, const FrameHead& head, std::uint8_t protocol,
                       std::size_t ip_octets) {
  out.u32(0x60000000);
  out.u16(ip_octets - kIpv6Header);
  out.u8(protocol);
  out.u8(head.ttl);
  out.address(head.source);
  out.address(head.destination);
}

/// Ethernet and IP headers around what `transport` writes, and the transport checksum.
template <typename Transport>
Bytes frame(const FrameHead& head, std::uint8_t protocol, std::size_t transport_octets,
            std::size_t checksum_at, Transport&& transport) {
  const bool is_ipv6 = head.source.is_ipv6;
  ByteWriter out;
  out.append(head.destination_mac);
  out.append(head.source_mac);
  out.u16(is_ipv6 ? 0x86dd : 0x0800);
  if (is_ipv6) {
    write_ipv6_header(out, head, protocol, kIpv6Header + transport_octets);
  } else {
    write_ipv4_header(out, head, protocol, kIpv4Header + transport_octets);
  }
  const std::size_t start = out.size();
  transport(out);

  Checksum checksum;  // over the pseudo header and the segment
  checksum.add(std::span(head.source.octets).first(head.source.size()));
  checksum.add(std::span(head.destination.octets).first(head.destination.size()));
  checksum.add(protocol);
  checksum.add(transport_octets);
  checksum.add(std::span(out.bytes()).subspan(start));
  const std::uint16_t value = checksum.value();
  // 0 would say "no checksum" in UDP (RFC 768).
  out.patch_u16(start + checksum_at, value == 0 && protocol == kUdp ? 0xffff : value);
  return out.bytes();
}

void write_tcp_options(ByteWriter& out, std::uint8_t flags) {
  constexpr std::array<std::uint8_t, 8> kTimestamp = {0, 9, 0, 1, 0, 0, 0, 0};
  if ((flags & kRst) != 0) return;
  if ((flags & kSyn) != 0) {
    constexpr std::array<std::uint8_t, 6> kMssSack = {2, 4, 0x05, 0xb4, 4, 2};
    constexpr std::array<std::uint8_t, 4> kWindowScale = {1, 3, 3, 7};
    out.append(kMssSack);
    out.u16(0x080a);
    out.append(kTimestamp);
    out.append(kWindowScale);
    return;
  }
  out.u32(0x0101080a);
  out.append(kTimestamp);
}

}  // namespace

Mac mac_of(std::uint32_t number) noexcept {
  return {0x02,
          0,
          static_cast<std::uint8_t>(number >> 24),
          static_cast<std::uint8_t>(number >> 16),
          static_cast<std::uint8_t>(number >> 8),
          static_cast<std::uint8_t>(number)};
}

Bytes udp_frame(const FrameHead& head, std::span<const std::uint8_t> payload) {
  return frame(head, kUdp, 8 + payload.size(), 6, [&](ByteWriter& out) {
    out.u16(head.source_port);
    out.u16(head.destination_port);
    out.u16(8 + payload.size());
    out.u16(0);
    out.append(payload);
  });
}

Bytes tcp_frame(const FrameHead& head, std::uint8_t flags, std::uint32_t sequence,
                std::uint32_t ip_octets) {
  const std::size_t octets = ip_octets - (head.source.is_ipv6 ? kIpv6Header : kIpv4Header);
  const std::uint8_t header = (flags & kSyn) != 0 ? 40 : (flags & kRst) != 0 ? 20 : 32;
  return frame(head, kTcp, octets, 16, [&](ByteWriter& out) {
    out.u16(head.source_port);
    out.u16(head.destination_port);
    out.u32(sequence);
    out.u32((flags & kAck) != 0 ? sequence + 1 : 0);
    out.u8(header / 4 << 4);
    out.u8(flags);
    out.u16(65160);
    out.u16(0);
    out.u16(0);
    write_tcp_options(out, flags);
    out.zeros(octets - header);
  });
}

}  // namespace simnet
