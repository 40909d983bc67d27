#include "normalize/moves.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

namespace flowlens::normalize {
namespace {

constexpr std::uint8_t kNothing = 0x80;  ///< pshufb: this octet becomes 0

/// Where the windows of 16 octets of a FlowRecord begin. They do not overlap; what is in none
/// (start) is never moved.
constexpr std::uint32_t kWindows[] = {0, 16, 32, 48, 72, 88, 104, 120, 136};
static_assert(sizeof(FlowRecord) == 152 && offsetof(FlowRecord, start) == 64);

/// Octet `to` of a flow comes from octet `from` of the segment.
struct Octet {
  std::uint32_t to = 0;
  std::uint32_t from = 0;
};

void add_octets(const Placed& field, std::vector<Octet>& out) {
  const std::uint32_t count = std::min(field.octets, field.place.octets);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t from =
        field.is_address ? field.offset + i : field.offset + field.octets - 1 - i;
    out.push_back({field.place.offset + i, from});
  }
}

}  // namespace

bool can_move() noexcept {
#if defined(__x86_64__)
  return __builtin_cpu_supports("ssse3") != 0;
#else
  return false;
#endif
}

bool add_moves(std::span<const Placed> fields, std::uint32_t fixed_octets,
               std::uint32_t octets_before, std::vector<Move>& moves) {
  if (fixed_octets + octets_before < kMoveOctets) return false;
  const auto last = static_cast<std::int32_t>(fixed_octets) - std::int32_t{kMoveOctets};
  std::vector<Octet> octets;
  for (const Placed& field : fields) add_octets(field, octets);
  std::ranges::sort(octets, {}, &Octet::from);
  for (const std::uint32_t window : kWindows) {
    bool is_open = false;
    for (const Octet& octet : octets) {
      if (octet.to < window || octet.to >= window + kMoveOctets) continue;
      const auto from = static_cast<std::int32_t>(octet.from);
      if (!is_open || from >= moves.back().from + std::int32_t{kMoveOctets}) {
        Move& move = moves.emplace_back();
        move.from = std::min(from, last);
        move.to = window;
        // Behind the first segment steps have been here already.
        move.adds = is_open || octets_before != 0;
        move.order.fill(kNothing);
        is_open = true;
      }
      moves.back().order[octet.to - window] = static_cast<std::uint8_t>(from - moves.back().from);
    }
  }
  return true;
}

#if defined(__x86_64__)
namespace {

__m128i load(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

/// Up to four moves to the same window.
template <std::size_t Count>
[[gnu::target("ssse3")]] void run_together(const Move* moves, const Block& block,
                                           const FlowRecord& like) noexcept {
  __m128i order[Count];
  std::ptrdiff_t from[Count];
  for (std::size_t m = 0; m < Count; ++m) {
    order[m] = load(moves[m].order.data());
    from[m] = moves[m].from;
  }
  const std::size_t to = moves[0].to;
  const __m128i ground = load(reinterpret_cast<const char*>(&like) + to);
  char* flow = reinterpret_cast<char*>(block.flows) + to;
  for (std::size_t i = 0; i < block.count; ++i, flow += sizeof(FlowRecord)) {
    __m128i sum = moves[0].adds ? load(flow) : ground;
    for (std::size_t m = 0; m < Count; ++m) {
      sum = _mm_or_si128(sum, _mm_shuffle_epi8(load(block.at[i] + from[m]), order[m]));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(flow), sum);
  }
}

}  // namespace

void run_moves(std::span<const Move> moves, const Block& block, const FlowRecord& like) noexcept {
  for (std::size_t m = 0; m < moves.size();) {
    std::size_t count = 1;
    while (count < 4 && m + count < moves.size() && moves[m + count].to == moves[m].to) ++count;
    switch (count) {
      case 1:
        run_together<1>(&moves[m], block, like);
        break;
      case 2:
        run_together<2>(&moves[m], block, like);
        break;
      case 3:
        run_together<3>(&moves[m], block, like);
        break;
      default:
        run_together<4>(&moves[m], block, like);
        break;
    }
    m += count;
  }
}
#else
void run_moves(std::span<const Move>, const Block&, const FlowRecord&) noexcept {}
#endif

}  // namespace flowlens::normalize
