#include "flowlens/layout.hpp"

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"

namespace flowlens {
namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;

constexpr std::size_t kMostInCell = 32;  // that push one: a crowd pushes like its first

struct Vector {
  float x = 0;
  float y = 0;
};

DrawnAt start_of(const Id& id) {
  const std::uint64_t h = base::hash_of(id, 0);
  constexpr float kUnit = 1.0f / 4'294'967'296.0f;
  return {static_cast<float>(h >> 32) * kUnit, static_cast<float>(h & 0xffff'ffffu) * kUnit};
}

/// Nodes by the cell of a grid that they lie in. Cells are as wide as nodes push.
class Grid {
 public:
  Grid(const std::vector<DrawnAt>& at, float reach)
      : side_(std::clamp<std::uint32_t>(static_cast<std::uint32_t>(1.0f / reach), 1, 512)),
        first_(std::size_t{side_} * side_ + 1, 0),
        nodes_(at.size()) {
    for (const DrawnAt& p : at) ++first_[cell(p) + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t i = 0; i < at.size(); ++i) nodes_[next[cell(at[i])]++] = i;
  }

  template <typename Visit>
  void near(const DrawnAt& p, const Visit& visit) const {
    const std::uint32_t column = along(p.x), row = along(p.y);
    for (std::uint32_t r = row > 0 ? row - 1 : 0; r <= std::min(row + 1, side_ - 1); ++r) {
      for (std::uint32_t c = column > 0 ? column - 1 : 0; c <= std::min(column + 1, side_ - 1);
           ++c) {
        const std::size_t at = std::size_t{r} * side_ + c;
        const std::size_t end = std::min<std::size_t>(first_[at + 1], first_[at] + kMostInCell);
        for (std::size_t i = first_[at]; i < end; ++i) visit(nodes_[i]);
      }
    }
  }

 private:
  [[nodiscard]] std::uint32_t along(float v) const noexcept {
    return std::min(static_cast<std::uint32_t>(v * static_cast<float>(side_)), side_ - 1);
  }
  [[nodiscard]] std::size_t cell(const DrawnAt& p) const noexcept {
    return std::size_t{along(p.y)} * side_ + along(p.x);
  }

  std::uint32_t side_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> nodes_;
};

void push_apart(const std::vector<DrawnAt>& at, float ideal, std::vector<Vector>& moves) {
  const float reach = 2 * ideal;
  const Grid grid{at, reach};
  for (std::uint32_t i = 0; i < at.size(); ++i) {
    grid.near(at[i], [&](std::uint32_t other) {
      if (other == i) return;
      float dx = at[i].x - at[other].x, dy = at[i].y - at[other].y;
      float distance = std::sqrt(dx * dx + dy * dy);
      if (distance >= reach) return;
      if (distance < 1e-6f) {  // in one place: apart by their order
        dx = i < other ? -1e-6f : 1e-6f;
        dy = 0;
        distance = 1e-6f;
      }
      const float force = ideal * ideal / distance;
      moves[i].x += dx / distance * force;
      moves[i].y += dy / distance * force;
    });
  }
}

void pull_together(const std::vector<DrawnAt>& at, std::span<const Edge> edges, float ideal,
                   std::vector<Vector>& moves) {
  for (const auto& [a, b] : edges) {
    if (a == b || a >= at.size() || b >= at.size()) continue;
    const float dx = at[a].x - at[b].x, dy = at[a].y - at[b].y;
    const float pull = std::sqrt(dx * dx + dy * dy) / ideal;
    moves[a].x -= dx * pull;
    moves[a].y -= dy * pull;
    moves[b].x += dx * pull;
    moves[b].y += dy * pull;
  }
}

/// No node moves further than `most`, nor out of the square.
void move(const std::vector<Vector>& moves, float most, std::vector<DrawnAt>& at) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    const float length = std::sqrt(moves[i].x * moves[i].x + moves[i].y * moves[i].y);
    if (length == 0) continue;
    const float step = std::min(length, most) / length;
    at[i].x = std::clamp(at[i].x + moves[i].x * step, 0.0f, 1.0f);
    at[i].y = std::clamp(at[i].y + moves[i].y * step, 0.0f, 1.0f);
  }
}

}  // namespace

std::vector<DrawnAt> lay_out(std::span<const Id> nodes, std::span<const Edge> edges,
                             const LayoutOptions& options) {
  std::vector<DrawnAt> at;
  at.reserve(nodes.size());
  for (const Id& id : nodes) at.push_back(start_of(id));
  if (at.size() < 2) return std::vector<DrawnAt>(at.size());
  const float ideal = 0.7f / std::sqrt(static_cast<float>(at.size()));
  std::vector<Vector> moves(at.size());
  for (std::uint32_t step = 0; step < options.steps; ++step) {
    std::fill(moves.begin(), moves.end(), Vector{});
    push_apart(at, ideal, moves);
    pull_together(at, edges, ideal, moves);
    const float left = 1.0f - static_cast<float>(step) / static_cast<float>(options.steps);
    move(moves, 0.05f * left * left, at);
  }
  return at;
}

}  // namespace flowlens
