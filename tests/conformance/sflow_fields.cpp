// The structures of sFlow v5 and its extensions, in the words of the corpus. The library hands out
// the octets of a record; what is inside most of them is no concern of flows, so it is read here.
#include <string_view>

#include "conformance/run.hpp"
#include "conformance/value.hpp"
#include "flowlens/packet.hpp"
#include "wire/byte_reader.hpp"

namespace flowlens::conformance {
namespace {

using wire::ByteReader;

/// A structure as text: `name:kind` separated by spaces. Kinds: 4 and 8 octets of unsigned integer,
/// a address with its type, i IPv4, j IPv6, s string, u 16 octets as hex, w AS path, l list.
struct Structure {
  std::uint32_t format;
  std::string_view name;
  std::string_view members;
};

constexpr Structure kFlowRecords[] = {
    {3, "sampled_ipv4",
     "length:4 protocolIdentifier:4 sourceIPv4Address:i destinationIPv4Address:i "
     "sourceTransportPort:4 destinationTransportPort:4 tcpControlBits:4 ipClassOfService:4"},
    {4, "sampled_ipv6",
     "length:4 protocolIdentifier:4 sourceIPv6Address:j destinationIPv6Address:j "
     "sourceTransportPort:4 destinationTransportPort:4 tcpControlBits:4 priority:4"},
    {1001, "extended_switch", "srcVlan:4 srcPriority:4 dstVlan:4 dstPriority:4"},
    {1002, "extended_router", "nextHop:a srcMaskLength:4 dstMaskLength:4"},
    {1003, "extended_gateway",
     "nextHop:a as:4 srcAs:4 srcPeerAs:4 dstAsPath:w communities:l localPref:4"},
    {1004, "extended_user", "srcCharset:4 srcUser:s dstCharset:4 dstUser:s"},
    {1005, "extended_url", "direction:4 url:s host:s"},
    {1023, "extended_ipv4_tunnel_egress",
     "length:4 protocolIdentifier:4 sourceIPv4Address:i destinationIPv4Address:i "
     "sourceTransportPort:4 destinationTransportPort:4 tcpControlBits:4 ipClassOfService:4"},
    {1036, "extended_egress_queue", "queueId:4"},
};

constexpr Structure kCounterRecords[] = {
    {1, "if_counters",
     "ifIndex:4 ifType:4 ifSpeed:8 ifDirection:4 ifStatus:4 ifInOctets:8 ifInUcastPkts:4 "
     "ifInMulticastPkts:4 ifInBroadcastPkts:4 ifInDiscards:4 ifInErrors:4 ifInUnknownProtos:4 "
     "ifOutOctets:8 ifOutUcastPkts:4 ifOutMulticastPkts:4 ifOutBroadcastPkts:4 ifOutDiscards:4 "
     "ifOutErrors:4 ifPromiscuousMode:4"},
    {2, "ethernet_counters",
     "dot3StatsAlignmentErrors:4 dot3StatsFCSErrors:4 dot3StatsSingleCollisionFrames:4 "
     "dot3StatsMultipleCollisionFrames:4 dot3StatsSQETestErrors:4 "
     "dot3StatsDeferredTransmissions:4 dot3StatsLateCollisions:4 "
     "dot3StatsExcessiveCollisions:4 dot3StatsInternalMacTransmitErrors:4 "
     "dot3StatsCarrierSenseErrors:4 dot3StatsFrameTooLongs:4 "
     "dot3StatsInternalMacReceiveErrors:4 dot3StatsSymbolErrors:4"},
    {1001, "processor", "fiveSecCpu:4 oneMinCpu:4 fiveMinCpu:4 totalMemory:8 freeMemory:8"},
    {1004, "of_port", "datapathId:8 portNo:4"},
    {1005, "port_name", "portName:s"},
    {2000, "host_descr", "hostname:s uuid:u machineType:4 osName:4 osRelease:s"},
    {2003, "host_cpu",
     "loadOne:4 loadFive:4 loadFifteen:4 procRun:4 procTotal:4 cpuNum:4 cpuSpeed:4 uptime:4 "
     "cpuUser:4 cpuNice:4 cpuSystem:4 cpuIdle:4 cpuWio:4 cpuIntr:4 cpuSintr:4 interrupts:4 "
     "contexts:4"},
    {2004, "host_memory",
     "memTotal:8 memFree:8 memShared:8 memBuffers:8 memCached:8 swapTotal:8 swapFree:8 pageIn:4 "
     "pageOut:4 swapIn:4 swapOut:4"},
    {2005, "host_disk_io",
     "diskTotal:8 diskFree:8 partMaxUsed:4 reads:4 bytesRead:8 readTime:4 writes:4 "
     "bytesWritten:8 writeTime:4"},
    {2006, "host_net_io",
     "bytesIn:8 pktsIn:4 errsIn:4 dropsIn:4 bytesOut:8 packetsOut:4 errsOut:4 dropsOut:4"},
};

std::string read_address(std::span<const std::byte> octets) {
  const auto address = IpAddress::from_octets(octets);
  return address ? address->to_string() : to_hex(octets);
}

std::string read_typed_address(ByteReader& in) {
  switch (in.u32()) {
    case 1:
      return read_address(in.take(4));
    case 2:
      return read_address(in.take(16));
    default:
      return "";
  }
}

std::string read_string(ByteReader& in) {
  const std::size_t length = in.u32();
  const auto octets = in.take(length);
  in.skip(std::min((4 - length % 4) % 4, in.remaining()));
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

Json read_list(ByteReader& in) {
  Json list = Json::array();
  const std::uint32_t count = in.u32();
  for (std::uint32_t i = 0; i < count && in.ok() && in.remaining() >= 4; ++i)
    list.push_back(in.u32());
  return list;
}

Json read_path(ByteReader& in) {
  Json path = Json::array();
  const std::uint32_t segments = in.u32();
  for (std::uint32_t i = 0; i < segments && in.ok() && in.remaining() >= 8; ++i) {
    const std::uint32_t type = in.u32();
    path.push_back({{"type", type}, {"asns", read_list(in)}});
  }
  return path;
}

void read_member(ByteReader& in, const std::string& name, char kind, Json& fields) {
  switch (kind) {
    case '4':
      fields[name] = in.u32();
      break;
    case '8':
      fields[name] = in.u64();
      break;
    case 'a':
      fields[name] = read_typed_address(in);
      break;
    case 'i':
      fields[name] = read_address(in.take(4));
      break;
    case 'j':
      fields[name] = read_address(in.take(16));
      break;
    case 's':
      fields[name] = read_string(in);
      break;
    case 'u':
      fields[name] = to_hex(in.take(16));
      break;
    case 'l':
      fields[name] = read_list(in);
      break;
    case 'w':
      fields[name] = read_path(in);
      fields[name + "Segments"] = fields[name].size();
      break;
    default:
      break;
  }
}

Json read_structure(std::string_view members, std::span<const std::byte> octets) {
  ByteReader in{octets};
  Json fields = Json::object();
  while (!members.empty()) {
    const std::size_t colon = members.find(':');
    read_member(in, std::string{members.substr(0, colon)}, members[colon + 1], fields);
    members.remove_prefix(std::min(members.size(), colon + 3));
  }
  return fields;
}

std::string mac(const std::array<std::uint8_t, 6>& address) {
  return to_mac(std::as_bytes(std::span{address}));
}

void describe_link(const Packet& p, Json& out) {
  if (p.has(PacketField::mac_addresses)) {
    out["destinationMacAddress"] = mac(p.destination_mac);
    out["sourceMacAddress"] = mac(p.source_mac);
  }
  if (p.has(PacketField::ether_type)) out["ethernetType"] = p.ether_type;
  if (p.has(PacketField::vlan)) {
    out["vlanId"] = p.vlan_id;
    out["dot1qPriority"] = p.vlan_priority;
  }
  if (p.has(PacketField::customer_vlan)) {
    out["dot1qCustomerVlanId"] = p.customer_vlan_id;
    out["dot1qCustomerPriority"] = p.customer_vlan_priority;
  }
  if (p.has(PacketField::mpls)) {
    for (std::size_t i = 0; i < p.mpls_label_count; ++i)
      out["mplsLabels"].push_back(p.mpls_labels[i]);
  }
}

void describe_network(const Packet& p, Json& out) {
  if (p.has(PacketField::ip)) {
    out["ipVersion"] = p.ip_version;
    out["ipClassOfService"] = p.tos;
    out["ipTTL"] = p.ttl;
    if (p.ip_version == 4) {
      out["ipTotalLength"] = p.ip_length;
    } else {
      out["ipv6PayloadLength"] = p.ip_length - 40;
      out["flowLabelIPv6"] = p.flow_label;
    }
  }
  if (p.has(PacketField::addresses)) {
    const std::string family = p.ip_version == 4 ? "IPv4Address" : "IPv6Address";
    out["source" + family] = p.source.to_string();
    out["destination" + family] = p.destination.to_string();
  }
  if (p.has(PacketField::fragment)) {
    out["fragmentIdentification"] = p.fragment_id;
    out["fragmentOffset"] = p.fragment_offset;
  }
  if (p.has(PacketField::protocol)) out["protocolIdentifier"] = p.protocol;
}

void describe_transport(const Packet& p, Json& out) {
  if (p.has(PacketField::source_port)) out["sourceTransportPort"] = p.source_port;
  if (p.has(PacketField::destination_port)) out["destinationTransportPort"] = p.destination_port;
  if (p.has(PacketField::tcp_flags)) out["tcpControlBits"] = p.tcp_flags;
  if (p.has(PacketField::icmp)) {
    const std::string family = p.ip_version == 4 ? "IPv4" : "IPv6";
    out["icmpType" + family] = p.icmp_type;
    out["icmpCode" + family] = p.icmp_code;
  }
}

/// By the library's own dissector.
Json describe_packet(std::span<const std::byte> header, std::uint32_t protocol) {
  Json out = Json::object();
  const bool is_ip = protocol == 11 || protocol == 12;
  if (protocol != 1 && !is_ip && protocol != 13) return out;
  const auto link = protocol == 1 ? LinkType::ethernet : is_ip ? LinkType::ip : LinkType::mpls;
  Dissection dissection;
  dissect(header, link, dissection);
  const Packet& packet = dissection.layers[0];
  describe_link(packet, out);
  describe_network(packet, out);
  describe_transport(packet, out);
  return out;
}

Json sampled_header(std::span<const std::byte> octets) {
  ByteReader in{octets};
  const std::uint32_t protocol = in.u32();
  Json fields = {{"headerProtocol", protocol}, {"frameLength", in.u32()}};
  fields["stripped"] = in.u32();
  const std::uint32_t length = in.u32();
  fields["headerLength"] = length;
  const auto header = in.take(std::min<std::size_t>(length, in.remaining()));
  fields["header"] = to_hex(header);
  fields["packet"] = describe_packet(header, protocol);
  return fields;
}

}  // namespace

Json describe_record(const SflowRecord& record, bool of_counters) {
  Json out = {{"enterprise", record.enterprise}, {"format", record.format}};
  if (record.enterprise == 0 && record.format == 1 && !of_counters) {
    out["name"] = "sampled_header";
    out["fields"] = sampled_header(record.octets);
    return out;
  }
  const std::span<const Structure> known =
      of_counters ? std::span<const Structure>{kCounterRecords} : std::span{kFlowRecords};
  for (const Structure& structure : known) {
    if (record.enterprise != 0 || structure.format != record.format) continue;
    out["name"] = structure.name;
    out["fields"] = read_structure(structure.members, record.octets);
    return out;
  }
  out["name"] = "unknown";
  out["fields"] = {{"opaque", to_hex(record.octets)}};
  return out;
}

Json describe_sample(const SflowSample& s) {
  const bool of_counters =
      s.kind == SflowSampleKind::counters || s.kind == SflowSampleKind::expanded_counters;
  Json out = {{"enterprise", 0},
              {"format", static_cast<int>(s.kind) + 1},
              {"sequence", s.sequence},
              {"sourceIdType", s.source_id_type},
              {"sourceIdIndex", s.source_id_index},
              {"recordCount", s.record_count},
              {"records", Json::array()}};
  if (s.kind == SflowSampleKind::discarded) {
    out["kind"] = "discarded_packet";
    out["drops"] = s.drops;
    out["inputIfIndex"] = s.input_value;
    out["outputIfIndex"] = s.output_value;
    out["reason"] = s.discard_reason;
  } else if (of_counters) {
    out["kind"] = "counters_sample";
  } else {
    out["kind"] = "flow_sample";
    out["samplingRate"] = s.sampling_rate;
    out["samplePool"] = s.sample_pool;
    out["drops"] = s.drops;
    out["inputFormat"] = s.input_format;
    out["inputValue"] = s.input_value;
    out["outputFormat"] = s.output_format;
    out["outputValue"] = s.output_value;
  }
  s.for_each([&](const SflowRecord& record) {
    out["records"].push_back(describe_record(record, of_counters));
  });
  return out;
}

}  // namespace flowlens::conformance
