// Link layers: Ethernet with tags, MAC in MAC, MPLS, PPP, and what captures put in front.
#include <cstring>

#include "wire/dissector.hpp"

namespace flowlens::wire {
namespace {

constexpr int kMaxLabels = 32;

/// RFC 2516 §4: session packets; discovery carries none.
void read_pppoe(Dissector& d, Rest in) noexcept {
  if (in.size < 6 || load16(in.at) != 0x1100) return;
  d.packet->pppoe_session = load16(in.at + 2);
  d.packet->set(PacketField::pppoe);
  in.skip(6);
  read_ppp(d, in);
}

/// IEEE 802.1ah: 4 octets of I-TAG, then the customer's frame.
void read_pbb(Dissector& d, Rest in) noexcept {
  if (in.size < 4) return;
  const std::uint32_t service = load32(in.at) & 0xff'ffffu;
  in.skip(4);
  if (in.size != 0 && d.open(Encapsulation::pbb, service)) read_ethernet(d, in);
}

/// Whether the octets could be an Ethernet frame that carries something known.
bool looks_like_ethernet(const Rest& in) noexcept {
  if (in.size < 15) return false;
  const std::uint16_t type = load16(in.at + 12);
  const unsigned version = load8(in.at + 14) >> 4;
  if (type == kEtherIpv4) return version == 4;
  if (type == kEtherIpv6) return version == 6;
  return is_vlan_tag(type) || type == kEtherMpls || type == 0x0806 || type == kEtherPppoe ||
         type == kEtherPbb;
}

/// RFC 791 §3.1, of a header of 20 octets; a longer one is believed.
bool has_sound_checksum(const Rest& in) noexcept {
  if (load8(in.at) != 0x45) return true;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += load16(in.at + i);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

void read_pseudowire(Dissector& d, std::uint32_t label, Rest in) noexcept {
  if (in.size != 0 && d.open(Encapsulation::mpls_pseudowire, label)) read_ethernet(d, in);
}

/// Behind the bottom of the stack nothing says what follows (RFC 4928): IP by its version, a
/// pseudowire by its control word (RFC 4385 §3), or Ethernet without one if it looks so.
void read_behind_labels(Dissector& d, std::uint32_t label, Rest in) noexcept {
  if (in.size < 20) return;  // too little to tell a MAC address from an IP header
  const bool is_ethernet = looks_like_ethernet(in);
  switch (load8(in.at) >> 4) {
    case 0: {
      Rest behind_word = in;
      behind_word.skip(4);
      if (is_ethernet && !looks_like_ethernet(behind_word)) break;
      return read_pseudowire(d, label, behind_word);
    }
    case 1:
      return;  // an associated channel: no user's packet
    case 4:
      if (is_ethernet && !has_sound_checksum(in)) break;
      return read_ip(d, in);
    case 6:
      if (is_ethernet) break;
      return read_ip(d, in);
    default:
      break;
  }
  if (is_ethernet) read_pseudowire(d, label, in);
}

/// Linux cooked captures. \param header  octets before the packet
void read_cooked(Dissector& d, Rest in, std::size_t header, std::size_t type_at) noexcept {
  if (in.size < header) return;
  const std::uint16_t type = load16(in.at + type_at);
  in.skip(header);
  d.packet->ether_type = type;
  d.packet->set(PacketField::ether_type);
  if (!is_vlan_tag(type)) return read_ether_type(d, type, in);
  if (in.size < 2) return;
  take_tag(*d.packet, load16(in.at));
  in.skip(2);
  if (take_tagged(d, in)) read_ip(d, in);
}

}  // namespace

void keep_mac_addresses(Dissector& d, const std::byte* at) noexcept {
  std::memcpy(d.packet->destination_mac.data(), at, 6);
  std::memcpy(d.packet->source_mac.data(), at + 6, 6);
  d.packet->set(PacketField::mac_addresses);
}

/// The EtherType stands behind 6 octets.
void read_llc(Dissector& d, Rest in) noexcept {
  if (in.size < 8 || load32(in.at) >> 8 != 0xaaaa03) return;
  const std::uint16_t type = load16(in.at + 6);
  in.skip(8);
  read_ether_type(d, type, in);
}

void read_ethernet(Dissector& d, Rest in) noexcept {
  if (take_ethernet(d, in)) read_ip(d, in);
}

void read_ether_type(Dissector& d, std::uint16_t type, Rest in) noexcept {
  if (type == kEtherIpv4 || type == kEtherIpv6) return read_ip(d, in);
  read_other_ether_type(d, type, in);
}

void read_other_ether_type(Dissector& d, std::uint16_t type, Rest in) noexcept {
  switch (type) {
    case kEtherMpls:
    case kEtherMplsMulticast:
      return read_mpls(d, in);
    case kEtherPppoe:
      return read_pppoe(d, in);
    case kEtherPbb:
      return read_pbb(d, in);
    default:
      return;
  }
}

/// RFC 3032 §2.1: labels up to the bottom of the stack.
void read_mpls(Dissector& d, Rest in) noexcept {
  Packet& p = *d.packet;
  for (int i = 0; i < kMaxLabels && in.size >= 4; ++i) {
    const std::uint32_t entry = load32(in.at);
    if (p.mpls_label_count < Packet::kMaxMplsLabels) {
      p.mpls_labels[p.mpls_label_count++] = entry >> 12;
      p.set(PacketField::mpls);
    }
    in.skip(4);
    if ((entry & 0x100u) != 0) return read_behind_labels(d, entry >> 12, in);
  }
}

/// RFC 1661 §2; address and control as RFC 1662 §3.1 or Cisco's HDLC puts them.
void read_ppp(Dissector& d, Rest in) noexcept {
  if (in.size >= 4 && (load16(in.at) == 0x0f00 || load16(in.at) == 0x8f00)) {
    const std::uint16_t type = load16(in.at + 2);
    in.skip(4);
    return read_ether_type(d, type, in);
  }
  if (in.size >= 2 && load16(in.at) == 0xff03) in.skip(2);
  if (in.size < 2) return;
  std::uint16_t protocol = load16(in.at);
  // The first octet of a protocol is even, the second odd: an odd first one is all there is.
  const bool is_short = (protocol & 0x100u) != 0;
  if (is_short) protocol = protocol >> 8;
  in.skip(is_short ? 1 : 2);
  switch (protocol) {
    case 0x0021:
    case 0x0057:
      return read_ip(d, in);
    case 0x0281:
    case 0x0283:
      return read_mpls(d, in);
    default:
      return;
  }
}

}  // namespace flowlens::wire

namespace flowlens {

void dissect(std::span<const std::byte> frame, LinkType link, Dissection& out) noexcept {
  using namespace wire;
  out.count = 0;
  out.has_more = false;
  Dissector d{frame.data(), out, nullptr};
  d.open(Encapsulation::none);
  const Rest in{frame.data(), frame.size()};
  switch (link) {
    case LinkType::ethernet:
      return read_ethernet(d, in);
    case LinkType::ip:
      return read_ip(d, in);
    case LinkType::mpls:
      return read_mpls(d, in);
    case LinkType::ppp:
      return read_ppp(d, in);
    case LinkType::linux_sll:
      return read_cooked(d, in, 16, 14);
    case LinkType::linux_sll2:
      return read_cooked(d, in, 20, 0);
    case LinkType::loopback:
      // The number of an address family depends on the system that captured: the IP version is
      // surer.
      if (in.size > 4) read_ip(d, {in.at + 4, in.size - 4});
      return;
  }
}

}  // namespace flowlens
