#include "flowlens/udp_receiver.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <thread>

#include "collect/udp_socket.hpp"
#include "flowlens/error.hpp"
#include "udp_sender.hpp"

using namespace flowlens;
using namespace std::chrono_literals;
using flowlens::test::UdpSender;

namespace {

constexpr IpAddress loopback(std::uint32_t last) { return IpAddress::v4(0x7f00'0100u + last); }

UdpReceiverOptions on_loopback(std::size_t workers, std::size_t ports = 1) {
  UdpReceiverOptions options;
  options.bind_address = IpAddress::v4(0x7f00'0001);
  options.ports.assign(ports, 0);
  options.workers = workers;
  return options;
}

std::string text_of(const ReceivedDatagram& datagram) {
  return {reinterpret_cast<const char*>(datagram.octets.data()), datagram.octets.size()};
}

bool has_ipv6() {
  try {
    const UdpSender sender{*IpAddress::parse("::1")};
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

TEST_CASE("one exporter always meets the same worker, on every port") {
  constexpr std::size_t kWorkers = 4, kExporters = 64;
  UdpReceiver receiver{on_loopback(kWorkers, 2)};
  REQUIRE(receiver.ports().size() == 2);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < kExporters; ++i) {
      const UdpSender sender{loopback(i)};  // another source port each time
      for (const std::uint16_t port : receiver.ports()) sender.send(port, "x");
    }
  }
  std::map<IpAddress, std::set<std::size_t>> met;
  std::set<std::size_t> busy;
  std::size_t received = 0;
  for (std::size_t worker = 0; worker < kWorkers; ++worker) {
    while (receiver.receive(worker, 0ms, [&](const ReceivedDatagram& datagram) {
      met[datagram.session.exporter].insert(worker);
      busy.insert(worker);
      ++received;
    }) > 0) {
    }
  }
  CHECK(received == 3 * 2 * kExporters);
  CHECK(met.size() == kExporters);
  for (const auto& entry : met) {
    CAPTURE(entry.first.to_string());
    CHECK(entry.second.size() == 1);
  }
  CHECK(busy.size() == kWorkers);
}

TEST_CASE("a datagram comes whole, with its session and a time") {
  UdpReceiver receiver{on_loopback(1)};
  const std::uint16_t port = receiver.ports().front();
  const UdpSender sender{loopback(7)};
  const std::string longest(65'507, 'z');
  sender.send(port, "hello");
  sender.send(port, "");
  sender.send(port, longest);
  std::vector<std::string> texts;
  while (texts.size() < 3) {
    receiver.receive(0, 10s, [&](const ReceivedDatagram& datagram) {
      texts.push_back(text_of(datagram));
      CHECK(datagram.session.exporter == loopback(7));
      CHECK(datagram.session.exporter_port != 0);
      CHECK(datagram.session.collector_port == port);
      CHECK(datagram.session.transport == Transport::udp);
      CHECK(datagram.received > Timestamp{});
    });
  }
  CHECK(texts == std::vector<std::string>{"hello", "", longest});
  CHECK(receiver.counters().datagrams == 3);
  CHECK(receiver.counters().octets == 5 + longest.size());
  CHECK(receiver.counters().kernel_dropped == 0);
  CHECK(receiver.counters().truncated == 0);
  CHECK(receiver.granted_buffer_octets() > 0);
}

TEST_CASE("a socket on :: takes both families, and chooses the worker for both") {
  if (!has_ipv6()) {
    MESSAGE("skipped: this machine has no IPv6 loopback address");
    return;
  }
  UdpReceiverOptions options = on_loopback(3);
  options.bind_address = IpAddress{};
  UdpReceiver receiver{options};
  const std::uint16_t port = receiver.ports().front();
  for (int round = 0; round < 4; ++round) {
    for (std::uint32_t i = 0; i < 16; ++i) UdpSender{loopback(i)}.send(port, "4");
    UdpSender{*IpAddress::parse("::1")}.send(port, "6");
  }
  std::map<IpAddress, std::set<std::size_t>> met;
  for (std::size_t worker = 0; worker < 3; ++worker) {
    while (receiver.receive(worker, 0ms, [&](const ReceivedDatagram& datagram) {
      CHECK(datagram.session.exporter.is_v4() == (text_of(datagram) == "4"));
      met[datagram.session.exporter].insert(worker);
    }) > 0) {
    }
  }
  CHECK(met.size() == 17);
  CHECK(met.count(loopback(3)) == 1);
  for (const auto& entry : met) {
    CAPTURE(entry.first.to_string());
    CHECK(entry.second.size() == 1);
  }
}

TEST_CASE("what the kernel drops is counted, to the last datagram") {
  UdpReceiverOptions options = on_loopback(2, 2);
  options.receive_buffer_octets = 4'096;
  UdpReceiver receiver{options};
  constexpr std::uint64_t kSent = 500;
  const std::string text(1'000, 'd');
  const UdpSender sender{loopback(1)};
  for (std::uint64_t i = 0; i < kSent; ++i) sender.send(receiver.ports()[i % 2], text);
  // Nothing has been received yet, and yet it is known.
  const std::uint64_t dropped = receiver.counters().kernel_dropped;
  CHECK(dropped > 0);
  std::uint64_t received = 0;
  const auto drain = [&] {
    for (std::size_t worker = 0; worker < 2; ++worker) {
      while (receiver.receive(worker, 0ms, [&](const ReceivedDatagram&) { ++received; }) > 0) {
      }
    }
  };
  drain();
  CHECK(received + dropped == kSent);
  sender.send(receiver.ports()[0], "after");  // carries SO_RXQ_OVFL's count
  drain();
  CHECK(receiver.counters().kernel_dropped == dropped);
  CHECK(received + dropped == kSent + 1);
}

TEST_CASE("the kernel's count of drops wraps after 32 bits; an older reading changes nothing") {
  collect::UdpSocket socket;
  socket.note_drops(0x7fff'0000);
  socket.note_drops(0xfffe'0000);
  socket.note_drops(0xffff'fff0);
  CHECK(socket.dropped == 0xffff'fff0);
  socket.note_drops(0x10);
  CHECK(socket.dropped == 0x1'0000'0010);
  socket.note_drops(0xffff'ffff);
  CHECK(socket.dropped == 0x1'0000'0010);
}

TEST_CASE("stop() wakes a waiting receive(), and none waits afterwards") {
  UdpReceiver receiver{on_loopback(2)};
  std::size_t got = 99;
  std::thread waiting{[&] { got = receiver.receive(1, 24h, [](const ReceivedDatagram&) {}); }};
  receiver.stop();
  waiting.join();
  CHECK(got == 0);
  CHECK(receiver.receive(0, 24h, [](const ReceivedDatagram&) {}) == 0);
}

TEST_CASE("receive() gives up after its time") {
  UdpReceiver receiver{on_loopback(1)};
  CHECK(receiver.receive(0, 1ms, [](const ReceivedDatagram&) {}) == 0);
}

TEST_CASE("a port that is taken is refused by name, also if the holder would share it") {
  const UdpReceiver holder{on_loopback(1)};
  UdpReceiverOptions options = on_loopback(1);
  options.ports = {holder.ports().front()};
  const std::string port = std::to_string(options.ports.front());
  try {
    const UdpReceiver second{options};
    FAIL("bound twice");
  } catch (const IoError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(text.find("127.0.0.1:" + port) != std::string::npos);
    CHECK(text.find("another process") != std::string::npos);
  }
}

TEST_CASE("options that cannot be honoured") {
  CHECK_THROWS_AS(UdpReceiver{on_loopback(0)}, ConfigError);
  CHECK_THROWS_AS(UdpReceiver{on_loopback(65)}, ConfigError);
  CHECK_THROWS_AS(UdpReceiver{on_loopback(1, 0)}, ConfigError);
  UdpReceiverOptions elsewhere = on_loopback(1);
  elsewhere.bind_address = *IpAddress::parse("192.0.2.1");
  CHECK_THROWS_AS(UdpReceiver{elsewhere}, IoError);
}

TEST_CASE("a port named twice is bound once") {
  UdpReceiverOptions options = on_loopback(1);
  std::uint16_t port = 0;
  { port = UdpReceiver{options}.ports().front(); }
  options.ports = {port, port};
  CHECK(UdpReceiver{options}.ports() == std::vector<std::uint16_t>{port});
}
