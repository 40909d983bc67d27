#include "http/metric_families.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "auth/access.hpp"
#include "flowlens/version.hpp"
#include "http/live.hpp"
#include "http/rate_limits.hpp"
#include "notify/channels.hpp"
#include "pipeline/alerting.hpp"
#include "pipeline/flow_keeper.hpp"
#include "pipeline/grouping.hpp"

namespace flowlensd::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMostExporterLabels = 100;  // the rest is `other`: labels must stay bounded

class Families {
 public:
  MetricFamily& add(MetricType type, std::string name, std::string help) {
    MetricFamily& f = families_.emplace_back();
    f.name = std::move(name);
    f.help = std::move(help);
    f.type = type;
    return f;
  }
  MetricFamily& counters(std::string name, std::string help) {
    return add(MetricType::Counter, std::move(name), std::move(help));
  }
  MetricFamily& gauges(std::string name, std::string help) {
    return add(MetricType::Gauge, std::move(name), std::move(help));
  }
  void counter(std::string name, std::string help, double value) {
    put(counters(std::move(name), std::move(help)), {}, value);
  }
  void gauge(std::string name, std::string help, double value) {
    put(gauges(std::move(name), std::move(help)), {}, value);
  }
  static void put(MetricFamily& family, const Labels& labels, double value) {
    ClientMetric& m = family.metric.emplace_back();
    for (const auto& [name, text] : labels) m.label.push_back({name, text});
    if (family.type == MetricType::Counter)
      m.counter.value = value;
    else
      m.gauge.value = value;
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

double number(std::uint64_t n) { return static_cast<double>(n); }

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

void add_flows(Families& out, const FlowLedger& l) {
  auto& processed = out.counters("flowlens_flows_processed_total", "Flows the Resolver took in.");
  Families::put(processed, {{"service", "resolve"}}, number(l.normalized - l.sampled_out));
  auto& dropped = out.counters("flowlens_flows_dropped_total", "Flows that were lost, by reason.");
  for (std::size_t i = 0; i < l.dropped.size(); ++i) {
    const auto why = static_cast<FlowDropReason>(i);
    const std::string name =
        why == FlowDropReason::pressure ? "backpressure" : std::string(reason(why));
    Families::put(dropped, {{"reason", name}}, number(l.dropped[i]));
  }
  out.counter("flowlens_flows_sampled_total",
              "Flows left out under pressure; others stand for them.", number(l.sampled_out));
  auto& fates = out.gauges("flowlens_flows_ledger", "Where the flows of this epoch went.");
  const std::pair<const char*, std::uint64_t> rows[] = {
      {"normalized", l.normalized}, {"applied", l.applied}, {"duplicate", l.duplicate},
      {"attempt", l.attempt},       {"control", l.control}, {"late_carried", l.late_carried}};
  for (const auto& [fate, flows] : rows) Families::put(fates, {{"fate", fate}}, number(flows));
}

/// What the decoders found out about exporters, and what they had to do without.
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

void add_queue(Families& out, const Service& s) {
  const double depth = number(s.channel.depth());
  out.gauge("flowlens_ingestion_queue_depth", "Flows waiting for the Resolver.", depth);
  out.gauge("flowlens_queue_size", "The same as flowlens_ingestion_queue_depth.", depth);
  auto& limits =
      out.gauges("flowlens_ingestion_queue_limit", "Queue depths at which something happens.");
  const auto now = s.current_settings();
  Families::put(limits, {{"at", "sample"}}, number(now->sample_threshold));
  Families::put(limits, {{"at", "drop"}}, number(now->drop_threshold));
  Families::put(limits, {{"at", "full"}}, number(s.settings.queue_max_size));
}

void add_tables(Families& out, const Service& s, const DecoderAccount& d, const MapView& map) {
  struct Row {
    const char* table;
    std::uint64_t entries;
    std::uint64_t limit;
  };
  const Row rows[] = {
      {"templates", d.parser.templates, s.parser_options.max_templates},
      {"streams", d.parser.streams, s.parser_options.max_streams},
      {"declared_elements", d.parser.declared_elements, s.parser_options.max_declared_elements},
      {"conversations", map.aggregator.conversations,
       s.resolver_options.aggregator.max_conversations},
      {"translations", map.aggregator.translations.entries,
       s.resolver_options.aggregator.max_translations},
      {"external_services", map.external_peers.services,
       s.resolver_options.external_peers.max_services},
      {"assets", map.graph.assets, s.resolver_options.graph.max_assets},
      {"intermediaries", map.graph.intermediaries, s.resolver_options.graph.max_intermediaries},
      {"dependencies", map.graph.dependencies, s.resolver_options.graph.max_dependencies},
      {"watched_assets", map.changes.assets, s.resolver_options.changes.max_assets},
      {"watched_services", map.changes.services, s.resolver_options.changes.max_services},
      {"watched_dependencies", map.changes.dependencies,
       s.resolver_options.changes.max_dependencies},
      {"baselines", map.changes.baselines, s.resolver_options.changes.max_baselines},
      {"routes", map.gateways.routes, s.resolver_options.gateways.max_routes},
      {"attempts", map.changes.attempts, s.resolver_options.changes.max_attempts},
      {"exporters", s.accounts.exporters().size(), s.accounts.max_exporters()}};
  auto& entries = out.gauges("flowlens_table_entries", "Entries of a bounded table.");
  for (const Row& r : rows) Families::put(entries, {{"table", r.table}}, number(r.entries));
  auto& limits = out.gauges("flowlens_table_limit", "The bound of a table.");
  for (const Row& r : rows) Families::put(limits, {{"table", r.table}}, number(r.limit));
  auto& lost = out.counters("flowlens_table_lost_total", "Entries given up at a bound.");
  Families::put(lost, {{"table", "templates"}}, number(d.parser.templates_evicted));
  Families::put(lost, {{"table", "streams"}}, number(d.parser.streams_evicted));
  Families::put(lost, {{"table", "sample_sources"}}, number(d.parser.sample_sources_evicted));
  Families::put(lost, {{"table", "declared_elements"}}, number(d.parser.declared_elements_evicted));
  Families::put(lost, {{"table", "exporter_facts"}}, number(d.normalizer.exporters_evicted));
  Families::put(lost, {{"table", "conversations"}}, number(map.aggregator.folded_early));
  Families::put(lost, {{"table", "translations"}}, number(map.aggregator.translations.evicted));
  Families::put(lost, {{"table", "baselines"}}, number(map.changes.evicted_baselines));
  Families::put(lost, {{"table", "watched"}}, number(map.changes.unwatched));
  Families::put(lost, {{"table", "attempts"}}, number(map.changes.forgotten_attempts));
  Families::put(lost, {{"table", "attempts_told"}}, number(map.aggregator.attempts_refused));
  Families::put(lost, {{"table", "change_events"}}, number(map.changes.left_out));
  Families::put(lost, {{"table", "next_hops"}},
                number(map.next_hops_refused + map.gateways.evicted_next_hops));
  Families::put(lost, {{"table", "routes"}}, number(map.gateways.evicted_routes));
  Families::put(lost, {{"table", "waiting_sets"}}, number(d.parser.sets_given_up));
}

void add_map(Families& out, const MapView& map) {
  out.gauge("flowlens_revision", "The last revision of the map.", number(map.revision));
  out.gauge("flowlens_epoch", "The term of this Resolver.", number(map.epoch));
  auto& changes = out.counters("flowlens_change_events_total", "Changes detected, by type.");
  for (std::size_t i = 0; i < kChangeTypeCount; ++i) {
    if (map.changes.events[i] == 0) continue;
    Families::put(changes,
                  {{"type", std::string(to_string(ChangeType{static_cast<std::uint8_t>(i)}))}},
                  number(map.changes.events[i]));
  }
  out.counter("flowlens_windows_closed_total", "Windows closed.",
              number(map.aggregator.windows_closed));
  out.counter("flowlens_flushes_postponed_total", "Flushes put off because the store was busy.",
              number(map.flushes_postponed));
  out.counter("flowlens_flow_times_clamped_total", "Flows whose time was implausible.",
              number(map.aggregator.times_clamped));
}

void add_translations(Families& out, const TranslationCounters& t) {
  out.counter("flowlens_translations_told_total",
              "Address translations that flows and events told.", number(t.told));
  auto& fates = out.counters("flowlens_translated_conversations_total",
                             "Conversations seen on the outside of a translator, by what came of "
                             "it: attributed to who talks, or left as seen.");
  Families::put(fates, {{"fate", "attributed"}}, number(t.applied));
  Families::put(fates, {{"fate", "ambiguous"}}, number(t.ambiguous));
  Families::put(fates, {{"fate", "table_full"}}, number(t.refused));
}

void add_external_peers(Families& out, const ExternalPeersCounters& e) {
  out.gauge("flowlens_external_services_grouped",
            "Services whose external peers are shown in groups.", number(e.services_collapsed));
}

void add_store(Families& out, const StoreThread* store) {
  if (store == nullptr) return;
  const StoreView view = store->view();
  out.gauge("flowlens_store_up", "1 if the last attempt to write was good.",
            view.problem.empty() ? 1 : 0);
  out.gauge("flowlens_store_waiting_revisions", "Revisions not yet written.", number(view.waiting));
  out.counter("flowlens_store_revisions_total", "Revisions written.", number(view.applied));
  out.counter("flowlens_store_failures_total", "Attempts to write that failed.",
              number(view.failures));
  const SpoolView& spool = view.spool;
  out.gauge("flowlens_store_spool_revisions", "Revisions that wait on disk for the database.",
            number(spool.revisions));
  out.gauge("flowlens_store_spool_bytes", "What they take on disk.", number(spool.octets));
  out.gauge("flowlens_store_spool_limit_bytes",
            "The bound on that; 0: revisions wait in memory only.", number(spool.limit));
  out.counter("flowlens_store_spooled_revisions_total", "Revisions that were kept on disk.",
              number(spool.kept));
  out.counter("flowlens_store_spool_failures_total",
              "Attempts to keep revisions on disk that failed.", number(spool.failures));
}

void add_flow_keeper(Families& out, const FlowKeeper* keeper) {
  if (keeper == nullptr) return;
  const FlowKeeperView view = keeper->view();
  out.counter("flowlens_raw_flows_kept_total", "Single flows written to the store.",
              number(view.kept));
  auto& dropped = out.counters("flowlens_raw_flows_not_kept_total",
                               "Single flows that were not, by reason; the map has them.");
  Families::put(dropped, {{"reason", "over_rate"}}, number(view.over_rate));
  Families::put(dropped, {{"reason", "queue_full"}}, number(view.queue_full));
  Families::put(dropped, {{"reason", "store_away"}}, number(view.lost));
  out.counter("flowlens_raw_flows_failures_total", "Attempts to write them that failed.",
              number(view.failures));
  out.gauge("flowlens_raw_flows_waiting", "Single flows that wait for the store.",
            number(view.waiting));
  out.gauge("flowlens_raw_flows_paused", "1 while too many flows come to keep each of them.",
            view.is_paused ? 1 : 0);
  out.gauge("flowlens_raw_flows_bytes", "What those kept take in the store, each minute.",
            number(view.octets));
}

void add_postgres(Families& out, const Service& s) {
  if (s.postgres == nullptr) return;
  const double active = number(s.postgres->active);
  out.gauge("flowlens_pg_connections_open", "Connections to PostgreSQL.", number(s.postgres->open));
  out.gauge("flowlens_pg_connections_active", "Of those, in a transaction.", active);
  out.gauge("flowlens_db_connections_active", "The same as flowlens_pg_connections_active.",
            active);
  out.gauge("flowlens_pg_connections_waiting",
            "Questions about traffic that wait for a connection.",
            s.traffic == nullptr ? 0 : number(s.traffic->waiting()));
}

void add_receiver(Families& out, const Service& s, const ReceiverView& receiver) {
  out.gauge("flowlens_receive_buffer_requested_bytes", "Receive buffer asked for, per socket.",
            number(s.settings.receive_buffer_octets));
  out.gauge("flowlens_receive_buffer_granted_bytes", "Receive buffer the kernel granted.",
            number(receiver.granted_buffer_octets));
}

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

void add_process(Families& out, const Service& s, const ServerCounters& server) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out.counter("process_cpu_seconds_total", "CPU time of this process.",
              seconds(usage.ru_utime) + seconds(usage.ru_stime));
  out.gauge("process_resident_memory_bytes", "Resident memory of this process.",
            number(resident_octets()));
  out.gauge("process_start_time_seconds", "Start of this process since 1970.",
            static_cast<double>(to_unix_ns(s.life.begun())) / 1e9);
  auto& build = out.gauges("flowlens_build_info", "The release, as a label.");
  Families::put(build, {{"version", std::string(kVersion)}}, 1);
  out.gauge("flowlens_api_connections_active", "HTTP connections open.",
            number(server.connections));
  out.counter("flowlens_api_connections_refused_total", "HTTP connections over the limit.",
              number(server.refused));
}

void add_connections(Families& out, const ServerCounters& c) {
  out.gauge("flowlens_websocket_connections_active", "WebSockets open.", number(c.websockets));
  out.gauge("flowlens_event_streams_active", "Streams of server-sent events open.",
            number(c.event_streams));
  out.counter("flowlens_websocket_refused_total",
              "WebSockets and event streams over api.websocket.max_connections.",
              number(c.live_refused));
  auto& dropped = out.counters("flowlens_websocket_dropped_total",
                               "WebSockets and event streams that we ended, by reason.");
  Families::put(dropped, {{"reason", "stalled"}}, number(c.live_stalled));
  Families::put(dropped, {{"reason", "hostile"}}, number(c.live_expelled));
  Families::put(dropped, {{"reason", "log_in_ended"}}, number(c.live_expired));
  out.counter("flowlens_api_connections_made_room_total",
              "Connections closed for others, as no request came over them for long.",
              number(c.made_room));
  out.counter("flowlens_api_late_answers_total", "Requests answered 503 as they took too long.",
              number(c.late_answers));
  out.counter("flowlens_tls_handshakes_failed_total", "TLS connections that never began.",
              number(c.handshakes_failed));
}

void add_live(Families& out, const LiveUpdates* live) {
  if (live == nullptr) return;
  const LiveCounters c = live->counters();
  out.counter("flowlens_websocket_messages_sent_total", "Live updates handed to clients.",
              number(c.messages));
  out.counter("flowlens_websocket_coalesced_total",
              "Notices that a client must read the map anew, in place of what it has missed.",
              number(c.coalesced));
  out.counter("flowlens_live_updates_total", "Updates made for clients to follow.",
              number(c.updates));
  out.counter("flowlens_live_updates_lost_total", "Updates that came too fast to be made.",
              number(c.lost));
  out.counter("flowlens_live_topics_truncated_total",
              "Topics of updates with more rows than are told.", number(c.truncated));
  out.gauge("flowlens_live_kept_bytes", "Updates kept for clients that come back.",
            number(c.kept_octets));
  out.gauge("flowlens_live_sending_bytes", "Messages on their way to clients.",
            number(c.sending_octets));
}

void add_rate_limits(Families& out, const RateLimits* limits) {
  if (limits == nullptr) return;
  const RateLimitCounters c = limits->counters();
  out.counter("flowlens_api_rate_limited_total", "Requests answered 429.", number(c.refused));
  out.gauge("flowlens_api_rate_limit_keys", "Users and addresses whose requests are counted.",
            number(c.keys));
  out.counter("flowlens_api_rate_limit_keys_forgotten_total",
              "Of those, dropped past the bound on them.", number(c.forgotten));
}

void add_alerts(Families& out, const Alerting* alerting) {
  if (alerting == nullptr) return;
  const AlertingView view = alerting->view();
  const AlertCounters& c = view.engine;
  auto& alerts = out.gauges("flowlens_alerts", "Alerts kept; suppressed ones count twice.");
  Families::put(alerts, {{"status", "open"}}, number(c.open));
  Families::put(alerts, {{"status", "acknowledged"}}, number(c.acknowledged));
  Families::put(alerts, {{"status", "suppressed"}}, number(c.suppressed));
  Families::put(alerts, {{"status", "resolved"}}, number(c.resolved));
  auto& events = out.counters("flowlens_alert_events_total", "Events, by what came of them.");
  Families::put(events, {{"outcome", "repeated"}}, number(c.repeated));
  Families::put(events, {{"outcome", "unmatched"}}, number(c.unmatched));
  Families::put(events, {{"outcome", "raised"}}, number(c.raised));
  Families::put(events, {{"outcome", "counted"}}, number(c.counted));
  Families::put(events, {{"outcome", "reopened"}}, number(c.reopened));
  auto& lost = out.counters("flowlens_alerts_lost_total", "What found no room, by what it was.");
  Families::put(lost, {{"what", "open_alerts"}}, number(c.crowded_out));
  Families::put(lost, {{"what", "resolved_alerts"}}, number(c.forgotten));
  Families::put(lost, {{"what", "events"}}, number(view.dropped));
  out.counter("flowlens_alert_store_failures_total", "Attempts to save alerts that failed.",
              number(view.failures));
}

void add_channels(Families& out, const Channels* channels) {
  const auto views = channels == nullptr ? std::vector<ChannelView>{} : channels->view();
  if (views.empty()) return;
  auto& up = out.gauges("flowlens_alert_channel_up", "0: the last attempt at the receiver failed.");
  auto& waiting = out.gauges("flowlens_alert_notices_waiting", "Notices not delivered yet.");
  auto& notices = out.counters("flowlens_alert_notices_total", "Notices, by what came of them.");
  auto& failures = out.counters("flowlens_alert_notice_failures_total", "Attempts that failed.");
  for (const auto& [name, view] : views) {
    const auto add = [&, channel = name](const char* outcome, std::uint64_t value) {
      Families::put(notices, {{"channel", channel}, {"outcome", outcome}}, number(value));
    };
    Families::put(up, {{"channel", name}}, view.problem.empty() ? 1 : 0);
    Families::put(waiting, {{"channel", name}}, number(view.waiting));
    Families::put(failures, {{"channel", name}}, number(view.failures));
    add("delivered", view.delivered);
    add("refused", view.refused);
    add("given_up", view.given_up);
    add("crowded_out", view.crowded_out);
    add("abandoned", view.abandoned);
  }
}

void add_applications(Families& out, const Grouping* grouping) {
  if (grouping == nullptr) return;
  const GroupingView view = grouping->view();
  std::size_t count[kApplicationStatusCount] = {};
  for (const KnownApplication& a : *grouping->all()) {
    ++count[static_cast<std::size_t>(a.entry.status)];
  }
  auto& applications = out.gauges("flowlens_applications", "Applications, by status.");
  for (const auto status :
       {ApplicationStatus::proposed, ApplicationStatus::confirmed, ApplicationStatus::rejected}) {
    Families::put(applications, {{"status", std::string(to_string(status))}},
                  number(count[static_cast<std::size_t>(status)]));
  }
  auto& left_out = out.gauges("flowlens_applications_left_out",
                              "What the last look at the map had no room for, by what it was.");
  Families::put(left_out, {{"what", "applications"}}, number(view.book.left_out));
  Families::put(left_out, {{"what", "members"}}, number(view.book.unseated));
  out.counter("flowlens_application_changes_untold_total",
              "Members that joined or left past the bound on events.", number(view.book.untold));
  out.counter("flowlens_application_store_failures_total",
              "Attempts to save applications that failed.", number(view.failures));
}

void add_access(Families& out, const Access* access, const AuditLog* audit) {
  if (access == nullptr || audit == nullptr) return;
  const AccessCounters c = access->counters();
  auto& logins = out.counters("flowlens_auth_logins_total", "Log-ins, by what came of them.");
  const char* results[] = {"success", "refused", "locked", "busy"};
  for (std::size_t i = 0; i < 4; ++i) {
    Families::put(logins, {{"result", results[i]}}, number(c.logins[i]));
  }
  auto& refreshes =
      out.counters("flowlens_auth_refreshes_total", "Refreshed log-ins, by what came of them.");
  const char* outcomes[] = {"success", "refused", "replayed"};
  for (std::size_t i = 0; i < 3; ++i) {
    Families::put(refreshes, {{"result", outcomes[i]}}, number(c.refreshes[i]));
  }
  auto& refused = out.counters("flowlens_auth_requests_refused_total", "Requests refused, by why.");
  Families::put(refused, {{"reason", "unauthenticated"}}, number(c.unauthenticated));
  Families::put(refused, {{"reason", "forbidden"}}, number(c.forbidden));
  auto& locked = out.gauges("flowlens_auth_locked", "Who has to wait after failed log-ins.");
  Families::put(locked, {{"by", "user"}}, number(c.locked.users));
  Families::put(locked, {{"by", "address"}}, number(c.locked.addresses));
  const AuditCounters a = audit->counters();
  out.gauge("flowlens_auth_sessions", "Sessions that go on.", number(a.sessions));
  out.counter("flowlens_audit_rows_total", "Entries of the audit.", number(a.recorded));
  auto& dropped =
      out.counters("flowlens_audit_rows_dropped_total", "Entries that the audit lost, by why.");
  Families::put(dropped, {{"reason", "store_away"}}, number(a.dropped_full));
  Families::put(dropped, {{"reason", "rate_of_refusals"}}, number(a.dropped_rate));
}

}  // namespace

std::vector<MetricFamily> collect_families(const Service& s, const ServerCounters& server) {
  Families out;
  const DecoderAccount decoders = s.accounts.total();
  const MapView map = s.writer.view();
  const ReceiverView receiver = s.receiver();
  add_received_flows(out, s.accounts);
  add_datagrams(out, decoders.datagrams, receiver.counters);
  add_octets(out, decoders.octets);
  add_decoding(out, decoders);
  add_flows(out, map.flows);
  add_queue(out, s);
  add_tables(out, s, decoders, map);
  add_map(out, map);
  add_translations(out, map.aggregator.translations);
  add_external_peers(out, map.external_peers);
  add_store(out, s.store);
  add_flow_keeper(out, s.flow_keeper);
  add_postgres(out, s);
  add_receiver(out, s, receiver);
  add_alerts(out, s.alerting);
  add_channels(out, s.channels);
  add_applications(out, s.grouping);
  add_access(out, s.access, s.audit);
  add_process(out, s, server);
  add_connections(out, server);
  add_live(out, s.live);
  add_rate_limits(out, s.rate_limits);
  return out.take();
}

}  // namespace flowlensd::http
