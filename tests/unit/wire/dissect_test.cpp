#include <doctest/doctest.h>

#include "flowlens/packet.hpp"

#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

Dissection look(std::span<const std::byte> frame, LinkType link) {
  Dissection dissection;
  flowlens::dissect(ExactBlock{frame}.span(), link, dissection);
  return dissection;
}
/// The outermost packet alone.
Packet dissect(std::span<const std::byte> frame, LinkType link) {
  return look(frame, link).layers[0];
}

constexpr std::string_view kMacs = "020000000001 020000000002";
constexpr std::string_view kIpv6 =
    "60012345 0014 06 40 20010db8000000000000000000000001"
    "20010db8000000000000000000000002";

Packet ethernet(std::string_view rest) {
  return dissect(from_hex(std::string{kMacs} + std::string{rest}), LinkType::ethernet);
}
Packet ipv6(std::string_view next, std::string_view rest) {
  std::string text{kIpv6};
  text.replace(text.find("06 40"), 2, next);
  const Octets octets = from_hex(text + std::string{rest});
  return dissect(octets, LinkType::ip);
}

}  // namespace

TEST_CASE("dissect: Ethernet, two VLAN tags, IPv4, TCP") {
  TcpPacket tcp;
  tcp.vlans = {0x21f4, 0x004d, 0x0007};
  tcp.flags = 0x12;
  const Packet p = dissect(ethernet_packet(tcp), LinkType::ethernet);
  CHECK(p.vlan_id == 500);
  CHECK(p.vlan_priority == 1);
  CHECK(p.customer_vlan_id == 77);
  CHECK(p.ether_type == 0x0800);
  CHECK(p.ip_offset == 12 + 3 * 4 + 2);
  CHECK(p.ip_length == 60);
  CHECK(p.source == IpAddress::v4(0x0a000001));
  CHECK(p.destination == IpAddress::v4(0x0a000002));
  CHECK(p.source_port == 40'000);
  CHECK(p.destination_port == 443);
  CHECK(p.tcp_flags == 0x12);
  CHECK_FALSE(p.is_fragment_tail());
}

TEST_CASE("dissect: MPLS labels up to the bottom of the stack, then IP by its version") {
  const Packet v6 = ethernet("8847 03e81040 05dc7140 " + std::string{kIpv6});
  REQUIRE(v6.mpls_label_count == 2);
  CHECK(v6.mpls_labels[0] == 16'001);
  CHECK(v6.mpls_labels[1] == 24'007);
  CHECK(v6.ip_version == 6);
  CHECK(v6.ip_offset == 14 + 8);
  const Packet v4 = ethernet("8847 05dc7140 45000014 00000000 40010000 0a000001 0a000002");
  CHECK(v4.source == IpAddress::v4(0x0a000001));
  const Packet ethernet_inside = ethernet("8847 05dc7140 0200 0000 0001");
  CHECK(ethernet_inside.has(PacketField::mpls));
  CHECK_FALSE(ethernet_inside.has(PacketField::addresses));
}

TEST_CASE("dissect: IPv6 extension headers lead to the last next header") {
  struct Case {
    const char* name;
    const char* next;
    const char* rest;
    int protocol;
    int port;
  };
  const Case cases[] = {
      {"none", "06", "9c40 01bb", 6, 443},
      {"hop-by-hop", "00", "06 00 000000000000 9c40 01bb", 6, 443},
      {"routing of 24 octets", "2b", "11 02 00000000000000000000000000000000000000000000 9c40 01bb",
       17, 443},
      {"authentication", "33", "06 04 0000 00000000 00000000 000000000000000000000000 9c40 01bb", 6,
       443},
      {"hop-by-hop, then first fragment", "00", "2c 00 000000000000 06 00 0001 00000009 9c40 01bb",
       6, 443},
      {"later fragment: no ports", "2c", "06 00 0009 00000009 9c40 01bb", 6, 0},
      {"cut before the length", "00", "06", -1, 0},
      {"cut inside: the next header is known", "00", "06 03 00000000", 6, 0},
      {"nothing behind the fixed header", "3c", "", -1, 0},
      {"fragment header cut", "2c", "06 00 0001", -1, 0},
      {"ESP hides the rest", "32", "9c40 01bb", 50, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Packet p = ipv6(c.next, c.rest);
    CHECK(p.has(PacketField::addresses));
    CHECK(p.has(PacketField::protocol) == (c.protocol >= 0));
    if (c.protocol >= 0) CHECK(p.protocol == c.protocol);
    CHECK(p.destination_port == c.port);
    CHECK(p.has(PacketField::destination_port) == (c.port != 0));
  }
}

TEST_CASE("dissect: IPv6 chains end after a fixed number of headers") {
  std::string rest;
  for (int i = 0; i < 1'000; ++i) rest += "00 00 000000000000";
  const Packet p = ipv6("00", rest);
  CHECK(p.has(PacketField::addresses));
  CHECK_FALSE(p.has(PacketField::protocol));
}

TEST_CASE("dissect: what makes no sense in IPv4 is absent") {
  struct Case {
    const char* name;
    const char* hex;
    bool addresses;
    bool ports;
  };
  const Case cases[] = {
      {"good", "45000028 00010000 40060000 0a000001 0a000002 9c40 01bb", true, true},
      {"version 5", "55000028 00010000 40060000 0a000001 0a000002 9c40 01bb", false, false},
      {"header of 0 words", "40000028 00010000 40060000 0a000001 0a000002 9c40 01bb", false, false},
      {"header of 4 words", "44000028 00010000 40060000 0a000001 0a000002 9c40 01bb", false, false},
      {"header of 15 words, cut", "4f000028 00010000 40060000 0a000001 0a000002 9c40 01bb", true,
       false},
      {"options before the ports",
       "46000028 00010000 40060000 0a000001 0a000002 01010101 9c40 01bb", true, true},
      {"later fragment", "45000028 00010001 40060000 0a000001 0a000002 9c40 01bb", true, false},
      {"cut in the destination", "45000028 00010000 40060000 0a000001 0a0000", false, false},
      {"no transport header", "45000028 00010000 40060000 0a000001 0a000002", true, false},
      {"GRE has no ports", "45000028 00010000 402f0000 0a000001 0a000002 9c40 01bb", true, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Packet p = dissect(from_hex(c.hex), LinkType::ip);
    CHECK(p.has(PacketField::addresses) == c.addresses);
    CHECK(p.has(PacketField::source_port) == c.ports);
    CHECK(p.has(PacketField::destination_port) == c.ports);
    if (c.ports) CHECK(p.destination_port == 443);
  }
}

TEST_CASE("dissect: fields behind the end are absent, whatever the cut") {
  TcpPacket tcp;
  tcp.vlans = {0x0064};
  const Octets frame = ethernet_packet(tcp);
  const Packet whole = dissect(frame, LinkType::ethernet);
  std::uint32_t before = 0;
  for (std::size_t cut = 0; cut <= frame.size(); ++cut) {
    CAPTURE(cut);
    const Packet p = dissect(std::span{frame}.first(cut), LinkType::ethernet);
    CHECK((p.present & before) == before);  // more octets never take a field away
    before = p.present;
    if (p.has(PacketField::source_port)) CHECK(p.source_port == whole.source_port);
    if (!p.has(PacketField::destination_port)) CHECK(p.destination_port == 0);
    CHECK(p.has(PacketField::tcp_flags) == (cut >= 18 + 20 + 14));
  }
  CHECK(before == whole.present);
}

TEST_CASE("dissect: stacks without an end are left") {
  std::string tags;
  for (int i = 0; i < 30; ++i) tags += "8100 0064";
  CHECK(ethernet(tags + "0800").vlan_count == 30);
  CHECK(ethernet(tags + "0800").ether_type == 0x0800);
  CHECK_FALSE(ethernet(tags + "81").has(PacketField::ether_type));
  std::string labels = "8847";
  for (int i = 0; i < 200; ++i) labels += "03e80040";
  CHECK(ethernet(labels).mpls_label_count == Packet::kMaxMplsLabels);
  CHECK_FALSE(ethernet("8847 00000140").has(PacketField::addresses));  // nothing behind the bottom
}

TEST_CASE("dissect: ICMP and ICMPv6 have type and code, not ports") {
  const Packet v4 =
      dissect(from_hex("45000028 00010000 40010000 0a000001 0a000002 0300"), LinkType::ip);
  CHECK(v4.has(PacketField::icmp));
  CHECK(v4.icmp_type == 3);
  CHECK_FALSE(v4.has(PacketField::source_port));
  const Packet v6 = ipv6("3a", "8701");
  CHECK(v6.icmp_type == 135);
  CHECK(v6.icmp_code == 1);
}
