#include "auth/secrets.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <vector>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using Octets = std::vector<unsigned char>;

Octets random_octets(std::size_t count) {
  Octets octets(count);
  if (RAND_bytes(octets.data(), static_cast<int>(count)) != 1) {
    throw flowlens::IoError("the system gives no random numbers");
  }
  return octets;
}

}  // namespace

std::string random_text(std::size_t count) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Six bits of each octet: as random, and nothing to carry over.
  std::string text;
  for (const unsigned char octet : random_octets((count * 8 + 5) / 6)) text += kDigits[octet & 63];
  return text;
}

flowlens::Id random_id() {
  flowlens::Id id;
  const Octets octets = random_octets(id.octets.size());
  std::copy(octets.begin(), octets.end(), id.octets.begin());
  // RFC 9562 §5.4
  id.octets[6] = static_cast<std::uint8_t>((id.octets[6] & 0x0f) | 0x40);
  id.octets[8] = static_cast<std::uint8_t>((id.octets[8] & 0x3f) | 0x80);
  return id;
}

std::string random_password() {
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";  // 32: five bits each
  static_assert(kLetters.size() == 32);
  std::string text;
  for (const unsigned char octet : random_octets(16)) {
    if (text.size() % 5 == 4) text += '-';
    text += kLetters[octet & 31];
  }
  return text;
}

std::string digest_of(std::string_view secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char octet : digest) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

}  // namespace flowlensd
