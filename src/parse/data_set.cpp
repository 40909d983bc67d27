// Data sets: RFC 7011 §3.4.3, RFC 3954 §5.3; and those that wait for their template.
#include <new>

#include "parse/parser_state.hpp"
#include "wire/load.hpp"

namespace flowlens::parse {
namespace {

/// The same as measure() where one field alone is of variable length: a datagram can hold 65,000 of
/// such records.
Delivered measure_one_variable(const Template& layout, std::span<const std::byte> body,
                               WorkBudget& work) noexcept {
  Delivered found;
  const std::uint32_t each = WorkBudget::of_record(layout);
  const std::uint32_t most = work.left() / each;
  const std::size_t before = layout.fixed_runs()[0], behind = layout.fixed_runs()[1];
  const std::size_t shortest = before + 1 + behind;
  std::size_t at = 0;
  while (body.size() - at >= shortest && found.records < most) {
    std::size_t value_at = at + before + 1;
    std::size_t length = wire::load8(body.data() + at + before);
    if (length == 255) {
      if (body.size() - value_at < 2) break;
      length = wire::load16(body.data() + value_at);
      value_at += 2;
    }
    if (body.size() - value_at < length + behind) break;
    at = value_at + length + behind;
    ++found.records;
  }
  found.octets = at;
  const bool is_more = body.size() - at >= shortest;
  found.cut = is_more && found.records == most;
  found.damaged = (is_more && !found.cut) || (found.records == 0 && !body.empty() && !found.cut);
  work.spend(std::size_t{found.records} * each);
  if (found.cut) work.spend(work.left() + 1);
  return found;
}

/// Whole records at the front of `body`, as many as `work` allows.
Delivered measure(const Template& layout, std::span<const std::byte> body,
                  WorkBudget& work) noexcept {
  Delivered found;
  const std::uint32_t each = WorkBudget::of_record(layout);
  if (!layout.has_variable_length()) {
    const auto whole = static_cast<std::uint32_t>(body.size() / layout.min_record_octets());
    found.records = work.afford(whole, each);
    found.cut = found.records != whole;
    found.octets = found.records * layout.min_record_octets();
    found.damaged = whole == 0 && !body.empty();
    return found;
  }
  if (layout.fixed_runs().size() == 2) return measure_one_variable(layout, body, work);
  while (body.size() - found.octets >= layout.min_record_octets()) {
    if (!work.spend(each)) {
      found.cut = true;
      return found;
    }
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
  if (!done.damaged && !done.cut) {
    octets.padding += rest;
    return;
  }
  ++walk.result.sets_skipped;
  walk.unknown_octets += static_cast<std::uint32_t>(rest);
  walk.skip(done.cut ? DiagnosticCode::limit_reached : DiagnosticCode::record_truncated, rest,
            offset + done.octets, static_cast<std::uint32_t>(rest));
}

void learn_elements(Walk& walk, const DataSet& set, std::span<const std::byte> records) noexcept {
  const DiagnosticCode why = walk.parser.declared.learn(set, records);
  if (why != DiagnosticCode::none) walk.remark(why, set.offset);
}

/// Whether a set that waited can be replayed now. Only a datagram that has done nothing else yet
/// takes on one that is too dear as a whole; what it costs too much is lost.
bool can_replay(const WorkBudget& work, const Template& layout, std::size_t body_octets) noexcept {
  const std::size_t most = body_octets / layout.min_record_octets();
  return work.is_fresh() ||
         most * WorkBudget::of_record(layout) + WorkBudget::kDataSet <= work.left();
}

/// Keeps a set until its template comes. \return false if it could not be kept.
bool keep(Walk& walk, const SetBody& set, WaitingQueue::GivenUp& given_up,
          DiagnosticCode& refused) noexcept {
  refused = DiagnosticCode::limit_reached;
  if (!walk.work.spend(WorkBudget::kWaiting)) return false;
  try {
    WaitingSet waiting;
    waiting.session = walk.session;
    waiting.message = walk.message;
    waiting.received = walk.received;
    waiting.body.assign(set.octets.begin(), set.octets.end());
    waiting.offset = static_cast<std::uint32_t>(set.offset);
    waiting.template_id = set.id;
    waiting.set_index = set.index;
    return walk.parser.waiting.add(std::move(waiting), given_up);
  } catch (const std::bad_alloc&) {
    refused = DiagnosticCode::out_of_memory;
    return false;
  }
}

void wait(Walk& walk, const SetBody& set) noexcept {
  ParserState& parser = walk.parser;
  WaitingQueue::GivenUp given_up;
  DiagnosticCode refused = DiagnosticCode::none;
  const bool kept = keep(walk, set, given_up, refused);
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

Delivered deliver(RecordSink& sink, DataSet set, std::span<const std::byte> body,
                  WorkBudget& work) noexcept {
  const Delivered found = measure(*set.layout, body, work);
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
  // What its template found waiting, and the work of one datagram was too little for, comes first.
  if (parser.waiting.size() != 0) replay_waiting(walk, set.id);
  walk.work.spend(WorkBudget::kDataSet);
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
  const Delivered done = deliver(walk.sink, out, set.octets, walk.work);
  (match.found->is_options() ? walk.options_records : walk.records) += done.records;
  if (match.found->is_options()) learn_elements(walk, out, set.octets.first(done.octets));
  if (done.damaged || done.cut) walk.all_sets_read = false;
  ++walk.result.sets;
  account(walk, *match.found, done, set.octets.size(), set.offset);
}

void replay_waiting(Walk& walk, std::uint16_t template_id) noexcept {
  ParserState& parser = walk.parser;
  const AddressScope address{walk.session.exporter, walk.message.observation_domain,
                             walk.message.protocol, template_id};
  WaitingSet set;
  while (const WaitingSet* next = parser.waiting.first(address)) {
    const TemplateMatch layout = parser.templates.find(
        {next->session, next->message.observation_domain, next->message.protocol}, template_id,
        walk.received);
    if (layout.found == nullptr || !can_replay(walk.work, *layout.found, next->body.size())) return;
    parser.waiting.take(address, set);
    walk.work.spend(WorkBudget::kDataSet);
    parser.octets.waiting -= set.body.size();
    ++parser.counters.sets_replayed;
    DataSet out;
    out.message = &set.message;
    out.session = &set.session;
    out.received = set.received;
    out.layout = layout.found;
    out.offset = set.offset;
    out.set_index = set.set_index;
    out.template_by_session = layout.by_session;
    out.templates = &parser.templates;
    const Delivered done = deliver(walk.sink, out, set.body, walk.work);
    note_replayed(walk, set, done, layout.found->is_options());
    if (layout.found->is_options()) {
      learn_elements(walk, out, std::span{set.body}.first(done.octets));
    }
    OctetLedger& octets = parser.octets;
    (layout.found->is_options() ? octets.options : octets.decoded) += done.octets;
    const std::size_t rest = set.body.size() - done.octets;
    if (done.damaged || done.cut) {
      const auto why = done.cut ? DiagnosticCode::limit_reached : DiagnosticCode::record_truncated;
      octets.skipped[static_cast<std::size_t>(why)] += rest;
    } else {
      octets.padding += rest;
    }
  }
}

}  // namespace flowlens::parse
