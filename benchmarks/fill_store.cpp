// Writes the map of a made-up estate into an SQLite store, for measurements of a daemon that has much to tell.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "estate.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/store.hpp"

using namespace flowlens;

namespace {

constexpr std::size_t kBatch = 4'096;
constexpr std::uint32_t kDays = 3;  // on which it was seen
constexpr const char* kUsage =
    "flowlens-bench-fill FILE [ASSETS]\n\n"
    "Makes FILE, a store of ASSETS (100000) with ten dependencies each, last seen an hour ago.\n";

}  // namespace

int main(int count, char** arguments) {
  const std::string file = count > 1 ? arguments[1] : "";
  const auto assets =
      static_cast<std::uint32_t>(count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 100'000);
  if (file.empty() || file.starts_with("-") || assets < 1'000 || count > 3) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const Timestamp now = std::chrono::system_clock::now();
  const bench::Estate estate{assets};
  DependencyGraph graph;
  std::vector<ConnectionSummary> batch;
  for (std::uint32_t day = kDays; day-- > 0;) {
    for (const bench::Estate::Use& use : estate.uses()) {
      batch.push_back(bench::summary_of(use, now - std::chrono::hours{1} - std::chrono::days{day}));
      if (batch.size() < kBatch) continue;
      graph.apply(batch);
      batch.clear();
    }
  }
  graph.apply(batch);
  SqliteStoreOptions options;
  options.path = file;
  const auto store = make_sqlite_store(options);
  const StoreOpened opened = store->open();
  store->apply(graph.take_revision(opened.last_revision + 1, opened.epoch, now));
  const GraphCounters counters = graph.counters();
  std::printf("%s: %llu assets, %llu dependencies\n", file.c_str(),
              static_cast<unsigned long long>(counters.assets),
              static_cast<unsigned long long>(counters.dependencies));
  return 0;
}
