#include "collect/vpc_log.hpp"

#include <algorithm>
#include <iterator>

#include "collect/log_text.hpp"
#include "flowlens/error.hpp"

namespace flowlens::collect {
namespace {

constexpr std::uint8_t kNowhere = 0xff;
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kIcmpV6 = 58;
constexpr std::string_view kDefault =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status";
// In the order of VpcField.
constexpr const char* kNames[] = {"interface-id", "srcaddr",    "dstaddr",   "pkt-srcaddr",
                                  "pkt-dstaddr",  "srcport",    "dstport",   "protocol",
                                  "packets",      "bytes",      "start",     "end",
                                  "action",       "log-status", "tcp-flags", "flow-direction"};
static_assert(std::size(kNames) == static_cast<std::size_t>(VpcField::count));

const char* name_of(VpcField field) noexcept { return kNames[static_cast<std::size_t>(field)]; }

std::string_view without_braces(std::string_view name) noexcept {
  if (name.starts_with("${") && name.ends_with('}')) return name.substr(2, name.size() - 3);
  return name;
}

}  // namespace

bool VpcFormat::is_header(std::string_view line) noexcept {
  std::array<std::string_view, 128> names;
  const std::size_t count = std::min(split(line, ' ', names), names.size());
  const auto stands = [&](std::string_view wanted) {
    return std::any_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count),
                       [&](std::string_view name) { return without_braces(name) == wanted; });
  };
  return (stands("srcaddr") || stands("pkt-srcaddr")) && stands("protocol");
}

VpcFormat::VpcFormat(std::string_view fields, const std::string& where) {
  positions_.fill(kNowhere);
  std::array<std::string_view, 128> names;
  columns_ = split(fields.empty() ? kDefault : fields, ' ', names);
  // Far more than AWS knows.
  if (columns_ > 64) throw ConfigError(where + ": more than 64 fields");
  for (std::size_t i = 0; i < columns_; ++i) {
    const std::string_view name = without_braces(names[i]);
    const auto known = std::find(std::begin(kNames), std::end(kNames), name);
    if (known == std::end(kNames)) continue;
    std::uint8_t& position = positions_[static_cast<std::size_t>(known - std::begin(kNames))];
    if (position != kNowhere) throw ConfigError(where + ": the field " + *known + " stands twice");
    position = static_cast<std::uint8_t>(i);
  }
  const auto need = [&](VpcField field, VpcField other) {
    if (position(field) != kNowhere || position(other) != kNowhere) return;
    throw ConfigError(where + ": the field " + name_of(field) +
                      " is missing; a flow needs srcaddr, dstaddr, protocol, and start or end");
  };
  need(VpcField::srcaddr, VpcField::pkt_srcaddr);
  need(VpcField::dstaddr, VpcField::pkt_dstaddr);
  need(VpcField::protocol, VpcField::protocol);
  need(VpcField::end, VpcField::start);
}

std::string_view without_time_prefix(std::string_view line) noexcept {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space < 19 || !read_time(line.substr(0, space))) {
    return line;
  }
  return line.substr(space + 1);
}

/// `-` is nothing told.
Value VpcLines::value(VpcField field) const noexcept {
  const std::size_t position = format_.position(field);
  if (position >= format_.columns()) return {};
  const std::string_view text = columns_[position];
  if (text == "-") return {};
  return {text, text.data()};
}

void VpcLines::read(std::string_view line, LogOutput& out) {
  const std::string_view record = has_time_prefix_ ? without_time_prefix(line) : line;
  if (record.empty()) return;
  const std::size_t count = split(record, ' ', columns_);
  if (record.find("srcaddr") != std::string_view::npos && VpcFormat::is_header(record)) {
    try {
      format_ = VpcFormat(record, "header line");
    } catch (const ConfigError& e) {
      ++out.counters.records;
      out.refuse(nullptr, e.what());
    }
    return;
  }
  ++out.counters.records;
  if (count != format_.columns()) {
    out.refuse(nullptr, std::to_string(count) + " fields, where the format has " +
                            std::to_string(format_.columns()));
    return;
  }
  RecordReader reader(out);
  if (is_flow(reader, out)) give(reader, out);
}

bool VpcLines::is_flow(RecordReader& reader, LogOutput& out) const {
  const Value status = value(VpcField::log_status);
  if (status.is_told() && status.text != "OK") {
    if (status.text == "NODATA") {
      ++out.counters.no_data;
    } else if (status.text == "SKIPDATA") {
      ++out.counters.skipped_data;
    } else {
      reader.fail(status, "log-status", "none of OK, NODATA and SKIPDATA");
    }
    return false;
  }
  const auto is_told = [this](VpcField field, VpcField other) {
    return value(field).is_told() || value(other).is_told();
  };
  if (is_told(VpcField::srcaddr, VpcField::pkt_srcaddr) &&
      is_told(VpcField::dstaddr, VpcField::pkt_dstaddr)) {
    return true;
  }
  // A format without log-status tells so.
  ++out.counters.no_data;
  return false;
}

void VpcLines::give(RecordReader& reader, LogOutput& out) {
  FlowRecord flow;
  flow.export_protocol = ExportProtocol::aws_vpc_log;
  flow.sampling_source = SamplingSource::record;  // nothing is left out
  flow.counter_source = CounterSource::delta;
  const auto protocol = reader.number(value(VpcField::protocol), "protocol", 0xff);
  if (!protocol) {
    reader.fail_missing("protocol");
    return;
  }
  flow.protocol = static_cast<std::uint8_t>(*protocol);
  mark(flow, FlowField::protocol);
  read_ends(reader, flow);
  read_counts(reader, flow);
  read_tcp_flags(reader, flow);
  read_verdict(reader, flow);
  if (!reader.failed()) out.give(flow);
}

void VpcLines::read_ends(RecordReader& reader, FlowRecord& flow) const {
  const auto end_of = [&](VpcField packet, VpcField plain, FlowField field, IpAddress& to) {
    // Behind a NAT gateway or a load balancer, srcaddr and dstaddr are the interface's own.
    const VpcField chosen = value(packet).is_told() ? packet : plain;
    reader.address(value(chosen), name_of(chosen), field, flow, to);
  };
  end_of(VpcField::pkt_srcaddr, VpcField::srcaddr, FlowField::source_address, flow.source_address);
  end_of(VpcField::pkt_dstaddr, VpcField::dstaddr, FlowField::destination_address,
         flow.destination_address);
  // ICMP has no ports, and its type is not told: 0 would be an echo reply.
  if (flow.protocol == kIcmp || flow.protocol == kIcmpV6) return;
  reader.port(value(VpcField::srcport), "srcport", FlowField::source_port, flow, flow.source_port);
  reader.port(value(VpcField::dstport), "dstport", FlowField::destination_port, flow,
              flow.destination_port);
}

void VpcLines::read_counts(RecordReader& reader, FlowRecord& flow) const {
  if (const auto octets = reader.number(value(VpcField::bytes), "bytes")) {
    flow.octet_count = *octets;
    mark(flow, FlowField::octet_count);
  }
  if (const auto packets = reader.number(value(VpcField::packets), "packets")) {
    flow.packet_count = *packets;
    mark(flow, FlowField::packet_count);
  }
  const auto start = reader.epoch(value(VpcField::start), "start");
  const auto end = reader.epoch(value(VpcField::end), "end");
  if (reader.failed()) return;
  if (!start && !end) {
    reader.fail_missing("end");
    return;
  }
  if (start) mark(flow, FlowField::start);
  if (end) mark(flow, FlowField::end);
  flow.start = start.value_or(end.value_or(Timestamp{}));
  flow.end = std::max(end.value_or(flow.start), flow.start);
  flow.received = flow.end;
}

/// All flags of the interval or-ed; ACK is told together with SYN only. So a SYN without it comes from
/// the client, one with it from the server.
void VpcLines::read_tcp_flags(RecordReader& reader, FlowRecord& flow) const {
  const auto flags = reader.number(value(VpcField::tcp_flags), "tcp-flags", 0xff);
  // None is said of a connection that goes on, too.
  if (!flags || *flags == 0 || flow.protocol != kTcp) return;
  flow.tcp_flags = static_cast<std::uint8_t>(*flags);
  mark(flow, FlowField::tcp_flags);
  if (!(flow.tcp_flags & kTcpSyn)) return;
  flow.initiator = flow.tcp_flags & kTcpAck ? Initiator::destination : Initiator::source;
}

void VpcLines::read_verdict(RecordReader& reader, FlowRecord& flow) {
  if (const Value action = value(VpcField::action); action.is_told()) {
    if (action.text == "REJECT") {
      flow.kind = FlowKind::denied;
    } else if (action.text != "ACCEPT") {
      reader.fail(action, "action", "neither ACCEPT nor REJECT");
    }
  }
  if (const Value way = value(VpcField::flow_direction); way.is_told()) {
    if (way.text != "ingress" && way.text != "egress") {
      reader.fail(way, "flow-direction", "neither ingress nor egress");
    }
    flow.flow_direction = way.text == "egress" ? 1 : 0;
    mark(flow, FlowField::flow_direction);
  }
  if (const Value name = value(VpcField::interface_id); name.is_told()) {
    if (name.text != interface_) {
      interface_ = name.text;
      domain_ = domain_of(name.text);
    }
    flow.observation_domain = domain_;
  }
}

}  // namespace flowlens::collect
