// flowlens-bench-streams: IPFIX records over TCP and TLS to FlowRecords, CPU time of the one thread that listens,
// decrypts and decodes. --json: one JSON document. The exporter is IpfixExporter in a thread of its own, over
// loopback; TLS 1.3 as both sides choose it, with a P-256 certificate that `openssl` makes.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "flowlens/decoder.hpp"
#include "flowlens/error.hpp"
#include "flowlens/ipfix_exporter.hpp"
#include "flowlens/ipfix_listener.hpp"

namespace {

using namespace flowlens;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kRecords = 1'000'000;
constexpr std::size_t kBatch = 1'000;
constexpr int kRuns = 5;  // the median is printed
const IpAddress kLoopback = IpAddress::v4(0x7f00'0001);

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// A folder with a certificate for 127.0.0.1, gone at the end.
class Certificate {
 public:
  Certificate() {
    std::string name = (fs::temp_directory_path() / "flowlens-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw IoError("no temporary folder");
    folder_ = name;
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "/CN=bench "
        "-addext subjectAltName=IP:127.0.0.1 -keyout " +
        key() + " -out " + certificate() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw IoError("openssl made no certificate");
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string certificate() const { return (folder_ / "cert.pem").string(); }
  [[nodiscard]] std::string key() const { return (folder_ / "key.pem").string(); }

 private:
  fs::path folder_;
};

std::vector<FlowRecord> flows() {
  std::vector<FlowRecord> made(kBatch);
  for (std::size_t i = 0; i < made.size(); ++i) {
    FlowRecord& f = made[i];
    f.source_address = IpAddress::v4(0x0a00'0000 + static_cast<std::uint32_t>(i));
    f.destination_address = IpAddress::v4(0x0a01'0000 + static_cast<std::uint32_t>(i % 50));
    f.source_port = static_cast<std::uint16_t>(32'768 + i);
    f.destination_port = 443;
    f.protocol = 6;
    f.tcp_flags = 0x1b;
    f.octet_count = 1'000 + i;
    f.packet_count = 10;
    f.ingress_interface = 1;
    f.egress_interface = 2;
    f.start = f.end = f.received = from_unix_ns(1'700'000'000'000'000'000);
    for (const FlowField field :
         {FlowField::source_address, FlowField::destination_address, FlowField::source_port,
          FlowField::destination_port, FlowField::protocol, FlowField::tcp_flags,
          FlowField::octet_count, FlowField::packet_count, FlowField::ingress_interface,
          FlowField::egress_interface, FlowField::start, FlowField::end}) {
      f.present |= static_cast<std::uint32_t>(field);
    }
  }
  return made;
}

void export_flows(std::uint16_t port, Transport transport, const Certificate& certificate) {
  IpfixExporterOptions options;
  options.transport = transport;
  options.tls.ca_file = certificate.certificate();
  const std::vector<FlowRecord> batch = flows();
  IpfixExporter exporter(kLoopback, port, options);
  for (std::size_t sent = 0; sent < kRecords; sent += kBatch) {
    const Timestamp now = batch.front().received;
    exporter.send(batch, now);
    while (!exporter.wait(std::chrono::seconds{10}, now)) {
      if (!exporter.status().is_connected) {
        std::fprintf(stderr, "%s\n", exporter.status().problem.c_str());
        std::exit(1);
      }
    }
  }
}

struct Run {
  double seconds = 0;
  std::uint64_t octets = 0;
};

Run run_once(Transport transport, const Certificate& certificate) {
  IpfixListenerOptions options;
  options.bind_address = kLoopback;
  if (transport == Transport::tls) {
    options.tls_port = 0;
    options.tls.certificate_file = certificate.certificate();
    options.tls.key_file = certificate.key();
  } else {
    options.tcp_port = 0;
  }
  IpfixListener listener(options);
  const std::uint16_t port =
      transport == Transport::tls ? listener.tls_port() : listener.tcp_port();
  std::thread exporter([&] { export_flows(port, transport, certificate); });
  Decoder decoder;
  FlowBatch batch;
  std::size_t records = 0;
  const auto take = [&](const ReceivedDatagram& d) {
    decoder.decode(d.octets, d.session, d.received, batch);
    records += batch.flows.size();
    batch.clear();
  };
  const auto ended = [&](const TransportSession& s) { decoder.parser().end_session(s); };
  const double before = thread_cpu_seconds();
  while (records < kRecords) listener.receive(std::chrono::milliseconds{100}, take, ended);
  const Run run{thread_cpu_seconds() - before, listener.counters().octets};
  exporter.join();
  return run;
}

Json measure(const char* name, Transport transport, const Certificate& certificate) {
  std::vector<Run> runs;
  for (int i = 0; i < kRuns; ++i) runs.push_back(run_once(transport, certificate));
  std::sort(runs.begin(), runs.end(),
            [](const Run& a, const Run& b) { return a.seconds < b.seconds; });
  const Run& median = runs[kRuns / 2];
  return {{"transport", name},
          {"records_per_second", static_cast<double>(kRecords) / median.seconds},
          {"octets_a_record", static_cast<double>(median.octets) / static_cast<double>(kRecords)}};
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const Certificate certificate;
    const Json results = {measure("TCP", Transport::tcp, certificate),
                          measure("TLS", Transport::tls, certificate)};
    if (count > 1 && std::string_view(arguments[1]) == "--json") {
      std::printf("%s\n", results.dump(2).c_str());
      return 0;
    }
    for (const Json& r : results) {
      std::printf("  %-6s %10.0f records/s  %5.1f octets a record\n",
                  r["transport"].get<std::string>().c_str(), r["records_per_second"].get<double>(),
                  r["octets_a_record"].get<double>());
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
