/// \file
/// auth: permissions by name.
#pragma once

#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace flowlensd {

using http::Permission;

[[nodiscard]] constexpr std::string_view to_string(Permission permission) noexcept {
  switch (permission) {
    case Permission::viewer:
      return "viewer";
    case Permission::analyst:
      return "analyst";
    case Permission::admin:
      return "admin";
    case Permission::anonymous:
      break;
  }
  return "anonymous";
}

/// \return nothing if a user cannot have it.
[[nodiscard]] constexpr std::optional<Permission> parse_permission(std::string_view text) noexcept {
  for (const auto p : {Permission::viewer, Permission::analyst, Permission::admin}) {
    if (to_string(p) == text) return p;
  }
  return std::nullopt;
}

}  // namespace flowlensd
