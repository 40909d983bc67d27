#include "stages.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "flowlens/aggregator.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/parser.hpp"
#include "flowlens/resolver.hpp"

namespace flowlens::bench {
namespace {

constexpr std::chrono::seconds kFlushInterval{5};  // flowlensd's default
constexpr std::size_t kBatchFlows = 512;           // some 80 KiB of flows on their way

double thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

class CountingSink final : public RecordSink {
 public:
  std::uint64_t records = 0;
  void on_data_set(const DataSet& set) noexcept override { records += set.record_count; }
  void on_sample(const SflowSample& sample) noexcept override {
    records +=
        sample.kind == SflowSampleKind::flow || sample.kind == SflowSampleKind::expanded_flow;
  }
};

/// Flows of one hand-over to the Resolver, in the array of all.
struct FlowRun {
  std::size_t first = 0;
  std::size_t count = 0;
  Timestamp now;
};

struct Decoded {
  FlowBatch all;
  std::vector<FlowRun> runs;
};

/// Says when a flush is due, on the time of the input.
class FlushTimer {
 public:
  bool due(Timestamp now) noexcept {
    if (next_ == Timestamp{}) next_ = now + kFlushInterval;
    if (now < next_) return false;
    next_ = now + kFlushInterval;
    return true;
  }

 private:
  Timestamp next_{};
};

/// Hands flows on whenever kBatchFlows are there, and at the end.
template <typename Take>
std::uint64_t decode_all(const Workload& workload, Decoder& decoder, Take&& take) {
  FlowBatch batch;
  batch.flows.reserve(2 * kBatchFlows);
  for (const Datagram& datagram : workload.datagrams) {
    decoder.decode(workload.payload(datagram), datagram.session, datagram.received, batch);
    if (batch.flows.size() < kBatchFlows) continue;
    take(batch, datagram.received);
    batch.clear();
  }
  take(batch, workload.datagrams.back().received);
  return decoder.counters().records;
}

Decoded decode_ahead(const Workload& workload) {
  Decoded decoded;
  Decoder decoder;
  decode_all(workload, decoder, [&](const FlowBatch& batch, Timestamp now) {
    decoded.runs.push_back({decoded.all.flows.size(), batch.flows.size(), now});
    decoded.all.flows.insert(decoded.all.flows.end(), batch.flows.begin(), batch.flows.end());
  });
  return decoded;
}

/// One repetition: what it counted, and the CPU time it took.
struct Run {
  std::uint64_t count = 0;
  double ns = 0;
  double ns_flushing = 0;
};

/// Adds the CPU time of its life to `sum`.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum), begin_(thread_cpu_ns()) {}
  ~Stopwatch() { sum_ += thread_cpu_ns() - begin_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& sum_;
  double begin_;
};

Run run_parse(const Workload& workload) {
  Parser parser;
  CountingSink sink;
  const double begin = thread_cpu_ns();
  for (const Datagram& datagram : workload.datagrams) {
    parser.parse(workload.payload(datagram), datagram.session, datagram.received, sink);
  }
  return {sink.records, thread_cpu_ns() - begin, 0};
}

Run run_decode(const Workload& workload, WorkloadFigures& figures) {
  Decoder decoder;
  const double begin = thread_cpu_ns();
  const std::uint64_t records = decode_all(workload, decoder, [](const FlowBatch&, Timestamp) {});
  const double ns = thread_cpu_ns() - begin;
  figures.flows = decoder.counters().flows;
  figures.ledgers_balanced =
      decoder.parser().datagrams().balanced() && decoder.parser().octets().balanced();
  return {records, ns, 0};
}

Run run_aggregate(const Decoded& decoded, WorkloadFigures& figures) {
  Enricher enricher;
  Aggregator aggregator;
  FlushTimer timer;
  std::vector<FlowLabels> labels;
  std::vector<ConnectionSummary> summaries;
  std::uint64_t flushes = 1;
  double flushing = 0;
  const double begin = thread_cpu_ns();
  for (const FlowRun& run : decoded.runs) {
    const auto flows = std::span{decoded.all.flows}.subspan(run.first, run.count);
    enricher.label(flows, labels);
    aggregator.add(flows, labels, run.now);
    if (!timer.due(run.now)) continue;
    const Stopwatch watch{flushing};
    summaries.clear();
    aggregator.flush(run.now, summaries);
    ++flushes;
  }
  {
    const Stopwatch watch{flushing};
    summaries.clear();
    aggregator.finish(summaries);
  }
  const double ns = thread_cpu_ns() - begin;
  figures.flushes = flushes;
  return {decoded.all.flows.size(), ns, flushing};
}

/// \param known  the map to begin with, as after a restart.
Run run_whole_way(const Workload& workload, const Revision& known, WorkloadFigures& figures) {
  Decoder decoder;
  Resolver resolver;
  FlushTimer timer;
  resolver.graph().apply(known);
  resolver.begin(Epoch{known.epoch.value + 1}, known.number);
  double flushing = 0;
  const double begin = thread_cpu_ns();
  decode_all(workload, decoder, [&](const FlowBatch& batch, Timestamp now) {
    resolver.add(batch.flows, now);
    if (!timer.due(now)) return;
    const Stopwatch watch{flushing};
    (void)resolver.flush(now);
  });
  {
    const Stopwatch watch{flushing};
    (void)resolver.finish(workload.datagrams.back().received);
  }
  const double ns = thread_cpu_ns() - begin;
  figures.dependencies = resolver.graph().counters().dependencies;
  figures.ledgers_balanced = decoder.parser().datagrams().balanced() &&
                             decoder.parser().octets().balanced() && resolver.ledger().balanced();
  if (known.empty()) figures.map = resolver.graph().copy();
  return {decoder.counters().flows, ns, flushing};
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

/// \return medians; one run more comes first and is not counted.
StageFigure repeat(std::string_view name, std::string_view unit, std::size_t repetitions,
                   const std::function<Run()>& run) {
  StageFigure figure{.name = name, .unit = unit};
  figure.count = run().count;
  const double count = static_cast<double>(std::max<std::uint64_t>(figure.count, 1));
  std::vector<double> ns, flushing;
  for (std::size_t i = 0; i < repetitions; ++i) {
    const Run one = run();
    ns.push_back(one.ns / count);
    flushing.push_back(one.ns_flushing / count);
  }
  figure.ns = median(ns);
  figure.ns_least = ns.front();
  figure.ns_most = ns.back();
  figure.ns_flushing = median(flushing);
  return figure;
}

}  // namespace

WorkloadFigures measure(const Workload& workload, std::size_t repetitions, bool decode_only) {
  WorkloadFigures figures;
  figures.protocol = workload.protocol;
  figures.datagrams = workload.datagrams.size();
  figures.octets = workload.octets.size();
  const auto span = workload.datagrams.back().received - workload.datagrams.front().received;
  figures.seconds_of_input = std::chrono::duration<double>(span).count();

  const char* unit = workload.protocol == ExportProtocol::sflow_v5 ? "sample" : "record";
  figures.stages.push_back(repeat("parse", unit, repetitions, [&] { return run_parse(workload); }));
  figures.stages.push_back(
      repeat("parse+normalize", unit, repetitions, [&] { return run_decode(workload, figures); }));
  figures.records = figures.stages.back().count;
  if (decode_only) return figures;
  {
    const Decoded decoded = decode_ahead(workload);
    figures.flows = decoded.all.flows.size();
    figures.stages.push_back(
        repeat("aggregate", "flow", repetitions, [&] { return run_aggregate(decoded, figures); }));
  }
  figures.stages.push_back(repeat("whole way", "flow", repetitions,
                                  [&] { return run_whole_way(workload, Revision{}, figures); }));
  const Revision known = std::move(figures.map);
  figures.stages.push_back(repeat("whole way, known", "flow", repetitions,
                                  [&] { return run_whole_way(workload, known, figures); }));
  return figures;
}

}  // namespace flowlens::bench
