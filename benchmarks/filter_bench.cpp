// flowlens-bench-filter: what one evaluation of a compiled filter costs, on one core. --json: one JSON
// document. Rows lie in memory as a page of them does; the shares of rows that match are printed, since
// a filter whose first comparison fails is done with the row.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/filter.hpp"
#include "flowlens/flow_fields.hpp"
#include "flowlens/map_fields.hpp"

namespace {

using namespace flowlens;
using Json = nlohmann::ordered_json;

constexpr std::size_t kRows = 1'024;
constexpr std::size_t kPasses = 2'000;
constexpr int kRuns = 7;  // the median is printed
constexpr Timestamp kNow = from_unix_ns(1'795'262'400'000'000'000);

double thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

FlowRecord flow(std::uint64_t n) {
  constexpr std::uint16_t kPorts[] = {443, 80, 5432, 53};
  const std::uint64_t dice = scrambled(n);
  FlowRecord f;
  f.source_address = IpAddress::v4((dice & 1) != 0 ? 0x0a000000u + (dice >> 8 & 0xffff)
                                                   : 0xc0a80000u + (dice >> 8 & 0xffff));
  f.destination_address = IpAddress::v4(0x0ac00000u + (dice >> 24 & 0xffff));
  f.source_port = static_cast<std::uint16_t>(32'768 + (dice >> 40) % 28'000);
  f.destination_port = kPorts[dice >> 1 & 3];
  f.protocol = f.destination_port == 53 ? 17 : 6;
  f.octet_count = (dice >> 3 & 3) == 0 ? 5'000'000 : 5'000;
  f.packet_count = f.octet_count / 500;
  f.start = kNow - std::chrono::seconds{60};
  f.end = kNow;
  for (const FlowField field :
       {FlowField::source_address, FlowField::destination_address, FlowField::protocol,
        FlowField::source_port, FlowField::destination_port, FlowField::octet_count}) {
    f.present |= static_cast<std::uint32_t>(field);
  }
  return f;
}

DependencyRow dependency(std::uint64_t n) {
  const FlowRecord f = flow(n);
  DependencyRow d;
  d.key.client.address = f.source_address;
  d.key.server.address = f.destination_address;
  d.key.port = f.destination_port;
  d.key.protocol = f.protocol;
  d.totals.flows = f.packet_count;
  d.totals.octets_to_server = f.octet_count;
  d.first_seen = f.start;
  d.last_seen = f.end;
  return d;
}

/// \return ns an evaluation, and the share of rows that match.
template <typename Row>
Json measured(const std::vector<Row>& rows, const FieldTableOf<Row>& fields,
              std::string_view text) {
  FilterError error;
  const auto filter = Filter<Row>::compile(text, fields, kNow, error);
  if (!filter) {
    std::fprintf(stderr, "%s\n", error.pointing_into(text).c_str());
    std::exit(1);
  }
  std::vector<double> ns;
  std::uint64_t matching = 0;
  for (int run = 0; run < kRuns; ++run) {
    matching = 0;
    const double begin = thread_cpu_ns();
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
      for (const Row& row : rows) matching += filter.matches(row) ? 1 : 0;
    }
    ns.push_back((thread_cpu_ns() - begin) / static_cast<double>(kPasses * rows.size()));
  }
  std::sort(ns.begin(), ns.end());
  return {{"filter", text},
          {"ns", ns[ns.size() / 2]},
          {"matching", static_cast<double>(matching) / static_cast<double>(kPasses * rows.size())}};
}

template <typename Row>
std::vector<Row> rows_of(Row (*make)(std::uint64_t)) {
  std::vector<Row> rows;
  for (std::uint64_t n = 0; n < kRows; ++n) rows.push_back(make(n));
  return rows;
}

}  // namespace

int main(int count, char** arguments) {
  const bool is_json = count == 2 && std::string_view(arguments[1]) == "--json";
  if (count > 1 && !is_json) {
    std::fputs("flowlens-bench-filter [--json]\n", stderr);
    return 2;
  }
  const auto flows = rows_of(&flow);
  const auto dependencies = rows_of(&dependency);
  Json all = Json::array();
  for (const char* text : {"src net 10.0.0.0/8 and dst port 443 and bytes > 1M",
                           "dst net 10.0.0.0/8 and src port > 1024 and bytes > 1k",
                           "dst port in (443, 80, 5432, 53)", "protocol = tcp"}) {
    Json item = measured(flows, flow_fields(), text);
    item["of"] = "flows";
    all.push_back(std::move(item));
  }
  for (const char* text : {"client net 10.0.0.0/8 and port 443 and bytes > 1M",
                           "server net 10.0.0.0/8 and port > 0 and flows > 1"}) {
    Json item = measured(dependencies, dependency_fields(), text);
    item["of"] = "dependencies";
    all.push_back(std::move(item));
  }
  if (is_json) {
    std::printf("%s\n", all.dump(2).c_str());
    return 0;
  }
  for (const Json& item : all) {
    std::printf("  %6.1f ns  %5.1f %% match  %s: %s\n", item["ns"].get<double>(),
                100 * item["matching"].get<double>(), item["of"].get<std::string>().c_str(),
                item["filter"].get<std::string>().c_str());
  }
  return 0;
}
