// Single flows: who talked to whom, and when.
#include <charconv>
#include <chrono>
#include <sstream>

#include "flowlens/flow_fields.hpp"
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "log.hpp"
#include "pipeline/flow_archive.hpp"

namespace flowlensd::http {
namespace {

/// Past so many that a filter refuses, the answer is what was found; its cursor goes on from there.
constexpr std::uint64_t kMostExamined = 100'000;
constexpr std::chrono::hours kDefaultTime{1};

[[noreturn]] void bad(std::string_view name, const std::string& text, const char* right) {
  throw Problem{400, "Bad parameter",
                std::string(name) + ": `" + text + "` is not valid; give " + right};
}

const std::string* text_parameter(const Request& request, std::string_view name) {
  const auto found = request.query.find(std::string(name));
  return found == request.query.end() ? nullptr : &found->second;
}

std::optional<IpPrefix> prefix_parameter(const Request& request, std::string_view name) {
  const std::string* text = text_parameter(request, name);
  if (text == nullptr) return std::nullopt;
  const auto prefix = IpPrefix::parse(*text);
  if (!prefix) bad(name, *text, "an address or a prefix such as 10.0.0.0/8");
  return prefix;
}

std::optional<std::uint8_t> protocol_parameter(const Request& request) {
  const std::string* text = text_parameter(request, "protocol");
  if (text == nullptr) return std::nullopt;
  if (const auto number = number_of_protocol(*text)) return static_cast<std::uint8_t>(*number);
  return static_cast<std::uint8_t>(number_parameter(request, "protocol", 0, 0, 255));
}

/// `1795262400000000000-42`, as next_cursor() writes it.
std::optional<FlowPosition> position_parameter(const Request& request) {
  const std::string* text = text_parameter(request, "cursor");
  if (text == nullptr) return std::nullopt;
  std::int64_t ns = 0;
  FlowPosition position;
  const char* const end = text->data() + text->size();
  const auto time = std::from_chars(text->data(), end, ns);
  const bool has_id = time.ec == std::errc{} && time.ptr != end && *time.ptr == '-';
  const auto id = std::from_chars(has_id ? time.ptr + 1 : end, end, position.id);
  if (!has_id || id.ec != std::errc{} || id.ptr != end) {
    bad("cursor", *text, "the next_cursor of the page before");
  }
  position.received = from_unix_ns(ns);
  return position;
}

std::string text_of(const FlowPosition& position) {
  return std::to_string(to_unix_ns(position.received)) + "-" + std::to_string(position.id);
}

FlowScan scan_of(const Request& request) {
  FlowScan what;
  what.to = time_parameter(request, "to").value_or(std::chrono::system_clock::now());
  what.from = time_parameter(request, "from").value_or(what.to - kDefaultTime);
  if (what.from >= what.to) throw Problem{400, "Bad parameter", "from: is not before `to`"};
  what.after = position_parameter(request);
  what.either = prefix_parameter(request, "address");
  what.source = prefix_parameter(request, "source");
  what.destination = prefix_parameter(request, "destination");
  if (const std::string* text = text_parameter(request, "exporter")) {
    what.exporter = IpAddress::parse(*text);
    if (!what.exporter) bad("exporter", *text, "an address");
  }
  if (text_parameter(request, "port") != nullptr) {
    what.port = static_cast<std::uint16_t>(number_parameter(request, "port", 0, 0, 65'535));
  }
  what.protocol = protocol_parameter(request);
  return what;
}

const FlowArchive& archive_of(const Service& s) {
  if (s.flow_archive != nullptr) return *s.flow_archive;
  throw Problem{409, "Conflict",
                "single flows are not kept: that takes a data_dir, and an ingestion.routing.mode "
                "other than kafka"};
}

/// What the store says of its trouble names hosts and statements: that is for the log.
template <typename Work>
auto asked(const Work& work) {
  try {
    return work();
  } catch (const IoError& e) {
    log::warning("api", "flows could not be read", {{"reason", e.what()}});
    throw Problem{503, "Not available",
                  "the store cannot answer now, or not in time; ask for a shorter time, or for one "
                  "address"};
  }
}

struct Found {
  std::vector<FlowRecord> flows;
  std::uint64_t examined = 0;
  std::optional<FlowPosition> next;  ///< nothing: that was all
};

Found find(const FlowArchive& archive, const FlowScan& what, const Filter<FlowRecord>& filter,
           std::size_t limit) {
  Found found;
  FlowPosition last;
  archive.scan(what, [&](const FlowPosition& position, const FlowRecord& flow) {
    if (found.flows.size() >= limit || found.examined >= kMostExamined) {
      found.next = last;
      return false;
    }
    ++found.examined;
    last = position;
    if (!filter || filter.matches(flow)) found.flows.push_back(flow);
    return true;
  });
  return found;
}

std::string protocol_text(std::uint8_t protocol) {
  const std::string_view name = protocol_name(protocol);
  return name.empty() ? std::to_string(protocol) : std::string(name);
}

Json flow_json(const FlowRecord& f) {
  Json json{{"received", to_string(f.received)},
            {"start", to_string(f.start)},
            {"end", to_string(f.end)},
            {"exporter", f.exporter.to_string()},
            {"source", {{"address", f.source_address.to_string()}, {"port", f.source_port}}},
            {"destination",
             {{"address", f.destination_address.to_string()}, {"port", f.destination_port}}},
            {"protocol", protocol_text(f.protocol)},
            {"octets", f.octet_count},
            {"packets", f.packet_count},
            {"sampling_rate", f.sampling_rate},
            {"is_denied", f.kind == FlowKind::denied}};
  if (f.has(FlowField::tcp_flags)) json["tcp_flags"] = f.tcp_flags;
  if (f.has(FlowField::ingress_interface)) json["ingress_interface"] = f.ingress_interface;
  if (f.has(FlowField::egress_interface)) json["egress_interface"] = f.egress_interface;
  if (f.has(FlowField::next_hop)) json["next_hop"] = f.next_hop.to_string();
  if (f.has(FlowField::source_as)) json["source_as"] = f.source_as;
  if (f.has(FlowField::destination_as)) json["destination_as"] = f.destination_as;
  if (f.has(FlowField::vlan_id)) json["vlan_id"] = f.vlan_id;
  if (f.has(FlowField::tos)) json["tos"] = f.tos;
  return json;
}

/// Numbers, times and addresses only: nothing needs quotes.
std::string csv_of(const std::vector<FlowRecord>& flows) {
  std::ostringstream out;
  out << "received,start,end,exporter,source_address,source_port,destination_address,"
         "destination_port,protocol,octets,packets,sampling_rate,tcp_flags\r\n";
  for (const FlowRecord& f : flows) {
    out << to_string(f.received) << ',' << to_string(f.start) << ',' << to_string(f.end) << ','
        << f.exporter.to_string() << ',' << f.source_address.to_string() << ',' << f.source_port
        << ',' << f.destination_address.to_string() << ',' << f.destination_port << ','
        << protocol_text(f.protocol) << ',' << f.octet_count << ',' << f.packet_count << ','
        << f.sampling_rate << ',' << unsigned{f.tcp_flags} << "\r\n";
  }
  return out.str();
}

bool wants_csv(const Request& request) {
  const std::string* format = text_parameter(request, "format");
  if (format == nullptr || *format == "json") return false;
  if (*format != "csv") bad("format", *format, "json or csv");
  return true;
}

Response list_flows(const Request& request, const Service& s) {
  const bool is_csv = wants_csv(request);
  const FlowScan what = scan_of(request);
  const auto filter = filter_parameter(request, flow_fields());
  const std::size_t limit =
      number_parameter(request, "limit", s.settings.default_page_size, 1, s.settings.max_page_size);
  const FlowArchive& archive = archive_of(s);
  const Found found = asked([&] { return find(archive, what, filter, limit); });
  if (is_csv) {
    Response r;
    r.content_type = "text/csv; charset=utf-8";
    r.body = csv_of(found.flows);
    r.headers.emplace_back("Cache-Control", "no-store");
    if (found.next) r.headers.emplace_back("X-Next-Cursor", text_of(*found.next));
    return r;
  }
  Json items = Json::array();
  for (const FlowRecord& flow : found.flows) items.push_back(flow_json(flow));
  return fresh({{"items", std::move(items)},
                {"from", to_string(what.from)},
                {"to", to_string(what.to)},
                {"examined", found.examined},
                {"next_cursor", found.next ? Json(text_of(*found.next)) : Json(nullptr)}});
}

FlowGrouping grouping_parameter(const Request& request) {
  const std::string* text = text_parameter(request, "group_by");
  if (text == nullptr) return FlowGrouping::none;
  if (*text == "exporter") return FlowGrouping::exporter;
  if (*text == "protocol") return FlowGrouping::protocol;
  if (*text == "source") return FlowGrouping::source;
  if (*text == "destination") return FlowGrouping::destination;
  if (*text == "port") return FlowGrouping::port;
  bad("group_by", *text, "exporter, protocol, source, destination or port");
}

Json sums_json(const FlowSums& sums, FlowGrouping grouping) {
  Json json{{"start", to_string(sums.start)}};
  switch (grouping) {
    case FlowGrouping::none:
      break;
    case FlowGrouping::exporter:
      json["exporter"] = sums.address.to_string();
      break;
    case FlowGrouping::source:
      json["source"] = sums.address.to_string();
      break;
    case FlowGrouping::destination:
      json["destination"] = sums.address.to_string();
      break;
    case FlowGrouping::protocol:
      json["protocol"] = protocol_text(static_cast<std::uint8_t>(sums.number));
      break;
    case FlowGrouping::port:
      json["port"] = sums.number;
      break;
  }
  json["flows"] = sums.flows;
  json["estimated_octets"] = sums.octets;
  json["estimated_packets"] = sums.packets;
  return json;
}

Response sum_flows(const Request& request, const Service& s) {
  const FlowScan what = scan_of(request);
  FlowSumming how;
  how.grouping = grouping_parameter(request);
  how.step = std::chrono::seconds(number_parameter(request, "step_seconds", 0, 0, 366 * 86'400));
  const std::size_t limit =
      number_parameter(request, "limit", s.settings.max_page_size, 1, s.settings.max_page_size);
  how.most = limit + 1;
  const FlowArchive& archive = archive_of(s);
  std::vector<FlowSums> sums = asked([&] { return archive.sum(what, how); });
  const bool is_cut = sums.size() > limit;
  if (is_cut) sums.resize(limit);
  Json items = Json::array();
  for (const FlowSums& row : sums) items.push_back(sums_json(row, how.grouping));
  return fresh({{"items", std::move(items)},
                {"from", to_string(what.from)},
                {"to", to_string(what.to)},
                {"is_cut", is_cut}});
}

}  // namespace

void add_flow_routes(Router& router, const Service& s) {
  router.add({"/api/v1/flows",
              [&s](const Request& r) { return list_flows(r, s); },
              {"from", "to", "address", "source", "destination", "exporter", "port", "protocol",
               "filter", "limit", "cursor", "format"}});
  router.add({"/api/v1/flows/statistics",
              [&s](const Request& r) { return sum_flows(r, s); },
              {"from", "to", "address", "source", "destination", "exporter", "port", "protocol",
               "group_by", "step_seconds", "limit"}});
}

}  // namespace flowlensd::http
