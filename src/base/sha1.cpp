#include "base/sha1.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace flowlens::base {
namespace {

using State = std::array<std::uint32_t, 5>;
constexpr std::size_t kBlockOctets = 64;

/// The message schedule in sixteen words that go round, RFC 3174 §6.2, worked out as it is used.
struct Schedule {
  std::array<std::uint32_t, 16> w;

  template <std::size_t t>
  std::uint32_t word() noexcept {
    if constexpr (t >= 16) {
      w[t % 16] = std::rotl(w[(t - 3) % 16] ^ w[(t - 8) % 16] ^ w[(t - 14) % 16] ^ w[t % 16], 1);
    }
    return w[t % 16];
  }
};

/// One round. The five words stay where they are and change their parts instead.
template <std::size_t t>
inline void add_round(State& s, Schedule& schedule) noexcept {
  constexpr std::size_t kShift = 5 - t % 5;
  const std::uint32_t a = s[kShift % 5], c = s[(kShift + 2) % 5], d = s[(kShift + 3) % 5];
  std::uint32_t &b = s[(kShift + 1) % 5], &e = s[(kShift + 4) % 5];
  constexpr std::array<std::uint32_t, 4> kConstants{0x5a827999u, 0x6ed9eba1u, 0x8f1bbcdcu,
                                                    0xca62c1d6u};
  std::uint32_t mixed = b ^ c ^ d;
  if constexpr (t < 20) mixed = d ^ (b & (c ^ d));
  if constexpr (t >= 40 && t < 60) mixed = (b & c) | (d & (b | c));
  e += std::rotl(a, 5) + mixed + kConstants[t / 20] + schedule.word<t>();
  b = std::rotl(b, 30);
}

template <std::size_t... t>
inline void add_rounds(State& s, Schedule& schedule, std::index_sequence<t...>) noexcept {
  (add_round<t>(s, schedule), ...);
}

void add_block(State& state, const std::uint8_t* block) {
  Schedule schedule;
  for (std::size_t t = 0; t < 16; ++t) {
    schedule.w[t] = std::uint32_t{block[4 * t]} << 24 | std::uint32_t{block[4 * t + 1]} << 16 |
                    std::uint32_t{block[4 * t + 2]} << 8 | std::uint32_t{block[4 * t + 3]};
  }
  State next = state;
  add_rounds(next, schedule, std::make_index_sequence<80>{});
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
