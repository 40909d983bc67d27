/// \file
/// base: IP addresses and prefixes.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flowlens {

/// An IPv4 or IPv6 address in 16 octets, network byte order; IPv4 is held as v4-mapped
/// (RFC 4291 §2.5.5.2), so `10.0.0.1` and `::ffff:10.0.0.1` are the same address. A value: copy it.
class IpAddress {
 public:
  /// `::`
  constexpr IpAddress() noexcept = default;

  /// \param address  host byte order: 0x0a000001 is 10.0.0.1.
  static constexpr IpAddress v4(std::uint32_t address) noexcept {
    IpAddress a;
    a.octets_[10] = a.octets_[11] = 0xff;
    for (std::size_t i = 0; i < 4; ++i) {
      a.octets_[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    }
    return a;
  }
  static constexpr IpAddress v6(const std::array<std::uint8_t, 16>& octets) noexcept {
    IpAddress a;
    a.octets_ = octets;
    return a;
  }
  /// \param octets  exactly 4 or 16, network byte order.
  /// \return nothing for any other length.
  static std::optional<IpAddress> from_octets(std::span<const std::byte> octets) noexcept;
  /// Reads dotted-quad or RFC 4291 text; no zone, no brackets, no prefix length.
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  [[nodiscard]] constexpr bool is_v4() const noexcept {
    const auto [high, low] = words();
    return high == 0 && low >> 32 == 0xffff;
  }
  /// Host byte order. Only meaningful where is_v4().
  [[nodiscard]] constexpr std::uint32_t to_v4() const noexcept {
    return static_cast<std::uint32_t>(words()[1]);
  }
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& octets() const noexcept {
    return octets_;
  }

  [[nodiscard]] bool is_unspecified() const noexcept;  ///< 0.0.0.0 or ::
  [[nodiscard]] bool is_loopback() const noexcept;     ///< 127.0.0.0/8, ::1
  [[nodiscard]] bool is_link_local() const noexcept;   ///< 169.254.0.0/16, fe80::/10
  /// RFC 1918, RFC 6598 (100.64.0.0/10), RFC 4193 (fc00::/7), link-local and loopback.
  [[nodiscard]] bool is_private() const noexcept;
  [[nodiscard]] bool is_multicast() const noexcept;          ///< 224.0.0.0/4, ff00::/8
  [[nodiscard]] bool is_limited_broadcast() const noexcept;  ///< 255.255.255.255

  /// RFC 5952 text; v4-mapped as dotted quad.
  [[nodiscard]] std::string to_string() const;

  /// By octets, as a memcmp would; IPv4 in numerical order.
  friend constexpr std::strong_ordering operator<=>(const IpAddress& a,
                                                    const IpAddress& b) noexcept {
    return a.words() <=> b.words();
  }
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    using Words = std::array<std::uint64_t, 2>;
    return std::bit_cast<Words>(a.octets_) == std::bit_cast<Words>(b.octets_);
  }

 private:
  /// The octets as two numbers, so that two comparisons do for sixteen.
  [[nodiscard]] constexpr std::array<std::uint64_t, 2> words() const noexcept {
    auto words = std::bit_cast<std::array<std::uint64_t, 2>>(octets_);
    if constexpr (std::endian::native == std::endian::little) {
      for (std::uint64_t& word : words) word = __builtin_bswap64(word);
    }
    return words;
  }

  std::array<std::uint8_t, 16> octets_{};
};

/// A network: an address and how many of its 128 leading bits count (IPv4 /8 is held as 104).
struct IpPrefix {
  IpAddress address;        ///< bits past `length` are zero
  std::uint8_t length = 0;  ///< 0 to 128, counted over the v4-mapped form

  /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address.
  /// \return nothing for bad text, a length past the family's, or set bits past the length.
  static std::optional<IpPrefix> parse(std::string_view text) noexcept;
  [[nodiscard]] bool contains(const IpAddress& a) const noexcept;
  [[nodiscard]] std::string to_string() const;  ///< with the family's own length

  friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) noexcept = default;
  friend constexpr bool operator==(const IpPrefix&, const IpPrefix&) noexcept = default;
};

}  // namespace flowlens
