// Suricata's EVE log: its flow events. The source is who sent the first packet.
#include <algorithm>
#include <array>
#include <charconv>

#include "collect/json_logs.hpp"
#include "collect/protocol_names.hpp"

namespace flowlens::collect {
namespace {

constexpr std::array<std::string_view, 21> kPaths = {"event_type",
                                                     "src_ip",
                                                     "src_port",
                                                     "dest_ip",
                                                     "dest_port",
                                                     "proto",
                                                     "vlan",
                                                     "icmp_type",
                                                     "icmp_code",
                                                     "response_icmp_type",
                                                     "response_icmp_code",
                                                     "timestamp",
                                                     "flow.start",
                                                     "flow.end",
                                                     "flow.pkts_toserver",
                                                     "flow.pkts_toclient",
                                                     "flow.bytes_toserver",
                                                     "flow.bytes_toclient",
                                                     "flow.action",
                                                     "tcp.tcp_flags_ts",
                                                     "tcp.tcp_flags_tc"};
enum Path : std::size_t {
  kEventType,
  kSource,
  kSourcePort,
  kDestination,
  kDestinationPort,
  kProtocol,
  kVlan,
  kIcmpType,
  kIcmpCode,
  kBackType,
  kBackCode,
  kTimestamp,
  kStart,
  kEnd,
  kPacketsThere,
  kPacketsBack,
  kOctetsThere,
  kOctetsBack,
  kAction,
  kFlagsThere,
  kFlagsBack
};
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kIcmpV6 = 58;

class FlowEvent {
 public:
  FlowEvent(const JsonRecord& record, LogOutput& out) : record_(record), out_(out), reader_(out) {}

  void give() {
    flow_.export_protocol = ExportProtocol::suricata_log;
    flow_.sampling_source = SamplingSource::record;  // nothing is left out
    flow_.counter_source = CounterSource::layer2_total;
    flow_.observation_domain = out_.options().observation_point;
    flow_.initiator = Initiator::source;
    const Value proto = needed(kProtocol);
    const auto protocol = protocol_number(proto.text);
    if (!reader_.failed() && !protocol) {
      ++out_.counters.others;
      return;
    }
    flow_.protocol = protocol.value_or(0);
    mark(flow_, FlowField::protocol);
    read_ends();
    read_times();
    read_way(c_.there, kPacketsThere, kOctetsThere);
    read_way(c_.back, kPacketsBack, kOctetsBack);
    if (flow_.protocol == kTcp) read_tcp_flags();
    // Where something came back, it was let through at first.
    if (record_.value(kAction).text == "drop" && c_.back.is_silent()) flow_.kind = FlowKind::denied;
    if (!reader_.failed()) out_.give(c_);
  }

 private:
  [[nodiscard]] static const char* name(Path path) noexcept { return kPaths[path].data(); }
  Value needed(Path path) {
    const Value value = record_.value(path);
    if (!value.is_told()) reader_.fail_missing(name(path));
    return value;
  }
  void read_ends() {
    reader_.address(needed(kSource), "src_ip", FlowField::source_address, flow_,
                    flow_.source_address);
    reader_.address(needed(kDestination), "dest_ip", FlowField::destination_address, flow_,
                    flow_.destination_address);
    if (const auto vlan = reader_.number(record_.value(kVlan), "vlan", 0xfff)) {
      flow_.vlan_id = static_cast<std::uint16_t>(*vlan);
      mark(flow_, FlowField::vlan_id);
    }
    if (flow_.protocol == kIcmp || flow_.protocol == kIcmpV6) {
      c_.there.icmp_type_code = icmp(kIcmpType, kIcmpCode);
      c_.back.icmp_type_code = icmp(kBackType, kBackCode);
      return;
    }
    reader_.port(record_.value(kSourcePort), "src_port", FlowField::source_port, flow_,
                 flow_.source_port);
    reader_.port(record_.value(kDestinationPort), "dest_port", FlowField::destination_port, flow_,
                 flow_.destination_port);
  }
  std::optional<std::uint16_t> icmp(Path type_path, Path code_path) {
    const auto type = reader_.number(record_.value(type_path), name(type_path), 0xff);
    const auto code = reader_.number(record_.value(code_path), name(code_path), 0xff);
    if (!type) return std::nullopt;
    return static_cast<std::uint16_t>(*type << 8 | code.value_or(0));
  }
  void read_times() {
    const Path last = record_.value(kEnd).is_told() ? kEnd : kTimestamp;
    const auto end = reader_.time(needed(last), name(last));
    const auto start = reader_.time(record_.value(kStart), name(kStart));
    if (!end) return;
    flow_.start = start.value_or(*end);
    flow_.end = std::max(*end, flow_.start);
    mark(flow_, FlowField::end);
    if (start) mark(flow_, FlowField::start);
    flow_.received = flow_.end;
  }
  void read_way(Way& way, Path packets, Path octets) {
    way.packets = reader_.number(record_.value(packets), name(packets));
    way.octets = reader_.number(record_.value(octets), name(octets));
  }
  /// Two hexadecimal digits each. 00 is what Suricata writes where it did not follow the connection,
  /// mostly because it met it half-way: then who sent first is not who began.
  void read_tcp_flags() {
    c_.there.tcp_flags = flags(kFlagsThere);
    c_.back.tcp_flags = flags(kFlagsBack);
    const unsigned there = c_.there.tcp_flags.value_or(0);
    const unsigned seen = there | c_.back.tcp_flags.value_or(0);
    if (seen == 0) c_.there.tcp_flags = c_.back.tcp_flags = std::nullopt;
    constexpr unsigned kAnswer = kTcpSyn | kTcpAck;
    const bool began_with_answer = c_.there.packets == 1 && (there & kAnswer) == kAnswer;
    if (!(seen & kTcpSyn) || began_with_answer) flow_.initiator = Initiator::not_stated;
  }
  std::optional<std::uint8_t> flags(Path path) {
    const Value value = record_.value(path);
    if (!value.is_told()) return std::nullopt;
    std::uint8_t flags = 0;
    const char* const end = value.text.data() + value.text.size();
    const auto [behind, error] = std::from_chars(value.text.data(), end, flags, 16);
    if (error != std::errc{} || behind != end) {
      reader_.fail(value, name(path), "no hexadecimal number of two digits");
    }
    return flags;
  }

  const JsonRecord& record_;
  LogOutput& out_;
  RecordReader reader_;
  Conversation c_;
  FlowRecord& flow_ = c_.both;
};

class SuricataLog : public JsonLog {
 public:
  void read(std::string_view object, LogOutput& out) override {
    ++out.counters.records;
    if (!record_.read(object, out)) return;
    if (record_.value(kEventType).text != "flow") {
      ++out.counters.others;
      return;
    }
    FlowEvent(record_, out).give();
  }

 private:
  JsonRecord record_{kPaths};
};

}  // namespace

std::unique_ptr<JsonLog> suricata_log() { return std::make_unique<SuricataLog>(); }

}  // namespace flowlens::collect
