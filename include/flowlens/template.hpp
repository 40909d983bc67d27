/// \file
/// parse: templates, which lay out data records (RFC 7011 §3.4, RFC 3954 §5.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "flowlens/information_element.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// The export protocols, by the version field of their datagrams. Saved state holds the numbers.
enum class ExportProtocol : std::uint8_t {
  netflow_v5,
  netflow_v9,
  ipfix,
  sflow_v5,
  netflow_v1,
  netflow_v7,
  sflow_v4,
  sflow_v2,
  packet_capture,  ///< none: flows made of captured packets
  aws_vpc_log,     ///< none: read from a log, as the next ones are (flow_log_reader.hpp)
  azure_vnet_log,
  gcp_vpc_log,
  zeek_log,
  suricata_log
};
/// The name in metrics and JSON: `netflow_v9`.
[[nodiscard]] std::string_view to_string(ExportProtocol protocol) noexcept;
[[nodiscard]] constexpr bool is_sflow(ExportProtocol protocol) noexcept {
  return protocol == ExportProtocol::sflow_v5 || protocol == ExportProtocol::sflow_v4 ||
         protocol == ExportProtocol::sflow_v2;
}

/// A field length that says "each record has its own" (RFC 7011 §7; also seen in NetFlow v9).
inline constexpr std::uint16_t kVariableLength = 65535;

/// One field of a template.
struct FieldSpecifier {
  ElementId element;
  std::uint16_t length_octets = 0;  ///< or kVariableLength
  friend constexpr bool operator==(const FieldSpecifier&, const FieldSpecifier&) = default;
};

/// How the records of one set id are laid out. Immutable: a redefinition is another Template with
/// another serial, so whoever compiled a plan for one can keep it by (pointer-free) serial.
///
/// The members that give spans return views that live as long as the Template.
class Template {
 public:
  Template(ExportProtocol protocol, std::uint16_t id, std::vector<FieldSpecifier> fields,
           std::uint16_t scope_field_count, std::uint64_t serial);

  [[nodiscard]] ExportProtocol protocol() const noexcept { return protocol_; }
  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  [[nodiscard]] std::span<const FieldSpecifier> fields() const noexcept { return fields_; }
  /// Leading fields that are scope; 0 for a template of data.
  [[nodiscard]] std::uint16_t scope_field_count() const noexcept { return scope_field_count_; }
  [[nodiscard]] bool is_options() const noexcept { return scope_field_count_ != 0 || options_; }
  [[nodiscard]] bool has_variable_length() const noexcept { return variable_; }
  /// Whether a field tells of the other direction: reverse elements (RFC 5103), responder counts.
  [[nodiscard]] bool has_reverse() const noexcept { return reverse_; }
  /// Octets of the shortest record, at least 1; of every record unless has_variable_length().
  [[nodiscard]] std::size_t min_record_octets() const noexcept { return min_record_octets_; }
  /// Unique within the Parser that made it, never reused; the key for compiled plans.
  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
  /// Octets of fixed fields before each field of variable length, and behind the last one: with
  /// them a record is measured without visiting every field.
  [[nodiscard]] std::span<const std::size_t> fixed_runs() const noexcept { return fixed_runs_; }
  /// NetFlow v9 allows an options template without scope; it is one all the same.
  void mark_options() noexcept { options_ = true; }

 private:
  std::vector<FieldSpecifier> fields_;
  std::vector<std::size_t> fixed_runs_;
  std::size_t min_record_octets_ = 0;
  std::uint64_t serial_ = 0;
  std::uint16_t id_ = 0;
  std::uint16_t scope_field_count_ = 0;
  ExportProtocol protocol_ = ExportProtocol::ipfix;
  bool variable_ = false;
  bool reverse_ = false;
  bool options_ = false;
};

}  // namespace flowlens
