// One thread receives while exporters connect, send and go, others ask how it does, and it is stopped.
#include "flowlens/ipfix_listener.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/message_builder.hpp"
#include "support/wait_until.hpp"
#include "unit/collect/tcp_client.hpp"

using namespace flowlens;
using namespace std::chrono_literals;

TEST_CASE("IpfixListener: a receiver, exporters, readers of counters and stop() at the same time") {
  constexpr std::uint64_t kExporters = 4, kConnections = 10, kMessages = 25;
  IpfixListenerOptions options;
  options.bind_address = IpAddress::v4(0x7f00'0001);
  options.tcp_port = 0;
  IpfixListener listener{options};
  wire::ByteWriter out;
  const test::Octets message =
      out.u16(10).u16(20).u32(1'700'000'000).u32(0).u32(1).u16(300).u16(4).take();

  std::atomic<std::uint64_t> taken{0}, ended{0};
  std::atomic<bool> stopping{false};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!stopping) {
      listener.receive(
          24h, [&](const ReceivedDatagram& d) { taken += d.octets.size(); },
          [&](const TransportSession&) { ++ended; });
    }
  });
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      while (!stopping) {
        const IpfixListenerCounters now = listener.counters();
        CHECK(now.open <= now.accepted);
        CHECK(listener.connections(100).size() <= kExporters * kConnections);
        CHECK(listener.last_problem().text.empty());
        std::this_thread::yield();
      }
    });
  }
  std::vector<std::thread> exporters;
  for (std::uint32_t exporter = 0; exporter < kExporters; ++exporter) {
    exporters.emplace_back([&, exporter] {
      for (std::uint64_t i = 0; i < kConnections; ++i) {
        const test::TcpClient client{listener.tcp_port(), IpAddress::v4(0x7f00'0200u + exporter)};
        for (std::uint64_t n = 0; n < kMessages; ++n) client.send(message);
      }
    });
  }
  for (std::thread& exporter : exporters) exporter.join();
  CHECK(test::wait_until([&] { return ended == kExporters * kConnections; }));
  stopping = true;
  listener.stop();
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == kExporters * kConnections * kMessages * message.size());
  CHECK(listener.counters().messages == kExporters * kConnections * kMessages);
}
