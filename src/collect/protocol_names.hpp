/// \file
/// collect: protocols as Zeek and Suricata write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace flowlens::collect {

/// \param name  in capitals or not, or a number.
std::optional<std::uint8_t> protocol_number(std::string_view name) noexcept;

}  // namespace flowlens::collect
