/// \file
/// normalize: the one uniform flow, whatever protocol told of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/nat_event.hpp"
#include "flowlens/packet.hpp"
#include "flowlens/template.hpp"
#include "flowlens/time.hpp"
#include "flowlens/vrf.hpp"

namespace flowlens {

/// Which values of a FlowRecord were exported. Absent ones are 0, but 0 is also a value.
/// The last two are remarks on the flow.
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
  times_replaced = 1u << 21,  ///< start or end were implausible: see NormalizerOptions
  translation = 1u << 22,     ///< FlowBatch::translations has its other addresses
};

/// Where a sampling rate came from.
enum class SamplingSource : std::uint8_t {
  unknown,         ///< none was told, or an absurd one: the rate is 1
  header,          ///< NetFlow v5
  record,          ///< told with the flow itself
  options,         ///< told by the observation domain: of its sampler, interface or all of it
  override_table,  ///< NormalizerOptions::sampling_overrides
  other_domain     ///< options of another observation domain of the same exporter
};

/// What the counts of a flow count. Elements by their IANA numbers.
enum class CounterSource : std::uint8_t {
  none,          ///< no count was exported
  delta,         ///< 1, 2: since the flow's last record
  total,         ///< 85, 86: since the flow began; records of one flow overlap
  permanent,     ///< the same numbers in NetFlow v9: of a permanent flow, running on
  initiator,     ///< 231, 232, 298, 299: one record counts both ways (since the last record)
  layer2_delta,  ///< 352: of frames, with link-layer header
  layer2_total,  ///< 353
  post_delta,    ///< 23, 24: behind what the observation point does to packets
  post_total,    ///< 171, 172
  packet         ///< the length of one sampled packet
};

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
  CounterSource counter_source = CounterSource::none;  ///< of the octets; without them the packets

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
static_assert(sizeof(FlowRecord) == 152, "copied per flow: what is rare goes beside it");

/// One packet of a sampled packet that was tunnelled: the outermost, the innermost or one between.
struct PacketLayer {
  std::uint32_t flow = 0;  ///< index in FlowBatch::flows
  std::uint8_t depth = 0;  ///< 0: the outermost
  Packet headers;
};

/// Flows on their way, and beside them what is rare. Reuse one for many datagrams: clear() keeps the
/// memory.
struct FlowBatch {
  std::vector<FlowRecord> flows;
  std::vector<Translation> translations;  ///< in the order of their flows
  std::vector<NatEvent> nat_events;       ///< of no flow
  std::vector<FlowVrf> vrfs;  ///< of flows whose exporter tells them, in the order of the flows
  /// The headers of tunnelled packets, all layers of each, ascending by flow and depth; nothing for
  /// other flows. NormalizerOptions::tunnel_view says which of them the flow describes.
  std::vector<PacketLayer> layers;

  void clear() noexcept {
    flows.clear();
    translations.clear();
    nat_events.clear();
    vrfs.clear();
    layers.clear();
  }
  /// Removes the flows from position `from` on that `keep(flow)` refuses, and what stands beside
  /// them. \return how many.
  template <typename Keep>
  std::size_t keep_if(std::size_t from, Keep&& keep);
  /// Appends the flows [first, end) of another batch with what stands beside them.
  void append(const FlowBatch& other, std::size_t first, std::size_t end);
};

namespace detail {

/// The first entry beside flows that belongs to flow `at` or a later one.
template <typename Entries>
auto first_beside(Entries& entries, std::size_t at) noexcept {
  return std::lower_bound(entries.begin(), entries.end(), at,
                          [](const auto& entry, std::size_t flow) { return entry.flow < flow; });
}

/// Moves entries to the front as their flows move.
template <typename Entry>
class Beside {
 public:
  Beside(std::vector<Entry>& entries, std::size_t from)
      : entries_(entries), next_(first_beside(entries, from)), kept_(next_) {}
  /// Flow `from` was kept as flow `to`, or not.
  void follow(std::size_t from, std::size_t to, bool is_kept) {
    for (; next_ != entries_.end() && next_->flow == from; ++next_) {
      if (!is_kept) continue;
      *kept_ = *next_;
      (kept_++)->flow = static_cast<std::uint32_t>(to);
    }
  }
  void finish() { entries_.erase(kept_, entries_.end()); }

 private:
  std::vector<Entry>& entries_;
  typename std::vector<Entry>::iterator next_;
  typename std::vector<Entry>::iterator kept_;
};

template <typename Entry>
void append_beside(std::vector<Entry>& to, const std::vector<Entry>& from, std::size_t first,
                   std::size_t end, std::size_t before) {
  for (auto i = first_beside(from, first); i != from.end() && i->flow < end; ++i) {
    to.push_back(*i);
    to.back().flow = static_cast<std::uint32_t>(before + (i->flow - first));
  }
}

}  // namespace detail

template <typename Keep>
std::size_t FlowBatch::keep_if(std::size_t from, Keep&& keep) {
  std::size_t kept = from;
  detail::Beside<Translation> translated{translations, from};
  detail::Beside<FlowVrf> routed{vrfs, from};
  detail::Beside<PacketLayer> layered{layers, from};
  for (std::size_t i = from; i < flows.size(); ++i) {
    const bool is_kept = keep(flows[i]);
    translated.follow(i, kept, is_kept);
    routed.follow(i, kept, is_kept);
    layered.follow(i, kept, is_kept);
    if (is_kept) flows[kept++] = flows[i];
  }
  const std::size_t removed = flows.size() - kept;
  flows.erase(flows.end() - static_cast<std::ptrdiff_t>(removed), flows.end());
  translated.finish();
  routed.finish();
  layered.finish();
  return removed;
}

inline void FlowBatch::append(const FlowBatch& other, std::size_t first, std::size_t end) {
  const std::size_t before = flows.size();
  flows.insert(flows.end(), other.flows.begin() + static_cast<std::ptrdiff_t>(first),
               other.flows.begin() + static_cast<std::ptrdiff_t>(end));
  detail::append_beside(translations, other.translations, first, end, before);
  detail::append_beside(vrfs, other.vrfs, first, end, before);
  detail::append_beside(layers, other.layers, first, end, before);
}

}  // namespace flowlens
