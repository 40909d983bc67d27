#include "http/explanation.hpp"

#include <array>

namespace flowlensd::http {
namespace {

constexpr std::size_t kMostNames = 256;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(to_string(*time)) : Json(nullptr);
}
double seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

Json rate(std::uint64_t count, std::chrono::seconds over) {
  if (over.count() == 0) return nullptr;
  return static_cast<double>(count) / static_cast<double>(over.count());
}

Json problem_json(const Diagnostic& d, Timestamp at) {
  if (d.code == DiagnosticCode::none) return nullptr;
  return {{"reason", reason(d.code)}, {"offset", d.offset},  {"detail", d.detail},
          {"clause", clause(d.code)}, {"at", to_string(at)}, {"text", to_string(d)}};
}

const char* unit_name(SequenceUnit unit) {
  constexpr std::array<const char*, 3> kNames{"none", "datagrams", "records"};
  return kNames[static_cast<std::size_t>(unit)];
}

Json sequence_json(const SequenceStatus& q) {
  return {{"unit", unit_name(q.unit)},
          {"last", q.last},
          {"received", q.received},
          {"lost", q.lost},
          {"gaps", q.gaps},
          {"late", q.late},
          {"duplicates", q.duplicates},
          {"wraps", q.wraps},
          {"resets", q.resets},
          {"astray", q.astray},
          {"unknowable", q.unknowable}};
}

Json stream_json(const StreamStatus& s) {
  return {
      {"protocol", to_string(s.protocol)},
      {"observation_domain", s.observation_domain},
      {"agent", s.agent.to_string()},
      {"source", {{"address", s.session.exporter.to_string()}, {"port", s.session.exporter_port}}},
      {"sessions", s.sessions},
      {"first_heard", to_string(s.first_heard)},
      {"last_heard", to_string(s.last_heard)},
      {"datagrams", s.datagrams},
      {"octets", s.octets},
      {"records", s.records},
      {"options_records", s.options_records},
      {"recent",
       {{"seconds", s.recent.over.count()},
        {"datagrams_per_second", rate(s.recent.datagrams, s.recent.over)},
        {"octets_per_second", rate(s.recent.octets, s.recent.over)},
        {"records_per_second", rate(s.recent.records, s.recent.over)}}},
      {"boot", time_or_null(s.boot)},
      {"restarts", s.restarts},
      {"last_restart", time_or_null(s.last_restart)},
      {"sequence", sequence_json(s.sequence)},
      {"samples",
       {{"sources", s.samples.sources},
        {"lost", s.samples.lost},
        {"late", s.samples.late},
        {"resets", s.samples.resets},
        {"drops", s.samples.drops}}},
      {"problems", s.problems},
      {"last_problem", problem_json(s.last_problem, s.last_problem_at)}};
}

Json template_json(const TemplateStatus& t, const ExporterExplanation& e) {
  Json fields = Json::array();
  for (const FieldSpecifier& f : t.fields) {
    fields.push_back({{"name", e.name_of(f.element)},
                      {"length", f.length_octets == kVariableLength ? Json("variable")
                                                                    : Json(f.length_octets)}});
  }
  return {{"id", t.id},
          {"protocol", to_string(t.protocol)},
          {"observation_domain", t.observation_domain},
          {"source_port", t.session.exporter_port},
          {"kind", t.is_options ? "options" : "data"},
          {"scope_fields", t.scope_field_count},
          {"first_announced", to_string(t.first_announced)},
          {"last_announced", to_string(t.last_announced)},
          {"last_used", to_string(t.last_used)},
          {"age_seconds", seconds(e.now - t.last_announced)},
          {"fields", std::move(fields)}};
}

const char* scope_name(SamplingScope scope) {
  constexpr std::array<const char*, 5> kNames{"domain", "interface", "sampler", "selector",
                                              "header"};
  return kNames[static_cast<std::size_t>(scope)];
}

Json sampling_json(const SamplingFact& s) {
  return {{"scope", scope_name(s.scope)},
          {"id", s.id},
          {"observation_domain", s.observation_domain},
          {"rate", s.rate},
          {"algorithm", s.algorithm},
          {"told", to_string(s.told)},
          {"is_stale", s.is_stale}};
}

Json name_json(const NameFact& n) {
  constexpr std::array<const char*, 6> kKinds{"interface",   "interface_description",   "vrf",
                                              "application", "application_description", "sampler"};
  return {{"kind", kKinds[static_cast<std::size_t>(n.kind)]},
          {"observation_domain", n.observation_domain},
          {"id", n.id},
          {"name", n.text},
          {"is_stale", n.is_stale}};
}

Json statistics_json(const ExporterStatistics& s) {
  return {{"observation_domain", s.observation_domain},
          {"told", to_string(s.told)},
          {"exported_octets", or_null(s.exported_octets)},
          {"exported_messages", or_null(s.exported_messages)},
          {"exported_flows", or_null(s.exported_flows)},
          {"observed_flows", or_null(s.observed_flows)},
          {"ignored_packets", or_null(s.ignored_packets)},
          {"ignored_octets", or_null(s.ignored_octets)},
          {"not_sent_flows", or_null(s.not_sent_flows)},
          {"not_sent_packets", or_null(s.not_sent_packets)},
          {"not_sent_octets", or_null(s.not_sent_octets)}};
}

Json clock_json(const ClockSkew& clock) {
  if (clock.datagrams == 0) return nullptr;
  return {{"behind_seconds", seconds(clock.offset)},
          {"spread_seconds", seconds(clock.spread)},
          {"datagrams", clock.datagrams},
          {"updated", to_string(clock.updated)}};
}

Json loss_json(const LossByCause& loss, const ExporterFacts& facts, std::uint64_t kernel_dropped) {
  std::uint64_t not_sent = 0;
  std::uint64_t ignored = 0;
  for (const ExporterStatistics& s : facts.statistics) {
    not_sent += s.not_sent_flows.value_or(0);
    ignored += s.ignored_packets.value_or(0);
  }
  return {{"network",
           {{"datagrams", loss.network_datagrams},
            {"records", loss.network_records},
            {"samples", loss.network_samples}}},
          {"exporter",
           {{"samples_dropped", loss.exporter_samples},
            {"flows_not_sent", not_sent},
            {"packets_ignored", ignored}}},
          {"kernel", {{"datagrams_of_all_exporters", kernel_dropped}}},
          {"queue", {{"datagrams", loss.queue_datagrams}}},
          {"waiting_sets", loss.waiting_sets}};
}

template <typename Rows, typename Row>
Json list(const Rows& rows, Row&& row, std::size_t most = SIZE_MAX) {
  Json all = Json::array();
  for (std::size_t i = 0; i < rows.size() && i < most; ++i) all.push_back(row(rows[i]));
  return all;
}

}  // namespace

Json explanation_json(const ExporterExplanation& e, std::uint64_t kernel_dropped) {
  const ExporterStatus& status = e.status;
  return {{"address", status.exporter.to_string()},
          {"now", to_string(e.now)},
          {"streams", list(status.streams, stream_json)},
          {"templates",
           list(status.templates, [&](const TemplateStatus& t) { return template_json(t, e); })},
          {"template_count", status.template_count},
          {"sampling", list(e.facts.sampling, sampling_json)},
          {"clock", clock_json(e.facts.clock)},
          {"statistics", list(e.facts.statistics, statistics_json)},
          {"names", list(e.facts.names, name_json, kMostNames)},
          {"name_count", e.facts.names.size()},
          {"flows",
           {{"given", e.facts.flows},
            {"of_unknown_sampling", e.facts.flows_of_unknown_sampling},
            {"with_times_replaced", e.facts.flows_with_times_replaced}}},
          {"loss", loss_json(status.loss, e.facts, kernel_dropped)},
          {"missing_fields",
           e.missing_fields ? Json(map_field_names(*e.missing_fields)) : Json(nullptr)},
          {"last_problem", problem_json(status.last_problem, status.last_problem_at)}};
}

}  // namespace flowlensd::http
