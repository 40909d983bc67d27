/// \file
/// base: identifiers that leave the process. They are derived, not drawn: RFC 9562 §5.5 (UUIDv5,
/// SHA-1 over a namespace and a name), so the same input gives the same ids everywhere, and anyone
/// can compute them again (PostgreSQL: `uuid_generate_v5`).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowlens {

/// 128 bits, network byte order; all zero means "none".
struct Id {
  std::array<std::uint8_t, 16> octets{};

  [[nodiscard]] bool is_none() const noexcept { return *this == Id{}; }
  /// `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`
  [[nodiscard]] std::string to_string() const;
  static std::optional<Id> parse(std::string_view text) noexcept;

  friend constexpr auto operator<=>(const Id&, const Id&) noexcept = default;
  friend constexpr bool operator==(const Id&, const Id&) noexcept = default;
};

/// UUIDv5 of `name` in `space`.
[[nodiscard]] Id derive_id(const Id& space, std::string_view name) noexcept;

/// The namespaces of FlowLens ids: UUIDv5 of "asset", "dependency" and "event" under FlowLens' own
/// namespace.
[[nodiscard]] const Id& asset_namespace() noexcept;
[[nodiscard]] const Id& dependency_namespace() noexcept;
[[nodiscard]] const Id& event_namespace() noexcept;

}  // namespace flowlens
