// flowlens-bench-logs: lines of flow logs to FlowRecords, on one core. --json: one JSON document.
// The logs are made here, each line another connection, and read from memory (tmpfs where there is one),
// the whole way: file, lines, words, flows in batches.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "flowlens/flow_log_reader.hpp"

namespace {

using namespace flowlens;
using Json = nlohmann::ordered_json;

constexpr std::size_t kLines = 200'000;
constexpr int kRuns = 7;  // the median is printed

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Numbers that look drawn, the same each time.
class Dice {
 public:
  std::string below(std::uint64_t bound, std::uint64_t from = 0) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return std::to_string(from + (state_ >> 33) % bound);
  }
  std::string address() { return "10." + below(8) + '.' + below(256) + '.' + below(256); }
  std::string client_port() { return below(28'000, 32'768); }
  std::string server_port() {
    constexpr const char* kPorts[] = {"443", "80", "5432", "9092"};
    return kPorts[below(4)[0] - '0'];
  }
  /// Ten a second, as a sensor writes them.
  std::string seconds() { return std::to_string(1'700'000'000 + count_++ / 10); }

 private:
  std::uint64_t state_ = 1;
  std::uint64_t count_ = 0;
};

std::string vpc2(Dice& d) {
  const std::string t = d.seconds();
  return "2 123456789010 eni-0a1b2c3d4e5f6" + d.below(1'000, 100) + ' ' + d.address() + ' ' +
         d.address() + ' ' + d.client_port() + ' ' + d.server_port() + " 6 " + d.below(2'000, 1) +
         ' ' + d.below(2'000'000, 40) + ' ' + t + ' ' + t + " ACCEPT OK\n";
}

const char* const kVpc5Header =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end "
    "action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region "
    "az-id "
    "sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "
    "traffic-path\n";
std::string vpc5(Dice& d) {
  const std::string source = d.address(), destination = d.address(), t = d.seconds();
  return "5 123456789010 eni-0a1b2c3d4e5f6" + d.below(1'000, 100) + ' ' + source + ' ' +
         destination + ' ' + d.client_port() + ' ' + d.server_port() + " 6 " + d.below(2'000, 1) +
         ' ' + d.below(2'000'000, 40) + ' ' + t + ' ' + t +
         " ACCEPT OK vpc-0123456789abcdef0 subnet-0123456789abcdef0 i-0123456789abcdef0 3 IPv4 " +
         source + ' ' + destination + " eu-west-1 euw1-az3 - - - - egress 1\n";
}

const char* const kZeekHeader =
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
    "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\t"
    "orig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\n";
std::string zeek(Dice& d) {
  return d.seconds() + '.' + d.below(900'000, 100'000) + "\tCHhAvVGS1DHFjwGM9\t" + d.address() +
         '\t' + d.client_port() + '\t' + d.address() + '\t' + d.server_port() + "\ttcp\tssl\t" +
         d.below(60) + '.' + d.below(900'000, 100'000) + '\t' + d.below(9'000) + '\t' +
         d.below(900'000) + "\tSF\tT\tT\t0\tShADadFf\t" + d.below(90, 3) + '\t' +
         d.below(9'000, 200) + '\t' + d.below(900, 3) + '\t' + d.below(900'000, 200) + "\t-\n";
}

std::string zeek_json(Dice& d) {
  return R"({"ts":)" + d.seconds() + '.' + d.below(900'000, 100'000) +
         R"(,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":")" + d.address() + R"(","id.orig_p":)" +
         d.client_port() + R"(,"id.resp_h":")" + d.address() + R"(","id.resp_p":)" +
         d.server_port() + R"(,"proto":"tcp","service":"ssl","duration":)" + d.below(60) + '.' +
         d.below(900'000, 100'000) + R"(,"orig_bytes":)" + d.below(9'000) + R"(,"resp_bytes":)" +
         d.below(900'000) +
         R"(,"conn_state":"SF","missed_bytes":0,"history":"ShADadFf","orig_pkts":)" +
         d.below(90, 3) + R"(,"orig_ip_bytes":)" + d.below(9'000, 200) + R"(,"resp_pkts":)" +
         d.below(900, 3) + R"(,"resp_ip_bytes":)" + d.below(900'000, 200) + "}\n";
}

std::string suricata(Dice& d) {
  return R"({"timestamp":"2023-11-14T22:13:21.000000+0000","flow_id":)" + d.below(1'000'000'000) +
         R"(,"in_iface":"eth0","event_type":"flow","src_ip":")" + d.address() + R"(","src_port":)" +
         d.client_port() + R"(,"dest_ip":")" + d.address() + R"(","dest_port":)" + d.server_port() +
         R"(,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":)" + d.below(90, 3) +
         R"(,"pkts_toclient":)" + d.below(900, 3) + R"(,"bytes_toserver":)" + d.below(9'000, 200) +
         R"(,"bytes_toclient":)" + d.below(900'000, 200) +
         R"(,"start":"2023-11-14T22:13:20.000000+0000","end":"2023-11-14T22:13:21.000000+0000","age":1,)"
         R"("state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b",)"
         R"("tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"state":"closed"}})"
         "\n";
}

struct Log {
  const char* name;
  const char* header;
  std::string (*line)(Dice&);
};
constexpr Log kLogs[] = {{"AWS VPC, version 2", "", vpc2},
                         {"AWS VPC, versions 2 to 5, 29 fields", kVpc5Header, vpc5},
                         {"Zeek conn.log", kZeekHeader, zeek},
                         {"Zeek conn.log as JSON", "", zeek_json},
                         {"Suricata EVE", "", suricata}};

struct Read {
  double seconds = 0;
  FlowLogCounters counters;
};
Read read_once(const std::filesystem::path& path) {
  Read read;
  FlowBatch batch;
  const double before = thread_cpu_seconds();
  FlowLogReader reader(path);
  while (reader.next(batch)) {
  }
  read.seconds = thread_cpu_seconds() - before;
  read.counters = reader.counters();
  if (read.counters.conversations != kLines) {
    std::fprintf(stderr, "%s: lines were refused\n", path.c_str());
    std::exit(1);
  }
  return read;
}

Json measure(const Log& log, const std::filesystem::path& path) {
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    Dice dice;
    out << log.header;
    for (std::size_t i = 0; i < kLines; ++i) out << log.line(dice);
  }
  std::vector<double> seconds;
  FlowLogCounters counters;
  for (int run = 0; run < kRuns; ++run) {
    const Read read = read_once(path);
    seconds.push_back(read.seconds);
    counters = read.counters;
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[kRuns / 2];
  Json row;
  row["log"] = log.name;
  row["lines_per_second"] = static_cast<std::uint64_t>(static_cast<double>(kLines) / median);
  row["ns_per_line"] = median * 1e9 / static_cast<double>(kLines);
  row["octets_per_line"] = counters.octets / kLines;
  row["flows_per_line"] = static_cast<double>(counters.flows) / static_cast<double>(kLines);
  return row;
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_json = argc > 1 && std::string_view(argv[1]) == "--json";
  const std::filesystem::path memory = "/dev/shm";
  const std::filesystem::path path =
      (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
      ("flowlens-bench-logs-" + std::to_string(::getpid()));
  Json rows = Json::array();
  for (const Log& log : kLogs) rows.push_back(measure(log, path));
  std::filesystem::remove(path);
  if (as_json) {
    std::printf("%s\n", rows.dump(2).c_str());
    return 0;
  }
  for (const Json& row : rows) {
    std::printf("  %-36s %10llu lines/s  %6.0f ns  %3llu octets a line\n",
                row["log"].get<std::string>().c_str(),
                row["lines_per_second"].get<unsigned long long>(), row["ns_per_line"].get<double>(),
                row["octets_per_line"].get<unsigned long long>());
  }
  return 0;
}
