// Azure virtual network flow logs: an object for each minute and network interface, with tuples of text.
#include <array>

#include "collect/json_logs.hpp"
#include "collect/log_text.hpp"

namespace flowlens::collect {
namespace {

constexpr std::array<std::string_view, 2> kPaths = {"macAddress", "category"};
constexpr std::string_view kTuples = "flowRecords.flows.flowGroups.flowTuples";
enum Path : std::size_t { kMac, kCategory };

// Columns of a tuple.
enum Column : std::size_t {
  kTime,
  kSource,
  kDestination,
  kSourcePort,
  kDestinationPort,
  kProtocol,
  kDirection,
  kState,
  kEncryption,
  kPacketsThere,
  kOctetsThere,
  kPacketsBack,
  kOctetsBack,
  kColumns
};
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kIcmpV6 = 58;

/// One tuple. The source is who began, whichever way the interface saw it.
class Tuple {
 public:
  Tuple(const JsonText& tuple, std::uint32_t domain, LogOutput& out)
      : at_(tuple.at), out_(out), reader_(out) {
    flow_.observation_domain = domain;
    flow_.export_protocol = ExportProtocol::azure_vnet_log;
    flow_.sampling_source = SamplingSource::record;  // nothing is left out
    flow_.counter_source = CounterSource::delta;
    flow_.initiator = Initiator::source;
    columns_ = split(tuple.text, ',', fields_);
  }

  void give() {
    // A later version may have more of them.
    if (columns_ < kColumns) {
      out_.refuse(at_,
                  "a tuple of " + std::to_string(columns_) + " columns, where there should be 13");
      return;
    }
    const std::string_view state = fields_[kState];
    if (state == "B") {
      ++out_.counters.beginnings;
      return;
    }
    if (state == "D") {
      flow_.kind = FlowKind::denied;
    } else if (state != "C" && state != "E") {
      reader_.fail(value(kState), "flow state", "none of B, C, E and D");
    }
    read_ends();
    read_time();
    c_.there = way(kPacketsThere, kOctetsThere);
    c_.back = way(kPacketsBack, kOctetsBack);
    if (reader_.failed()) return;
    // What ended without a packet tells no more than that it began.
    if (flow_.kind != FlowKind::denied && c_.there.is_silent() && c_.back.is_silent()) {
      ++out_.counters.beginnings;
      return;
    }
    // Both ways are counted: a TCP connection without a packet back is none.
    if (flow_.protocol == kTcp && c_.back.packets == 0) flow_.kind = FlowKind::denied;
    out_.give(c_);
  }

 private:
  [[nodiscard]] Value value(Column column) const noexcept {
    return {fields_[column], fields_[column].empty() ? nullptr : at_};
  }
  void read_ends() {
    reader_.address(value(kSource), "source IP", FlowField::source_address, flow_,
                    flow_.source_address);
    reader_.address(value(kDestination), "destination IP", FlowField::destination_address, flow_,
                    flow_.destination_address);
    const auto protocol = reader_.number(value(kProtocol), "protocol", 0xff);
    if (reader_.failed()) return;
    if (!protocol || !flow_.has(FlowField::source_address) ||
        !flow_.has(FlowField::destination_address)) {
      reader_.fail_missing("an address or the protocol of a tuple");
      return;
    }
    flow_.protocol = static_cast<std::uint8_t>(*protocol);
    mark(flow_, FlowField::protocol);
    // I came in to the interface, O went out of it.
    if (fields_[kDirection] != "I" && fields_[kDirection] != "O") {
      reader_.fail(value(kDirection), "flow direction", "neither I nor O");
    }
    // ICMP has no ports, and its type is not told: 0 would be an echo reply.
    if (flow_.protocol == kIcmp || flow_.protocol == kIcmpV6) return;
    reader_.port(value(kSourcePort), "source port", FlowField::source_port, flow_,
                 flow_.source_port);
    reader_.port(value(kDestinationPort), "destination port", FlowField::destination_port, flow_,
                 flow_.destination_port);
  }
  void read_time() {
    const auto milliseconds = reader_.number(value(kTime), "time", 9'000'000'000'000);
    if (reader_.failed()) return;
    if (!milliseconds) {
      reader_.fail_missing("the time of a tuple");
      return;
    }
    flow_.end = Timestamp{std::chrono::milliseconds{*milliseconds}};
    if (!out_.is_plausible(flow_.end)) {
      reader_.fail(value(kTime), "time", "a time that is still to come");
    }
    mark(flow_, FlowField::end);
    flow_.start = flow_.received = flow_.end;
  }
  Way way(Column packets, Column octets) {
    Way way;
    way.packets = reader_.number(value(packets), "packets");
    way.octets = reader_.number(value(octets), "bytes");
    return way;
  }

  const char* at_;
  LogOutput& out_;
  RecordReader reader_;
  Conversation c_;
  FlowRecord& flow_ = c_.both;
  std::array<std::string_view, kColumns> fields_;
  std::size_t columns_ = 0;
};

class AzureLog : public JsonLog {
 public:
  void read(std::string_view object, LogOutput& out) override {
    if (!record_.read(object, out)) {
      ++out.counters.records;
      return;
    }
    const Value mac = record_.value(kMac);
    const Value category = record_.value(kCategory);
    if (category.is_told() && category.text != "FlowLogFlowEvent") {
      ++out.counters.records;
      ++out.counters.others;
      return;
    }
    const std::uint32_t domain = mac.is_told() ? domain_of(mac.text) : 0;
    for (const JsonText& tuple : record_.list()) {
      ++out.counters.records;
      Tuple(tuple, domain, out).give();
    }
  }

 private:
  JsonRecord record_{kPaths, kTuples};
};

}  // namespace

std::unique_ptr<JsonLog> azure_log() { return std::make_unique<AzureLog>(); }

}  // namespace flowlens::collect
