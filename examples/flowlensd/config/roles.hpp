/// \file
/// config: the service roles of one process (DESIGN section 6).
#pragma once

#include <cstdint>
#include <string_view>

namespace flowlensd {

enum class Role : std::uint8_t { ingest, resolve, enrich, classify, notify, api };

/// What one process does. enrich, classify and notify are parts of resolve: they run with it, named or not.
class Roles {
 public:
  [[nodiscard]] bool has(Role role) const noexcept { return (bits_ & bit(role)) != 0; }
  void add(Role role) noexcept { bits_ |= bit(role); }
  /// Whether nothing is left to another process.
  [[nodiscard]] bool is_whole() const noexcept {
    return has(Role::ingest) && has(Role::resolve) && has(Role::api);
  }
  /// The port of health and metrics where the settings name none: 8001 for ingest, 8002 for resolve. A
  /// process with the role api has them on the port of the API.
  [[nodiscard]] std::uint16_t default_metrics_port() const noexcept;

 private:
  static constexpr unsigned bit(Role role) noexcept { return 1u << static_cast<unsigned>(role); }
  unsigned bits_ = 0;
};

/// Reads `all`, or names with commas between, such as `resolve,api`.
/// \throws flowlens::ConfigError for a name that is none, and for roles that make no process.
[[nodiscard]] Roles parse_roles(std::string_view text);

}  // namespace flowlensd
