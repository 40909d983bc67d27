#include "flowlens/flow_columns.hpp"

#include <cstddef>
#include <type_traits>

namespace flowlens {

namespace {

static_assert(std::is_standard_layout_v<FlowRecord>, "columns are told by offsets");

// The words of enumerations, in their order; those of `kind` are the filter language's.
constexpr std::string_view kSamplingSources[] = {"unknown", "header",         "record",
                                                 "options", "override_table", "other_domain"};
constexpr std::string_view kInitiators[] = {"not_stated", "source", "destination"};
constexpr std::string_view kKinds[] = {"traffic", "denied", "sampled"};
constexpr std::string_view kCounterSources[] = {
    "none",         "delta",        "total",      "permanent",  "initiator",
    "layer2_delta", "layer2_total", "post_delta", "post_total", "packet"};
constexpr std::string_view kProtocols[] = {
    "netflow_v5",     "netflow_v9",  "ipfix",    "sflow_v5",       "netflow_v1",
    "netflow_v7",     "sflow_v4",    "sflow_v2", "packet_capture", "aws_vpc_log",
    "azure_vnet_log", "gcp_vpc_log", "zeek_log", "suricata_log"};

using enum FlowColumnType;

// Columns are named as the members are: two macros, so that a name cannot tell of another member.
#define FLOWLENS_ALWAYS(member, type) \
  { #member, type, offsetof(FlowRecord, member), 0 }
#define FLOWLENS_EXPORTED(member, type) \
  { #member, type, offsetof(FlowRecord, member), static_cast < std::uint32_t>(FlowField::member) }
#define FLOWLENS_WORD(member, words) \
  { #member, word, offsetof(FlowRecord, member), 0, words }

constexpr FlowColumn kColumns[] = {
    FLOWLENS_EXPORTED(source_address, address),
    FLOWLENS_EXPORTED(destination_address, address),
    FLOWLENS_EXPORTED(source_port, unsigned16),
    FLOWLENS_EXPORTED(destination_port, unsigned16),
    FLOWLENS_EXPORTED(protocol, unsigned8),
    FLOWLENS_EXPORTED(octet_count, unsigned64),
    FLOWLENS_EXPORTED(packet_count, unsigned64),
    FLOWLENS_ALWAYS(sampling_rate, unsigned32),
    FLOWLENS_ALWAYS(start, time),
    FLOWLENS_ALWAYS(end, time),
    FLOWLENS_ALWAYS(received, time),
    FLOWLENS_EXPORTED(tcp_flags, unsigned8),
    FLOWLENS_EXPORTED(tos, unsigned8),
    FLOWLENS_EXPORTED(icmp_type_code, unsigned16),
    FLOWLENS_EXPORTED(vlan_id, unsigned16),
    FLOWLENS_EXPORTED(ingress_interface, unsigned32),
    FLOWLENS_EXPORTED(egress_interface, unsigned32),
    FLOWLENS_EXPORTED(next_hop, address),
    FLOWLENS_EXPORTED(source_as, unsigned32),
    FLOWLENS_EXPORTED(destination_as, unsigned32),
    FLOWLENS_EXPORTED(source_prefix_length, unsigned8),
    FLOWLENS_EXPORTED(destination_prefix_length, unsigned8),
    FLOWLENS_EXPORTED(flow_direction, unsigned8),
    FLOWLENS_ALWAYS(exporter, address),
    FLOWLENS_ALWAYS(observation_domain, unsigned32),
    FLOWLENS_WORD(export_protocol, kProtocols),
    FLOWLENS_WORD(kind, kKinds),
    FLOWLENS_WORD(initiator, kInitiators),
    FLOWLENS_WORD(counter_source, kCounterSources),
    FLOWLENS_WORD(sampling_source, kSamplingSources),
    FLOWLENS_ALWAYS(is_fragment_tail, boolean),
    {"times_replaced", remark, offsetof(FlowRecord, present),
     static_cast<std::uint32_t>(FlowField::times_replaced)},
};

#undef FLOWLENS_ALWAYS
#undef FLOWLENS_EXPORTED
#undef FLOWLENS_WORD

}  // namespace

std::span<const FlowColumn> flow_columns() noexcept { return kColumns; }

const FlowColumn* find_flow_column(std::string_view name) noexcept {
  for (const FlowColumn& column : kColumns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace flowlens
