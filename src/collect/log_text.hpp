/// \file
/// collect: the words that logs are made of: fields, numbers, addresses, times. log_text.rl has their
/// grammar.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens::collect {

/// Cuts a line at every `separator`. Two in a row have an empty field between them.
/// \return how many fields there are; those past the end of `fields` are counted only.
std::size_t split(std::string_view line, char separator,
                  std::span<std::string_view> fields) noexcept;

/// Decimal digits and nothing else, up to 2^64 - 1.
std::optional<std::uint64_t> read_number(std::string_view text) noexcept;

/// Dotted quad or RFC 4291 text.
std::optional<IpAddress> read_address(std::string_view text) noexcept;

/// `12`, `12.5`, `0.000001`: not negative, cut to nanoseconds; at most what a Timestamp covers.
std::optional<std::chrono::nanoseconds> read_seconds(std::string_view text) noexcept;

/// RFC 3339 text, with `Z`, an offset (`+01:00`, `+0100`) or neither, which is taken as UTC.
std::optional<Timestamp> read_time(std::string_view text) noexcept;

}  // namespace flowlens::collect
