// Data sets: RFC 7011 §3.4.3, RFC 3954 §5.3; and those that wait for their template.
#include <new>

#include "parse/parser_state.hpp"

namespace flowlens::parse {
namespace {

/// Whole records at the front of `body`.
Delivered measure(const Template& layout, std::span<const std::byte> body) noexcept {
  Delivered found;
  if (!layout.has_variable_length()) {
    found.records = static_cast<std::uint32_t>(body.size() / layout.min_record_octets());
    found.octets = found.records * layout.min_record_octets();
    found.damaged = found.records == 0 && !body.empty();
    return found;
  }
  while (body.size() - found.octets >= layout.min_record_octets()) {
    const std::size_t length = record_length(layout, body.subspan(found.octets));
    if (length == 0) {
      found.damaged = true;
      return found;
    }
    found.octets += length;
    ++found.records;
  }
  found.damaged = found.records == 0 && !body.empty();
  return found;
}

/// Books what deliver() did. \param offset  of the body in the datagram.
void account(Walk& walk, const Template& layout, const Delivered& done, std::size_t body_octets,
             std::size_t offset) noexcept {
  OctetLedger& octets = walk.parser.octets;
  (layout.is_options() ? octets.options : octets.decoded) += done.octets;
  const std::size_t rest = body_octets - done.octets;
  if (!done.damaged) {
    octets.padding += rest;
    return;
  }
  ++walk.result.sets_skipped;
  walk.unknown_octets += static_cast<std::uint32_t>(rest);
  walk.skip(DiagnosticCode::record_truncated, rest, offset + done.octets,
            static_cast<std::uint32_t>(rest));
}

void learn_elements(Walk& walk, const DataSet& set, std::span<const std::byte> records) noexcept {
  const DiagnosticCode why = walk.parser.declared.learn(set, records);
  if (why != DiagnosticCode::none) walk.remark(why, set.offset);
}

void wait(Walk& walk, const SetBody& set) noexcept {
  ParserState& parser = walk.parser;
  WaitingQueue::GivenUp given_up;
  DiagnosticCode refused = DiagnosticCode::limit_reached;
  bool kept = false;
  try {
    WaitingSet waiting;
    waiting.session = walk.session;
    waiting.message = walk.message;
    waiting.received = walk.received;
    waiting.body.assign(set.octets.begin(), set.octets.end());
    waiting.offset = static_cast<std::uint32_t>(set.offset);
    waiting.template_id = set.id;
    waiting.set_index = set.index;
    kept = parser.waiting.add(std::move(waiting), given_up);
  } catch (const std::bad_alloc&) {
    refused = DiagnosticCode::out_of_memory;
  }
  if (given_up.sets != 0) account(parser, given_up);
  walk.unknown_octets += static_cast<std::uint32_t>(set.octets.size());
  if (kept) {
    ++walk.result.sets_waiting;
    parser.octets.waiting += set.octets.size();
    walk.remark(DiagnosticCode::unknown_template, set.offset - kSetHeader, set.id);
  } else {
    ++walk.result.sets_skipped;
    walk.skip(refused, set.octets.size(), set.offset - kSetHeader, set.id);
  }
}

}  // namespace

void account(ParserState& parser, const WaitingQueue::GivenUp& given_up) noexcept {
  constexpr auto kWhy = static_cast<std::size_t>(DiagnosticCode::unknown_template);
  parser.counters.sets_given_up += given_up.sets;
  parser.octets.waiting -= given_up.octets;
  parser.octets.skipped[kWhy] += given_up.octets;
}

Delivered deliver(RecordSink& sink, DataSet set, std::span<const std::byte> body) noexcept {
  const Delivered found = measure(*set.layout, body);
  if (found.records == 0) return found;
  set.records = body.first(found.octets);
  set.record_count = found.records;
  if (set.layout->is_options()) {
    sink.on_options_set(set);
  } else {
    sink.on_data_set(set);
  }
  return found;
}

void read_data_set(Walk& walk, const SetBody& set) noexcept {
  ParserState& parser = walk.parser;
  if (set.octets.empty()) {
    ++walk.result.sets;
    if (walk.message.protocol == ExportProtocol::ipfix) {
      walk.remark(DiagnosticCode::set_empty, set.offset - kSetHeader, set.id);
    }
    return;
  }
  const TemplateMatch match =
      parser.templates.find({walk.session, walk.message.observation_domain, walk.message.protocol},
                            set.id, walk.received);
  if (match.found == nullptr) {
    walk.all_sets_read = false;
    wait(walk, set);
    return;
  }
  DataSet out;
  out.message = &walk.message;
  out.session = &walk.session;
  out.received = walk.received;
  out.layout = match.found;
  out.offset = static_cast<std::uint32_t>(set.offset);
  out.set_index = set.index;
  out.template_by_session = match.by_session;
  out.templates = &parser.templates;
  if (match.illegal_fields != 0) {
    walk.remark(DiagnosticCode::field_length_illegal, set.offset, match.illegal_fields);
  }
  const Delivered done = deliver(walk.sink, out, set.octets);
  (match.found->is_options() ? walk.options_records : walk.records) += done.records;
  if (match.found->is_options()) learn_elements(walk, out, set.octets.first(done.octets));
  if (done.damaged) walk.all_sets_read = false;
  ++walk.result.sets;
  account(walk, *match.found, done, set.octets.size(), set.offset);
}

void replay_waiting(Walk& walk, std::uint16_t template_id) noexcept {
  ParserState& parser = walk.parser;
  const AddressScope address{walk.session.exporter, walk.message.observation_domain,
                             walk.message.protocol, template_id};
  WaitingSet set;
  while (parser.waiting.take(address, set)) {
    const TemplateMatch match =
        parser.templates.find({set.session, set.message.observation_domain, set.message.protocol},
                              template_id, walk.received);
    parser.octets.waiting -= set.body.size();
    ++parser.counters.sets_replayed;
    DataSet out;
    out.message = &set.message;
    out.session = &set.session;
    out.received = set.received;
    out.layout = match.found;
    out.offset = set.offset;
    out.set_index = set.set_index;
    out.template_by_session = match.by_session;
    out.templates = &parser.templates;
    const Delivered done = deliver(walk.sink, out, set.body);
    note_replayed(walk, set, done, match.found->is_options());
    if (match.found->is_options()) {
      learn_elements(walk, out, std::span{set.body}.first(done.octets));
    }
    OctetLedger& octets = parser.octets;
    (match.found->is_options() ? octets.options : octets.decoded) += done.octets;
    const std::size_t rest = set.body.size() - done.octets;
    if (done.damaged) {
      octets.skipped[static_cast<std::size_t>(DiagnosticCode::record_truncated)] += rest;
    } else {
      octets.padding += rest;
    }
  }
}

}  // namespace flowlens::parse
