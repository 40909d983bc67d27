// Workers receive while another thread sends, a third asks for the counters, and all are stopped.
#include "flowlens/udp_receiver.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "unit/collect/udp_sender.hpp"

using namespace flowlens;
using namespace std::chrono_literals;

TEST_CASE("UdpReceiver: workers, a reader of counters and stop() at the same time") {
  constexpr std::size_t kWorkers = 3;
  constexpr std::uint64_t kRounds = 200, kExporters = 8;
  UdpReceiverOptions options;
  options.bind_address = IpAddress::v4(0x7f00'0001);
  options.ports = {0, 0};
  options.workers = kWorkers;
  UdpReceiver receiver{options};

  std::atomic<std::uint64_t> taken{0};
  std::atomic<bool> stopping{false};
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < kWorkers; ++worker) {
    threads.emplace_back([&, worker] {
      while (!stopping) {
        receiver.receive(worker, 24h, [&](const ReceivedDatagram& d) { taken += d.octets.size(); });
      }
    });
  }
  std::thread reader{[&] {
    // Every datagram is received or known to be dropped, and no other thread need say so.
    for (;;) {
      const UdpReceiverCounters now = receiver.counters();
      if (now.datagrams + now.kernel_dropped == kRounds * kExporters) break;
      std::this_thread::yield();
    }
    stopping = true;
    receiver.stop();
  }};
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (std::uint32_t i = 0; i < kExporters; ++i) {
      const test::UdpSender sender{IpAddress::v4(0x7f00'0200u + i)};
      sender.send(receiver.ports()[round % 2], "x");
    }
  }
  reader.join();
  for (std::thread& thread : threads) thread.join();
  CHECK(taken + receiver.counters().kernel_dropped == kRounds * kExporters);
}
