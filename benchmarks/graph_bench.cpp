// What the map costs: memory of dependencies with 28 days of hours and of a snapshot, updates a
// second, and how long a writer waits while a snapshot is made.
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "conditions.hpp"
#include "flowlens/dependency_graph.hpp"

using namespace flowlens;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kBatch = 4'096;
constexpr Timestamp kBegin = from_unix_ns(1'795'262'400'000'000'000);
constexpr const char* kUsage =
    R"(flowlens-bench-graph [OPTIONS]

  --dependencies N  how many (10000000)
  --assets N        how many endpoints they lie between (a tenth of the dependencies)
  --updates N       updates to time (4000000)
  --json            print one JSON document instead of a table
  --help            this text
)";

struct Options {
  std::size_t dependencies = 10'000'000;
  std::size_t assets = 0;
  std::size_t updates = 4'000'000;
  bool json = false;
};

std::optional<Options> parse(int count, char** arguments) {
  Options o;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto number = [&](std::size_t& to) {
      if (i + 1 < count) to = std::strtoull(arguments[++i], nullptr, 10);
      return to > 0;
    };
    if (name == "--json") {
      o.json = true;
    } else if (name == "--dependencies") {
      if (!number(o.dependencies)) return std::nullopt;
    } else if (name == "--assets") {
      if (!number(o.assets)) return std::nullopt;
    } else if (name == "--updates") {
      if (!number(o.updates)) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (o.assets == 0) o.assets = std::max<std::size_t>(o.dependencies / 10, 2);
  return o;
}

std::uint64_t mixed(std::uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/// The n-th dependency: any client, a server out of a tenth of the assets, one of 64 ports; every
/// one another.
ConnectionSummary summary_of(std::uint64_t n, std::size_t assets, Timestamp first, Timestamp last) {
  const std::uint64_t dice = mixed(n);
  ConnectionSummary s;
  s.key.client.address = IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(n % assets));
  s.key.server.address =
      IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(dice % (assets / 10 + 1)));
  s.key.port = static_cast<std::uint16_t>(1'000 + n / assets);
  s.key.protocol = 6;
  s.window_start = first;
  s.first = first;
  s.last = last;
  s.counts = {1, 1'000 + dice % 1'000, 5'000, 10, 12, 1'000 + dice % 1'000, 5'000};
  s.added = s.counts;
  s.observers[0] = IpAddress::v4(0xc000'0201u + static_cast<std::uint32_t>(n % 8));
  s.observer_count = 1;
  s.rung = DirectionRung::tcp_flags;
  s.client_internal = s.server_internal = true;
  s.provisional = false;
  return s;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Of this thread, or another of ours: what others do on the machine does not count.
double processor_seconds(clockid_t of_thread = CLOCK_THREAD_CPUTIME_ID) {
  timespec now{};
  ::clock_gettime(of_thread, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// `VmRSS` or `VmHWM`, octets.
std::uint64_t memory(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) {
      return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1'024;
    }
  }
  return 0;
}

/// Applies `count` summaries that `make(i)` gives, in batches, and takes revisions now and then.
struct Run {
  double processor_seconds = 0;  ///< within apply()
  std::vector<double> batches;   ///< seconds on the clock of each apply()
  std::vector<double> own;       ///< those in which this thread or the other one ran
};
template <typename Make>
Run apply_all(DependencyGraph& graph, std::size_t count, std::size_t batch_size, Make make,
              std::optional<clockid_t> other = {}) {
  Run run;
  std::vector<ConnectionSummary> batch;
  std::uint64_t revision = graph.counters().revision;
  for (std::size_t done = 0; done < count; done += batch.size()) {
    batch.clear();
    while (batch.size() < std::min(batch_size, count - done)) {
      batch.push_back(make(done + batch.size()));
    }
    const auto begin = Clock::now();
    const double processor = processor_seconds();
    const double of_other = other ? processor_seconds(*other) : 0;
    graph.apply(batch);
    const double spent = processor_seconds() - processor;
    run.processor_seconds += spent;
    run.batches.push_back(seconds_since(begin));
    const double both = spent + (other ? processor_seconds(*other) - of_other : 0);
    run.own.push_back(std::min(run.batches.back(), both));
    (void)graph.take_revision(++revision, Epoch{1}, kBegin);
  }
  return run;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values.empty()
             ? 0
             : values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

nlohmann::ordered_json measure(const Options& o) {
  using Json = nlohmann::ordered_json;
  DependencyGraphOptions options;
  options.max_dependencies = o.dependencies;
  options.max_assets = std::max(options.max_assets, o.assets);
  DependencyGraph graph{options};
  const std::uint64_t empty = memory("VmRSS");
  const Run made = apply_all(graph, o.dependencies, kBatch, [&](std::size_t i) {
    return summary_of(i, o.assets, kBegin, kBegin + std::chrono::minutes{4});
  });
  // In no order that the map knows of; the hours spread over four weeks.
  const auto update = [&](std::size_t i) {
    const auto later = std::chrono::hours{mixed(i) % (HourBitmap::kHours - 2)};
    return summary_of(mixed(i + 7) % o.dependencies, o.assets, kBegin + later,
                      kBegin + later + std::chrono::minutes{4});
  };
  const Run updated = apply_all(graph, o.updates, kBatch, update);
  const std::uint64_t resident_map = memory("VmRSS");
  Json out{
      {"dependencies", graph.counters().dependencies},
      {"assets", graph.counters().assets},
      {"new_per_processor_second", static_cast<double>(o.dependencies) / made.processor_seconds},
      {"updates_per_processor_second", static_cast<double>(o.updates) / updated.processor_seconds},
      {"resident_map", resident_map - empty}};

  constexpr std::size_t kSmallBatch = 256;
  const Run calm = apply_all(graph, kSmallBatch * 2'000, kSmallBatch, update);
  const auto begin = Clock::now();
  std::shared_ptr<const Snapshot> snapshot;
  double snapshot_seconds = 0;
  std::atomic<bool> done{false}, may_end{false};
  std::thread builder([&] {
    snapshot = graph.snapshot();
    snapshot_seconds = seconds_since(begin);
    done = true;
    may_end.wait(false);  // its clock is read until then
  });
  clockid_t of_builder{};
  ::pthread_getcpuclockid(builder.native_handle(), &of_builder);
  Run busy;
  while (!done) {
    const Run some = apply_all(graph, kSmallBatch * 16, kSmallBatch, update, of_builder);
    busy.batches.insert(busy.batches.end(), some.batches.begin(), some.batches.end());
    busy.own.insert(busy.own.end(), some.own.begin(), some.own.end());
  }
  may_end = true;
  may_end.notify_one();
  builder.join();
  const bool is_kept = graph.snapshot() == snapshot;
  out["edges"] = snapshot->edges.size();
  out["octets_per_edge"] = sizeof(Snapshot::Edge) + sizeof(std::uint32_t);
  out["snapshot_seconds"] = snapshot_seconds;
  out["snapshot_kept_while_structure_stays"] = is_kept;
  out["resident_with_snapshot"] = memory("VmRSS") - empty;
  out["peak_resident"] = memory("VmHWM") - empty;
  out["batch_of_256_ms_calm"] = {{"p50", 1e3 * quantile(calm.batches, 0.5)},
                                 {"p99", 1e3 * quantile(calm.batches, 0.99)},
                                 {"max", 1e3 * quantile(calm.batches, 1)}};
  out["batch_of_256_ms_while_snapshot"] = {{"p50", 1e3 * quantile(busy.batches, 0.5)},
                                           {"p99", 1e3 * quantile(busy.batches, 0.99)},
                                           {"max", 1e3 * quantile(busy.batches, 1)}};
  // Without the time in which the machine ran neither of the two.
  out["batch_of_256_own_ms_while_snapshot"] = {{"p50", 1e3 * quantile(busy.own, 0.5)},
                                               {"p99", 1e3 * quantile(busy.own, 0.99)},
                                               {"max", 1e3 * quantile(busy.own, 1)}};
  const auto from = Clock::now();
  const AsOf last{kBegin + std::chrono::hours{5}};
  DependencyQuery query;
  query.as_of = last;
  out["active_in_one_hour"] = graph.dependencies(query).total;
  out["as_of_page_seconds"] = seconds_since(from);
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  const auto options = parse(count, arguments);
  if (!options) {
    const bool is_help = count == 2 && std::string(arguments[1]) == "--help";
    (is_help ? std::cout : std::cerr) << kUsage;
    return is_help ? 0 : 2;
  }
  const bench::Conditions conditions = bench::conditions(-1);
  auto figures = measure(*options);
  const auto out = bench::with_conditions(conditions, "graph", std::move(figures));
  if (bench::print(out, "graph", options->json)) return 0;
  for (const auto& [name, value] : out["graph"].items()) {
    std::printf("  %-36s %s\n", name.c_str(), value.dump().c_str());
  }
  return 0;
}
