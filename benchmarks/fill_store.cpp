// Writes the map of a made-up estate into a store, for measurements of a daemon that has much to tell.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "estate.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/store.hpp"
#ifdef FLOWLENS_BENCH_WITH_POSTGRES
#include "flowlens/postgres_store.hpp"
#endif

using namespace flowlens;

namespace {

constexpr std::size_t kBatch = 4'096;
constexpr std::uint32_t kDays = 3;  // on which it was seen
constexpr const char* kUsage =
    "flowlens-bench-fill FILE|postgresql://… [ASSETS]\n\n"
    "Makes a store of ASSETS (100000) with ten dependencies each, last seen an hour ago.\n";

std::unique_ptr<Store> make_store(const std::string& where) {
#ifdef FLOWLENS_BENCH_WITH_POSTGRES
  if (where.starts_with("postgresql://")) {
    PostgresStoreOptions options;
    options.connection = where;
    return make_postgres_store(options);
  }
#endif
  SqliteStoreOptions options;
  options.path = where;
  return make_sqlite_store(options);
}

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
  const auto store = make_store(file);
  const StoreOpened opened = store->open();
  store->apply(graph.take_revision(opened.last_revision + 1, opened.epoch, now));
  const GraphCounters counters = graph.counters();
  std::printf("%s: %llu assets, %llu dependencies\n", file.c_str(),
              static_cast<unsigned long long>(counters.assets),
              static_cast<unsigned long long>(counters.dependencies));
  return 0;
}
