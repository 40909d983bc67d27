#include "flowlens/capture_reader.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <vector>

#include "capture_file.hpp"
#include "flowlens/error.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::uint32_t kEthernet = 1, kNull = 0, kRaw = 101, kLoop = 108, kSll = 113, kSll2 = 276;

std::string text_of(const ReceivedDatagram& datagram) {
  return {reinterpret_cast<const char*>(datagram.octets.data()), datagram.octets.size()};
}

std::vector<std::string> read_all(CaptureReader& reader) {
  std::vector<std::string> texts;
  ReceivedDatagram datagram;
  while (reader.next(datagram)) texts.push_back(text_of(datagram));
  return texts;
}

}  // namespace

TEST_CASE("a payload is found behind every link layer") {
  struct Case {
    const char* name;
    std::uint32_t link;
    std::string frame;
  };
  const Case cases[] = {
      {"Ethernet", kEthernet, ethernet(ipv4(udp("hi")))},
      {"Ethernet, padded to 60 octets", kEthernet,
       ethernet(ipv4(udp("hi"))) + std::string(20, '\0')},
      {"one VLAN tag", kEthernet,
       ethernet(Octets{}.u16(5).u16(0x0800).text(ipv4(udp("hi"))).str(), 0x8100)},
      {"two VLAN tags", kEthernet,
       ethernet(Octets{}.u16(5).u16(0x8100).u16(6).u16(0x0800).text(ipv4(udp("hi"))).str(),
                0x88a8)},
      {"Linux cooked", kSll, Octets{}.zeros(14).u16(0x0800).text(ipv4(udp("hi"))).str()},
      {"Linux cooked, version 2", kSll2,
       Octets{}.u16(0x0800).zeros(18).text(ipv4(udp("hi"))).str()},
      {"BSD loopback, little-endian", kNull, Octets{}.u32(0x0200'0000).text(ipv4(udp("hi"))).str()},
      {"OpenBSD loopback", kLoop, Octets{}.u32(2).text(ipv4(udp("hi"))).str()},
      {"raw IP", kRaw, ipv4(udp("hi"))},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CaptureFile file{c.link};
    file.add(c.frame);
    CaptureReader reader{file.path()};
    ReceivedDatagram datagram;
    REQUIRE(reader.next(datagram));
    CHECK(text_of(datagram) == "hi");
    CHECK(datagram.session.exporter.to_string() == "10.0.0.1");
    CHECK(datagram.session.exporter_port == 40'000);
    CHECK(datagram.session.collector_port == 2055);
    CHECK(to_string(datagram.received) == "2023-11-14T22:13:20.123456789Z");
    CHECK_FALSE(reader.next(datagram));
  }
}

TEST_CASE("IPv6, with and without extension headers") {
  const std::string options = Octets{}.u8(17).u8(0).zeros(6).str();
  const std::string whole = Octets{}.u8(17).u8(0).u16(0).u32(9).str();
  const std::string fragment = Octets{}.u8(17).u8(0).u16(0x0001).u32(9).str();
  CaptureFile file{kEthernet};
  file.add(ethernet(ipv6(udp("plain")), 0x86dd));
  file.add(ethernet(ipv6(options + udp("options"), 60), 0x86dd));
  file.add(ethernet(ipv6(whole + udp("atomic"), 44), 0x86dd));
  file.add(ethernet(ipv6(fragment + udp("fragment"), 44), 0x86dd));
  CaptureReader reader{file.path()};
  CHECK(read_all(reader) == std::vector<std::string>{"plain", "options", "atomic"});
  CHECK(reader.counters().fragments == 1);
}

TEST_CASE("what is passed over is counted by why") {
  CaptureFile file{kEthernet};
  file.add(ethernet(ipv4(udp("good"))));
  file.add(ethernet(ipv4("tcp", 6)));
  file.add(ethernet(std::string(28, '\0'), 0x0806));
  file.add(ethernet(ipv4(udp("cut short")), 3));
  file.add(ethernet(ipv4(Octets{}.u16(1).u16(2).u16(500).u16(0).text("length lies").str())));
  file.add(ethernet(ipv4(Octets{}.u16(1).u16(2).u16(7).u16(0).str())));
  file.add(ethernet(Octets{}.u8(0x4f).zeros(19).str()));
  file.add("short");
  file.add("");
  file.add(ethernet(ipv4(udp("first fragment"), 17, 0x2000)));
  file.add(ethernet(ipv4("later fragment", 17, 0x0010)));
  file.add(ethernet(ipv4(udp("last"))));
  CaptureReader reader{file.path()};
  CHECK(read_all(reader) == std::vector<std::string>{"good", "last"});
  CHECK(reader.counters().packets == 12);
  CHECK(reader.counters().datagrams == 2);
  CHECK(reader.counters().not_udp == 8);
  CHECK(reader.counters().fragments == 2);
}

TEST_CASE("a file cut short gives what came before, then says so") {
  CaptureFile file{kEthernet};
  file.add(ethernet(ipv4(udp("one")))).add(ethernet(ipv4(udp("two"))));
  file.cut_short(2);
  CaptureReader reader{file.path()};
  ReceivedDatagram datagram;
  REQUIRE(reader.next(datagram));
  CHECK(text_of(datagram) == "one");
  try {
    reader.next(datagram);
    FAIL("read past the end");
  } catch (const IoError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(text.find(file.path().string()) != std::string::npos);
    CHECK(text.find("after packet 1") != std::string::npos);
  }
}

TEST_CASE("files that are no capture of ours are refused by name") {
  CHECK_THROWS_AS(CaptureReader{"/no/such/file.pcap"}, IoError);
  CaptureFile wifi{105};
  CHECK_THROWS_WITH_AS(CaptureReader{wifi.path()}, doctest::Contains("IEEE802_11"), IoError);
  const CaptureFile text{kEthernet};
  std::ofstream{text.path()} << "this is a text, and not a capture at all";
  CHECK_THROWS_WITH_AS(CaptureReader{text.path()}, doctest::Contains("pcapng"), IoError);
}

TEST_CASE("pcapng is read too, by the resolution of its interface") {
  const std::string frame = ipv4(udp("ng!!"));  // 36 octets: a multiple of 4
  REQUIRE(frame.size() % 4 == 0);
  const auto size = static_cast<unsigned>(frame.size());
  Octets o;
  o.u32(0x0a0d'0d0a)
      .u32(28)
      .u32(0x1a2b'3c4d)
      .u16(1)
      .u16(0)
      .u32(0xffff'ffff)
      .u32(0xffff'ffff)
      .u32(28);
  o.u32(1).u32(32).u16(101).u16(0).u32(0);               // interface: raw IP
  o.u16(9).u16(1).u8(9).zeros(3).u16(0).u16(0).u32(32);  // times in 10^-9 s
  const std::uint64_t ns = 1'700'000'000'123'456'789;
  o.u32(6).u32(32 + size).u32(0).u32(ns >> 32).u32(ns & 0xffff'ffff).u32(size).u32(size);
  o.text(frame).u32(32 + size);
  const CaptureFile file{kRaw};
  std::ofstream{file.path(), std::ios::binary} << o.str();
  CaptureReader reader{file.path()};
  ReceivedDatagram datagram;
  REQUIRE(reader.next(datagram));
  CHECK(text_of(datagram) == "ng!!");
  CHECK(to_string(datagram.received) == "2023-11-14T22:13:20.123456789Z");
  CHECK_FALSE(reader.next(datagram));
}
