/// \file
/// query: what a type of rows lets a filter ask for: its fields, their kinds and names.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// What the values of a field are, and how they are written in a filter.
enum class FieldKind : std::uint8_t {
  count,     ///< a number of things: `42`, `10k`, `5M`
  octets,    ///< octets: `1500`, `10k`, `1.5G` (powers of 1000), `64Ki` (of 1024)
  port,      ///< 0 to 65535 or a service name: `443`, `https`
  protocol,  ///< 0 to 255 or a name: `6`, `tcp`
  address,   ///< an address or a prefix: `10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32`
  time,      ///< `2026-11-21T10:09:00Z`, `2026-11-21`, or an age: `5m` (ago)
  duration,  ///< `1500ms`, `30s`, `5m`, `2h`, `7d`
  ratio,     ///< a real number: `0.95`, `95%`
  boolean,   ///< `yes`, `no`
  choice,    ///< one of a few words
  text,      ///< `word`, `"some words"`; also `contains` and `~`
};
/// `octets`
[[nodiscard]] std::string_view to_string(FieldKind k) noexcept;

/// Numbers of every kind as keys that compare as the numbers do, so that one comparison serves all.
namespace field_key {
[[nodiscard]] constexpr std::uint64_t of(std::uint64_t n) noexcept { return n; }
[[nodiscard]] constexpr std::uint64_t of_signed(std::int64_t n) noexcept {
  return static_cast<std::uint64_t>(n) ^ (std::uint64_t{1} << 63);
}
[[nodiscard]] constexpr std::uint64_t of(Timestamp t) noexcept { return of_signed(to_unix_ns(t)); }
[[nodiscard]] constexpr std::uint64_t of(std::chrono::nanoseconds d) noexcept {
  return of_signed(d.count());
}
[[nodiscard]] constexpr std::uint64_t of(double d) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(d == 0 ? 0.0 : d);
  return bits >> 63 ? ~bits : bits | std::uint64_t{1} << 63;
}
}  // namespace field_key

/// Where a row's value goes: the member that the field's kind says.
struct Operand {
  std::uint64_t number = 0;  ///< a key of field_key; choice: the position; boolean: 0 or 1
  IpAddress address;
  std::string_view text;  ///< valid as long as the row is
};

/// One field of a type of rows.
struct Field {
  /// Reads the field out of a row. \param index  of the value, for fields that have many; else 0.
  /// \return false where the row has no such value. No comparison holds for a row without any.
  using Get = bool (*)(const void* row, std::size_t index, Operand& out) noexcept;
  /// A number's name and the number of a name, for ports and protocols. \return nothing for none.
  using NumberOf = std::optional<std::uint64_t> (*)(std::string_view name) noexcept;
  using NameOf = std::string_view (*)(std::uint64_t number) noexcept;

  std::string_view name;       ///< `src port`: lower case, words parted by a space
  std::string_view aliases{};  ///< more names, parted by commas
  FieldKind kind = FieldKind::count;
  std::string_view description{};  ///< a few words for people
  Get get = nullptr;
  bool has_many = false;  ///< a comparison holds if it does for one of the values
  NumberOf number_of = nullptr;
  NameOf name_of = nullptr;
  std::span<const std::string_view> choices{};  ///< FieldKind::choice
};

/// The fields of one type of rows. Immutable; static tables are usual, so it holds a view of them.
class FieldTable {
 public:
  /// \param fields  must outlive the table and every filter made with it.
  constexpr explicit FieldTable(std::span<const Field> fields) noexcept : fields_(fields) {}

  [[nodiscard]] constexpr std::span<const Field> fields() const noexcept { return fields_; }
  /// By name or alias, whatever the case; `.`, `_` and `-` stand for a space. \return null for none.
  [[nodiscard]] const Field* find(std::string_view name) const;

 private:
  std::span<const Field> fields_;
};

/// The table of one type, so that a filter meets no other rows than its own.
template <typename Row>
class FieldTableOf : public FieldTable {
 public:
  using FieldTable::FieldTable;
};

}  // namespace flowlens
