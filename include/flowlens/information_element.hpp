/// \file
/// parse: information elements (RFC 7012): what the fields of templates are called and how they
/// read.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flowlens {

/// Abstract data types of RFC 7012 §3.1 (and RFC 6313 lists).
enum class ElementType : std::uint8_t {
  octet_array,
  unsigned_integer,
  signed_integer,
  floating,
  boolean,
  mac_address,
  string,
  date_time_seconds,
  date_time_milliseconds,
  date_time_microseconds,
  date_time_nanoseconds,
  ipv4_address,
  ipv6_address,
  basic_list,
  sub_template_list,
  sub_template_multi_list,
};

/// Enterprise number and element number. Enterprise 0 is IANA's registry.
struct ElementId {
  std::uint32_t enterprise = 0;
  std::uint16_t number = 0;
  friend constexpr auto operator<=>(const ElementId&, const ElementId&) noexcept = default;
};

/// NetFlow v9 scope types (RFC 3954 §6.1: System, Interface, Line Card, Cache, Template) are no
/// elements; they are held under this enterprise number, which IANA will never assign.
inline constexpr std::uint32_t kV9ScopeEnterprise = 0xffff'ff09;
/// Elements of the reverse direction of a biflow (RFC 5103 §6.1).
inline constexpr std::uint32_t kReverseEnterprise = 29305;

/// One registered element. The text is static.
struct InformationElement {
  ElementId id;
  ElementType type = ElementType::octet_array;
  std::string_view name;   ///< IANA's, e.g. `octetDeltaCount`
  std::string_view units;  ///< `octets`, `packets`, `milliseconds`, …; empty where there are none
};

/// The elements FlowLens knows by name.
/// \return null for an unknown one; its octets stay reachable.
[[nodiscard]] const InformationElement* find_element(ElementId id) noexcept;
/// \return null if no element has that name.
[[nodiscard]] const InformationElement* find_element(std::string_view name) noexcept;
/// All of them, in the order of their ids.
[[nodiscard]] std::span<const InformationElement> all_elements() noexcept;

/// What to call an element in text: its registered name (`octetDeltaCount`);
/// `reverseOctetDeltaCount` for the reverse direction of a biflow; `scopeInterface` for a NetFlow
/// v9 scope; else by number, `e9id12235` for an enterprise's element and `id65` for IANA's.
[[nodiscard]] std::string element_name(ElementId id);

/// Whether a field of `length_octets` can hold a value of `type`: integers of 1 to 8 octets, IPv4
/// addresses of 4 and so on. Length 0 (no value) and kVariableLength always can.
[[nodiscard]] bool is_legal_length(ElementType type, std::uint16_t length_octets) noexcept;

}  // namespace flowlens
