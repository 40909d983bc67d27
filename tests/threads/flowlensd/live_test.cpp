// Revisions and alerts come, clients read, come back and go, all at once.
#include "http/live.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

TEST_CASE("live: clients follow in order while others publish") {
  const DependencyGraph graph;
  LiveOptions options;
  options.instance = "run";
  options.max_updates = 8;
  LiveUpdates live{options, graph.sites(), nullptr, [](const std::string&) {}};
  std::atomic<std::uint64_t> woken{0};
  live.on_news([&] { ++woken; });
  live.start();
  constexpr std::uint64_t kLast = 300;
  std::thread writer([&] {
    for (std::uint64_t n = 1; n <= kLast; ++n) {
      Revision revision;
      revision.number = n;
      revision.assets.resize(3);
      live.publish(revision);
      if (n % 4 == 0) std::this_thread::sleep_for(1ms);
    }
  });
  std::thread alerts([&] {
    for (int n = 0; n < 100; ++n) {
      AlertChanges changes;
      changes.alerts.resize(1);
      live.publish(changes);
      std::this_thread::yield();
    }
  });
  LiveSubscription wanted;
  wanted.topics.fill(true);
  std::atomic<int> out_of_order{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 3; ++c) {
    clients.emplace_back([&, c] {
      LivePosition at = live.after(0, "");
      std::uint64_t last = 0;
      const auto deadline = std::chrono::steady_clock::now() + 30s;
      while (last < kLast && std::chrono::steady_clock::now() < deadline) {
        const LiveMessage message = live.next(at, wanted);
        if (message.text == nullptr) {
          std::this_thread::sleep_for(1ms);
          continue;
        }
        if (message.revision < last) ++out_of_order;
        last = message.revision;
        if (c == 2 && last % 50 == 0) at = live.after(last, "run");
      }
      if (last != kLast) ++out_of_order;
    });
  }
  writer.join();
  alerts.join();
  for (std::thread& client : clients) client.join();
  live.on_news({});
  CHECK(out_of_order == 0);
  CHECK(woken > 0);
  CHECK(live.counters().sending_octets < (1u << 20));
  live.stop();
}
