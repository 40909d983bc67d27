// The flow that the Normalizer made of a record against the record's own values in the corpus.
#include <string_view>

#include "conformance/run.hpp"
#include "conformance/value.hpp"

namespace flowlens::conformance {
namespace {

/// One value of a FlowRecord as the corpus would write it.
struct FlowValue {
  const char* key;
  FlowField field;
  Json (*read)(const FlowRecord&);
};

const FlowValue kValues[] = {
    {"protocolIdentifier", FlowField::protocol,
     [](const FlowRecord& f) { return Json(f.protocol); }},
    {"sourceTransportPort", FlowField::source_port,
     [](const FlowRecord& f) { return Json(f.source_port); }},
    {"destinationTransportPort", FlowField::destination_port,
     [](const FlowRecord& f) { return Json(f.destination_port); }},
    {"octetDeltaCount", FlowField::octet_count,
     [](const FlowRecord& f) { return Json(f.octet_count); }},
    {"packetDeltaCount", FlowField::packet_count,
     [](const FlowRecord& f) { return Json(f.packet_count); }},
    {"ingressInterface", FlowField::ingress_interface,
     [](const FlowRecord& f) { return Json(f.ingress_interface); }},
    {"egressInterface", FlowField::egress_interface,
     [](const FlowRecord& f) { return Json(f.egress_interface); }},
    {"bgpSourceAsNumber", FlowField::source_as,
     [](const FlowRecord& f) { return Json(f.source_as); }},
    {"bgpDestinationAsNumber", FlowField::destination_as,
     [](const FlowRecord& f) { return Json(f.destination_as); }},
    {"sourceIPv4Address", FlowField::source_address,
     [](const FlowRecord& f) { return Json(f.source_address.to_string()); }},
    {"sourceIPv6Address", FlowField::source_address,
     [](const FlowRecord& f) { return Json(f.source_address.to_string()); }},
    {"destinationIPv4Address", FlowField::destination_address,
     [](const FlowRecord& f) { return Json(f.destination_address.to_string()); }},
    {"destinationIPv6Address", FlowField::destination_address,
     [](const FlowRecord& f) { return Json(f.destination_address.to_string()); }},
};

/// Records with addresses of both families leave it open which one is meant.
bool is_of_two_families(const Json& fields) {
  return fields.contains("sourceIPv4Address") && fields.contains("sourceIPv6Address");
}

bool has_addresses(const Json& fields) {
  return (fields.contains("sourceIPv4Address") && fields.contains("destinationIPv4Address")) ||
         (fields.contains("sourceIPv6Address") && fields.contains("destinationIPv6Address"));
}

std::string place(const DecodedRecord& r) {
  return "flow of datagram " + std::to_string(r.datagram) + ", set " + std::to_string(r.set) +
         ", record " + std::to_string(r.record);
}

bool is_port(std::string_view key) {
  return key == "sourceTransportPort" || key == "destinationTransportPort";
}

/// TCP, UDP, DCCP, SCTP, UDP-Lite. Exporters fill in 0, or the type of ICMP, for the others.
bool has_ports(std::uint8_t protocol) {
  return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

void check_times(const Json& derived, const DecodedRecord& have, Report& report) {
  const auto wanted_start = derived.contains("flowStart")
                                ? parse_timestamp(derived["flowStart"].get<std::string>())
                                : std::nullopt;
  auto wanted_end = derived.contains("flowEnd")
                        ? parse_timestamp(derived["flowEnd"].get<std::string>())
                        : std::nullopt;
  if (wanted_start && wanted_end && *wanted_end < *wanted_start) wanted_end = wanted_start;
  for (const FlowRecord& flow : have.flows) {
    if (wanted_start) {
      if (flow.start == *wanted_start)
        ++report.flow_values;
      else
        report.problem(place(have) + ": starts " + to_corpus_time(flow.start) + ", should be " +
                       to_corpus_time(*wanted_start));
    }
    if (wanted_end) {
      if (flow.end == *wanted_end)
        ++report.flow_values;
      else
        report.problem(place(have) + ": ends " + to_corpus_time(flow.end) + ", should be " +
                       to_corpus_time(*wanted_end));
    }
  }
}

}  // namespace

void check_flows(const Json& wanted, const DecodedRecord& have, Report& report) {
  const Json& fields = wanted.at("fields");
  if (wanted.at("kind") != "flow") return;
  if (have.flows.empty()) {
    if (has_addresses(fields) && fields.contains("protocolIdentifier")) {
      report.problem(place(have) + ": none came, though the record has addresses and a protocol");
    }
    return;
  }
  if (wanted.contains("derived")) check_times(wanted["derived"], have, report);
  if (is_of_two_families(fields)) return;
  const FlowRecord& flow = have.flows.front();
  for (const FlowValue& value : kValues) {
    if (!fields.contains(value.key)) continue;
    if (is_port(value.key) && !has_ports(flow.protocol)) continue;
    const auto raw = have.fields.find(value.key);
    if (raw == have.fields.end()) continue;  // reported as a wrong field already
    const Json got = value.read(flow);
    if (!flow.has(value.field)) {
      report.problem(place(have) + ": has no " + value.key);
    } else if (same_value(got, fields[value.key], raw->second.type)) {
      ++report.flow_values;
    } else {
      report.problem(place(have) + ": " + value.key + " is " + got.dump() + ", should be " +
                     fields[value.key].dump());
    }
  }
}

}  // namespace flowlens::conformance
