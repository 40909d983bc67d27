// Packets within packets: what IP and UDP carry that is itself a packet.
#include "wire/dissector.hpp"

namespace flowlens::wire {
namespace {

unsigned version_at(const Rest& in) noexcept { return load8(in.at) >> 4; }
bool is_ip(const Rest& in) noexcept {
  return in.size != 0 && (version_at(in) == 4 || version_at(in) == 6);
}

/// GRE's optional members, in their order (RFC 2784 §2.1, RFC 2890 §2, RFC 2637 §4.1).
struct GreHeader {
  std::uint16_t flags;
  std::uint16_t type;
  std::uint32_t key = 0;
  [[nodiscard]] bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] unsigned version() const noexcept { return flags & 7u; }
};
constexpr std::uint16_t kGreChecksum = 0x8000, kGreRouting = 0x4000, kGreKey = 0x2000,
                        kGreSequence = 0x1000, kGreAcknowledgment = 0x0080;

/// \return false if it is cut, or of a form that nobody sends any more.
bool take_gre_header(Rest& in, GreHeader& gre) noexcept {
  if (in.size < 4) return false;
  gre = {load16(in.at), load16(in.at + 2)};
  if (gre.version() > 1 || gre.has(kGreRouting)) return false;
  const bool is_enhanced = gre.version() == 1;
  std::size_t length = 4;
  if (gre.has(kGreChecksum)) length += 4;
  const std::size_t key_at = length;
  if (gre.has(kGreKey)) length += 4;
  if (gre.has(kGreSequence)) length += 4;
  if (is_enhanced && gre.has(kGreAcknowledgment)) length += 4;
  if (in.size < length) return false;
  if (gre.has(kGreKey)) gre.key = load32(in.at + key_at);
  in.skip(length);
  return in.size != 0;
}

/// Type I has no header; II and III say their version in the first 4 bits.
void read_erspan(Dissector& d, const GreHeader& gre, Rest in) noexcept {
  if (!gre.has(kGreSequence)) {
    if (d.open(Encapsulation::erspan)) read_ethernet(d, in);
    return;
  }
  if (in.size < 8) return;
  const unsigned version = version_at(in);
  const std::uint32_t session = load16(in.at + 2) & 0x03ffu;
  std::size_t length = 8;
  bool holds_ip = false;
  if (version == 2) {  // type III
    if (in.size < 12) return;
    const unsigned last = load16(in.at + 10);
    length = (last & 1u) != 0 ? 20 : 12;  // a platform's own 8 octets
    holds_ip = (last >> 10 & 0x1fu) == 2;
  } else if (version != 1) {
    return;
  }
  if (in.size <= length || !d.open(Encapsulation::erspan, session)) return;
  in.skip(length);
  holds_ip ? read_ip(d, in) : read_ethernet(d, in);
}

void read_gre(Dissector& d, Rest in) noexcept {
  GreHeader gre;
  if (!take_gre_header(in, gre)) return;
  if (gre.version() == 1) {
    // The key is the payload's length and the call.
    if (gre.type == 0x880b && d.open(Encapsulation::pptp, gre.key & 0xffffu)) read_ppp(d, in);
    return;
  }
  if (gre.type == 0x88be || gre.type == 0x22eb) return read_erspan(d, gre, in);
  if (gre.type == kEtherBridged) {
    const bool is_nvgre = (gre.flags & 0xf000u) == kGreKey;
    if (is_nvgre ? d.open(Encapsulation::nvgre, gre.key >> 8) : d.open(Encapsulation::gre)) {
      read_ethernet(d, in);
    }
    return;
  }
  if (gre.type != kEtherIpv4 && gre.type != kEtherIpv6 && gre.type != kEtherMpls &&
      gre.type != kEtherMplsMulticast) {
    return;
  }
  if (gre.has(kGreKey) ? d.open(Encapsulation::gre, gre.key) : d.open(Encapsulation::gre)) {
    read_ether_type(d, gre.type, in);
  }
}

/// What VXLAN's generic extension and Geneve's protocol say, under one number.
void read_overlay(Dissector& d, Encapsulation encapsulation, std::uint32_t network,
                  std::uint16_t type, Rest in) noexcept {
  if (in.size == 0) return;
  switch (type) {
    case kEtherBridged:
      if (d.open(encapsulation, network)) read_ethernet(d, in);
      return;
    case kEtherIpv4:
    case kEtherIpv6:
    case kEtherMpls:
      if (d.open(encapsulation, network)) read_ether_type(d, type, in);
      return;
    default:
      return;
  }
}

/// RFC 7348 §5; the group policy extension sets one more flag and uses the reserved octets.
void read_vxlan(Dissector& d, bool is_generic, Rest in) noexcept {
  if (in.size < 8) return;
  const std::uint32_t first = load32(in.at);
  const std::uint32_t network = load32(in.at + 4) >> 8;
  in.skip(8);
  const std::uint32_t flags = first >> 24;
  if ((flags & 0x08u) == 0) return;
  if (!is_generic) {
    const bool has_policy = (flags & 0x80u) != 0;
    if (has_policy || first == 0x0800'0000u) {
      read_overlay(d, Encapsulation::vxlan, network, kEtherBridged, in);
    }
    return;
  }
  constexpr std::uint16_t kTypes[] = {0, kEtherIpv4, kEtherIpv6, kEtherBridged, 0, kEtherMpls};
  const std::uint32_t next = (flags & 0x04u) != 0 ? first & 0xffu : 3u;
  if (next < std::size(kTypes)) {
    read_overlay(d, Encapsulation::vxlan, network, kTypes[next], in);
  }
}

/// RFC 8926 §3.4.
void read_geneve(Dissector& d, Rest in) noexcept {
  if (in.size < 8 || load8(in.at) >> 6 != 0) return;
  const std::size_t length = 8 + (load8(in.at) & 0x3fu) * std::size_t{4};
  const std::uint16_t type = load16(in.at + 2);
  const std::uint32_t network = load32(in.at + 4) >> 8;
  if (in.size < length) return;
  in.skip(length);
  read_overlay(d, Encapsulation::geneve, network, type, in);
}

/// 3GPP TS 29.281 §5.1: a G-PDU with its optional members and extension headers.
void read_gtp(Dissector& d, Rest in) noexcept {
  if (in.size < 8 || (load8(in.at) & 0xf0u) != 0x30 || load8(in.at + 1) != 255) return;
  const std::uint32_t tunnel = load32(in.at + 4);
  const unsigned flags = load8(in.at);
  in.skip(8);
  if ((flags & 0x07u) != 0) {
    if (in.size < 4) return;
    std::uint8_t next = (flags & 0x04u) != 0 ? load8(in.at + 3) : std::uint8_t{0};
    in.skip(4);
    while (next != 0) {
      const std::size_t length = in.size != 0 ? load8(in.at) * std::size_t{4} : 0;
      if (length == 0 || in.size < length) return;
      next = load8(in.at + length - 1);
      in.skip(length);
    }
  }
  if (is_ip(in) && d.open(Encapsulation::gtp_u, tunnel)) read_ip(d, in);
}

/// RFC 4380 §5.1.1: authentication, origin indication, then IPv6.
void read_teredo(Dissector& d, Rest in) noexcept {
  if (in.size >= 4 && load16(in.at) == 1) {
    const std::size_t length = 13u + load8(in.at + 2) + load8(in.at + 3);
    if (in.size < length) return;
    in.skip(length);
  }
  if (in.size >= 8 && load16(in.at) == 0) in.skip(8);
  if (in.size != 0 && version_at(in) == 6 && d.open(Encapsulation::teredo)) read_ip(d, in);
}

/// IP in IP, by the versions of both.
Encapsulation kind_of(const Packet& outer, std::uint8_t protocol, bool behind_segments) noexcept {
  if (behind_segments) return Encapsulation::srv6;
  const bool inner_v6 = protocol == kIpv6;
  if (inner_v6 == (outer.ip_version == 6)) return Encapsulation::ip_in_ip;
  return inner_v6 ? Encapsulation::ipv6_in_ipv4 : Encapsulation::ipv4_in_ipv6;
}

}  // namespace

void read_ip_tunnel(Dissector& d, std::uint8_t protocol, bool behind_segments, Rest in) noexcept {
  if (in.size == 0) return;
  switch (protocol) {
    case kIpv4:
    case kIpv6:
      if (version_at(in) != (protocol == kIpv4 ? 4u : 6u)) return;
      if (d.open(kind_of(*d.packet, protocol, behind_segments))) read_ip(d, in);
      return;
    case kGre:
      return read_gre(d, in);
    case kEtherIp:
      if (in.size <= 2 || version_at(in) != 3 || !d.open(Encapsulation::ether_ip)) return;
      in.skip(2);
      return read_ethernet(d, in);
    case kMplsInIp:
      if (d.open(Encapsulation::mpls_in_ip)) read_mpls(d, in);
      return;
    case kEthernet:
      if (behind_segments ? d.open(Encapsulation::srv6) : d.open(Encapsulation::ether_ip)) {
        read_ethernet(d, in);
      }
      return;
    default:
      return;
  }
}

void read_udp_tunnel(Dissector& d, Rest in) noexcept {
  switch (d.packet->destination_port) {
    case 2152:
      return read_gtp(d, in);
    case 4789:
    case 8472:
      return read_vxlan(d, false, in);
    case 4790:
      return read_vxlan(d, true, in);
    case 6081:
      return read_geneve(d, in);
    case 6635:
      if (d.open(Encapsulation::mpls_in_udp)) read_mpls(d, in);
      return;
    default:
      return read_teredo(d, in);
  }
}

}  // namespace flowlens::wire

namespace flowlens {

const char* name_of(Encapsulation encapsulation) noexcept {
  switch (encapsulation) {
    case Encapsulation::none:
      return "none";
    case Encapsulation::ip_in_ip:
      return "ip_in_ip";
    case Encapsulation::ipv6_in_ipv4:
      return "ipv6_in_ipv4";
    case Encapsulation::ipv4_in_ipv6:
      return "ipv4_in_ipv6";
    case Encapsulation::srv6:
      return "srv6";
    case Encapsulation::gre:
      return "gre";
    case Encapsulation::pptp:
      return "pptp";
    case Encapsulation::nvgre:
      return "nvgre";
    case Encapsulation::erspan:
      return "erspan";
    case Encapsulation::ether_ip:
      return "ether_ip";
    case Encapsulation::vxlan:
      return "vxlan";
    case Encapsulation::geneve:
      return "geneve";
    case Encapsulation::gtp_u:
      return "gtp_u";
    case Encapsulation::teredo:
      return "teredo";
    case Encapsulation::pbb:
      return "pbb";
    case Encapsulation::mpls_pseudowire:
      return "mpls_pseudowire";
    case Encapsulation::mpls_in_ip:
      return "mpls_in_ip";
    case Encapsulation::mpls_in_udp:
      return "mpls_in_udp";
  }
  return "none";
}

}  // namespace flowlens
