#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "flowlens/packet.hpp"

namespace flowlens {
namespace {

std::vector<std::byte> octets(std::initializer_list<unsigned> values) {
  std::vector<std::byte> all;
  for (const unsigned value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

std::vector<std::byte> operator+(std::vector<std::byte> head, const std::vector<std::byte>& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

std::vector<std::byte> ethernet(unsigned ether_type) {
  return octets({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ether_type >> 8, ether_type & 0xff});
}

std::vector<std::byte> ipv4(unsigned protocol) {
  return octets({0x45, 0, 3, 0xe8, 0, 1, 0x40, 0, 64, protocol, 0, 0}) +
         octets({10, 1, 2, 3, 10, 4, 5, 6});
}

std::vector<std::byte> ipv6(unsigned next_header) {
  return octets({0x60, 0, 0, 0, 0, 64, next_header, 64}) +
         std::vector<std::byte>(32, std::byte{0x20});
}

std::vector<std::byte> extension(unsigned next_header) {
  return octets({next_header, 0, 0, 0, 0, 0, 0, 0});
}

std::vector<std::byte> tcp() {
  return octets({0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 4, 0, 0, 0, 0, 0});
}

/// Looks at a heap block of the frame's exact size.
Dissection look(std::span<const std::byte> frame, LinkType link) {
  const std::unique_ptr<std::byte[]> block{new std::byte[frame.size()]};
  if (!frame.empty()) std::memcpy(block.get(), frame.data(), frame.size());
  Dissection dissection;
  dissect({block.get(), frame.size()}, link, dissection);
  return dissection;
}

struct Case {
  const char* name;
  std::vector<std::byte> frame;
  std::size_t layers = 1;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"IPv4, TCP", ethernet(0x0800) + octets({0x45, 0, 3, 0xe8, 0, 1, 0x40, 0, 64, 6, 0, 0}) +
                        octets({10, 1, 2, 3, 10, 4, 5, 6}) + tcp()},
      {"IPv6, TCP", ethernet(0x86dd) + ipv6(6) + tcp()},
      // Found by fuzz_dissect: cut within the first extension header, the second one's type was
      // taken for the packet's protocol.
      {"IPv6, two extension headers, TCP",
       ethernet(0x86dd) + ipv6(0) + extension(43) + extension(6) + tcp()},
      {"IPv6, an extension header and a fragment header cut off",
       ethernet(0x86dd) + ipv6(43) + extension(44) + octets({6, 0, 0})},
      {"IPv4, GRE with a key, IPv6, UDP, VXLAN, Ethernet, IPv4, TCP",
       ethernet(0x0800) + ipv4(47) + octets({0x20, 0, 0x86, 0xdd, 0, 0, 0, 7}) + ipv6(17) +
           octets({0x9c, 0x40, 0x12, 0xb5, 0, 0, 0, 0}) + octets({8, 0, 0, 0, 0, 0x13, 0x88, 0}) +
           ethernet(0x0800) + ipv4(6) + tcp(),
       3},
      {"MPLS, control word, Ethernet, IPv4, TCP",
       ethernet(0x8847) + octets({0, 1, 1, 64, 0, 0, 0, 0}) + ethernet(0x0800) + ipv4(6) + tcp(),
       2},
      {"MPLS, Ethernet, IPv4, TCP",
       ethernet(0x8847) + octets({0, 1, 1, 64}) + ethernet(0x0800) + ipv4(6) + tcp(), 2},
      {"MPLS, IPv6", ethernet(0x8847) + octets({0, 1, 1, 64}) + ipv6(6) + tcp()},
  };
  return all;
}

}  // namespace

TEST_CASE("dissect: a shorter frame shows no more, and nothing else, than the whole") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const Dissection whole = look(c.frame, LinkType::ethernet);
    REQUIRE(whole.count == c.layers);
    for (std::size_t length = 0; length <= c.frame.size(); ++length) {
      CAPTURE(length);
      const Dissection cut = look(std::span{c.frame}.first(length), LinkType::ethernet);
      REQUIRE(cut.count <= whole.count);
      for (std::size_t i = 0; i < cut.count; ++i) {
        const Packet& have = cut.layers[i];
        const Packet& want = whole.layers[i];
        CHECK(have.encapsulation == want.encapsulation);
        CHECK((have.present & ~want.present) == 0);
        if (have.has(PacketField::addresses)) CHECK(have.source == want.source);
        if (have.has(PacketField::protocol)) CHECK(have.protocol == want.protocol);
        if (have.has(PacketField::destination_port)) {
          CHECK(have.destination_port == want.destination_port);
        }
      }
    }
  }
}

}  // namespace flowlens
