// Packets within packets: every tunnel, both ends of it kept.
#include <doctest/doctest.h>

#include <string>

#include "flowlens/packet.hpp"
#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

Dissection look(std::string_view hex, LinkType link) {
  Dissection dissection;
  dissect(ExactBlock{from_hex(hex)}.span(), link, dissection);
  return dissection;
}

const std::string kMacs = "020000000001 020000000002 ";
/// 192.0.2.1 to 192.0.2.2, the ends of tunnels.
std::string outer_v4(const char* protocol_hex) {
  return std::string{"45000064 00020000 40"} + protocol_hex + "0000 c0000201 c0000202 ";
}
std::string outer_v6(const char* next_hex) {
  return std::string{"60000000 0064 "} + next_hex +
         " 40 20010db8000000000000000000000001 20010db8000000000000000000000002 ";
}
std::string udp(const char* ports) { return std::string{ports} + " 0050 0000 "; }

const std::string kTcp = "9c40 01bb 00000001 00000001 5012 0400 0000 0000 ";
/// 10.0.0.1 to 10.0.0.2
const std::string kInner = "4500003c 00010000 40060000 0a000001 0a000002 " + kTcp;
const std::string kInnerV6 =
    "60000000 0014 06 40 20010db80000000000000000000000aa 20010db80000000000000000000000bb " + kTcp;
const std::string kInnerFrame = kMacs + "0800 " + kInner;

}  // namespace

TEST_CASE("tunnels: the outer packet and the inner one are both there") {
  struct Case {
    const char* name;
    LinkType link;
    std::string hex;
    Encapsulation encapsulation;
    std::int64_t tunnel_id;  ///< -1: none
    bool inner_v6;
  };
  const LinkType ip = LinkType::ip;
  const std::string gre = outer_v4("2f");
  const std::string srh = "04 02 04 01 00 00 0000 20010db8000000000000000000000009 ";
  const Case cases[] = {
      {"IP in IP", ip, outer_v4("04") + kInner, Encapsulation::ip_in_ip, -1, false},
      {"IPv6 in IPv6", ip, outer_v6("29") + kInnerV6, Encapsulation::ip_in_ip, -1, true},
      {"6in4", ip, outer_v4("29") + kInnerV6, Encapsulation::ipv6_in_ipv4, -1, true},
      {"IPv4 in IPv6", ip, outer_v6("04") + kInner, Encapsulation::ipv4_in_ipv6, -1, false},
      {"SRv6", ip, outer_v6("2b") + srh + kInner, Encapsulation::srv6, -1, false},
      {"GRE", ip, gre + "0000 0800" + kInner, Encapsulation::gre, -1, false},
      {"GRE with checksum, key and sequence", ip,
       gre + "b000 86dd 00000000 0000002a 00000001" + kInnerV6, Encapsulation::gre, 42, true},
      {"GRE with MPLS", ip, gre + "0000 8847 00010140" + kInner, Encapsulation::gre, -1, false},
      {"bridged GRE", ip, gre + "0000 6558" + kInnerFrame, Encapsulation::gre, -1, false},
      {"PPTP", ip, gre + "3081 880b 0040 0007 00000001 00000001 ff03 0021" + kInner,
       Encapsulation::pptp, 7, false},
      {"PPTP without acknowledgment, short protocol", ip,
       gre + "3001 880b 0040 0007 00000001 21" + kInner, Encapsulation::pptp, 7, false},
      {"NVGRE", ip, gre + "2000 6558 00138805" + kInnerFrame, Encapsulation::nvgre, 5'000, false},
      {"ERSPAN I", ip, gre + "0000 88be" + kInnerFrame, Encapsulation::erspan, -1, false},
      {"ERSPAN II", ip, gre + "1000 88be 00000001 1064 0065 00000000" + kInnerFrame,
       Encapsulation::erspan, 101, false},
      {"ERSPAN III", ip, gre + "1000 22eb 00000001 2064 0065 00000000 0000 0000" + kInnerFrame,
       Encapsulation::erspan, 101, false},
      {"ERSPAN III with a subheader", ip,
       gre + "1000 22eb 00000001 2064 0065 00000000 0000 0001 0000000000000000" + kInnerFrame,
       Encapsulation::erspan, 101, false},
      {"ERSPAN III with IP", ip, gre + "1000 22eb 00000001 2064 0065 00000000 0000 0800" + kInner,
       Encapsulation::erspan, 101, false},
      {"EtherIP", ip, outer_v4("61") + "3000" + kInnerFrame, Encapsulation::ether_ip, -1, false},
      {"MPLS in IP", ip, outer_v4("89") + "00010140" + kInner, Encapsulation::mpls_in_ip, -1,
       false},
      {"VXLAN", ip, outer_v4("11") + udp("9c40 12b5") + "08000000 00138800" + kInnerFrame,
       Encapsulation::vxlan, 5'000, false},
      {"VXLAN on Linux's port", ip,
       outer_v4("11") + udp("9c40 2118") + "08000000 00138800" + kInnerFrame, Encapsulation::vxlan,
       5'000, false},
      {"VXLAN with a group policy", ip,
       outer_v4("11") + udp("9c40 12b5") + "88000007 00138800" + kInnerFrame, Encapsulation::vxlan,
       5'000, false},
      {"VXLAN-GPE with IPv6", ip,
       outer_v4("11") + udp("9c40 12b6") + "0c000002 00138800" + kInnerV6, Encapsulation::vxlan,
       5'000, true},
      {"Geneve with an option", ip,
       outer_v4("11") + udp("9c40 17c1") + "0200 6558 00138800 0102800100000000" + kInnerFrame,
       Encapsulation::geneve, 5'000, false},
      {"Geneve with IP", ip, outer_v4("11") + udp("9c40 17c1") + "0000 0800 00138800" + kInner,
       Encapsulation::geneve, 5'000, false},
      {"GTP-U", ip, outer_v4("11") + udp("0868 0868") + "30ff0028 00000063" + kInner,
       Encapsulation::gtp_u, 99, false},
      {"GTP-U with a sequence and an extension header", ip,
       outer_v4("11") + udp("0868 0868") + "36ff0028 00000063 00010085 01100000" + kInner,
       Encapsulation::gtp_u, 99, false},
      {"Teredo", ip, outer_v4("11") + udp("9c40 0dd8") + kInnerV6, Encapsulation::teredo, -1, true},
      {"Teredo with authentication and origin", ip,
       outer_v4("11") + udp("0dd8 9c40") + "0001 0000 0000000000000000 00 0000 fe38 f5fffffe" +
           kInnerV6,
       Encapsulation::teredo, -1, true},
      {"MPLS in UDP", ip, outer_v4("11") + udp("9c40 19eb") + "00010140" + kInner,
       Encapsulation::mpls_in_udp, -1, false},
      {"MAC in MAC", LinkType::ethernet, kMacs + "88a8 0064 88e7 00001388" + kInnerFrame,
       Encapsulation::pbb, 5'000, false},
      {"Ethernet in MPLS with a control word", LinkType::ethernet,
       kMacs + "8847 03e81040 0001e140 00000000" + kInnerFrame, Encapsulation::mpls_pseudowire, 30,
       false},
      {"Ethernet in MPLS without one", LinkType::mpls, "0001e140" + kInnerFrame,
       Encapsulation::mpls_pseudowire, 30, false},
      {"a MAC address that looks like IPv4", LinkType::mpls,
       "0001e140 450000000001 020000000002 0800" + kInner, Encapsulation::mpls_pseudowire, 30,
       false},
      {"a MAC address that looks like IPv6", LinkType::mpls,
       "0001e140 600000000001 020000000002 0800" + kInner, Encapsulation::mpls_pseudowire, 30,
       false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Dissection d = look(c.hex, c.link);
    REQUIRE(d.count == 2);
    CHECK_FALSE(d.has_more);
    const Packet& outer = d.layers[0];
    const Packet& inner = d.layers[1];
    CHECK(outer.encapsulation == Encapsulation::none);
    CHECK(inner.encapsulation == c.encapsulation);
    CHECK(inner.has(PacketField::tunnel_id) == (c.tunnel_id >= 0));
    if (c.tunnel_id >= 0) CHECK(inner.tunnel_id == c.tunnel_id);
    CHECK(inner.ip_version == (c.inner_v6 ? 6 : 4));
    CHECK(inner.destination == *IpAddress::parse(c.inner_v6 ? "2001:db8::bb" : "10.0.0.2"));
    CHECK(inner.protocol == 6);
    CHECK(inner.source_port == 40'000);
    CHECK(inner.destination_port == 443);
    CHECK(inner.tcp_flags == 0x12);
    CHECK(d.innermost() == 1);
    if (c.link != LinkType::ip) continue;
    CHECK(outer.is_conversation());
    CHECK(d.outermost() == 0);
    CHECK(outer.has(PacketField::addresses));
    CHECK_FALSE(outer.has(PacketField::tcp_flags));
  }
}

TEST_CASE("tunnels: what only looks like one is left alone") {
  struct Case {
    const char* name;
    std::string hex;
  };
  const Case cases[] = {
      {"VXLAN without its flag",
       outer_v4("11") + udp("9c40 12b5") + "00000000 00138800" + kInnerFrame},
      {"a DNS answer to the VXLAN port",
       outer_v4("11") + udp("0035 12b5") + "08a18180 00010001" + kInnerFrame},
      {"VXLAN-GPE with a header nobody knows",
       outer_v4("11") + udp("9c40 12b6") + "0c000009 00138800" + kInnerFrame},
      {"Geneve of another version",
       outer_v4("11") + udp("9c40 17c1") + "4000 6558 00138800" + kInnerFrame},
      {"GTP control", outer_v4("11") + udp("0868 0868") + "32010004 00000000" + kInner},
      {"GTP extension header of no length",
       outer_v4("11") + udp("0868 0868") + "34ff0028 00000063 00000085 00000000" + kInner},
      {"GRE with routing", outer_v4("2f") + "4000 0800 00000000" + kInner},
      {"GRE version 2", outer_v4("2f") + "0002 0800" + kInner},
      {"GRE of a protocol nobody knows", outer_v4("2f") + "0000 1234" + kInner},
      {"ERSPAN of a version nobody knows",
       outer_v4("2f") + "1000 88be 00000001 5064 0065 00000000" + kInnerFrame},
      {"IP in IP of the wrong version", outer_v4("04") + kInnerV6},
      {"EtherIP of another version", outer_v4("61") + "2000" + kInnerFrame},
      {"Teredo without IPv6", outer_v4("11") + udp("9c40 0dd8") + kInner},
      {"a later fragment", "45000064 0002 0001 402f0000 c0000201 c0000202 0000 0800" + kInner},
      {"nothing behind the header", outer_v4("2f") + "0000 0800"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Dissection d = look(c.hex, LinkType::ip);
    CHECK(d.count == 1);
    CHECK(d.layers[0].is_conversation());
    CHECK(d.layers[0].source == *IpAddress::parse("192.0.2.1"));
  }
}

TEST_CASE("tunnels: an associated channel of MPLS is no packet") {
  CHECK(look("0001e140 10000021" + kInner, LinkType::mpls).count == 1);
  CHECK_FALSE(look("0001e140 10000021" + kInner, LinkType::mpls).layers[0].has(PacketField::ip));
}

TEST_CASE("tunnels: four of them, one in the other, and not a fifth") {
  const std::string vxlan =
      outer_v4("11") + udp("9c40 12b5") + "08000000 00138800" + kMacs + "0800 ";
  const Dissection four =
      look(vxlan + outer_v4("2f") + "0000 86dd" + outer_v6("04") + outer_v4("04") + kInner,
           LinkType::ip);
  REQUIRE(four.count == 5);
  CHECK_FALSE(four.has_more);
  CHECK(four.layers[1].encapsulation == Encapsulation::vxlan);
  CHECK(four.layers[2].encapsulation == Encapsulation::gre);
  CHECK(four.layers[3].encapsulation == Encapsulation::ipv4_in_ipv6);
  CHECK(four.layers[4].encapsulation == Encapsulation::ip_in_ip);
  CHECK(four.layers[4].destination_port == 443);
  CHECK(four.innermost() == 4);

  std::string deep;
  for (int i = 0; i < 400; ++i) deep += outer_v4("04");
  const Dissection many = look(deep + kInner, LinkType::ip);
  CHECK(many.count == Dissection::kMaxLayers);
  CHECK(many.has_more);
}

TEST_CASE("tunnels: where the inner packet is cut, the outer one is the conversation") {
  const Dissection cut = look(outer_v4("04") + "4500003c 0001", LinkType::ip);
  CHECK(cut.count == 2);
  CHECK(cut.innermost() == 0);
  const Dissection arp = look(
      outer_v4("11") + udp("9c40 12b5") + "08000000 00138800" + kMacs + "0806 0001", LinkType::ip);
  CHECK(arp.count == 2);
  CHECK(arp.layers[1].ether_type == 0x0806);
  CHECK(arp.innermost() == 0);
}

TEST_CASE("dissect: a routing header names the destination at its end") {
  const std::string last = "20010db80000000000000000000000ff ";
  const std::string middle = "20010db80000000000000000000000ee ";
  struct Case {
    const char* name;
    std::string header;
    const char* final_destination;
    int left;
  };
  const Case cases[] = {
      {"segment routing: the first of the list", "06 04 04 01 01 00 0000 " + last + middle,
       "2001:db8::ff", 1},
      {"all segments passed: the IP header is right", "06 04 04 00 01 00 0000 " + last + middle,
       nullptr, 0},
      {"source route: the last of the list", "06 04 00 02 00000000 " + middle + last,
       "2001:db8::ff", 2},
      {"home address", "06 02 02 01 00000000 " + last, "2001:db8::ff", 1},
      {"a type nobody knows", "06 02 63 01 00000000 " + last, nullptr, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Dissection d = look(outer_v6("2b") + c.header + kTcp, LinkType::ip);
    CHECK(d.count == 1);
    const Packet& p = d.layers[0];
    CHECK(p.destination == *IpAddress::parse("2001:db8::2"));
    CHECK(p.destination_port == 443);
    CHECK(p.has(PacketField::final_destination) == (c.final_destination != nullptr));
    CHECK(p.segments_left == c.left);
    if (c.final_destination != nullptr) {
      CHECK(p.final_destination == *IpAddress::parse(c.final_destination));
    }
  }
  const Dissection cut = look(outer_v6("2b") + "06 04 04 01 01 00 0000 20010db8", LinkType::ip);
  CHECK_FALSE(cut.layers[0].has(PacketField::final_destination));
}

TEST_CASE("dissect: link layers of captures and of sampled headers") {
  struct Case {
    const char* name;
    LinkType link;
    std::string hex;
  };
  const Case cases[] = {
      {"PPP", LinkType::ppp, "0021" + kInner},
      {"PPP in HDLC framing", LinkType::ppp, "ff03 0021" + kInner},
      {"PPP with MPLS", LinkType::ppp, "0281 00010140" + kInner},
      {"Cisco HDLC", LinkType::ppp, "0f00 0800" + kInner},
      {"Linux cooked", LinkType::linux_sll, "0000 0001 0006 020000000001 0000 0800" + kInner},
      {"Linux cooked, tagged", LinkType::linux_sll,
       "0000 0001 0006 020000000001 0000 8100 0064 0800" + kInner},
      {"Linux cooked 2", LinkType::linux_sll2,
       "0800 0000 00000002 0001 00 06 0200000000010000" + kInner},
      {"loopback", LinkType::loopback, "02000000" + kInner},
      {"PPPoE", LinkType::ethernet, kMacs + "8864 1100 0007 003e 0021" + kInner},
      {"LLC and SNAP", LinkType::ethernet, kMacs + "0044 aaaa03 000000 0800" + kInner},
      {"five tags", LinkType::ethernet,
       kMacs + "88a8 2064 9100 0065 9200 0066 8100 0067 8100 0068 0800" + kInner},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const Dissection d = look(c.hex, c.link);
    CHECK(d.count == 1);
    CHECK(d.layers[0].destination_port == 443);
  }
  CHECK(look(cases[8].hex, LinkType::ethernet).layers[0].pppoe_session == 7);
  const Packet tagged = look(cases[10].hex, LinkType::ethernet).layers[0];
  CHECK(tagged.vlan_count == 5);
  CHECK(tagged.vlan_id == 100);
  CHECK(tagged.vlan_priority == 1);
  CHECK(tagged.customer_vlan_id == 101);
}
