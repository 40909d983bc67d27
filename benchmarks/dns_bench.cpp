// How many addresses a second DnsLookup finds the names of, with a server that knows them.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <atomic>
#include <chrono>
#include <thread>

#include "flowlens/dns_lookup.hpp"
#include "flowlens/error.hpp"

using namespace flowlens;
using std::chrono::steady_clock;

namespace {

struct Measured {
  double seconds = 0;
  DnsCounters counters;
};

/// 10.20.0.0 and on, as dns_load.py tells unbound.
Measured measure(const std::string& server, std::uint32_t addresses, std::size_t concurrent) {
  DnsOptions o;
  o.servers = {server};
  o.max_concurrent = concurrent;
  o.cache_size = addresses;
  std::atomic<std::uint32_t> told{0};
  const auto began = steady_clock::now();
  DnsLookup lookup{o, [&](const DnsAnswer&) { ++told; }};
  for (std::uint32_t i = 0; i < addresses; ++i) {
    while (!lookup.ask({{}, IpAddress::v4(0x0a14'0000u + i)})) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  while (told < addresses) std::this_thread::sleep_for(std::chrono::microseconds(200));
  const std::chrono::duration<double> took = steady_clock::now() - began;
  return {took.count(), lookup.counters()};
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_json = argc == 4 && std::strcmp(argv[3], "--json") == 0;
  if (argc != 3 && !is_json) {
    std::fputs("flowlens-bench-dns SERVER ADDRESSES [--json]\n", stderr);
    return 2;
  }
  const auto addresses = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  try {
    if (is_json) std::fputs("[", stdout);
    const char* separator = "";
    for (const std::size_t concurrent : {10u, 100u, 500u}) {
      const Measured m = measure(argv[1], addresses, concurrent);
      const double rate = addresses / m.seconds;
      const auto confirmed = m.counters.results[static_cast<std::size_t>(DnsResult::confirmed)];
      if (is_json) {
        std::printf(
            "%s{\"concurrent\": %zu, \"names_per_second\": %.0f, \"confirmed\": %llu, "
            "\"queries\": %llu}",
            separator, concurrent, rate, static_cast<unsigned long long>(confirmed),
            static_cast<unsigned long long>(m.counters.queries));
      } else {
        std::printf("%4zu at a time  %9.0f names/s  (%llu of %u confirmed, %llu queries)\n",
                    concurrent, rate, static_cast<unsigned long long>(confirmed), addresses,
                    static_cast<unsigned long long>(m.counters.queries));
      }
      separator = ", ";
    }
    if (is_json) std::puts("]");
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
