/// \file
/// parse: the values of fields, typed (RFC 7011 §6.1, §6.2), and as text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "flowlens/information_element.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/record.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

class InformationModel;

struct MacAddress {
  std::array<std::uint8_t, 6> octets{};
  friend bool operator==(const MacAddress&, const MacAddress&) = default;
};

/// What a field holds. Strings and octets are views into the datagram; `monostate` is no value: a
/// field of fixed length 0, or an NTP time of 0. Octets stand for octet arrays, lists, unknown
/// elements and whatever its type cannot be: an IPv4 address of 3 octets, a boolean of 7, a time
/// past 2261.
using Value = std::variant<std::monostate, std::uint64_t, std::int64_t, double, bool, MacAddress,
                           std::string_view, IpAddress, Timestamp, std::span<const std::byte>>;

/// Reads a field as `type`. Integers are read in any size from 1 to 8 octets, whatever was
/// registered (RFC 7011 §6.2); strings lose the NULs behind them.
///
/// Micro- and nanoseconds are NTP's: seconds before 1970 are of its second era, which begins in
/// 2036, so they span 1970 to 2106. Microseconds are rounded to whole ones.
[[nodiscard]] Value read_value(const FieldValue& field, ElementType type) noexcept;
/// Reads a field by its built-in type.
[[nodiscard]] Value read_value(const FieldValue& field) noexcept;

/// `7`, `-7`, `0.5`, `true`, `00:00:5e:00:53:01`, `10.0.0.1`, `2026-11-21T09:00:00Z`, the string
/// itself, octets in hex; empty for no value. Always UTF-8 without control characters: what is not
/// comes as `\x1b`, and a backslash as `\\`.
[[nodiscard]] std::string to_string(const Value& value);

/// The text of a field. Like to_string(), and application ids (RFC 6759) as `PANA-L7:26`.
[[nodiscard]] std::string field_text(const FieldValue& field, const InformationModel& model);

}  // namespace flowlens
