// GCP VPC flow logs: entries of Cloud Logging, each one direction as one end reports it.
#include <algorithm>
#include <array>

#include "collect/json_logs.hpp"

namespace flowlens::collect {
namespace {

constexpr std::array<std::string_view, 11> kPaths = {"logName",
                                                     "jsonPayload.reporter",
                                                     "jsonPayload.connection.src_ip",
                                                     "jsonPayload.connection.dest_ip",
                                                     "jsonPayload.connection.src_port",
                                                     "jsonPayload.connection.dest_port",
                                                     "jsonPayload.connection.protocol",
                                                     "jsonPayload.bytes_sent",
                                                     "jsonPayload.packets_sent",
                                                     "jsonPayload.start_time",
                                                     "jsonPayload.end_time"};
enum Path : std::size_t {
  kLogName,
  kReporter,
  kSource,
  kDestination,
  kSourcePort,
  kDestinationPort,
  kProtocol,
  kOctets,
  kPackets,
  kStart,
  kEnd
};
constexpr std::uint8_t kIcmp = 1, kIcmpV6 = 58;

/// One entry. Neither end of it is said to have begun.
class Entry {
 public:
  Entry(const JsonRecord& record, LogOutput& out) : record_(record), out_(out), reader_(out) {}

  void give() {
    flow_.export_protocol = ExportProtocol::gcp_vpc_log;
    // Google samples packets, undoes that itself, and does not tell the rate.
    flow_.sampling_source = SamplingSource::unknown;
    flow_.counter_source = CounterSource::delta;
    read_ends();
    read_counts();
    read_times();
    read_reporter();
    if (!reader_.failed()) out_.give(flow_);
  }

 private:
  Value needed(Path path, const char* name) {
    const Value value = record_.value(path);
    if (!value.is_told()) reader_.fail_missing(name);
    return value;
  }
  void read_ends() {
    reader_.address(needed(kSource, "connection.src_ip"), "src_ip", FlowField::source_address,
                    flow_, flow_.source_address);
    reader_.address(needed(kDestination, "connection.dest_ip"), "dest_ip",
                    FlowField::destination_address, flow_, flow_.destination_address);
    const auto protocol =
        reader_.number(needed(kProtocol, "connection.protocol"), "protocol", 0xff);
    if (!protocol) return;
    flow_.protocol = static_cast<std::uint8_t>(*protocol);
    mark(flow_, FlowField::protocol);
    // ICMP has no ports, and its type is not told: 0 would be an echo reply.
    if (flow_.protocol == kIcmp || flow_.protocol == kIcmpV6) return;
    reader_.port(record_.value(kSourcePort), "src_port", FlowField::source_port, flow_,
                 flow_.source_port);
    reader_.port(record_.value(kDestinationPort), "dest_port", FlowField::destination_port, flow_,
                 flow_.destination_port);
  }
  void read_counts() {
    if (const auto octets = reader_.number(record_.value(kOctets), "bytes_sent")) {
      flow_.octet_count = *octets;
      mark(flow_, FlowField::octet_count);
    }
    if (const auto packets = reader_.number(record_.value(kPackets), "packets_sent")) {
      flow_.packet_count = *packets;
      mark(flow_, FlowField::packet_count);
    }
  }
  void read_times() {
    const auto end = reader_.time(needed(kEnd, "end_time"), "end_time");
    const auto start = reader_.time(record_.value(kStart), "start_time");
    if (!end) return;
    flow_.start = start.value_or(*end);
    flow_.end = std::max(*end, flow_.start);
    mark(flow_, FlowField::end);
    if (start) mark(flow_, FlowField::start);
    flow_.received = flow_.end;
  }
  /// Two ends of the same network both report: they are two observers of one flow.
  void read_reporter() {
    const Value reporter = record_.value(kReporter);
    if (reader_.failed() || !reporter.is_told()) return;
    const bool is_source = reporter.text.starts_with("SRC");
    if (!is_source && !reporter.text.starts_with("DEST")) {
      reader_.fail(reporter, "reporter", "none of SRC, DEST, SRC_GATEWAY and DEST_GATEWAY");
      return;
    }
    const bool is_gateway = reporter.text.ends_with("_GATEWAY");
    std::string name(record_.value(is_source ? kSource : kDestination).text);
    if (is_gateway) name += '/' + std::string(reporter.text);
    flow_.observation_domain = domain_of(name);
    flow_.flow_direction = is_source ? 1 : 0;
    mark(flow_, FlowField::flow_direction);
  }

  const JsonRecord& record_;
  LogOutput& out_;
  RecordReader reader_;
  FlowRecord flow_;
};

class GcpLog : public JsonLog {
 public:
  void read(std::string_view object, LogOutput& out) override {
    ++out.counters.records;
    if (!record_.read(object, out)) return;
    const Value name = record_.value(kLogName);
    if (name.is_told() && name.text.find("vpc_flows") == std::string_view::npos) {
      ++out.counters.others;
      return;
    }
    Entry(record_, out).give();
  }

 private:
  JsonRecord record_{kPaths};
};

}  // namespace

std::unique_ptr<JsonLog> gcp_log() { return std::make_unique<GcpLog>(); }

}  // namespace flowlens::collect
