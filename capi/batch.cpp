// Flows: batches, filters on them, and their way out as columns.
#include <memory>

#include "flowlens/flow_fields.hpp"
#include "flowlens/map_fields.hpp"
#include "handles.hpp"

namespace capi = flowlens::capi;

namespace flowlens::capi {

namespace {

/// The bits of flowlens_flow are those of FlowRecord.
constexpr bool is_bit(unsigned c, FlowField field) { return c == static_cast<unsigned>(field); }
static_assert(is_bit(FLOWLENS_FLOW_SOURCE_ADDRESS, FlowField::source_address));
static_assert(is_bit(FLOWLENS_FLOW_DESTINATION_ADDRESS, FlowField::destination_address));
static_assert(is_bit(FLOWLENS_FLOW_PROTOCOL, FlowField::protocol));
static_assert(is_bit(FLOWLENS_FLOW_SOURCE_PORT, FlowField::source_port));
static_assert(is_bit(FLOWLENS_FLOW_DESTINATION_PORT, FlowField::destination_port));
static_assert(is_bit(FLOWLENS_FLOW_OCTET_COUNT, FlowField::octet_count));
static_assert(is_bit(FLOWLENS_FLOW_PACKET_COUNT, FlowField::packet_count));
static_assert(is_bit(FLOWLENS_FLOW_START, FlowField::start));
static_assert(is_bit(FLOWLENS_FLOW_END, FlowField::end));
static_assert(is_bit(FLOWLENS_FLOW_TCP_FLAGS, FlowField::tcp_flags));
static_assert(is_bit(FLOWLENS_FLOW_INGRESS_INTERFACE, FlowField::ingress_interface));
static_assert(is_bit(FLOWLENS_FLOW_EGRESS_INTERFACE, FlowField::egress_interface));
static_assert(is_bit(FLOWLENS_FLOW_NEXT_HOP, FlowField::next_hop));
static_assert(is_bit(FLOWLENS_FLOW_SOURCE_AS, FlowField::source_as));
static_assert(is_bit(FLOWLENS_FLOW_DESTINATION_AS, FlowField::destination_as));
static_assert(is_bit(FLOWLENS_FLOW_SOURCE_PREFIX_LENGTH, FlowField::source_prefix_length));
static_assert(is_bit(FLOWLENS_FLOW_DESTINATION_PREFIX_LENGTH,
                     FlowField::destination_prefix_length));
static_assert(is_bit(FLOWLENS_FLOW_TOS, FlowField::tos));
static_assert(is_bit(FLOWLENS_FLOW_VLAN_ID, FlowField::vlan_id));
static_assert(is_bit(FLOWLENS_FLOW_ICMP_TYPE_CODE, FlowField::icmp_type_code));
static_assert(is_bit(FLOWLENS_FLOW_DIRECTION, FlowField::flow_direction));
static_assert(is_bit(FLOWLENS_FLOW_TIMES_REPLACED, FlowField::times_replaced));
static_assert(is_bit(FLOWLENS_FLOW_TRANSLATION, FlowField::translation));
static_assert(FLOWLENS_KIND_SAMPLED == static_cast<int>(FlowKind::sampled_packet));
static_assert(FLOWLENS_INITIATOR_DESTINATION == static_cast<int>(Initiator::destination));

template <typename Enumeration>
Enumeration checked(std::uint8_t value, Enumeration last, const char* message) {
  require(value <= static_cast<std::uint8_t>(last), message);
  return static_cast<Enumeration>(value);
}

}  // namespace

flowlens_flow c_flow(const FlowRecord& f) noexcept {
  flowlens_flow c{};
  c.struct_size = sizeof c;
  c.source_address = c_address(f.source_address);
  c.destination_address = c_address(f.destination_address);
  c.exporter = c_address(f.exporter);
  c.next_hop = c_address(f.next_hop);
  c.start_ns = to_unix_ns(f.start);
  c.end_ns = to_unix_ns(f.end);
  c.received_ns = to_unix_ns(f.received);
  c.octet_count = f.octet_count;
  c.packet_count = f.packet_count;
  c.present = f.present;
  c.observation_domain = f.observation_domain;
  c.sampling_rate = f.sampling_rate;
  c.ingress_interface = f.ingress_interface;
  c.egress_interface = f.egress_interface;
  c.source_as = f.source_as;
  c.destination_as = f.destination_as;
  c.source_port = f.source_port;
  c.destination_port = f.destination_port;
  c.vlan_id = f.vlan_id;
  c.icmp_type_code = f.icmp_type_code;
  c.protocol = f.protocol;
  c.tcp_flags = f.tcp_flags;
  c.tos = f.tos;
  c.source_prefix_length = f.source_prefix_length;
  c.destination_prefix_length = f.destination_prefix_length;
  c.flow_direction = f.flow_direction;
  c.sampling_source = static_cast<std::uint8_t>(f.sampling_source);
  c.initiator = static_cast<std::uint8_t>(f.initiator);
  c.kind = static_cast<std::uint8_t>(f.kind);
  c.export_protocol = static_cast<std::uint8_t>(f.export_protocol);
  c.is_fragment_tail = f.is_fragment_tail ? 1 : 0;
  c.counter_source = static_cast<std::uint8_t>(f.counter_source);
  return c;
}

FlowRecord flow_of(const flowlens_flow* flow) {
  const flowlens_flow c = read_options(&need(flow, "flow"), kFlowSize);
  require(c.sampling_rate >= 1, "sampling_rate is 0; one packet in 1 is all of them");
  require(c.end_ns >= c.start_ns, "end_ns is before start_ns");
  require((c.present & FLOWLENS_FLOW_TRANSLATION) == 0,
          "a flow of one's own has no translation: clear FLOWLENS_FLOW_TRANSLATION");
  require(c.is_fragment_tail <= 1, "is_fragment_tail is neither 0 nor 1");
  FlowRecord f;
  f.source_address = address_of(c.source_address);
  f.destination_address = address_of(c.destination_address);
  f.exporter = address_of(c.exporter);
  f.next_hop = address_of(c.next_hop);
  f.start = from_unix_ns(c.start_ns);
  f.end = from_unix_ns(c.end_ns);
  f.received = from_unix_ns(c.received_ns);
  f.octet_count = c.octet_count;
  f.packet_count = c.packet_count;
  f.present = c.present & ((FLOWLENS_FLOW_TRANSLATION << 1) - 1u);
  f.observation_domain = c.observation_domain;
  f.sampling_rate = c.sampling_rate;
  f.ingress_interface = c.ingress_interface;
  f.egress_interface = c.egress_interface;
  f.source_as = c.source_as;
  f.destination_as = c.destination_as;
  f.source_port = c.source_port;
  f.destination_port = c.destination_port;
  f.vlan_id = c.vlan_id;
  f.icmp_type_code = c.icmp_type_code;
  f.protocol = c.protocol;
  f.tcp_flags = c.tcp_flags;
  f.tos = c.tos;
  f.source_prefix_length = c.source_prefix_length;
  f.destination_prefix_length = c.destination_prefix_length;
  f.flow_direction = c.flow_direction;
  f.sampling_source =
      checked(c.sampling_source, SamplingSource::other_domain, "sampling_source is none");
  f.initiator = checked(c.initiator, Initiator::destination, "initiator is none");
  f.kind = checked(c.kind, FlowKind::sampled_packet, "kind is none");
  f.export_protocol =
      checked(c.export_protocol, ExportProtocol::suricata_log, "export_protocol is none");
  f.is_fragment_tail = c.is_fragment_tail != 0;
  f.counter_source = checked(c.counter_source, CounterSource::packet, "counter_source is none");
  return f;
}

ArrowOptions arrow_options(const flowlens_arrow_options* given) {
  const auto c = read_options(given, FLOWLENS_OLDEST(flowlens_arrow_options, columns));
  require(c.addresses <= FLOWLENS_ADDRESSES_TEXT, "addresses is none of FLOWLENS_ADDRESSES_…");
  ArrowOptions options;
  options.addresses =
      c.addresses == FLOWLENS_ADDRESSES_TEXT ? AddressForm::text : AddressForm::octets;
  set_unless_zero(options.rows_per_batch, c.rows_per_batch);
  std::string_view rest = c.columns != nullptr ? c.columns : "";
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    options.columns.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return options;
}

}  // namespace flowlens::capi

flowlens_status flowlens_batch_create(flowlens_batch** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [] { return std::make_unique<flowlens_batch>(); });
}

void flowlens_batch_destroy(flowlens_batch* batch) { delete batch; }

void flowlens_batch_clear(flowlens_batch* batch) {
  if (batch != nullptr) batch->batch.clear();
}

size_t flowlens_batch_count(const flowlens_batch* batch) {
  return batch != nullptr ? batch->batch.flows.size() : 0;
}

flowlens_status flowlens_batch_get(const flowlens_batch* batch, size_t index, flowlens_flow* out,
                                   flowlens_error* error) {
  return capi::guarded_fill(out, capi::kFlowSize, error, [&] {
    const auto& flows = capi::need(batch, "batch").batch.flows;
    if (index >= flows.size()) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such flow"};
    return capi::c_flow(flows[index]);
  });
}

flowlens_status flowlens_batch_add(flowlens_batch* batch, const flowlens_flow* flow,
                                   flowlens_error* error) {
  return capi::guarded(error, [&] {
    auto& flows = capi::need(batch, "batch").batch.flows;
    flows.push_back(capi::flow_of(flow));
  });
}

flowlens_status flowlens_batch_export(flowlens_batch* batch, const flowlens_arrow_options* options,
                                      ArrowArrayStream* out, flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    auto& from = capi::need(batch, "batch").batch;
    auto shared = std::make_shared<flowlens::FlowBatch>();
    flowlens::export_flows(std::shared_ptr<const flowlens::FlowBatch>(shared),
                           capi::arrow_options(options), &capi::need(out, "out"));
    std::swap(*shared, from);  // last: until here nothing has changed
  });
}

flowlens_status flowlens_filter_compile(const char* text, flowlens_rows rows, int64_t now_ns,
                                        flowlens_filter** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const std::string_view words = capi::need_text(text, "text");
    const flowlens::Timestamp now = flowlens::from_unix_ns(now_ns);
    auto made = std::make_unique<flowlens_filter>();
    made->rows = rows;
    flowlens::FilterError why;
    bool is_made = false;
    const auto compile = [&](auto& filter, const auto& fields) {
      filter = std::remove_reference_t<decltype(filter)>::compile(words, fields, now, why);
      is_made = static_cast<bool>(filter);
    };
    switch (rows) {
      case FLOWLENS_ROWS_FLOWS:
        compile(made->flows, flowlens::flow_fields());
        break;
      case FLOWLENS_ROWS_DEPENDENCIES:
        compile(made->dependencies, flowlens::dependency_fields());
        break;
      case FLOWLENS_ROWS_ASSETS:
        compile(made->assets, flowlens::asset_fields());
        break;
      case FLOWLENS_ROWS_CHANGES:
        compile(made->changes, flowlens::change_fields());
        break;
      default:
        throw capi::Refused{FLOWLENS_INVALID_ARGUMENT, "rows is none of FLOWLENS_ROWS_…"};
    }
    if (!is_made) {
      throw capi::Refused{FLOWLENS_INVALID_ARGUMENT,
                          why.message + (why.expected.empty() ? "" : "; expected " + why.expected),
                          why.column};
    }
    return made;
  });
}

void flowlens_filter_destroy(flowlens_filter* filter) { delete filter; }

flowlens_status flowlens_filter_canonical(const flowlens_filter* filter, flowlens_buffer** out,
                                          flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const flowlens_filter& f = capi::need(filter, "filter");
    switch (f.rows) {
      case FLOWLENS_ROWS_DEPENDENCIES:
        return capi::buffer_of(f.dependencies.canonical());
      case FLOWLENS_ROWS_ASSETS:
        return capi::buffer_of(f.assets.canonical());
      case FLOWLENS_ROWS_CHANGES:
        return capi::buffer_of(f.changes.canonical());
      default:
        return capi::buffer_of(f.flows.canonical());
    }
  });
}

flowlens_status flowlens_batch_keep(flowlens_batch* batch, const flowlens_filter* filter,
                                    size_t* removed, flowlens_error* error) {
  if (removed != nullptr) *removed = 0;
  return capi::guarded(error, [&] {
    const flowlens_filter& f = capi::need(filter, "filter");
    capi::require(f.rows == FLOWLENS_ROWS_FLOWS, "the filter is none of flows");
    const std::size_t gone =
        capi::need(batch, "batch").batch.keep_if(0, [&](const flowlens::FlowRecord& flow) {
          return f.flows.matches(flow);
        });
    if (removed != nullptr) *removed = gone;
  });
}
