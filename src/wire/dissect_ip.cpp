// IP: the extension headers of version 6.
#include "wire/dissector.hpp"

namespace flowlens::wire {
namespace {

constexpr int kMaxExtensionHeaders = 32;

/// Where a routing header leads in the end: segment routing (RFC 8754 §2) names it first, the old
/// source route (RFC 2460 §4.4) last, mobile IPv6 (RFC 6275 §6.4) alone.
void read_routing(Packet& p, const Rest& in, std::size_t length) noexcept {
  constexpr std::size_t kHeader = 8, kAddress = 16;
  if (in.size < kHeader + kAddress || length < kHeader + kAddress) return;
  const unsigned type = load8(in.at + 2);
  const std::uint8_t left = load8(in.at + 3);
  if (left == 0 || (type != 0 && type != 2 && type != 4)) return;
  const std::size_t at = type == 0 ? length - kAddress : kHeader;
  if (in.size < at + kAddress) return;
  p.segments_left = left;
  p.final_destination = load_v6(in.at + at);
  p.set(PacketField::final_destination);
}

}  // namespace

bool read_extension_headers(Dissector& d, Rest& in, std::uint8_t& next,
                            bool& behind_segments) noexcept {
  Packet& p = *d.packet;
  for (int i = 0; i < kMaxExtensionHeaders; ++i) {
    std::size_t length = 0;
    switch (next) {
      case 0:    // hop-by-hop options
      case 43:   // routing
      case 60:   // destination options
      case 135:  // mobility
      case 139:  // host identity
      case 140:  // shim6
        if (in.size < 2) return false;
        length = (std::size_t{load8(in.at + 1)} + 1) * 8;
        break;
      case 51:  // authentication, RFC 4302 §2.2
        if (in.size < 2) return false;
        length = (std::size_t{load8(in.at + 1)} + 2) * 4;
        break;
      case 44:  // fragment
        if (in.size < 8) return false;
        length = 8;
        p.fragment_offset = static_cast<std::uint16_t>(load16(in.at + 2) >> 3);
        p.fragment_id = load32(in.at + 4);
        p.set(PacketField::fragment);
        break;
      default:
        return true;
    }
    if (next == 43) {
      read_routing(p, in, length);
      behind_segments = behind_segments || (in.size > 2 && load8(in.at + 2) == 4);
    }
    next = load8(in.at);
    if (p.is_fragment_tail()) return true;
    if (in.size < length) {  // cut within it: what it says is next is the end only if it looks so
      in.skip(in.size);
      return !is_extension_header(next);
    }
    in.skip(length);
  }
  return false;
}

void read_ip(Dissector& d, Rest in) noexcept { read_ip<Dissector>(d, in); }

}  // namespace flowlens::wire
