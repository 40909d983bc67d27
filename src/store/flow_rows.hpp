/// \file
/// store: single flows as the columns of a table; sinks and sources as in rows.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "flowlens/error.hpp"
#include "flowlens/flow_store.hpp"

namespace flowlens::store {

inline constexpr const char* kFlowColumns =
    "received, id, started, ended, exporter, source_address, destination_address, source_port, "
    "destination_port, protocol, tcp_flags, octets, packets, sampling_rate, observation_domain, "
    "ingress_interface, egress_interface, next_hop, source_as, destination_as, vlan_id, tos, "
    "icmp_type_code, present, details";

/// What nobody asks for by itself, in one number: each value in a place of its own.
struct FlowDetails {
  struct Place {
    unsigned shift;
    unsigned bits;
  };
  static constexpr Place kSampling{0, 4}, kInitiator{4, 2}, kKind{6, 2}, kProtocol{8, 4},
      kCounter{12, 4}, kFragment{16, 1}, kDirection{17, 8}, kSourcePrefix{25, 8},
      kDestinationPrefix{33, 8};

  std::uint64_t all = 0;

  template <typename Value>
  void put(Place p, Value v) noexcept {
    all |= static_cast<std::uint64_t>(v) << p.shift;
  }
  [[nodiscard]] std::uint64_t get(Place p) const noexcept {
    return all >> p.shift & ((std::uint64_t{1} << p.bits) - 1);
  }
  template <typename Enum>
  [[nodiscard]] Enum get(Place p, Enum last) const {
    if (get(p) <= static_cast<std::uint64_t>(last)) return static_cast<Enum>(get(p));
    throw IoError("store: a flow has details that this release does not know");
  }
};

inline FlowDetails details_of(const FlowRecord& f) noexcept {
  FlowDetails d;
  d.put(FlowDetails::kSampling, f.sampling_source);
  d.put(FlowDetails::kInitiator, f.initiator);
  d.put(FlowDetails::kKind, f.kind);
  d.put(FlowDetails::kProtocol, f.export_protocol);
  d.put(FlowDetails::kCounter, f.counter_source);
  d.put(FlowDetails::kFragment, f.is_fragment_tail);
  d.put(FlowDetails::kDirection, f.flow_direction);
  d.put(FlowDetails::kSourcePrefix, f.source_prefix_length);
  d.put(FlowDetails::kDestinationPrefix, f.destination_prefix_length);
  return d;
}

inline void read_details(const FlowDetails& d, FlowRecord& f) {
  f.sampling_source = d.get(FlowDetails::kSampling, SamplingSource::other_domain);
  f.initiator = d.get(FlowDetails::kInitiator, Initiator::destination);
  f.kind = d.get(FlowDetails::kKind, FlowKind::sampled_packet);
  f.export_protocol = d.get(FlowDetails::kProtocol, ExportProtocol::suricata_log);
  f.counter_source = d.get(FlowDetails::kCounter, CounterSource::packet);
  f.is_fragment_tail = d.get(FlowDetails::kFragment) != 0;
  f.flow_direction = static_cast<std::uint8_t>(d.get(FlowDetails::kDirection));
  f.source_prefix_length = static_cast<std::uint8_t>(d.get(FlowDetails::kSourcePrefix));
  f.destination_prefix_length = static_cast<std::uint8_t>(d.get(FlowDetails::kDestinationPrefix));
}

/// \param address  writes one into the sink, as its database holds addresses.
template <typename Sink, typename PutAddress>
void put_flow(Sink& sink, std::uint64_t id, const FlowRecord& f, PutAddress address) {
  sink.bind(to_unix_ns(f.received));
  sink.bind(id);
  sink.bind(to_unix_ns(f.start));
  sink.bind(to_unix_ns(f.end));
  address(sink, f.exporter);
  address(sink, f.source_address);
  address(sink, f.destination_address);
  sink.bind(std::uint64_t{f.source_port});
  sink.bind(std::uint64_t{f.destination_port});
  sink.bind(std::uint64_t{f.protocol});
  sink.bind(std::uint64_t{f.tcp_flags});
  sink.bind(f.octet_count);
  sink.bind(f.packet_count);
  sink.bind(std::uint64_t{f.sampling_rate});
  sink.bind(std::uint64_t{f.observation_domain});
  sink.bind(std::uint64_t{f.ingress_interface});
  sink.bind(std::uint64_t{f.egress_interface});
  f.has(FlowField::next_hop) ? address(sink, f.next_hop) : void(sink.bind_null());
  sink.bind(std::uint64_t{f.source_as});
  sink.bind(std::uint64_t{f.destination_as});
  sink.bind(std::uint64_t{f.vlan_id});
  sink.bind(std::uint64_t{f.tos});
  sink.bind(std::uint64_t{f.icmp_type_code});
  sink.bind(std::uint64_t{f.present});
  sink.bind(details_of(f).all);
}

/// \param address  reads one; nothing for NULL.
template <typename Source, typename TakeAddress>
FlowPosition take_flow(Source& row, FlowRecord& f, TakeAddress address) {
  FlowPosition position;
  position.received = f.received = from_unix_ns(row.i64());
  position.id = row.u64();
  f.start = from_unix_ns(row.i64());
  f.end = from_unix_ns(row.i64());
  f.exporter = address(row);
  f.source_address = address(row);
  f.destination_address = address(row);
  f.source_port = static_cast<std::uint16_t>(row.u64());
  f.destination_port = static_cast<std::uint16_t>(row.u64());
  f.protocol = static_cast<std::uint8_t>(row.u64());
  f.tcp_flags = static_cast<std::uint8_t>(row.u64());
  f.octet_count = row.u64();
  f.packet_count = row.u64();
  f.sampling_rate = static_cast<std::uint32_t>(row.u64());
  f.observation_domain = static_cast<std::uint32_t>(row.u64());
  f.ingress_interface = static_cast<std::uint32_t>(row.u64());
  f.egress_interface = static_cast<std::uint32_t>(row.u64());
  f.next_hop = address(row);
  f.source_as = static_cast<std::uint32_t>(row.u64());
  f.destination_as = static_cast<std::uint32_t>(row.u64());
  f.vlan_id = static_cast<std::uint16_t>(row.u64());
  f.tos = static_cast<std::uint8_t>(row.u64());
  f.icmp_type_code = static_cast<std::uint16_t>(row.u64());
  f.present = static_cast<std::uint32_t>(row.u64());
  read_details(FlowDetails{row.u64()}, f);
  return position;
}

/// Ids ascend within an epoch, and over epochs: a million million flows each.
class FlowIds {
 public:
  explicit FlowIds(Epoch epoch) noexcept : next_(epoch.value << 40) {}
  std::uint64_t take() noexcept { return next_++; }

 private:
  std::uint64_t next_;
};

inline constexpr std::int64_t kFlowHourNs = 3'600'000'000'000;

}  // namespace flowlens::store
