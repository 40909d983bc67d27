// Templates to octets and back, for a restart.
#include <new>

#include "parse/parser_state.hpp"
#include "wire/sealed_state.hpp"

namespace flowlens {
namespace {

constexpr std::uint32_t kMark = 0x464c5453;  // "FLTS"
constexpr std::uint16_t kVersion = 1;
constexpr std::int64_t kMaxTime = std::int64_t{1} << 62;

struct SavedTemplate {
  parse::TemplateScope scope;
  std::uint16_t id = 0;
  std::uint16_t scope_field_count = 0;
  bool is_options = false;
  Timestamp last_used;
};

void write(wire::ByteWriter& out, const parse::TemplateScope& scope, const Template& layout,
           Timestamp last_used) {
  const TransportSession& session = scope.session;
  out.append(std::as_bytes(std::span{session.exporter.octets()}));
  out.u16(session.exporter_port).u16(session.collector_port);
  out.u8(static_cast<std::uint8_t>(session.transport))
      .u8(static_cast<std::uint8_t>(scope.protocol));
  out.u32(scope.observation_domain).u64(static_cast<std::uint64_t>(to_unix_ns(last_used)));
  out.u16(layout.id()).u16(layout.scope_field_count()).u8(layout.is_options() ? 1 : 0);
  out.u16(static_cast<std::uint16_t>(layout.fields().size()));
  for (const FieldSpecifier& field : layout.fields()) {
    out.u32(field.element.enterprise).u16(field.element.number).u16(field.length_octets);
  }
}

/// \return false if the octets end early or hold what no parser could have learned.
bool read(wire::ByteReader& in, SavedTemplate& saved, std::vector<FieldSpecifier>& fields) {
  const auto exporter = in.take(16);
  if (!in.ok()) return false;
  saved.scope.session.exporter = *IpAddress::from_octets(exporter);
  saved.scope.session.exporter_port = in.u16();
  saved.scope.session.collector_port = in.u16();
  const std::uint8_t transport = in.u8();
  const std::uint8_t protocol = in.u8();
  saved.scope.session.transport = static_cast<Transport>(transport);
  saved.scope.protocol = static_cast<ExportProtocol>(protocol);
  saved.scope.observation_domain = in.u32();
  const auto last_used = static_cast<std::int64_t>(in.u64());
  saved.last_used = from_unix_ns(last_used);
  saved.id = in.u16();
  saved.scope_field_count = in.u16();
  saved.is_options = in.u8() != 0;
  const std::size_t count = in.u16();
  fields.clear();
  std::size_t octets = 0;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    FieldSpecifier field;
    field.element.enterprise = in.u32();
    field.element.number = in.u16();
    field.length_octets = in.u16();
    octets += field.length_octets == kVariableLength ? 1 : field.length_octets;
    fields.push_back(field);
  }
  return in.ok() && transport <= static_cast<std::uint8_t>(Transport::file) &&
         (saved.scope.protocol == ExportProtocol::netflow_v9 ||
          saved.scope.protocol == ExportProtocol::ipfix) &&
         last_used >= 0 && last_used <= kMaxTime && saved.id >= parse::kFirstDataSetId &&
         saved.scope_field_count <= count && octets != 0 && octets <= 65'535;
}

/// States of several parsers overlap where each was given them all at the last start: what was used
/// since is right.
bool is_newer_known(parse::TemplateStore& templates, const SavedTemplate& saved) noexcept {
  const std::optional<Timestamp> known = templates.last_used(saved.scope, saved.id);
  return known && *known > saved.last_used;
}

}  // namespace

std::vector<std::byte> Parser::save_state() const {
  wire::ByteWriter out = wire::begin_state(kMark, kVersion);
  std::uint32_t count = 0;
  impl_->templates.for_each(
      [&count](const parse::TemplateScope& scope, const Template&, Timestamp) {
        count += is_connection(scope.session.transport) ? 0 : 1;
      });
  out.u32(count);
  impl_->templates.for_each(
      [&out](const parse::TemplateScope& scope, const Template& layout, Timestamp last_used) {
        if (!is_connection(scope.session.transport)) write(out, scope, layout, last_used);
      });
  return wire::seal_state(std::move(out));
}

Diagnostic Parser::load_state(std::span<const std::byte> state) noexcept {
  std::span<const std::byte> content;
  if (const Diagnostic wrong = wire::open_state(state, kMark, kVersion, content);
      wrong.code != DiagnosticCode::none) {
    return wrong;
  }
  try {
    SavedTemplate saved;
    std::vector<FieldSpecifier>& fields = impl_->fields;
    // Twice through: nothing is taken unless all of it can be.
    for (const bool take : {false, true}) {
      wire::ByteReader in{content};
      const std::uint32_t count = in.u32();
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::size_t at = in.offset() + 6;
        if (!read(in, saved, fields)) {
          return {DiagnosticCode::state_damaged, static_cast<std::uint32_t>(at), i};
        }
        if (!take || is_newer_known(impl_->templates, saved)) continue;
        bool evicted = false;
        if (fields.size() <= impl_->options.max_fields_per_template) {
          impl_->templates.learn(saved.scope, saved.id, fields, saved.scope_field_count,
                                 saved.is_options, saved.last_used, evicted);
        }
      }
      if (!in.ok() || in.remaining() != 0) {
        return {DiagnosticCode::state_damaged, static_cast<std::uint32_t>(in.offset() + 6), 0};
      }
    }
  } catch (const std::bad_alloc&) {
    return {DiagnosticCode::out_of_memory, 0, 0};
  }
  return {};
}

}  // namespace flowlens
