#include <algorithm>
#include <array>

#include "flowlens/external_peers.hpp"

namespace flowlens {

namespace {

constexpr std::array<std::string_view, 4> kGroupings = {"all", "prefix", "as_number", "country"};

/// 100::/64, then one octet for the kind, one for the length, six for the value.
constexpr std::size_t kKindAt = 8, kLengthAt = 9, kValueAt = 10;
constexpr std::uint64_t kMostValue = (std::uint64_t{1} << 48) - 1;
constexpr std::uint8_t kIpv4Bits = 96;

std::string prefix_text(const PeerGroup& group) {
  std::array<std::uint8_t, 16> octets{};
  const bool is_v4 = group.length >= kIpv4Bits;
  if (is_v4) octets[10] = octets[11] = 0xff;
  const std::size_t from = is_v4 ? 12 : 0, count = is_v4 ? 4 : 6;
  for (std::size_t i = 0; i < count; ++i) {
    octets[from + i] = static_cast<std::uint8_t>(group.value >> 8 * (count - 1 - i));
  }
  return IpAddress::v6(octets).to_string() + "/" +
         std::to_string(is_v4 ? group.length - kIpv4Bits : group.length);
}

}  // namespace

std::string_view to_string(PeerGrouping g) noexcept {
  return kGroupings[static_cast<std::size_t>(g)];
}
std::optional<PeerGrouping> parse_peer_grouping(std::string_view text) noexcept {
  const auto found = std::find(kGroupings.begin(), kGroupings.end(), text);
  if (found == kGroupings.end()) return std::nullopt;
  return static_cast<PeerGrouping>(found - kGroupings.begin());
}

IpAddress PeerGroup::address() const noexcept {
  std::array<std::uint8_t, 16> octets{0x01};
  octets[kKindAt] = static_cast<std::uint8_t>(static_cast<unsigned>(by) + 1);
  octets[kLengthAt] = length;
  for (std::size_t i = 0; i < 6; ++i) {
    octets[kValueAt + i] = static_cast<std::uint8_t>((value & kMostValue) >> 8 * (5 - i));
  }
  return IpAddress::v6(octets);
}

std::optional<PeerGroup> peer_group(const IpAddress& address) noexcept {
  const auto& octets = address.octets();
  if (octets[0] != 0x01) return std::nullopt;
  if (std::any_of(octets.begin() + 1, octets.begin() + kKindAt,
                  [](std::uint8_t o) { return o != 0; })) {
    return std::nullopt;
  }
  const unsigned kind = octets[kKindAt];
  if (kind == 0 || kind > kGroupings.size()) return std::nullopt;
  PeerGroup group{static_cast<PeerGrouping>(kind - 1), 0, octets[kLengthAt]};
  for (std::size_t i = 0; i < 6; ++i) group.value = group.value << 8 | octets[kValueAt + i];
  return group;
}

std::string PeerGroup::to_string() const {
  switch (by) {
    case PeerGrouping::prefix:
      return prefix_text(*this);
    case PeerGrouping::as_number:
      return value == 0 ? "AS unknown" : "AS" + std::to_string(value);
    case PeerGrouping::country:
      if (value == 0) return "country unknown";
      return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
    case PeerGrouping::all:
      break;
  }
  return "external";
}

}  // namespace flowlens
