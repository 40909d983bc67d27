// Questions of several threads to what a map is analysed by, while the map grows.
#include "http/analysis.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace flowlensd;
using namespace flowlensd::http;

namespace {

void grow(DependencyGraph& graph, std::uint32_t number) {
  Annotation by;
  by.said_by = "test";
  by.said_at = Timestamp{std::chrono::hours{24}};
  const Endpoint client{{}, IpAddress::v4(0x0a000000 + number)};
  const Endpoint server{{}, IpAddress::v4(0x0a010000)};
  CHECK(graph.declare_dependency({client, server, 443, 6}, by).has_value());
}

}  // namespace

TEST_CASE("analysis: what is told belongs together, and is the newest in the end") {
  constexpr std::uint32_t kDependencies = 2'000;
  DependencyGraph graph;
  AnalysisCache cache{graph};
  cache.warm_up();
  std::atomic<bool> is_over{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> asking;
  for (int i = 0; i < 3; ++i) {
    asking.emplace_back([&] {
      std::size_t before = 0;
      while (!is_over) {
        const auto found = cache.newest();
        const std::size_t edges = found->snapshot().edges.size();
        if (edges < before || found->assets().asset_count() != found->snapshot().assets.size()) {
          ++wrong;
        }
        before = edges;
      }
    });
  }
  for (std::uint32_t n = 1; n <= kDependencies; ++n) grow(graph, n);
  while (cache.newest()->snapshot().edges.size() < kDependencies) std::this_thread::yield();
  is_over = true;
  for (std::thread& t : asking) t.join();
  CHECK(wrong == 0);
}
