#include "flowlens/parser.hpp"

#include <string>

#include "flowlens/error.hpp"
#include "parse/parser_state.hpp"

namespace flowlens {
namespace {

void require(bool holds, const char* name) {
  if (!holds)
    throw ConfigError(std::string{"ParserOptions::"} + name + " is 0; it must be at least 1");
}

const ParserOptions& checked(const ParserOptions& o) {
  require(o.max_templates > 0, "max_templates");
  require(o.max_templates_per_exporter > 0, "max_templates_per_exporter");
  require(o.max_fields_per_template > 0, "max_fields_per_template");
  require(o.max_fields > 0, "max_fields");
  require(o.max_fields_per_exporter > 0, "max_fields_per_exporter");
  require(o.max_streams > 0, "max_streams");
  require(o.max_sample_sources > 0, "max_sample_sources");
  require(o.max_waiting_octets > 0, "max_waiting_octets");
  require(o.max_waiting_octets_per_exporter > 0, "max_waiting_octets_per_exporter");
  require(o.max_waiting_time.count() > 0, "max_waiting_time");
  require(o.template_lifetime.count() > 0, "template_lifetime");
  require(o.max_declared_elements > 0, "max_declared_elements");
  require(o.max_declared_elements_per_exporter > 0, "max_declared_elements_per_exporter");
  return o;
}

/// sFlow's version is a 32-bit word, so its first 16 bits are 0.
std::uint16_t version_of(std::span<const std::byte> datagram) noexcept {
  wire::ByteReader in{datagram};
  return in.u16();
}

}  // namespace

parse::ParserState::ParserState(const ParserOptions& o)
    : options(checked(o)), templates(o), waiting(o), declared(o), streams(o) {}

Parser::Parser(const ParserOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

namespace {

void parse_by_version(parse::Walk& walk) noexcept {
  switch (version_of(walk.datagram)) {
    case 0:
      parse::parse_sflow(walk);
      break;
    case parse::kNetflowV1:
      parse::parse_fixed(walk, ExportProtocol::netflow_v1);
      break;
    case parse::kNetflowV5:
      parse::parse_fixed(walk, ExportProtocol::netflow_v5);
      break;
    case parse::kNetflowV7:
      parse::parse_fixed(walk, ExportProtocol::netflow_v7);
      break;
    case parse::kNetflowV9:
      parse::parse_v9(walk);
      break;
    case parse::kIpfix:
      parse::parse_ipfix(walk);
      break;
    default:
      walk.refuse(DiagnosticCode::unknown_version, 0, version_of(walk.datagram));
      break;
  }
}

}  // namespace

ParseResult Parser::parse(std::span<const std::byte> datagram, const TransportSession& session,
                          Timestamp received, RecordSink& sink) noexcept {
  Impl& self = *impl_;
  ++self.datagrams.received;
  self.templates.expire(received);
  parse::WaitingQueue::GivenUp given_up;
  self.waiting.expire(received, given_up);
  if (given_up.sets != 0) parse::account(self, given_up);

  parse::Walk walk{self, datagram, session, received, sink};
  walk.message.agent = session.exporter;
  if (datagram.size() < 4) {
    walk.refuse(DiagnosticCode::truncated, 0, static_cast<std::uint32_t>(datagram.size()));
  } else {
    parse_by_version(walk);
  }
  if (walk.result.accepted) {
    parse::note_message(walk);
  } else {
    self.refusals.note(session.exporter, walk.result.first, received);
  }
  return walk.result;
}

void Parser::refuse(DiagnosticCode why, std::span<const std::byte> datagram,
                    const TransportSession& session, Timestamp received) noexcept {
  ++impl_->datagrams.received;
  ++impl_->datagrams.refused[static_cast<std::size_t>(why)];
  parse::note_unread(*impl_, datagram, session, received);
}

void Parser::end_session(const TransportSession& session) noexcept {
  impl_->templates.forget_session(session);
}

const DatagramLedger& Parser::datagrams() const noexcept { return impl_->datagrams; }
const OctetLedger& Parser::octets() const noexcept { return impl_->octets; }

ParserCounters Parser::counters() const noexcept {
  ParserCounters counters = impl_->counters;
  counters.templates = impl_->templates.size();
  counters.templates_evicted = impl_->templates.evicted();
  counters.templates_expired = impl_->templates.expired();
  counters.templates_redefined = impl_->templates.redefined();
  counters.sets_waiting = impl_->waiting.size();
  counters.streams = impl_->streams.size();
  counters.streams_evicted = impl_->streams.evicted();
  counters.sample_sources_evicted = impl_->streams.sources_evicted();
  counters.declared_elements = impl_->declared.size();
  counters.declared_elements_evicted = impl_->declared.evicted();
  counters.declared_elements_refused = impl_->declared.refused();
  return counters;
}

const InformationElement* Parser::declared_element(const IpAddress& exporter,
                                                   ElementId id) const noexcept {
  return impl_->declared.find(exporter, id);
}

}  // namespace flowlens
