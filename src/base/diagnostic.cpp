#include "flowlens/diagnostic.hpp"

#include <array>

namespace flowlens {
namespace {

struct Description {
  std::string_view reason;
  std::string_view clause;
};

// In the order of DiagnosticCode.
constexpr std::array<Description, kDiagnosticCodeCount> kDescriptions{{
    {"none", ""},
    {"truncated", "RFC 7011 §9.1"},
    {"unknown_version", "RFC 7011 §3.1, RFC 3954 §5.1"},
    {"bad_length", "RFC 7011 §3.1"},
    {"bad_count", "RFC 3954 §5.1; sFlow v5, struct sample_datagram_v5"},
    {"set_length_invalid", "RFC 7011 §3.3.2"},
    {"set_overrun", "RFC 7011 §3.3.2"},
    {"set_empty", "RFC 7011 §3.3"},
    {"set_id_reserved", "RFC 7011 §3.3.2, RFC 3954 §5.2"},
    {"template_id_invalid", "RFC 7011 §3.4.1"},
    {"template_truncated", "RFC 7011 §3.4.1"},
    {"template_empty", "RFC 7011 §8.1"},
    {"zero_length_record", "RFC 7011 §3.4.1"},
    {"record_too_long", "RFC 7011 §3.1"},
    {"too_many_fields", ""},
    {"scope_invalid", "RFC 7011 §3.4.2.2, RFC 3954 §6.1"},
    {"withdrawal_ignored", "RFC 7011 §8.1, §8.4"},
    {"field_length_illegal", "RFC 7011 §6.1"},
    {"template_redefined", "RFC 7011 §8.1"},
    {"unknown_template", "RFC 7011 §8.4"},
    {"record_truncated", "RFC 7011 §3.4.3"},
    {"trailing_octets", "RFC 7011 §3.3.1"},
    {"sample_truncated", "sFlow v5, struct sample_record"},
    {"agent_invalid", "sFlow v5, struct address"},
    {"sample_unknown", "sFlow v5, §5"},
    {"limit_reached", ""},
    {"out_of_memory", ""},
    {"state_damaged", ""},
    {"pressure", ""},
    {"exporter_not_allowed", ""},
}};

const Description& describe(DiagnosticCode code) noexcept {
  return kDescriptions[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view reason(DiagnosticCode code) noexcept { return describe(code).reason; }
std::string_view clause(DiagnosticCode code) noexcept { return describe(code).clause; }

std::string to_string(const Diagnostic& d) {
  std::string text{reason(d.code)};
  text += " at octet " + std::to_string(d.offset) + " (detail " + std::to_string(d.detail);
  if (!clause(d.code).empty()) text.append("; ").append(clause(d.code));
  return text + ')';
}

}  // namespace flowlens
