#include "http/metric_families.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "auth/access.hpp"
#include "http/decoder_families.hpp"
#include "http/dns_families.hpp"
#include "http/follower_metrics.hpp"
#include "http/live.hpp"
#include "http/lookup_metrics.hpp"
#include "http/rate_limits.hpp"
#include "notify/channels.hpp"
#include "pipeline/alerting.hpp"
#include "pipeline/flow_keeper.hpp"
#include "pipeline/flow_sender.hpp"
#include "pipeline/grouping.hpp"
#include "pipeline/parcel_reading.hpp"

namespace flowlensd::http {
namespace {

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
      {"facts", map.graph.facts, s.resolver_options.graph.max_facts},
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
  Families::put(lost, {{"table", "facts"}}, number(map.graph.refused_facts));
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

void add_flow_sender(Families& out, const FlowSender* sender) {
  if (sender == nullptr) return;
  const FlowSenderView view = sender->view();
  auto& flows = out.counters("flowlens_forward_flows_total",
                             "Flows to be sent on to another collector, by what came of them.");
  Families::put(flows, {{"outcome", "sent"}}, number(view.sent));
  Families::put(flows, {{"outcome", "filtered_out"}}, number(view.filtered_out));
  Families::put(flows, {{"outcome", "sampled_out"}}, number(view.sampled_out));
  Families::put(flows, {{"outcome", "queue_full"}}, number(view.queue_full));
  Families::put(flows, {{"outcome", "refused"}}, number(view.refused));
  out.gauge("flowlens_forward_flows_waiting", "Flows that wait to be sent on.",
            number(view.waiting));
  out.counter("flowlens_forward_messages_total", "Messages they were put in.",
              number(view.messages));
  out.counter("flowlens_forward_messages_lost_total",
              "Messages over UDP that the socket had no room for.", number(view.lost_messages));
  out.counter("flowlens_forward_connections_total", "Connections made to the collector.",
              number(view.connections));
  out.gauge("flowlens_forward_connected", "0: the collector cannot be reached over TCP.",
            view.is_connected ? 1 : 0);
}

/// Flows that come by the database.
void add_parcels(Families& out, const ParcelReading* parcels) {
  if (parcels == nullptr) return;
  const ParcelReadingView view = parcels->view();
  add_channel_state(out, view.channel);
  out.counter("flowlens_channel_flows_taken_total", "Flows taken from the database.",
              number(view.flows));
  out.counter("flowlens_channel_parcels_taken_total", "Parcels they came in.",
              number(view.parcels));
  auto& lost = out.counters("flowlens_channel_lost_total",
                            "What could not be taken: flows of damaged parcels, and parcels that "
                            "somebody has removed.");
  Families::put(lost, {{"what", "damaged_flows"}}, number(view.damaged_flows));
  Families::put(lost, {{"what", "missing_parcels"}}, number(view.missing_parcels));
  out.counter("flowlens_channel_failures_total", "Attempts to reach the database that failed.",
              number(view.failures));
  out.gauge("flowlens_channel_behind_seconds",
            "How long ago the parcel taken last was made; 0: none waits behind it.",
            view.behind_seconds);
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

/// What only the process has that writes the map.
void add_writing(Families& out, const Service& s, const MapView& map) {
  const DecoderAccount decoders = s.accounts.total();
  const ReceiverView receiver = s.receiver();
  add_received_flows(out, s.accounts);
  add_datagrams(out, decoders.datagrams, receiver.counters);
  add_octets(out, decoders.octets);
  add_decoding(out, decoders);
  add_flows(out, map.flows);
  add_queue(out, s.channel.depth(), *s.current_settings());
  add_tables(out, s, decoders, map);
  add_translations(out, map.aggregator.translations);
  add_external_peers(out, map.external_peers);
  add_store(out, s.store);
  add_flow_keeper(out, s.flow_keeper);
  add_flow_sender(out, s.flow_sender);
  add_parcels(out, s.parcels);
  add_receiver(out, s.settings, receiver);
  add_alerts(out, s.alerting);
  add_channels(out, s.channels);
  add_applications(out, s.grouping);
  add_followers(out, s);
  add_lookups(out, s.lookups);
  add_dns(out, s.dns);
}

}  // namespace

std::vector<MetricFamily> collect_families(const Service& s, const ServerCounters& server) {
  Families out;
  const MapView map = s.writer.view();
  if (s.follower == nullptr) add_writing(out, s, map);
  add_follower(out, s);
  add_map(out, map);
  add_postgres(out, s);
  add_geo(out, s.geo);
  add_access(out, s.access, s.audit);
  add_process(out, s.life, server);
  add_connections(out, server);
  add_live(out, s.live);
  add_rate_limits(out, s.rate_limits);
  return out.take();
}

}  // namespace flowlensd::http
