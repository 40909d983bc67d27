// Captures of exporters, of ordinary traffic, and of both.
#include <doctest/doctest.h>

#include "capture_file.hpp"
#include "flowlens/capture_reader.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::uint32_t kEthernet = 1, kPpp = 9;

/// A NetFlow v5 message without a fault.
std::string export_message() { return Octets{}.u16(5).u16(1).zeros(20 + 48).str(); }
std::string frame(std::string_view packet) { return ethernet(packet); }
std::string tcp() { return ipv4(Octets{}.u16(40'000).u16(443).zeros(16).str(), 6); }

struct Found {
  std::vector<std::size_t> datagrams;  ///< octets of each
  std::vector<std::size_t> packets;
  CaptureCounters counters;
};
Found read(const CaptureFile& file, CaptureReaderOptions options = {}) {
  CaptureReader reader{file.path(), options};
  Found found;
  CaptureItem item;
  while (reader.next(item)) {
    if (item.is_datagram) {
      found.datagrams.push_back(item.datagram.octets.size());
      CHECK(item.datagram.session.exporter.to_string() == "10.0.0.1");
    } else {
      found.packets.push_back(item.packet.frame.size());
      CHECK(to_string(item.packet.captured) == "2023-11-14T22:13:20.123456789Z");
      CHECK(item.packet.observation_point == options.observation_point);
    }
  }
  found.counters = reader.counters();
  CHECK(found.counters.datagrams == found.datagrams.size());
  CHECK(found.counters.traffic == found.packets.size());
  CHECK(found.counters.packets == found.counters.datagrams + found.counters.traffic +
                                      found.counters.not_udp + found.counters.fragments);
  return found;
}

}  // namespace

TEST_CASE("captures: each packet is an exporter's datagram or traffic") {
  struct Case {
    const char* name;
    std::string frame;
    bool is_datagram;
    bool is_traffic;
  };
  const Case cases[] = {
      {"a whole export message, on any port", frame(ipv4(udp(export_message(), 40'000, 7))), true,
       false},
      {"a faulty one, on an exporter port", frame(ipv4(udp(export_message() + "x"))), true, false},
      {"a faulty one elsewhere", frame(ipv4(udp(export_message() + "x", 40'000, 7))), false, true},
      {"something else on an exporter port", frame(ipv4(udp("hello"))), false, true},
      {"DNS", frame(ipv4(udp("hello", 40'000, 53))), false, true},
      {"TCP", frame(tcp()), false, true},
      {"ARP: no flow, but none of ours to judge", ethernet(std::string(28, '\0'), 0x0806), false,
       true},
      {"a piece of a datagram to an exporter port", frame(ipv4(udp(export_message()), 17, 0x2000)),
       false, false},
      {"a piece of another", frame(ipv4(udp("x", 40'000, 53), 17, 0x2000)), false, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CaptureFile file{kEthernet};
    file.add(c.frame);
    const Found found = read(file);
    CHECK(found.datagrams.size() == (c.is_datagram ? 1 : 0));
    CHECK(found.packets.size() == (c.is_traffic ? 1 : 0));
  }
}

TEST_CASE("captures: the options decide where the octets cannot") {
  CaptureFile file{kEthernet};
  file.add(frame(ipv4(udp(export_message()))));
  file.add(frame(ipv4(udp("hello", 40'000, 53))));
  file.add(frame(tcp()));

  CaptureReaderOptions options;
  options.observation_point = 3;
  CHECK(read(file, options).packets.size() == 2);
  options.content = CaptureContent::exports;
  const Found exports = read(file, options);
  CHECK(exports.datagrams == std::vector<std::size_t>{72, 5});
  CHECK(exports.counters.not_udp == 1);
  options.content = CaptureContent::traffic;
  CHECK(read(file, options).packets.size() == 3);

  CaptureFile odd{kEthernet};
  odd.add(frame(ipv4(udp(export_message() + "x", 40'000, 9'000))));
  CHECK(read(odd).datagrams.empty());
  CaptureReaderOptions ports;
  ports.exporter_ports = {9'000};
  CHECK(read(odd, ports).datagrams.size() == 1);
}

TEST_CASE("captures: what is known of a packet that was cut") {
  CaptureFile file{kPpp};
  const std::string packet = Octets{}.u16(0x0021).text(tcp()).str();
  file.add(packet, 10);
  CaptureReader reader{file.path()};
  CaptureItem item;
  REQUIRE(reader.next(item));
  CHECK_FALSE(item.is_datagram);
  CHECK(item.packet.link == LinkType::ppp);
  CHECK(item.packet.frame.size() == packet.size() - 10);
  CHECK(item.packet.frame_octets == packet.size());
}
