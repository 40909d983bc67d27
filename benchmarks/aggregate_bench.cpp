// flowlens-bench-aggregate: what aggregation and direction cost per flow, on one core, while so many
// conversations live (given as arguments; 100000 and 2000000 without). --json: one JSON document.
//
// Each conversation has two halves, reported every 60 s as an active timeout does, for 15 minutes of
// event time (so three windows close), a summary taken every 5 s as flowlensd does. TCP with or-ed
// flags of whole connections; a client has 20 conversations with 4 services. Only add(), flush() and
// finish() are timed; labels are made beforehand.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/aggregator.hpp"

namespace {

using namespace flowlens;
using namespace std::chrono_literals;

constexpr std::size_t kBatch = 512;
constexpr std::chrono::seconds kLength{900}, kReport{60}, kFlush{5};
constexpr Timestamp kStart = from_unix_ns(1'795'262'400'000'000'000);

double thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::uint64_t scrambled(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

FlowRecord flow_of(std::uint64_t conversation, bool is_answer, Timestamp end) {
  constexpr std::uint16_t kPorts[] = {443, 80, 5432, 8443, 53, 9092, 40'400, 22'022};
  const auto service =
      static_cast<std::uint32_t>(scrambled(conversation) % (conversation / 200 + 8));
  const std::uint16_t port = kPorts[service % 8];
  const auto own = static_cast<std::uint16_t>(32'768 + scrambled(conversation ^ 77) % 28'000);
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a000000u + static_cast<std::uint32_t>(conversation / 20));
  f.destination_address = IpAddress::v4(0x0ac00000u + service);
  f.source_port = own;
  f.destination_port = port;
  if (is_answer) {
    std::swap(f.source_address, f.destination_address);
    std::swap(f.source_port, f.destination_port);
  }
  f.exporter = IpAddress::v4(0xc0000201u);
  f.start = end - 59s;
  f.end = end;
  f.received = end;
  f.octet_count = 5'000;
  f.packet_count = 20;
  f.protocol = 6;
  f.tcp_flags = kTcpSyn | kTcpAck | kTcpPsh;
  for (const FlowField field :
       {FlowField::source_address, FlowField::destination_address, FlowField::protocol,
        FlowField::source_port, FlowField::destination_port, FlowField::tcp_flags}) {
    f.present |= static_cast<std::uint32_t>(field);
  }
  return f;
}

/// CPU time of the Aggregator alone.
class Clocked {
 public:
  void add(const std::vector<FlowRecord>& flows, Timestamp now) {
    enricher_.label(flows, labels_);
    const double begin = thread_cpu_ns();
    aggregator_.add(flows, labels_, now);
    ns_adding += thread_cpu_ns() - begin;
    if (now < next_flush_) return;
    next_flush_ = now + kFlush;
    flush([&] { aggregator_.flush(now, out_); });
  }
  void finish() {
    flush([&] { aggregator_.finish(out_); });
  }
  [[nodiscard]] const Aggregator& aggregator() const { return aggregator_; }

  double ns_adding = 0, ns_flushing = 0;
  std::uint64_t rows = 0, conversations = 0;

 private:
  template <typename Flush>
  void flush(Flush&& take) {
    out_.clear();
    conversations = std::max(conversations, aggregator_.counters().conversations);
    const double begin = thread_cpu_ns();
    take();
    ns_flushing += thread_cpu_ns() - begin;
    rows += out_.size();
  }

  Aggregator aggregator_;
  Enricher enricher_;
  std::vector<FlowLabels> labels_;
  std::vector<ConnectionSummary> out_;
  Timestamp next_flush_ = kStart + kFlush;
};

struct Figures {
  std::uint64_t conversations = 0;  ///< live at once
  std::uint64_t flows = 0;
  double ns_adding = 0;  ///< a flow
  double ns_closing = 0;
  std::uint64_t rows = 0;  ///< of summaries
  bool is_balanced = false;
};

Figures measure(std::uint64_t conversations) {
  Clocked clocked;
  std::vector<FlowRecord> flows;
  std::uint64_t count = 0;
  const std::uint64_t reports = conversations * static_cast<std::uint64_t>(kLength / kReport);
  const std::chrono::nanoseconds step =
      std::chrono::nanoseconds{kLength} / static_cast<std::int64_t>(reports);
  for (std::uint64_t i = 0; i < reports; ++i) {
    const Timestamp end = kStart + step * static_cast<std::int64_t>(i);
    // A stride that shares no factor with the number visits all, far apart.
    const std::uint64_t conversation = i * 1'000'003u % conversations;
    flows.push_back(flow_of(conversation, false, end));
    flows.push_back(flow_of(conversation, true, end));
    if (flows.size() < kBatch) continue;
    clocked.add(flows, end);
    count += flows.size();
    flows.clear();
  }
  clocked.finish();
  const double n = static_cast<double>(count);
  return {clocked.conversations,   count,        clocked.ns_adding / n,
          clocked.ns_flushing / n, clocked.rows, clocked.aggregator().ledger().balanced()};
}

void print(const Figures& f) {
  std::printf(
      "%9llu conversations  %10llu flows  %6.1f ns a flow (add %.1f, flush and close %.1f)  "
      "%llu rows  ledger %s\n",
      static_cast<unsigned long long>(f.conversations), static_cast<unsigned long long>(f.flows),
      f.ns_adding + f.ns_closing, f.ns_adding, f.ns_closing,
      static_cast<unsigned long long>(f.rows), f.is_balanced ? "balanced" : "NOT BALANCED");
}

nlohmann::ordered_json json_of(const Figures& f) {
  return {{"conversations", f.conversations},
          {"flows", f.flows},
          {"ns_per_flow", f.ns_adding + f.ns_closing},
          {"ns_per_flow_add", f.ns_adding},
          {"ns_per_flow_flush_and_close", f.ns_closing},
          {"rows", f.rows},
          {"is_balanced", f.is_balanced}};
}

}  // namespace

int main(int count, char** arguments) {
  bool is_json = false;
  std::vector<std::uint64_t> wanted;
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]) == "--json") {
      is_json = true;
    } else {
      wanted.push_back(std::strtoull(arguments[i], nullptr, 10));
    }
  }
  if (wanted.empty()) wanted = {100'000, 2'000'000};
  nlohmann::ordered_json all;
  for (const std::uint64_t conversations : wanted) {
    if (conversations == 0) {
      std::fputs("flowlens-bench-aggregate [--json] [CONVERSATIONS]...\n", stderr);
      return 2;
    }
    const Figures figures = measure(conversations);
    if (is_json) {
      all.push_back(json_of(figures));
    } else {
      print(figures);
    }
  }
  if (is_json) std::printf("%s\n", all.dump(2).c_str());
}
