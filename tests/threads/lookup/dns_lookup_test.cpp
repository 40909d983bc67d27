// Several threads ask, others read the counters, the cache forgets, and it is stopped meanwhile.
#include "flowlens/dns_lookup.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/dns_server.hpp"

using namespace flowlens;
using namespace std::chrono_literals;
namespace dns = flowlens::test::dns;

namespace {

/// Every address has a name, every other one a true one.
std::vector<std::string> say(const dns::Query& q) {
  if (q.type == dns::kPtr) {
    const std::string name = q.name.substr(0, q.name.find(".in-addr"));
    std::string dashed = "h." + name;
    return {dns::message(q, 0, {{dns::ptr(q.name, dashed)}})};
  }
  // h.D.C.B.A, the other way round.
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (std::sscanf(q.name.c_str(), "h.%u.%u.%u.%u", &d, &c, &b, &a) != 4) return {};
  const std::string address = std::to_string(a) + '.' + std::to_string(b) + '.' +
                              std::to_string(c) + '.' + std::to_string(d % 2 == 0 ? d : 1);
  return {dns::message(q, 0, {{dns::a(q.name, address.c_str())}})};
}

}  // namespace

TEST_CASE("DnsLookup: many who ask, counters and stop() at the same time") {
  dns::Server server{say};
  for (const bool is_stopped_early : {false, true}) {
    CAPTURE(is_stopped_early);
    DnsOptions o;
    o.servers = {server.address()};
    o.cache_size = 64;
    o.max_concurrent = 16;
    o.max_waiting = 200;
    std::atomic<std::uint64_t> told{0};
    DnsLookup lookup{o, [&](const DnsAnswer&) { ++told; }};
    std::atomic<bool> is_ending{false};
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint32_t i = 0; i < 1'500; ++i) {
          const Endpoint e{SiteId{static_cast<std::uint16_t>(t)},
                           IpAddress::v4(0x0a000000u + i * 7 % 300)};
          if (lookup.ask(e)) {
            ++taken;
          } else {
            std::this_thread::sleep_for(300us);
          }
        }
      });
    }
    std::thread reader{[&] {
      while (!is_ending) {
        const DnsCounters now = lookup.counters();
        CHECK_MESSAGE(now.waiting <= o.max_waiting, now.waiting);
        CHECK(now.under_way <= o.max_concurrent);
        static_cast<void>(lookup.last_problem());
        std::this_thread::sleep_for(1ms);
      }
    }};
    if (is_stopped_early) lookup.stop();
    for (std::thread& thread : threads) thread.join();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!is_stopped_early && told < taken && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(5ms);
    }
    is_ending = true;
    reader.join();
    if (is_stopped_early) continue;
    CHECK(told == taken);
    const DnsCounters counters = lookup.counters();
    CHECK(counters.waiting == 0);
    CHECK(counters.asked == taken);
    CHECK(counters.asked + counters.refused == 4'500);
    CHECK(counters.cached <= 64);
  }
}
