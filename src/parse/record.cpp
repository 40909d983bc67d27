#include "flowlens/record.hpp"

#include "wire/byte_reader.hpp"
#include "wire/load.hpp"

namespace flowlens {

std::string_view to_string(ExportProtocol protocol) noexcept {
  switch (protocol) {
    case ExportProtocol::netflow_v5:
      return "netflow_v5";
    case ExportProtocol::netflow_v9:
      return "netflow_v9";
    case ExportProtocol::ipfix:
      return "ipfix";
    case ExportProtocol::sflow_v5:
      return "sflow_v5";
    case ExportProtocol::netflow_v1:
      return "netflow_v1";
    case ExportProtocol::netflow_v7:
      return "netflow_v7";
    case ExportProtocol::sflow_v4:
      return "sflow_v4";
    case ExportProtocol::sflow_v2:
      return "sflow_v2";
    case ExportProtocol::packet_capture:
      return "packet_capture";
    case ExportProtocol::aws_vpc_log:
      return "aws_vpc_log";
    case ExportProtocol::azure_vnet_log:
      return "azure_vnet_log";
    case ExportProtocol::gcp_vpc_log:
      return "gcp_vpc_log";
    case ExportProtocol::zeek_log:
      return "zeek_log";
    case ExportProtocol::suricata_log:
      return "suricata_log";
  }
  return "";
}

namespace {

bool tells_of_reverse(ElementId id) noexcept {
  constexpr std::uint16_t kResponderOctets = 232, kResponderPackets = 299;
  return id.enterprise == kReverseEnterprise ||
         (id.enterprise == 0 && (id.number == kResponderOctets || id.number == kResponderPackets));
}

}  // namespace

Template::Template(ExportProtocol protocol, std::uint16_t id, std::vector<FieldSpecifier> fields,
                   std::uint16_t scope_field_count, std::uint64_t serial)
    : fields_(std::move(fields)),
      serial_(serial),
      id_(id),
      scope_field_count_(scope_field_count),
      protocol_(protocol) {
  std::size_t run = 0;
  for (const FieldSpecifier& field : fields_) {
    reverse_ = reverse_ || tells_of_reverse(field.element);
    if (field.length_octets != kVariableLength) {
      run += field.length_octets;
      continue;
    }
    variable_ = true;
    fixed_runs_.push_back(run);
    min_record_octets_ += run + 1;
    run = 0;
  }
  fixed_runs_.push_back(run);
  min_record_octets_ += run;
}

std::optional<std::uint64_t> read_unsigned(std::span<const std::byte> octets) noexcept {
  if (octets.empty() || octets.size() > 8) return std::nullopt;
  return wire::load_unsigned(octets.data(), octets.size());
}

namespace {

/// The length in front of a value of variable length, RFC 7011 §7.
/// \return octets of the length itself; 0 if it is cut short.
std::size_t variable_length(std::span<const std::byte> octets, std::size_t& value) noexcept {
  if (octets.empty()) return 0;
  value = wire::load8(octets.data());
  if (value != 255) return 1;
  if (octets.size() < 3) return 0;
  value = wire::load16(octets.data() + 1);
  return 3;
}

}  // namespace

std::size_t record_length(const Template& layout, std::span<const std::byte> octets) noexcept {
  if (!layout.has_variable_length()) {
    return layout.min_record_octets() <= octets.size() ? layout.min_record_octets() : 0;
  }
  const std::span<const std::size_t> runs = layout.fixed_runs();
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < runs.size(); ++i) {
    at += runs[i];
    if (at > octets.size()) return 0;
    std::size_t value = 0;
    const std::size_t prefix = variable_length(octets.subspan(at), value);
    if (prefix == 0) return 0;
    at += prefix + value;
  }
  at += runs.back();
  return at <= octets.size() ? at : 0;
}

std::span<const std::byte> take_field(const FieldSpecifier& field,
                                      std::span<const std::byte>& rest) noexcept {
  std::size_t length = field.length_octets;
  std::size_t prefix = 0;
  if (field.length_octets == kVariableLength) {
    prefix = variable_length(rest, length);
    if (prefix == 0) {
      rest = {};
      return {};
    }
  }
  if (prefix + length > rest.size()) {
    rest = {};
    return {};
  }
  const auto value = rest.subspan(prefix, length);
  rest = rest.subspan(prefix + length);
  return value;
}

std::optional<FieldValue> Record::find(ElementId element) const noexcept {
  std::span<const std::byte> rest = octets_;
  for (const FieldSpecifier& field : layout_->fields()) {
    const auto value = take_field(field, rest);
    if (field.element == element) return FieldValue{field, value};
  }
  return std::nullopt;
}

}  // namespace flowlens
