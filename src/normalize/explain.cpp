// What a Decoder knows of one exporter, and that as text.
#include "flowlens/explanation.hpp"

#include <array>
#include <cstdio>
#include <utility>

#include "flowlens/decoder.hpp"
#include "normalize/plan.hpp"
#include "parse/parser_state.hpp"

namespace flowlens {
namespace {

constexpr std::array<std::pair<FlowField, std::string_view>, 10> kNames{{
    {FlowField::source_address, "source_address"},
    {FlowField::destination_address, "destination_address"},
    {FlowField::protocol, "protocol"},
    {FlowField::source_port, "source_port"},
    {FlowField::destination_port, "destination_port"},
    {FlowField::octet_count, "octet_count"},
    {FlowField::packet_count, "packet_count"},
    {FlowField::start, "start"},
    {FlowField::end, "end"},
    {FlowField::tcp_flags, "tcp_flags"},
}};

/// What the records of a protocol without templates tell.
std::uint32_t fields_of(ExportProtocol protocol) {
  const parse::FixedLayouts fixed;
  switch (protocol) {
    case ExportProtocol::netflow_v1:
    case ExportProtocol::netflow_v5:
    case ExportProtocol::netflow_v7:
      return normalize::compile(fixed.of(protocol, 0, 0)).present;
    case ExportProtocol::netflow_v9:
    case ExportProtocol::ipfix:
      return 0;
    default:  // sFlow has the headers of packets, but no times
      return kMapFields & ~static_cast<std::uint32_t>(FlowField::start) &
             ~static_cast<std::uint32_t>(FlowField::end);
  }
}

std::optional<std::uint32_t> missing_fields(const ExporterStatus& status) {
  std::uint32_t present = 0;
  for (const StreamStatus& stream : status.streams) {
    if (stream.records != 0) present |= fields_of(stream.protocol);
  }
  bool has_template = false;
  for (const TemplateStatus& t : status.templates) {
    if (t.is_options) continue;
    has_template = true;
    present |= normalize::compile(Template{t.protocol, t.id, t.fields, 0, 0}).present;
  }
  if (present == 0 && !has_template) return std::nullopt;
  return kMapFields & ~present;
}

/// \param own, declared  null: none.
/// \return empty if the built-in tables say it all.
std::string own_name(ElementId id, const InformationModel* own,
                     const InformationElement* declared) {
  if (own != nullptr && own->added() != 0 && own->find(id) != nullptr) return own->name_of(id);
  if (find_element(id) != nullptr || declared == nullptr) return {};
  return std::string(declared->name);
}

using Lines = std::string;

std::string ago(Timestamp now, Timestamp then) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  if (seconds < 120) return std::to_string(seconds) + " s ago";
  if (seconds < 7'200) return std::to_string(seconds / 60) + " min ago";
  return std::to_string(seconds / 3'600) + " h ago";
}

std::string per_second(std::uint64_t count, std::chrono::seconds over) {
  if (over.count() == 0) return "-";
  std::array<char, 32> text{};
  const double rate = static_cast<double>(count) / static_cast<double>(over.count());
  std::snprintf(text.data(), text.size(), "%.1f", rate);
  return text.data();
}

std::string number(std::uint64_t n) { return std::to_string(n); }

std::string_view unit_name(SequenceUnit unit) {
  return unit == SequenceUnit::datagrams ? "datagrams" : "records";
}

void write_sequence(const StreamStatus& s, Lines& out) {
  if (s.sequence.unit == SequenceUnit::none) {
    out += "    sequence: this protocol has none\n";
    return;
  }
  const SequenceStatus& q = s.sequence;
  out += "    sequence: " + number(q.lost) + ' ';
  out += unit_name(q.unit);
  out += " lost in " + number(q.gaps) + " gaps; " + number(q.late) + " datagrams late, " +
         number(q.duplicates) + " twice, " + number(q.astray) + " astray; " + number(q.resets) +
         " resets, " + number(q.wraps) + " wraps";
  if (q.unknowable != 0) out += "; " + number(q.unknowable) + " with records not countable";
  out += '\n';
  if (s.samples.sources == 0) return;
  out += "    samples: " + number(s.samples.sources) + " data sources, " + number(s.samples.lost) +
         " samples lost, " + number(s.samples.drops) + " dropped by the exporter\n";
}

void write_stream(const StreamStatus& s, Timestamp now, Lines& out) {
  out += "  ";
  out += to_string(s.protocol);
  out += ", domain " + number(s.observation_domain) + ", from " + s.session.exporter.to_string() +
         " port " + number(s.session.exporter_port);
  if (s.sessions > 1) out += " and " + number(s.sessions - 1) + " more";
  if (s.agent != s.session.exporter) out += ", agent " + s.agent.to_string();
  out += "\n    " + number(s.datagrams) + " datagrams, " + number(s.records) + " records, " +
         number(s.options_records) + " options records since " + to_string(s.first_heard) +
         "; last heard " + ago(now, s.last_heard) + "\n    lately " +
         per_second(s.recent.datagrams, s.recent.over) + " datagrams/s, " +
         per_second(s.recent.records, s.recent.over) + " records/s\n";
  if (s.boot) out += "    booted " + to_string(*s.boot) + '\n';
  if (s.last_restart) {
    out += "    restarts: " + number(s.restarts) + ", the last " + ago(now, *s.last_restart) + '\n';
  }
  write_sequence(s, out);
  if (s.problems != 0) {
    out += "    problems: " + number(s.problems) + " datagrams; the last " +
           ago(now, s.last_problem_at) + ": " + to_string(s.last_problem) + '\n';
  }
}

void write_template(const TemplateStatus& t, const ExporterExplanation& e, Lines& out) {
  out += t.is_options ? "  options template " : "  template ";
  out += number(t.id) + " of ";
  out += to_string(t.protocol);
  out += " domain " + number(t.observation_domain) + ", port " + number(t.session.exporter_port) +
         ": announced " + ago(e.now, t.last_announced) + ", used " + ago(e.now, t.last_used) +
         "\n   ";
  for (std::size_t i = 0; i < t.fields.size(); ++i) {
    out += ' ' + e.name_of(t.fields[i].element) + '/';
    out += t.fields[i].length_octets == kVariableLength ? "v" : number(t.fields[i].length_octets);
    if (i < t.scope_field_count) out += "(scope)";
  }
  out += '\n';
}

std::string scope_name(SamplingScope scope) {
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

void write_facts(const ExporterFacts& facts, Timestamp now, Lines& out) {
  for (const SamplingFact& s : facts.sampling) {
    out += "  sampling: 1 in " + number(s.rate) + " by " + scope_name(s.scope) + ' ' +
           number(s.id) + " of domain " + number(s.observation_domain) + ", told " +
           ago(now, s.told) + (s.is_stale ? ", before its restart\n" : "\n");
  }
  if (facts.sampling.empty()) out += "  sampling: not told\n";
  if (facts.clock.datagrams != 0) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(facts.clock.offset);
    out += "  clock: " + std::to_string(ms.count()) + " ms behind ours\n";
  }
  for (const ExporterStatistics& s : facts.statistics) {
    out += "  by its own count, domain " + number(s.observation_domain) + ':';
    if (s.exported_flows) out += ' ' + number(*s.exported_flows) + " flows exported;";
    if (s.not_sent_flows) out += ' ' + number(*s.not_sent_flows) + " flows not sent;";
    if (s.ignored_packets) out += ' ' + number(*s.ignored_packets) + " packets ignored;";
    out += " told " + ago(now, s.told) + '\n';
  }
}

void write_loss(const LossByCause& loss, Lines& out) {
  out += "  lost on the way: " + number(loss.network_datagrams) + " datagrams, " +
         number(loss.network_records) + " records, " + number(loss.network_samples) +
         " samples\n  lost in the exporter: " + number(loss.exporter_samples) +
         " samples\n  refused by our queue: " + number(loss.queue_datagrams) +
         " datagrams\n  waiting for a template: " + number(loss.waiting_sets) + " sets\n";
}

void write_missing(const ExporterExplanation& e, Lines& out) {
  if (!e.missing_fields) {
    out += "  fields: no template and no record yet\n";
    return;
  }
  out += "  fields that the map misses:";
  for (const std::string_view name : map_field_names(*e.missing_fields)) (out += ' ') += name;
  out += *e.missing_fields == 0 ? " none\n" : "\n";
}

}  // namespace

std::vector<std::string_view> map_field_names(std::uint32_t fields) {
  std::vector<std::string_view> names;
  for (const auto& [field, name] : kNames) {
    if ((fields & static_cast<std::uint32_t>(field)) != 0) names.push_back(name);
  }
  return names;
}

std::string ExporterExplanation::name_of(ElementId id) const {
  const auto known = own_names.find(id);
  return known != own_names.end() ? known->second : element_name(id);
}

ExporterExplanation Decoder::explain(const IpAddress& exporter, Timestamp now,
                                     const InformationModel* elements) const {
  ExporterExplanation explanation;
  explanation.now = now;
  explanation.status = parser_.status(exporter);
  explanation.facts = normalizer_.facts(exporter);
  explanation.missing_fields = missing_fields(explanation.status);
  for (const TemplateStatus& t : explanation.status.templates) {
    for (const FieldSpecifier& f : t.fields) {
      std::string name =
          own_name(f.element, elements, parser_.declared_element(exporter, f.element));
      if (!name.empty()) explanation.own_names.insert_or_assign(f.element, std::move(name));
    }
  }
  return explanation;
}

std::string to_text(const ExporterExplanation& e) {
  Lines out = "exporter " + e.status.exporter.to_string() + '\n';
  if (e.status.empty()) return out + "  nothing is known of it\n";
  for (const StreamStatus& stream : e.status.streams) write_stream(stream, e.now, out);
  for (const TemplateStatus& t : e.status.templates) write_template(t, e, out);
  if (e.status.template_count > e.status.templates.size()) {
    out += "  and " + number(e.status.template_count - e.status.templates.size()) +
           " more templates\n";
  }
  write_facts(e.facts, e.now, out);
  write_loss(e.status.loss, out);
  write_missing(e, out);
  if (e.status.last_problem.code != DiagnosticCode::none) {
    out += "  last problem, " + ago(e.now, e.status.last_problem_at) + ": " +
           to_string(e.status.last_problem) + '\n';
  }
  return out;
}

}  // namespace flowlens
