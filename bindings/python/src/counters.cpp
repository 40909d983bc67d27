#include "counters.hpp"

#include <optional>

namespace flowlens::python {
namespace {

/// Reasons that have counted something.
template <std::size_t kCount, typename ReasonOf>
py::dict by_reason(const std::array<std::uint64_t, kCount>& counts, ReasonOf reason_of) {
  py::dict out;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] != 0) out[text_of(reason_of(i))] = counts[i];
  }
  return out;
}
py::dict by_diagnostic(const DiagnosticCounts& counts) {
  return by_reason(counts, [](std::size_t i) { return reason(static_cast<DiagnosticCode>(i)); });
}

template <typename T>
py::object or_none(const std::optional<T>& value) {
  if (!value) return py::none();
  if constexpr (std::is_same_v<T, Timestamp>) {
    return to_python(*value);
  } else {
    return py::int_(*value);
  }
}

py::object problem_of(const Diagnostic& problem) {
  if (problem.code == DiagnosticCode::none) return py::none();
  return py::str(to_string(problem));
}

py::dict dict_of(const StreamStatus& s) {
  py::dict out;
  out["protocol"] = text_of(to_string(s.protocol));
  out["observation_domain"] = s.observation_domain;
  out["agent"] = to_python(s.agent);
  out["exporter_port"] = s.session.exporter_port;
  out["first_heard"] = to_python(s.first_heard);
  out["last_heard"] = to_python(s.last_heard);
  out["datagrams"] = s.datagrams;
  out["octets"] = s.octets;
  out["records"] = s.records;
  out["options_records"] = s.options_records;
  out["problems"] = s.problems;
  out["restarts"] = s.restarts;
  out["boot"] = or_none(s.boot);
  out["lost"] = s.sequence.lost;
  out["late"] = s.sequence.late;
  out["duplicates"] = s.sequence.duplicates;
  out["samples_lost"] = s.samples.lost;
  out["last_problem"] = problem_of(s.last_problem);
  return out;
}

py::dict dict_of(const TemplateStatus& t, const ExporterExplanation& e) {
  py::dict out;
  out["id"] = t.id;
  out["protocol"] = text_of(to_string(t.protocol));
  out["observation_domain"] = t.observation_domain;
  out["is_options"] = t.is_options;
  out["scope_field_count"] = t.scope_field_count;
  out["last_announced"] = to_python(t.last_announced);
  out["last_used"] = to_python(t.last_used);
  py::list fields;
  for (const FieldSpecifier& field : t.fields) {
    fields.append(py::make_tuple(text_of(e.name_of(field.element)), field.length_octets));
  }
  out["fields"] = fields;
  return out;
}

const char* name_of(SamplingScope scope) noexcept {
  switch (scope) {
    case SamplingScope::domain:
      return "domain";
    case SamplingScope::interface:
      return "interface";
    case SamplingScope::sampler:
      return "sampler";
    case SamplingScope::selector:
      return "selector";
    case SamplingScope::header:
      return "header";
  }
  return "";
}

py::list sampling_of(const ExporterFacts& facts) {
  py::list out;
  for (const SamplingFact& s : facts.sampling) {
    py::dict d;
    d["scope"] = name_of(s.scope);
    d["observation_domain"] = s.observation_domain;
    d["id"] = s.id;
    d["rate"] = s.rate;
    out.append(d);
  }
  return out;
}

py::dict dict_of(const LossByCause& l) {
  py::dict out;
  out["network_datagrams"] = l.network_datagrams;
  out["network_records"] = l.network_records;
  out["network_samples"] = l.network_samples;
  out["exporter_samples"] = l.exporter_samples;
  out["queue_datagrams"] = l.queue_datagrams;
  out["waiting_sets"] = l.waiting_sets;
  return out;
}

py::object missing_of(const ExporterExplanation& e) {
  if (!e.missing_fields) return py::none();
  py::list out;
  for (const std::string_view name : map_field_names(*e.missing_fields)) out.append(text_of(name));
  return out;
}

py::dict log_counters(const FlowLogCounters& c) {
  py::dict out;
  out["octets"] = c.octets;
  out["records"] = c.records;
  out["conversations"] = c.conversations;
  out["flows"] = c.flows;
  out["no_data"] = c.no_data;
  out["skipped_data"] = c.skipped_data;
  out["beginnings"] = c.beginnings;
  out["others"] = c.others;
  out["refused"] = c.refused;
  return out;
}
py::dict capture_counters(const CaptureCounters& c) {
  py::dict out;
  out["packets"] = c.packets;
  out["datagrams"] = c.datagrams;
  out["traffic"] = c.traffic;
  out["not_udp"] = c.not_udp;
  out["fragments"] = c.fragments;
  return out;
}
py::dict ipfix_counters(const IpfixFileCounters& c) {
  py::dict out;
  out["messages"] = c.messages;
  out["octets"] = c.octets;
  out["damaged"] = c.damaged;
  out["skipped_octets"] = c.skipped_octets;
  return out;
}

py::dict counters_of(const InputFile& file) {
  switch (file.kind) {
    case InputKind::flow_log:
      return log_counters(file.log);
    case InputKind::ipfix_file:
      return ipfix_counters(file.ipfix);
    case InputKind::capture:
      break;
  }
  return capture_counters(file.capture);
}

std::string format_of(const InputFile& file) {
  if (file.kind == InputKind::flow_log) return std::string(to_string(file.log_format));
  return file.kind == InputKind::capture ? "capture" : "ipfix_file";
}

}  // namespace

py::dict dict_of(const DatagramLedger& l) {
  py::dict out;
  out["received"] = l.received;
  out["accepted"] = l.accepted;
  out["refused"] = by_diagnostic(l.refused);
  return out;
}

py::dict dict_of(const OctetLedger& l) {
  py::dict out;
  out["accepted"] = l.accepted;
  out["header"] = l.header;
  out["templates"] = l.templates;
  out["options"] = l.options;
  out["decoded"] = l.decoded;
  out["waiting"] = l.waiting;
  out["skipped"] = by_diagnostic(l.skipped);
  out["padding"] = l.padding;
  return out;
}

py::dict dict_of(const FlowLedger& l) {
  py::dict out;
  out["normalized"] = l.normalized;
  out["applied"] = l.applied;
  out["duplicate"] = l.duplicate;
  out["attempt"] = l.attempt;
  out["control"] = l.control;
  out["sampled_out"] = l.sampled_out;
  out["dropped"] =
      by_reason(l.dropped, [](std::size_t i) { return reason(static_cast<FlowDropReason>(i)); });
  out["late_carried"] = l.late_carried;
  return out;
}

py::dict dict_of(const ParserCounters& c) {
  py::dict out;
  out["templates"] = c.templates;
  out["templates_evicted"] = c.templates_evicted;
  out["templates_expired"] = c.templates_expired;
  out["templates_redefined"] = c.templates_redefined;
  out["sets_waiting"] = c.sets_waiting;
  out["sets_replayed"] = c.sets_replayed;
  out["sets_given_up"] = c.sets_given_up;
  out["streams"] = c.streams;
  out["streams_evicted"] = c.streams_evicted;
  return out;
}

py::dict dict_of(const NormalizerCounters& c) {
  py::dict out;
  out["records"] = c.records;
  out["flows"] = c.flows;
  out["records_without_flow"] = c.records_without_flow;
  out["nat_events"] = c.nat_events;
  out["counter_samples"] = c.counter_samples;
  out["sampling_rates"] = c.sampling_rates;
  out["names"] = c.names;
  out["exporters"] = c.exporters;
  out["exporters_evicted"] = c.exporters_evicted;
  out["flows_of_unknown_sampling"] = c.flows_of_unknown_sampling;
  out["flows_with_times_replaced"] = c.flows_with_times_replaced;
  return out;
}

py::dict dict_of(const FlowFileCounters& c) {
  py::dict out;
  out["datagrams"] = c.datagrams;
  out["packets"] = c.packets;
  out["logged"] = c.logged;
  out["flows"] = c.flows;
  out["unclean_datagrams"] = c.unclean_datagrams;
  return out;
}

py::dict dict_of(const InputFile& file) {
  py::dict out;
  out["path"] = text_of(file.path.string());
  out["format"] = format_of(file);
  out["octets_read"] = file.octets_read;
  out["counters"] = counters_of(file);
  py::list problems;
  if (!file.problem.empty()) problems.append(text_of(file.problem));
  for (const FlowLogProblem& p : file.log_problems) {
    problems.append(text_of(file.path.string() + ":" + to_string(p)));
  }
  out["problems"] = problems;
  return out;
}

py::dict dict_of(const ExporterExplanation& e) {
  py::dict out;
  out["exporter"] = to_python(e.status.exporter);
  py::list streams, templates;
  for (const StreamStatus& s : e.status.streams) streams.append(dict_of(s));
  for (const TemplateStatus& t : e.status.templates) templates.append(dict_of(t, e));
  out["streams"] = streams;
  out["templates"] = templates;
  out["template_count"] = e.status.template_count;
  out["loss"] = dict_of(e.status.loss);
  out["sampling"] = sampling_of(e.facts);
  out["flows"] = e.facts.flows;
  out["flows_of_unknown_sampling"] = e.facts.flows_of_unknown_sampling;
  out["flows_with_times_replaced"] = e.facts.flows_with_times_replaced;
  out["clock_offset"] = static_cast<double>(e.facts.clock.offset.count()) / 1e9;
  out["missing_fields"] = missing_of(e);
  out["last_problem"] = problem_of(e.status.last_problem);
  out["text"] = text_of(to_text(e));
  return out;
}

}  // namespace flowlens::python
