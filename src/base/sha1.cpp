#include "base/sha1.hpp"

#include <algorithm>
#include <bit>

namespace flowlens::base {
namespace {

using State = std::array<std::uint32_t, 5>;
constexpr std::size_t kBlockOctets = 64;

/// Twenty rounds with one function and constant, RFC 3174 §5.
template <typename Function>
void add_rounds(State& s, const std::uint32_t* w, std::uint32_t constant, Function function) {
  auto [a, b, c, d, e] = s;
  for (std::size_t t = 0; t < 20; ++t) {
    const std::uint32_t next = std::rotl(a, 5) + function(b, c, d) + constant + e + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  s = {a, b, c, d, e};
}

void add_block(State& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 80> w;
  for (std::size_t t = 0; t < 16; ++t) {
    w[t] = std::uint32_t{block[4 * t]} << 24 | std::uint32_t{block[4 * t + 1]} << 16 |
           std::uint32_t{block[4 * t + 2]} << 8 | std::uint32_t{block[4 * t + 3]};
  }
  for (std::size_t t = 16; t < 80; ++t) {
    w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  }
  using Word = std::uint32_t;
  const auto choose = [](Word b, Word c, Word d) { return (b & c) | (~b & d); };
  const auto parity = [](Word b, Word c, Word d) { return b ^ c ^ d; };
  const auto majority = [](Word b, Word c, Word d) { return (b & c) | (b & d) | (c & d); };
  State next = state;
  add_rounds(next, &w[0], 0x5a827999u, choose);
  add_rounds(next, &w[20], 0x6ed9eba1u, parity);
  add_rounds(next, &w[40], 0x8f1bbcdcu, majority);
  add_rounds(next, &w[60], 0xca62c1d6u, parity);
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += next[i];
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::span<const std::uint8_t> message) {
  State state{0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
  std::size_t at = 0;
  for (; message.size() - at >= kBlockOctets; at += kBlockOctets) {
    add_block(state, message.data() + at);
  }

  // The rest, a one bit, and the length in the last eight octets: one block or two, RFC 3174 §4.
  std::array<std::uint8_t, 2 * kBlockOctets> tail{};
  const std::size_t rest = message.size() - at;
  std::copy(message.begin() + static_cast<std::ptrdiff_t>(at), message.end(), tail.begin());
  tail[rest] = 0x80;
  const std::size_t end = rest < kBlockOctets - 8 ? kBlockOctets : 2 * kBlockOctets;
  const std::uint64_t bits = std::uint64_t{message.size()} * 8;
  for (std::size_t i = 0; i < 8; ++i) tail[end - 1 - i] = static_cast<std::uint8_t>(bits >> 8 * i);
  for (std::size_t i = 0; i < end; i += kBlockOctets) add_block(state, tail.data() + i);

  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace flowlens::base
