/// \file
/// config: lists in one text, with commas between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowlensd {

/// Its parts without spaces around them; empty ones are none.
[[nodiscard]] inline std::vector<std::string> comma_list(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(part.size() == list.size() ? list.size() : part.size() + 1);
    const std::size_t first = part.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    part = part.substr(first, part.find_last_not_of(" \t") - first + 1);
    parts.emplace_back(part);
  }
  return parts;
}

}  // namespace flowlensd
