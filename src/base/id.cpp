#include "flowlens/id.hpp"

#include <algorithm>
#include <vector>

#include "base/sha1.hpp"

namespace flowlens {
namespace {

/// UUIDv5 of `urn:flowlens` in the URL namespace of RFC 9562 §6.6.
constexpr std::string_view kFlowlensNamespace = "d2e420f8-9441-5c29-a413-f68f1870a356";

constexpr std::string_view kHex = "0123456789abcdef";

bool dash_before(std::size_t octet) noexcept {
  return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Id::to_string() const {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (dash_before(i)) text += '-';
    text += kHex[octets[i] >> 4];
    text += kHex[octets[i] & 15];
  }
  return text;
}

std::optional<Id> Id::parse(std::string_view text) noexcept {
  if (text.size() != 36) return std::nullopt;
  Id id;
  std::size_t at = 0;
  for (std::size_t i = 0; i < id.octets.size(); ++i) {
    if (dash_before(i) && text[at++] != '-') return std::nullopt;
    const int high = hex_value(text[at]), low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.octets[i] = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return id;
}

Id derive_id(const Id& space, std::string_view name) noexcept {
  std::vector<std::uint8_t> message(space.octets.begin(), space.octets.end());
  message.insert(message.end(), name.begin(), name.end());
  const auto digest = base::sha1(message);
  Id id;
  std::copy_n(digest.begin(), id.octets.size(), id.octets.begin());
  id.octets[6] = static_cast<std::uint8_t>((id.octets[6] & 0x0f) | 0x50);  // version 5
  id.octets[8] = static_cast<std::uint8_t>((id.octets[8] & 0x3f) | 0x80);  // RFC 9562 variant
  return id;
}

const Id& asset_namespace() noexcept {
  static const Id id = derive_id(*Id::parse(kFlowlensNamespace), "asset");
  return id;
}
const Id& dependency_namespace() noexcept {
  static const Id id = derive_id(*Id::parse(kFlowlensNamespace), "dependency");
  return id;
}
const Id& event_namespace() noexcept {
  static const Id id = derive_id(*Id::parse(kFlowlensNamespace), "event");
  return id;
}

}  // namespace flowlens
