/// \file
/// base: what was wrong with a datagram. Bad input is data, not an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flowlens {

/// Why a datagram, set, record or sample was refused or remarked on. The numbers are not stable
/// between releases; reason() is.
enum class DiagnosticCode : std::uint8_t {
  none,
  truncated,             ///< ends before its header, or before what its header claims
  unknown_version,       ///< not NetFlow v1, v5, v7, v9, IPFIX or sFlow v5
  bad_length,            ///< a message length below the header's or unlike the datagram's
  bad_count,             ///< a record or sample count the octets contradict
  set_length_invalid,    ///< a set length below 4: the next boundary is lost
  set_overrun,           ///< a set runs past the end of its message
  set_empty,             ///< an IPFIX set without a record
  set_id_reserved,       ///< a set id that this version gives no meaning
  template_id_invalid,   ///< a template id below 256
  template_truncated,    ///< a template record that its set cuts short
  template_empty,        ///< a template without fields that is no withdrawal
  zero_length_record,    ///< a template whose records have no octets
  record_too_long,       ///< a template whose shortest record cannot fit in a message
  too_many_fields,       ///< more fields than ParserOptions allows
  scope_invalid,         ///< an options template with no scope, or more scope than fields
  withdrawal_ignored,    ///< a template withdrawal over UDP, or of a template that is not known
  field_length_illegal,  ///< a field whose length its type cannot have; its octets stay raw
  template_redefined,  ///< another layout for an id: not withdrawn (not over UDP), or in one message
  unknown_template,    ///< data whose template has not come (yet)
  record_truncated,    ///< a record that its set cuts short
  trailing_octets,     ///< octets behind the last set or record that are no padding
  sample_truncated,    ///< an sFlow sample or record that runs past what holds it
  agent_invalid,       ///< an sFlow agent address of a type that does not exist
  sample_unknown,      ///< an sFlow sample format that is not decoded
  limit_reached,       ///< a bound of ParserOptions: what did not fit was dropped and counted
  out_of_memory,
  state_damaged,         ///< saved state that is none, or whose checksum is wrong
  pressure,              ///< refused unread: the queue behind the decoder is too full
  exporter_not_allowed,  ///< refused unread: its sender is none of those that may send
};
inline constexpr std::size_t kDiagnosticCodeCount = 30;

/// The reason in one word, as metrics and JSON use it: `unknown_template`.
[[nodiscard]] std::string_view reason(DiagnosticCode code) noexcept;
/// The clause that decides: `RFC 7011 §8.4`; empty where no document speaks.
[[nodiscard]] std::string_view clause(DiagnosticCode code) noexcept;

/// One thing wrong with a datagram.
struct Diagnostic {
  DiagnosticCode code = DiagnosticCode::none;
  std::uint32_t offset = 0;  ///< octets from the start of the datagram
  std::uint32_t detail = 0;  ///< the offending length, count or ID
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

/// `unknown_template at octet 20 (detail 256; RFC 7011 §8.4)`
[[nodiscard]] std::string to_string(const Diagnostic& d);

}  // namespace flowlens
