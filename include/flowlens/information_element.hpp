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

/// Abstract data types of RFC 7012 §3.1 and the lists of RFC 6313; integers and floats of all sizes
/// are one, their size stands beside it.
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
  unsigned_256,  ///< RFC 9740 §4: bits of 32 octets
};

/// What the numbers of an element mean (RFC 7012 §3.2). The values are IANA's (RFC 5610 §3.10).
enum class ElementSemantics : std::uint8_t {
  unspecified,  ///< `default`
  quantity,
  total_counter,
  delta_counter,
  identifier,
  flags,
  list,
  snmp_counter,
  snmp_gauge,
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
/// NetFlow v9 has no enterprise numbers: vendors use types from here on, which IPFIX cannot have.
/// They are held under enterprise 0.
inline constexpr std::uint16_t kFirstV9VendorType = 32'768;

/// One element. The text of built-in ones is static.
struct InformationElement {
  ElementId id;
  ElementType type = ElementType::octet_array;
  std::uint8_t size_octets = 0;  ///< of integers and floats, before they are reduced; else 0
  ElementSemantics semantics = ElementSemantics::unspecified;
  std::string_view name;   ///< IANA's or the vendor's, e.g. `octetDeltaCount`
  std::string_view units;  ///< `octets`, `packets`, `milliseconds`, …; empty where there are none
};

/// The built-in elements: IANA's registry and the sets of common vendors, as of the dates that
/// src/parse/elements/README.md gives. For elements of your own see information_model.hpp.
///
/// \return null for an unknown one; its octets stay reachable. A type that ntop exports in
/// NetFlow v9 gives ntop's element (enterprise 35632). The reverse of an element (RFC 5103) and
/// v9 scopes are no entries: element_name() and element_type() know them all the same.
[[nodiscard]] const InformationElement* find_element(ElementId id) noexcept;
/// \return the one with the lowest enterprise number, as vendors may use a name twice; null if
/// no element has that name.
[[nodiscard]] const InformationElement* find_element(std::string_view name) noexcept;
/// All of them, in the order of their ids.
[[nodiscard]] std::span<const InformationElement> all_elements() noexcept;

/// What to call an element in text: its name (`octetDeltaCount`); `reverseOctetDeltaCount` for the
/// reverse direction of a biflow; `scopeInterface` for a NetFlow v9 scope; else by number,
/// `e9id65` for an enterprise's element and `id65` for IANA's.
[[nodiscard]] std::string element_name(ElementId id);
/// How to read an element, reverse ones like forward ones; octet_array if it is unknown.
[[nodiscard]] ElementType element_type(ElementId id) noexcept;

/// RFC 7012's words, as tables of elements have them: `unsigned64`, `deltaCounter`.
[[nodiscard]] std::string_view type_name(const InformationElement& element) noexcept;
[[nodiscard]] std::string_view semantics_name(ElementSemantics semantics) noexcept;

/// Whether a field of `length_octets` can hold a value of `type`: integers of 1 to 8 octets, IPv4
/// addresses of 4 and so on. Length 0 (no value) and kVariableLength always can.
[[nodiscard]] bool is_legal_length(ElementType type, std::uint16_t length_octets) noexcept;

}  // namespace flowlens
