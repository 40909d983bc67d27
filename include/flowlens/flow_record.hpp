/// \file
/// normalize: the one uniform flow, whatever protocol told of it.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/template.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Which values of a FlowRecord were exported. Absent ones are 0, but 0 is also a value.
enum class FlowField : std::uint32_t {
  source_address = 1u << 0,
  destination_address = 1u << 1,
  protocol = 1u << 2,
  source_port = 1u << 3,
  destination_port = 1u << 4,
  octet_count = 1u << 5,
  packet_count = 1u << 6,
  start = 1u << 7,
  end = 1u << 8,
  tcp_flags = 1u << 9,
  ingress_interface = 1u << 10,
  egress_interface = 1u << 11,
  next_hop = 1u << 12,
  source_as = 1u << 13,
  destination_as = 1u << 14,
  source_prefix_length = 1u << 15,
  destination_prefix_length = 1u << 16,
  tos = 1u << 17,
  vlan_id = 1u << 18,
  icmp_type_code = 1u << 19,
  flow_direction = 1u << 20,
};

/// Where a sampling rate came from.
enum class SamplingSource : std::uint8_t { unknown, header, record, options, override_table };

/// Whether the exporter itself says which end began (RFC 5103 biflowDirection, initiator and
/// responder counters).
enum class Initiator : std::uint8_t { not_stated, source, destination };

/// What a record tells of.
enum class FlowKind : std::uint8_t {
  traffic,        ///< packets that passed
  denied,         ///< a connection that a firewall refused: an attempt
  sampled_packet  ///< one packet, not a flow (sFlow, PSAMP): its TCP flags are those of that packet
};

/// TCP control bits (RFC 9293 §3.1), low octet.
inline constexpr std::uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpPsh = 0x08,
                              kTcpAck = 0x10;

/// One flow of one direction, one exporter. Counts are as exported; nothing is scaled.
struct FlowRecord {
  IpAddress source_address;
  IpAddress destination_address;
  IpAddress exporter;  ///< who sent the datagram; sFlow: the agent it names
  IpAddress next_hop;
  Timestamp start;                 ///< of the first packet; `received` where nothing was exported
  Timestamp end;                   ///< of the last packet, never before `start`
  Timestamp received;              ///< when the datagram came, by our clock
  std::uint64_t octet_count = 0;   ///< IP octets, before sampling is undone; sFlow: IP length
  std::uint64_t packet_count = 0;  ///< before sampling is undone
  std::uint32_t present = 0;       ///< FlowField bits
  std::uint32_t observation_domain = 0;
  std::uint32_t sampling_rate = 1;      ///< one packet in so many was looked at, at least 1
  std::uint32_t ingress_interface = 0;  ///< ifIndex
  std::uint32_t egress_interface = 0;
  std::uint32_t source_as = 0;
  std::uint32_t destination_as = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t vlan_id = 0;
  std::uint16_t icmp_type_code = 0;  ///< type × 256 + code
  std::uint8_t protocol = 0;         ///< IANA protocol number
  std::uint8_t tcp_flags = 0;        ///< all packets' flags or-ed; of one packet for sampled_packet
  std::uint8_t tos = 0;
  std::uint8_t source_prefix_length = 0;
  std::uint8_t destination_prefix_length = 0;
  std::uint8_t flow_direction = 0;  ///< element 61: 0 ingress, 1 egress, of the observation point
  SamplingSource sampling_source = SamplingSource::unknown;
  Initiator initiator = Initiator::not_stated;
  FlowKind kind = FlowKind::traffic;
  ExportProtocol export_protocol = ExportProtocol::ipfix;
  bool is_fragment_tail = false;  ///< a fragment without ports (sampled packets only)

  [[nodiscard]] bool has(FlowField f) const noexcept {
    return (present & static_cast<std::uint32_t>(f)) != 0;
  }
  /// Octets with sampling undone.
  [[nodiscard]] std::uint64_t estimated_octet_count() const noexcept {
    return octet_count * sampling_rate;
  }
  [[nodiscard]] std::uint64_t estimated_packet_count() const noexcept {
    return packet_count * sampling_rate;
  }
};
static_assert(std::is_trivially_copyable_v<FlowRecord>);

/// Flows on their way. Reuse one for many datagrams: clear() keeps the memory.
struct FlowBatch {
  std::vector<FlowRecord> flows;
  void clear() noexcept { flows.clear(); }
};

}  // namespace flowlens
