// Readers of a DependencyGraph against its one writer.
#include "flowlens/dependency_graph.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "flowlens/graph_export.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

constexpr int kRounds = 150;

/// Adds dependencies, and takes every third one away again.
void write(DependencyGraph& graph, std::atomic<bool>& done) {
  for (int round = 0; round < kRounds; ++round) {
    std::vector<ConnectionSummary> batch;
    for (int i = 0; i < 8; ++i) {
      batch.push_back(summary("10.0.0." + std::to_string(i), "10.0.1." + std::to_string(round % 50),
                              static_cast<std::uint16_t>(1 + round)));
    }
    graph.apply(batch);
    if (round % 3 == 0) {
      for (ConnectionSummary& s : batch) {
        s.added -= s.counts;
        s.added -= s.counts;
        s.counts = {};
      }
      graph.apply(batch);
    }
    graph.apply(Fact{batch[0].key.client,
                     "name",
                     "n" + std::to_string(round),
                     FactSource::dns,
                     kNoon + std::chrono::seconds{round},
                     {}});
    (void)graph.take_revision(static_cast<std::uint64_t>(round + 1), Epoch{1}, kNoon);
  }
  done = true;
}

/// Everything anyone may call; each answer must be whole in itself.
void read(const DependencyGraph& graph, const std::atomic<bool>& done) {
  std::uint64_t last_revision = 0;
  do {
    const GraphCounters counters = graph.counters();
    CHECK(counters.totals.octets_to_client == 2 * counters.totals.octets_to_server);
    CHECK(counters.revision >= last_revision);
    last_revision = counters.revision;
    for (const DependencyRow& row : graph.dependencies({}).rows) {
      CHECK(row.totals.flows == 2);
      (void)graph.dependency(row.id);
      if (const auto asset = graph.asset(row.server_asset)) {
        (void)graph.asset_of(asset->endpoints.at(0).endpoint);
        DependencyQuery query;
        query.asset = asset->id;
        (void)graph.dependencies(query);
      }
    }
    (void)graph.assets({});
    const auto snapshot = graph.snapshot();
    for (const Snapshot::Edge& e : snapshot->edges) {
      REQUIRE(e.client.value < snapshot->assets.size());
      REQUIRE(e.server.value < snapshot->assets.size());
      (void)graph.dependency(*snapshot, e);
    }
    std::ostringstream out;
    write_graph(graph, ExportFormat::csv, out);
  } while (!done);
}

}  // namespace

TEST_CASE("graph: readers see whole states while the writer writes") {
  DependencyGraph graph;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back([&] { read(graph, done); });
  write(graph, done);
  for (std::thread& t : readers) t.join();
  CHECK(graph.counters().dependencies == 8 * kRounds / 3 * 2);
}
