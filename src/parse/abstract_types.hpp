/// \file
/// parse: the words of RFC 7012 for types and semantics, at IANA's numbers for them (RFC 5610 §3.9,
/// §3.10).
#pragma once

#include <cstdint>
#include <string_view>

#include "flowlens/information_element.hpp"

namespace flowlens::parse {

// the word, how it is read, octets where there are several sizes
#define FLOWLENS_ABSTRACT_TYPES(X)                    \
  X(octetArray, octet_array, 0)                       \
  X(unsigned8, unsigned_integer, 1)                   \
  X(unsigned16, unsigned_integer, 2)                  \
  X(unsigned32, unsigned_integer, 4)                  \
  X(unsigned64, unsigned_integer, 8)                  \
  X(signed8, signed_integer, 1)                       \
  X(signed16, signed_integer, 2)                      \
  X(signed32, signed_integer, 4)                      \
  X(signed64, signed_integer, 8)                      \
  X(float32, floating, 4)                             \
  X(float64, floating, 8)                             \
  X(boolean, boolean, 0)                              \
  X(macAddress, mac_address, 0)                       \
  X(string, string, 0)                                \
  X(dateTimeSeconds, date_time_seconds, 0)            \
  X(dateTimeMilliseconds, date_time_milliseconds, 0)  \
  X(dateTimeMicroseconds, date_time_microseconds, 0)  \
  X(dateTimeNanoseconds, date_time_nanoseconds, 0)    \
  X(ipv4Address, ipv4_address, 0)                     \
  X(ipv6Address, ipv6_address, 0)                     \
  X(basicList, basic_list, 0)                         \
  X(subTemplateList, sub_template_list, 0)            \
  X(subTemplateMultiList, sub_template_multi_list, 0) \
  X(unsigned256, unsigned_256, 0)

#define FLOWLENS_SEMANTICS(X)    \
  X(default_, unspecified)       \
  X(quantity, quantity)          \
  X(totalCounter, total_counter) \
  X(deltaCounter, delta_counter) \
  X(identifier, identifier)      \
  X(flags, flags)                \
  X(list, list)                  \
  X(snmpCounter, snmp_counter)   \
  X(snmpGauge, snmp_gauge)

struct AbstractType {
  ElementType type;
  std::uint8_t size_octets;
  std::string_view name;
};

inline constexpr AbstractType kAbstractTypes[] = {
#define FLOWLENS_ROW(word, type, size) {ElementType::type, size, #word},
    FLOWLENS_ABSTRACT_TYPES(FLOWLENS_ROW)
#undef FLOWLENS_ROW
};

/// By ElementSemantics.
inline constexpr std::string_view kSemanticsNames[] = {
    "default", "quantity", "totalCounter", "deltaCounter", "identifier",
    "flags",   "list",     "snmpCounter",  "snmpGauge",
};

}  // namespace flowlens::parse
