/// \file
/// query: what fields of rows hand to filters.
#pragma once

#include <cstdint>
#include <string_view>

#include "flowlens/field_table.hpp"

namespace flowlens::query {

inline bool number(std::uint64_t value, Operand& out) noexcept {
  out.number = value;
  return true;
}
inline bool address(const IpAddress& value, Operand& out) noexcept {
  out.address = value;
  return true;
}
/// \return false for an empty text: the row has none.
inline bool text(std::string_view value, Operand& out) noexcept {
  out.text = value;
  return !value.empty();
}

}  // namespace flowlens::query
