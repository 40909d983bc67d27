#include "normalize/moves.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

namespace flowlens::normalize {
namespace {

constexpr std::size_t kMost = 4;         ///< moves of one step
constexpr std::uint8_t kNothing = 0x80;  ///< pshufb: this octet becomes 0

#if defined(__x86_64__)
__m128i load(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
void store(void* p, __m128i octets) noexcept { _mm_storeu_si128(static_cast<__m128i*>(p), octets); }

/// Moves to a window each, laid over what all flows have in common.
/// \param first  of the plan's moves.
template <std::size_t Count>
[[gnu::target("ssse3")]] void lay_apart(const Block& block, std::size_t first,
                                        std::size_t) noexcept {
  const Move* moves = block.moves + first;
  __m128i order[Count], ground[Count];
  std::ptrdiff_t from[Count];
  std::size_t to[Count];
  for (std::size_t m = 0; m < Count; ++m) {
    order[m] = load(moves[m].order.data());
    from[m] = moves[m].from;
    to[m] = moves[m].to;
    ground[m] = load(reinterpret_cast<const char*>(block.like) + to[m]);
  }
  char* flow = reinterpret_cast<char*>(block.flows);
  const std::byte* const* const end = block.at + block.count;
  for (const std::byte* const* at = block.at; at != end; ++at, flow += sizeof(FlowRecord)) {
    for (std::size_t m = 0; m < Count; ++m) {
      store(flow + to[m], _mm_or_si128(ground[m], _mm_shuffle_epi8(load(*at + from[m]), order[m])));
    }
  }
}

/// Moves to one window. \tparam OnTop  of what is there.
template <std::size_t Count, bool OnTop>
[[gnu::target("ssse3")]] void lay_together(const Block& block, std::size_t first,
                                           std::size_t) noexcept {
  const Move* moves = block.moves + first;
  __m128i order[Count];
  std::ptrdiff_t from[Count];
  for (std::size_t m = 0; m < Count; ++m) {
    order[m] = load(moves[m].order.data());
    from[m] = moves[m].from;
  }
  const __m128i ground = load(reinterpret_cast<const char*>(block.like) + moves[0].to);
  char* flow = reinterpret_cast<char*>(block.flows) + moves[0].to;
  const std::byte* const* const end = block.at + block.count;
  for (const std::byte* const* at = block.at; at != end; ++at, flow += sizeof(FlowRecord)) {
    __m128i sum = OnTop ? load(flow) : ground;
    for (std::size_t m = 0; m < Count; ++m) {
      sum = _mm_or_si128(sum, _mm_shuffle_epi8(load(*at + from[m]), order[m]));
    }
    store(flow, sum);
  }
}

/// Steps by how many moves they make.
constexpr StepFunction kApart[kMost] = {lay_apart<1>, lay_apart<2>, lay_apart<3>, lay_apart<4>};
constexpr StepFunction kTogether[kMost] = {lay_together<1, false>, lay_together<2, false>,
                                           lay_together<3, false>, lay_together<4, false>};
constexpr StepFunction kOnTop[kMost] = {lay_together<1, true>, lay_together<2, true>,
                                        lay_together<3, true>, lay_together<4, true>};
#else
constexpr StepFunction kApart[kMost] = {}, kTogether[kMost] = {}, kOnTop[kMost] = {};
#endif

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

Move move_to(std::uint32_t window, std::int32_t from) noexcept {
  Move move;
  move.from = from;
  move.to = window;
  move.order.fill(kNothing);
  return move;
}

/// Finds what brings the octets of one window. \param octets  sorted by where they come from.
/// \param last  where the last 16 octets of the segment begin.
void find_moves(std::uint32_t window, std::span<const Octet> octets, std::int32_t last,
                std::vector<Move>& moves) {
  moves.clear();
  for (const Octet& octet : octets) {
    if (octet.to < window || octet.to >= window + kMoveOctets) continue;
    const auto from = static_cast<std::int32_t>(octet.from);
    if (moves.empty() || from >= moves.back().from + std::int32_t{kMoveOctets}) {
      moves.push_back(move_to(window, std::min(from, last)));
    }
    moves.back().order[octet.to - window] = static_cast<std::uint8_t>(from - moves.back().from);
  }
}

/// \param functions  by the number of moves.
void add_steps(std::span<const Move> moves, const StepFunction* functions, Plan& plan) {
  while (!moves.empty()) {
    const std::size_t count = std::min(moves.size(), kMost);
    plan.steps.push_back({functions[count - 1], static_cast<std::uint32_t>(plan.moves.size())});
    plan.moves.insert(plan.moves.end(), moves.begin(), moves.begin() + count);
    moves = moves.subspan(count);
    if (functions == kTogether) functions = kOnTop;
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
               std::uint32_t octets_before, Plan& plan) {
  if (fixed_octets + octets_before < kMoveOctets) return false;
  const bool is_first = octets_before == 0;
  const auto last = static_cast<std::int32_t>(fixed_octets) - std::int32_t{kMoveOctets};
  std::vector<Octet> octets;
  for (const Placed& field : fields) add_octets(field, octets);
  std::ranges::sort(octets, {}, &Octet::from);
  std::vector<Move> moves, alone;
  alone.reserve(std::size(kWindows));
  for (const std::uint32_t window : kWindows) {
    find_moves(window, octets, last, moves);
    if (!is_first) {
      add_steps(moves, kOnTop, plan);
    } else if (moves.size() > 1) {
      add_steps(moves, kTogether, plan);
    } else {  // a window that nothing comes to takes a move of nothing
      alone.push_back(moves.empty() ? move_to(window, 0) : moves.front());
    }
  }
  add_steps(alone, kApart, plan);
  return true;
}

}  // namespace flowlens::normalize
