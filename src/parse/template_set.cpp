// Template and options template sets: RFC 7011 §3.4, RFC 3954 §5.2 and §6.1.
#include <algorithm>
#include <new>
#include <optional>

#include "parse/parser_state.hpp"

namespace flowlens::parse {
namespace {

/// One template record's head.
struct TemplateHead {
  std::uint16_t id = 0;
  std::uint32_t field_count = 0;
  std::uint32_t scope_field_count = 0;
  bool is_options = false;
  bool is_withdrawal = false;
  bool bad_scope = false;
};

/// NetFlow v9 counts the octets of options fields, IPFIX the fields.
TemplateHead read_head(wire::ByteReader& in, bool is_v9, bool is_options) noexcept {
  TemplateHead head;
  head.is_options = is_options;
  head.id = in.u16();
  if (!is_options) {
    head.field_count = in.u16();
    head.is_withdrawal = !is_v9 && in.ok() && head.field_count == 0;
  } else if (is_v9) {
    const std::uint32_t scope_octets = in.u16();
    const std::uint32_t option_octets = in.u16();
    head.bad_scope = scope_octets % 4 != 0 || option_octets % 4 != 0;
    head.scope_field_count = scope_octets / 4;
    head.field_count = head.scope_field_count + option_octets / 4;
  } else {
    head.field_count = in.u16();
    head.is_withdrawal = in.ok() && head.field_count == 0;
    if (head.is_withdrawal) return head;
    head.scope_field_count = in.u16();
    head.bad_scope = head.scope_field_count == 0 || head.scope_field_count > head.field_count;
  }
  return head;
}

/// One field specifier, RFC 7011 §3.2.
FieldSpecifier read_field(wire::ByteReader& in, bool is_v9, bool is_v9_scope) noexcept {
  FieldSpecifier field;
  field.element.number = in.u16();
  field.length_octets = in.u16();
  if (is_v9_scope) {
    field.element.enterprise = kV9ScopeEnterprise;
  } else if (!is_v9 && (field.element.number & 0x8000u) != 0) {
    field.element.number &= 0x7fffu;
    field.element.enterprise = in.u32();
  }
  return field;
}

/// Reads the fields; past the bound they are read over, so that the next template is found.
/// \return octets of the shortest record.
std::size_t read_fields(wire::ByteReader& in, Walk& walk, const TemplateHead& head) {
  const bool is_v9 = walk.message.protocol == ExportProtocol::netflow_v9;
  std::vector<FieldSpecifier>& fields = walk.parser.fields;
  fields.clear();
  std::size_t octets = 0;
  for (std::uint32_t i = 0; i < head.field_count && in.ok(); ++i) {
    const FieldSpecifier field = read_field(in, is_v9, is_v9 && i < head.scope_field_count);
    octets += field.length_octets == kVariableLength ? 1 : field.length_octets;
    if (fields.size() < walk.parser.options.max_fields_per_template) fields.push_back(field);
  }
  return octets;
}

TemplateScope scope_of(const Walk& walk) noexcept {
  return {walk.session, walk.message.observation_domain, walk.message.protocol};
}

/// RFC 7011 §8.1; over UDP a withdrawal is ignored (§8.4).
void withdraw(Walk& walk, const TemplateHead& head, std::size_t offset) noexcept {
  const std::uint16_t all = head.is_options ? 3 : 2;
  TemplateStore& templates = walk.parser.templates;
  bool done = false;
  if (walk.session.transport != Transport::udp) {
    done = head.id == all ? templates.forget_all(scope_of(walk), head.is_options) != 0
                          : templates.forget(scope_of(walk), head.id);
  }
  if (!done) walk.remark(DiagnosticCode::withdrawal_ignored, offset, head.id);
}

/// What is wrong with a template whose fields have all been read.
DiagnosticCode fault_of(const Walk& walk, const TemplateHead& head, std::size_t octets) noexcept {
  if (head.id < kFirstDataSetId) return DiagnosticCode::template_id_invalid;
  if (head.field_count == 0) return DiagnosticCode::template_empty;
  if (head.bad_scope) return DiagnosticCode::scope_invalid;
  if (head.field_count > walk.parser.options.max_fields_per_template) {
    return DiagnosticCode::too_many_fields;
  }
  if (octets == 0) return DiagnosticCode::zero_length_record;
  if (octets > 65'535) return DiagnosticCode::record_too_long;
  return DiagnosticCode::none;
}

void learn(Walk& walk, const TemplateHead& head, std::size_t offset) noexcept {
  ParserState& parser = walk.parser;
  bool evicted = false;
  Learned learned = Learned::added;
  try {
    learned = parser.templates.learn(scope_of(walk), head.id, parser.fields,
                                     static_cast<std::uint16_t>(head.scope_field_count),
                                     head.is_options, walk.received, evicted);
  } catch (const std::bad_alloc&) {
    walk.remark(DiagnosticCode::out_of_memory, offset, head.id);
    return;
  }
  const bool needs_withdrawal = walk.session.transport != Transport::udp;
  if (learned == Learned::contradicted || (learned == Learned::redefined && needs_withdrawal)) {
    walk.remark(DiagnosticCode::template_redefined, offset, head.id);
  }
  if (learned != Learned::same) {
    walk.work.spend(WorkBudget::kLearned + WorkBudget::kLearnedField * parser.fields.size());
  }
  if (evicted) walk.remark(DiagnosticCode::limit_reached, offset, head.id);
  const TemplateMatch match = parser.templates.find(scope_of(walk), head.id, walk.received);
  if (match.found == nullptr) return;
  if (match.illegal_fields != 0) {
    walk.remark(DiagnosticCode::field_length_illegal, offset, match.illegal_fields);
  }
  walk.sink.on_template(walk.message, walk.session, *match.found, learned != Learned::same);
  if (parser.waiting.size() != 0) replay_waiting(walk, head.id);
}

/// Where the zeros that end the set begin; looked for once, however many records have the id 0.
std::size_t zeros_from(std::span<const std::byte> octets,
                       std::optional<std::size_t>& known) noexcept {
  if (!known) {
    std::size_t at = octets.size();
    while (at > 0 && octets[at - 1] == std::byte{0}) --at;
    known = at;
  }
  return *known;
}

}  // namespace

void read_template_set(Walk& walk, const SetBody& set, bool is_options) noexcept {
  const bool is_v9 = walk.message.protocol == ExportProtocol::netflow_v9;
  OctetLedger& octets = walk.parser.octets;
  wire::ByteReader in{set.octets};
  std::optional<std::size_t> zeros;
  ++walk.result.sets;
  while (in.remaining() >= 4) {
    const std::size_t begin = in.offset();
    const std::span<const std::byte> rest = set.octets.subspan(begin);
    TemplateHead head = read_head(in, is_v9, is_options);
    const std::size_t fields = std::min<std::size_t>(head.field_count, in.remaining() / 4);
    if (!walk.work.spend(WorkBudget::kTemplate + WorkBudget::kField * fields)) {
      ++walk.result.sets_skipped;
      walk.all_sets_read = false;
      walk.skip(DiagnosticCode::limit_reached, rest.size(), set.offset + begin, head.id);
      return;
    }
    if (head.id == 0 && begin >= zeros_from(set.octets, zeros)) {
      octets.padding += rest.size();
      return;
    }
    std::size_t record_octets = 0;
    try {
      record_octets = read_fields(in, walk, head);
    } catch (const std::bad_alloc&) {
      ++walk.result.sets_skipped;
      walk.skip(DiagnosticCode::out_of_memory, rest.size(), set.offset + begin, head.id);
      return;
    }
    if (!in.ok()) {  // the end of this template is lost, and with it the set's
      ++walk.result.sets_skipped;
      walk.all_sets_read = false;
      walk.skip(DiagnosticCode::template_truncated, rest.size(), set.offset + begin, head.id);
      return;
    }
    ++walk.template_records;
    const std::size_t used = in.offset() - begin;
    if (head.is_withdrawal) {
      octets.templates += used;
      withdraw(walk, head, set.offset + begin);
      continue;
    }
    const DiagnosticCode fault = fault_of(walk, head, record_octets);
    if (fault != DiagnosticCode::none) {
      // What the id meant before is over: its data must not be read by the old layout.
      if (head.id >= kFirstDataSetId) walk.parser.templates.forget(scope_of(walk), head.id);
      walk.skip(fault, used, set.offset + begin, head.id);
      continue;
    }
    octets.templates += used;
    learn(walk, head, set.offset + begin);
  }
  octets.padding += in.remaining();
}

}  // namespace flowlens::parse
