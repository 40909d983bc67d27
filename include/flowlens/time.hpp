/// \file
/// base: time. The core reads no clock: every time is an argument or comes from a datagram.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowlens {

/// UTC, nanoseconds since 1970-01-01; covers 1678 to 2261.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Nanoseconds since 1970-01-01 UTC, for storage.
constexpr std::int64_t to_unix_ns(Timestamp t) noexcept { return t.time_since_epoch().count(); }
constexpr Timestamp from_unix_ns(std::int64_t ns) noexcept {
  return Timestamp{std::chrono::nanoseconds{ns}};
}

/// RFC 3339 text in UTC: `2026-11-21T10:09:00Z`, with up to nine digits of fraction where the time
/// has one (trailing zeros left out).
[[nodiscard]] std::string to_string(Timestamp t);

/// Reads what to_string() writes (RFC 3339, `Z` only).
/// \return nothing if the text is not such a time or lies outside what a Timestamp covers.
[[nodiscard]] std::optional<Timestamp> parse_timestamp(std::string_view text) noexcept;

}  // namespace flowlens
