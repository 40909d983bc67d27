#include "flowlens/flow_fields.hpp"

#include <array>

#include "enrich/service_table.hpp"
#include "flowlens/enricher.hpp"
#include "query/operands.hpp"

namespace flowlens {

namespace {

const FlowRecord& flow(const void* row) noexcept { return *static_cast<const FlowRecord*>(row); }

constexpr std::string_view kKinds[] = {"traffic", "denied", "sampled"};

bool number(bool has, std::uint64_t value, Operand& out) noexcept {
  return query::number(value, out) && has;
}
bool address(bool has, const IpAddress& value, Operand& out) noexcept {
  return query::address(value, out) && has;
}

constexpr Field kFields[] = {
    {.name = "src ip",
     .aliases = "src net,src host,src,source ip,source address,src address",
     .kind = FieldKind::address,
     .description = "who sent the packets",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return address(flow(r).has(FlowField::source_address), flow(r).source_address, out);
         }},
    {.name = "dst ip",
     .aliases = "dst net,dst host,dst,destination ip,destination address,dst address",
     .kind = FieldKind::address,
     .description = "who got the packets",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return address(flow(r).has(FlowField::destination_address), flow(r).destination_address,
                          out);
         }},
    {.name = "ip",
     .aliases = "net,host,address",
     .kind = FieldKind::address,
     .description = "either end",
     .get =
         [](const void* r, std::size_t i, Operand& out) noexcept {
           return address(i < 2, i == 0 ? flow(r).source_address : flow(r).destination_address,
                          out);
         },
     .has_many = true},
    {.name = "src port",
     .aliases = "source port,sport",
     .kind = FieldKind::port,
     .description = "of the sender",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::source_port), flow(r).source_port, out);
         },
     .number_of = port_of_service},
    {.name = "dst port",
     .aliases = "destination port,dport",
     .kind = FieldKind::port,
     .description = "of the receiver",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::destination_port), flow(r).destination_port, out);
         },
     .number_of = port_of_service},
    {.name = "port",
     .kind = FieldKind::port,
     .description = "of either end",
     .get =
         [](const void* r, std::size_t i, Operand& out) noexcept {
           const FlowRecord& f = flow(r);
           const bool has_ports =
               f.has(FlowField::source_port) || f.has(FlowField::destination_port);
           return number(has_ports && i < 2, i == 0 ? f.source_port : f.destination_port, out);
         },
     .has_many = true,
     .number_of = port_of_service},
    {.name = "protocol",
     .aliases = "proto",
     .kind = FieldKind::protocol,
     .description = "IANA protocol",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::protocol), flow(r).protocol, out);
         },
     .number_of = number_of_protocol,
     .name_of = name_of_protocol},
    {.name = "bytes",
     .aliases = "octets,octet count",
     .kind = FieldKind::octets,
     .description = "IP octets as exported",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::octet_count), flow(r).octet_count, out);
         }},
    {.name = "packets",
     .aliases = "packet count",
     .kind = FieldKind::count,
     .description = "as exported",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::packet_count), flow(r).packet_count, out);
         }},
    {.name = "estimated bytes",
     .kind = FieldKind::octets,
     .description = "octets with sampling undone",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::octet_count), flow(r).estimated_octet_count(), out);
         }},
    {.name = "sampling",
     .aliases = "sampling rate",
     .kind = FieldKind::count,
     .description = "one packet in so many was looked at",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(true, flow(r).sampling_rate, out); }},
    {.name = "start",
     .kind = FieldKind::time,
     .description = "of the first packet",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(true, field_key::of(flow(r).start), out); }},
    {.name = "end",
     .kind = FieldKind::time,
     .description = "of the last packet",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return number(true, field_key::of(flow(r).end), out); }},
    {.name = "received",
     .kind = FieldKind::time,
     .description = "when the datagram came",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(true, field_key::of(flow(r).received), out);
         }},
    {.name = "duration",
     .kind = FieldKind::duration,
     .description = "from the first packet to the last",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(true, field_key::of(flow(r).end - flow(r).start), out);
         }},
    {.name = "tcp flags",
     .aliases = "flags",
     .kind = FieldKind::count,
     .description = "all packets' control bits, or-ed",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::tcp_flags), flow(r).tcp_flags, out);
         }},
    {.name = "tos",
     .kind = FieldKind::count,
     .description = "type of service octet",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::tos), flow(r).tos, out);
         }},
    {.name = "vlan",
     .aliases = "vlan id",
     .kind = FieldKind::count,
     .description = "VLAN id",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::vlan_id), flow(r).vlan_id, out);
         }},
    {.name = "src as",
     .aliases = "source as",
     .kind = FieldKind::count,
     .description = "autonomous system of the sender",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::source_as), flow(r).source_as, out);
         }},
    {.name = "dst as",
     .aliases = "destination as",
     .kind = FieldKind::count,
     .description = "autonomous system of the receiver",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::destination_as), flow(r).destination_as, out);
         }},
    {.name = "in interface",
     .aliases = "in if,ingress interface",
     .kind = FieldKind::count,
     .description = "ifIndex they came in by",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::ingress_interface), flow(r).ingress_interface, out);
         }},
    {.name = "out interface",
     .aliases = "out if,egress interface",
     .kind = FieldKind::count,
     .description = "ifIndex they left by",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(flow(r).has(FlowField::egress_interface), flow(r).egress_interface, out);
         }},
    {.name = "next hop",
     .kind = FieldKind::address,
     .description = "the next router",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return address(flow(r).has(FlowField::next_hop), flow(r).next_hop, out);
         }},
    {.name = "exporter",
     .kind = FieldKind::address,
     .description = "who told of it",
     .get = [](const void* r, std::size_t,
               Operand& out) noexcept { return address(true, flow(r).exporter, out); }},
    {.name = "kind",
     .kind = FieldKind::choice,
     .description = "what the record tells of",
     .get =
         [](const void* r, std::size_t, Operand& out) noexcept {
           return number(true, static_cast<std::uint64_t>(flow(r).kind), out);
         },
     .choices = kKinds},
};

constexpr FieldTableOf<FlowRecord> kTable{kFields};

}  // namespace

const FieldTableOf<FlowRecord>& flow_fields() noexcept { return kTable; }

std::optional<std::uint64_t> port_of_service(std::string_view name) noexcept {
  for (const enrich::ServiceEntry& entry : enrich::kServices) {
    if (entry.name == name) return entry.port;
  }
  return {};
}

std::string_view name_of_protocol(std::uint64_t number) noexcept {
  return number <= 0xff ? protocol_name(static_cast<std::uint8_t>(number)) : std::string_view{};
}

std::optional<std::uint64_t> number_of_protocol(std::string_view name) noexcept {
  if (name.empty()) return {};
  for (unsigned n = 0; n <= 0xff; ++n) {
    if (protocol_name(static_cast<std::uint8_t>(n)) == name) return n;
  }
  return {};
}

}  // namespace flowlens
