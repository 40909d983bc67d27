// What becomes of a datagram in the table of streams, and what that table tells of an exporter.
#include <algorithm>
#include <new>
#include <tuple>

#include "parse/parser_state.hpp"

namespace flowlens {
namespace parse {
namespace {

/// Reads the header alone. \return false if there is none that is sound.
bool peek(std::span<const std::byte> datagram, MessageHeader& header, StreamMessage& message) {
  wire::ByteReader in{datagram};
  const std::uint16_t version = wire::ByteReader{datagram}.u16();
  std::size_t length = 0;
  std::uint32_t samples = 0;
  switch (version) {
    case 0:
      message.units = 1;
      return read_sflow_header(in, header, samples) == DiagnosticCode::none;
    case kNetflowV9:
      message.units = 1;
      return read_v9_header(in, header) == DiagnosticCode::none;
    case kIpfix:
      message.unknown = static_cast<std::uint32_t>(datagram.size());
      return read_ipfix_header(in, header, length) == DiagnosticCode::none;
    case kNetflowV1:
    case kNetflowV5:
    case kNetflowV7: {
      const auto protocol = version == kNetflowV1   ? ExportProtocol::netflow_v1
                            : version == kNetflowV5 ? ExportProtocol::netflow_v5
                                                    : ExportProtocol::netflow_v7;
      const bool is_sound = read_fixed_header(in, protocol, header) == DiagnosticCode::none;
      message.units = std::min<std::uint32_t>(header.claimed_count, most_records(protocol));
      return is_sound;
    }
    default:
      return false;
  }
}

/// Anybody can forge a header: a stream needs records, or templates of that exporter.
bool is_admitted(const Walk& walk) noexcept {
  return walk.records + walk.options_records != 0 ||
         walk.parser.templates.knows(walk.session.exporter);
}

StreamMessage message_of(const Walk& walk) noexcept {
  StreamMessage message;
  message.header = &walk.message;
  message.session = &walk.session;
  message.received = walk.received;
  message.octets = walk.datagram.size();
  message.records = walk.records;
  message.options_records = walk.options_records;
  if (sequence_unit(walk.message.protocol) == SequenceUnit::datagrams) {
    message.units = 1;
  } else {
    message.units = walk.records + walk.options_records;
    message.unknown = walk.unknown_octets;
  }
  return message;
}

void add(LossByCause& loss, const StreamStatus& stream) noexcept {
  switch (stream.sequence.unit) {
    case SequenceUnit::datagrams:
      loss.network_datagrams += stream.sequence.lost;
      break;
    case SequenceUnit::records:
      loss.network_records += stream.sequence.lost;
      break;
    case SequenceUnit::none:
      break;
  }
  loss.network_samples += stream.samples.lost;
  loss.exporter_samples += stream.samples.drops;
  loss.queue_datagrams += stream.queue_refused;
}

void keep_newest(ExporterStatus& status, const Diagnostic& problem, Timestamp at) noexcept {
  if (problem.code == DiagnosticCode::none || at < status.last_problem_at) return;
  status.last_problem = problem;
  status.last_problem_at = at;
}

}  // namespace

void note_message(Walk& walk) noexcept {
  StreamTable& streams = walk.parser.streams;
  const StreamKey key = stream_key(walk.message, walk.session);
  Stream* stream = streams.find(key, walk.received);
  try {
    if (stream == nullptr && is_admitted(walk)) stream = &streams.add(key, walk.received);
    if (stream != nullptr) stream->note(message_of(walk));
  } catch (const std::bad_alloc&) {
    walk.remark(DiagnosticCode::out_of_memory, 0);
  }
  if (walk.result.clean()) return;
  if (stream != nullptr) {
    stream->note_problem(walk.result.first, walk.received);
  } else {
    walk.parser.refusals.note(walk.session.exporter, walk.result.first, walk.received);
  }
}

void find_stream(Walk& walk) noexcept {
  walk.stream = walk.parser.streams.find(stream_key(walk.message, walk.session), walk.received);
}

void note_unread(ParserState& parser, std::span<const std::byte> datagram,
                 const TransportSession& session, Timestamp received) noexcept {
  MessageHeader header;
  header.agent = session.exporter;
  StreamMessage message;
  message.header = &header;
  message.session = &session;
  message.received = received;
  if (!peek(datagram, header, message)) return;
  Stream* stream = parser.streams.find(stream_key(header, session), received);
  if (stream == nullptr) return;
  try {
    stream->note_refused(message);
  } catch (const std::bad_alloc&) {
    return;  // the next message of that port will look like a gap
  }
}

void note_replayed(Walk& walk, const WaitingSet& set, const Delivered& done,
                   bool of_options) noexcept {
  const auto octets = static_cast<std::uint32_t>(set.body.size());
  const bool is_of_this = set.session == walk.session && set.received == walk.received &&
                          set.message.sequence == walk.message.sequence;
  if (is_of_this) {
    (of_options ? walk.options_records : walk.records) += done.records;
    walk.unknown_octets -= std::min(walk.unknown_octets, octets);
    return;
  }
  Stream* stream = walk.parser.streams.find(stream_key(set.message, set.session), walk.received);
  if (stream == nullptr) return;
  stream->resolve(set.session, set.message.sequence, done.records, octets, of_options);
}

}  // namespace parse

ExporterStatus Parser::status(const IpAddress& exporter) const {
  ExporterStatus status;
  status.exporter = exporter;
  impl_->streams.for_each([&](const parse::Stream& stream) {
    if (stream.key().exporter != exporter && stream.key().agent != exporter) return;
    status.streams.push_back(stream.status());
    parse::add(status.loss, status.streams.back());
    parse::keep_newest(status, status.streams.back().last_problem,
                       status.streams.back().last_problem_at);
  });
  std::ranges::sort(status.streams, [](const StreamStatus& a, const StreamStatus& b) {
    return std::tie(a.protocol, a.agent, a.observation_domain) <
           std::tie(b.protocol, b.agent, b.observation_domain);
  });
  status.template_count =
      impl_->templates.describe(exporter, ExporterStatus::kMaxTemplates, status.templates);
  impl_->waiting.count(exporter, status.loss.waiting_sets, status.octets_waiting);
  impl_->refusals.for_each([&](const parse::RecentRefusals::Refusal& refusal) {
    if (refusal.exporter != exporter) return;
    parse::keep_newest(status, refusal.problem, refusal.received);
  });
  return status;
}

std::vector<IpAddress> Parser::exporters() const {
  std::vector<IpAddress> all;
  impl_->streams.for_each([&](const parse::Stream& s) { all.push_back(s.key().exporter); });
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace flowlens
