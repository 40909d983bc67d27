// Writes a log of flows: one JSON object a line, of those that a filter lets through.
//   flow_log CAPTURE.pcap ['dst port 443 and bytes > 10k']        docs/filters.md has the language
#include <flowlens/capture_reader.hpp>
#include <flowlens/decoder.hpp>
#include <flowlens/error.hpp>
#include <flowlens/filter.hpp>
#include <flowlens/flow_fields.hpp>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

using FlowFilter = flowlens::Filter<flowlens::FlowRecord>;

/// \throws flowlens::ConfigError that points at the column.
FlowFilter compile(std::string_view text, flowlens::Timestamp now) {
  flowlens::FilterError error;
  FlowFilter filter = FlowFilter::compile(text, flowlens::flow_fields(), now, error);
  if (!filter) throw flowlens::ConfigError(std::string{text} + '\n' + error.pointing_into(text));
  return filter;
}

/// No value of a flow needs escaping: they are numbers, addresses and times. What was not exported is left out.
std::string to_json(const flowlens::FlowRecord& flow) {
  std::string line;
  const auto text = [&line](const char* name, const std::string& value) {
    line += (line.empty() ? "{\"" : ",\"") + std::string{name} + "\":\"" + value + '"';
  };
  const auto number = [&line](const char* name, std::uint64_t value) {
    line += ",\"" + std::string{name} + "\":" + std::to_string(value);
  };
  using flowlens::FlowField;
  text("start", flowlens::to_string(flow.start));
  text("end", flowlens::to_string(flow.end));
  text("exporter", flow.exporter.to_string());
  text("source", flow.source_address.to_string());
  text("destination", flow.destination_address.to_string());
  number("protocol", flow.protocol);
  if (flow.has(FlowField::source_port)) number("source_port", flow.source_port);
  if (flow.has(FlowField::destination_port)) number("destination_port", flow.destination_port);
  if (flow.has(FlowField::octet_count)) number("octets", flow.octet_count);
  if (flow.has(FlowField::packet_count)) number("packets", flow.packet_count);
  if (flow.has(FlowField::tcp_flags)) number("tcp_flags", flow.tcp_flags);
  number("sampling_rate", flow.sampling_rate);
  return line + '}';
}

void write(const std::string& capture, const FlowFilter& filter) {
  flowlens::CaptureReader reader{capture};
  flowlens::Decoder decoder;
  flowlens::FlowBatch batch;
  flowlens::CaptureItem item;
  while (reader.next(item)) {
    batch.clear();
    if (item.is_datagram) {
      decoder.decode(item.datagram.octets, item.datagram.session, item.datagram.received, batch);
    } else {
      decoder.decode(item.packet, batch);
    }
    for (const flowlens::FlowRecord& flow : batch.flows) {
      if (filter.matches(flow)) std::puts(to_json(flow).c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: flow_log CAPTURE.pcap [FILTER]\n");
    return 2;
  }
  try {
    const flowlens::Timestamp now = std::chrono::system_clock::now();
    write(argv[1], compile(argc == 3 ? argv[2] : "", now));
  } catch (const flowlens::Error& e) {
    std::fprintf(stderr, "flow_log: %s\n", e.what());
    return 1;
  }
}
