#include "http/decoder_families.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "flowlens/version.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostExporterLabels = 100;  // the rest is `other`: labels must stay bounded

std::uint64_t resident_octets() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

}  // namespace

void add_received_flows(Families& out, const Accounts& accounts) {
  auto rows = accounts.exporters();
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.datagrams > b.datagrams; });
  std::map<std::pair<std::string, std::string>, std::uint64_t> sums;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string exporter = i < kMostExporterLabels ? rows[i].address.to_string() : "other";
    sums[{exporter, std::string(to_string(rows[i].protocol))}] += rows[i].flows;
  }
  auto& family = out.counters("flowlens_flows_received_total", "Flows decoded, by exporter.");
  for (const auto& [labels, flows] : sums) {
    Families::put(family, {{"exporter", labels.first}, {"protocol", labels.second}}, number(flows));
  }
}

void add_datagrams(Families& out, const DatagramLedger& l, const UdpReceiverCounters& receiver) {
  out.counter("flowlens_datagrams_received_total", "Datagrams read from the sockets or captures.",
              number(l.received));
  out.counter("flowlens_datagrams_accepted_total", "Datagrams with a sound header.",
              number(l.accepted));
  auto& refused = out.counters("flowlens_datagrams_refused_total", "Datagrams refused, by reason.");
  for (std::size_t i = 1; i < l.refused.size(); ++i) {
    const auto code = static_cast<DiagnosticCode>(i);
    const bool is_policy =
        code == DiagnosticCode::pressure || code == DiagnosticCode::exporter_not_allowed;
    if (l.refused[i] > 0 || is_policy) {
      Families::put(refused, {{"reason", std::string(reason(code))}}, number(l.refused[i]));
    }
  }
  out.counter("flowlens_datagrams_kernel_dropped_total",
              "Datagrams the kernel dropped because a socket's buffer was full.",
              number(receiver.kernel_dropped));
}

void add_octets(Families& out, const OctetLedger& l) {
  auto& family = out.counters("flowlens_octets_total",
                              "Octets of accepted datagrams, by what became of them.");
  const std::pair<const char*, std::uint64_t> parts[] = {
      {"header", l.header},   {"template", l.templates},   {"options", l.options},
      {"decoded", l.decoded}, {"skipped", sum(l.skipped)}, {"padding", l.padding}};
  for (const auto& [part, octets] : parts) Families::put(family, {{"part", part}}, number(octets));
  out.gauge("flowlens_octets_waiting", "Octets of sets whose template has not come.",
            number(l.waiting));
}

void add_decoding(Families& out, const DecoderAccount& d) {
  const NormalizerCounters& n = d.normalizer;
  out.counter("flowlens_records_without_flow_total",
              "Data records and samples that tell of no traffic.", number(n.records_without_flow));
  out.counter("flowlens_nat_events_total", "Events of address translation.", number(n.nat_events));
  out.counter("flowlens_flows_unknown_sampling_total",
              "Flows whose sampling rate nothing told; one in one was assumed.",
              number(n.flows_of_unknown_sampling));
  out.counter("flowlens_flows_times_replaced_total",
              "Flows whose exported times could not be; the time of receipt stands for them.",
              number(n.flows_with_times_replaced));
  out.counter("flowlens_sampling_rates_refused_total",
              "Sampling rates told in options that no device can have.",
              number(n.absurd_sampling_rates));
  out.counter("flowlens_options_records_passed_over_total",
              "Options records past 512 of one datagram.", number(n.options_records_passed_over));
  out.counter("flowlens_declared_elements_refused_total",
              "Elements that exporters described (RFC 5610) and that were not taken in.",
              number(d.parser.declared_elements_refused));
  out.gauge("flowlens_sampling_rates", "Sampling rates learned from options.",
            number(n.sampling_rates));
  out.gauge("flowlens_exporter_names", "Names of interfaces, VRFs and applications learned.",
            number(n.names));
}

void add_queue(Families& out, std::size_t flows, const Settings& now) {
  const double depth = number(flows);
  out.gauge("flowlens_ingestion_queue_depth", "Flows waiting for the Resolver.", depth);
  out.gauge("flowlens_queue_size", "The same as flowlens_ingestion_queue_depth.", depth);
  auto& limits =
      out.gauges("flowlens_ingestion_queue_limit", "Queue depths at which something happens.");
  Families::put(limits, {{"at", "sample"}}, number(now.sample_threshold));
  Families::put(limits, {{"at", "drop"}}, number(now.drop_threshold));
  Families::put(limits, {{"at", "full"}}, number(now.queue_max_size));
}

namespace {

/// How connections ended that are not open any more.
std::vector<std::pair<std::string, std::uint64_t>> stream_ends(const IpfixListenerCounters& c) {
  return {{"ended", c.ended},
          {"cut", c.cut},
          {"failed", c.failed},
          {"not_allowed", c.not_allowed},
          {"too_many", c.too_many},
          {"handshake_failed", c.handshake_failed},
          {"handshake_timed_out", c.handshake_timed_out},
          {"bad_version", c.bad_version},
          {"bad_length", c.bad_length},
          {"stalled", c.stalled},
          {"idle", c.idle}};
}

}  // namespace

void add_streams(Families& out, const std::optional<StreamsView>& streams) {
  if (!streams) return;
  const IpfixListenerCounters& c = streams->counters;
  out.gauge("flowlens_ipfix_connections", "Connections of exporters that are open.",
            number(c.open));
  out.counter("flowlens_ipfix_connections_accepted_total", "Connections of exporters so far.",
              number(c.accepted));
  auto& ends = out.counters("flowlens_ipfix_connections_ended_total",
                            "Connections that are not open any more, by how they ended.");
  for (const auto& [reason, count] : stream_ends(c)) {
    Families::put(ends, {{"reason", reason}}, number(count));
  }
  out.counter("flowlens_ipfix_accept_failures_total", "Connections that could not be accepted.",
              number(c.accept_failures));
  out.counter("flowlens_ipfix_stream_messages_total", "Messages that came by connections.",
              number(c.messages));
  out.counter("flowlens_ipfix_stream_bytes_total", "What they took.", number(c.octets));
  out.counter("flowlens_ipfix_stream_discarded_bytes_total",
              "What came by connections and belongs to no whole message.",
              number(c.discarded_octets));
}

void add_watched(Families& out, const std::vector<WatchedDirectory>& watched) {
  if (watched.empty()) return;
  auto& files = out.counters("flowlens_watched_files_total",
                             "Files of watched folders, by what came of them.");
  auto& unsettled = out.gauges("flowlens_watched_files_unsettled",
                               "Files that somebody may still write to, by folder.");
  auto& flows = out.counters("flowlens_watched_flows_total", "Flows of those files.");
  for (const WatchedDirectory& folder : watched) {
    const std::string name = folder.directory.string();
    Families::put(files, {{"folder", name}, {"outcome", "read"}}, number(folder.read));
    Families::put(files, {{"folder", name}, {"outcome", "broken"}}, number(folder.broken));
    Families::put(unsettled, {{"folder", name}}, number(folder.files.unsettled));
    Families::put(flows, {{"folder", name}}, number(folder.flows));
  }
}

void add_receiver(Families& out, const Settings& settings, const ReceiverView& receiver) {
  out.gauge("flowlens_receive_buffer_requested_bytes", "Receive buffer asked for, per socket.",
            number(settings.receive_buffer_octets));
  out.gauge("flowlens_receive_buffer_granted_bytes", "Receive buffer the kernel granted.",
            number(receiver.granted_buffer_octets));
  add_streams(out, receiver.streams);
  add_watched(out, receiver.watched);
}

void add_channel_state(Families& out, const ParcelState& state) {
  out.gauge("flowlens_channel_position", "The last parcel of flows written to the database.",
            number(state.last_position));
  out.gauge("flowlens_channel_taken_position", "Up to which parcel the map contains them.",
            number(state.taken_position));
  out.gauge("flowlens_channel_waiting_bytes", "What waits in the database.", number(state.octets));
}

void add_process(Families& out, const Life& life, const ServerCounters& server) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out.counter("process_cpu_seconds_total", "CPU time of this process.",
              seconds(usage.ru_utime) + seconds(usage.ru_stime));
  out.gauge("process_resident_memory_bytes", "Resident memory of this process.",
            number(resident_octets()));
  out.gauge("process_start_time_seconds", "Start of this process since 1970.",
            static_cast<double>(to_unix_ns(life.begun())) / 1e9);
  auto& build = out.gauges("flowlens_build_info", "The release, as a label.");
  Families::put(build, {{"version", std::string(kVersion)}}, 1);
  out.gauge("flowlens_api_connections_active", "HTTP connections open.",
            number(server.connections));
  out.counter("flowlens_api_connections_refused_total", "HTTP connections over the limit.",
              number(server.refused));
}

}  // namespace flowlensd::http
