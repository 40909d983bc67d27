// Where nodes are drawn: near whom they are joined to, apart from all others, and the same each time.
#include "flowlens/layout.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using namespace flowlens;

namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;

std::vector<Id> ids(std::size_t count) {
  std::vector<Id> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(derive_id(asset_namespace(), std::to_string(i)));
  return all;
}

float distance(const DrawnAt& a, const DrawnAt& b) { return std::hypot(a.x - b.x, a.y - b.y); }

/// Groups of ten, each a star around its first.
std::vector<Edge> stars(std::uint32_t groups) {
  std::vector<Edge> edges;
  for (std::uint32_t g = 0; g < groups; ++g) {
    for (std::uint32_t i = 1; i < 10; ++i) edges.emplace_back(10 * g, 10 * g + i);
  }
  return edges;
}

}  // namespace

TEST_CASE("layout: nothing, one, and edges that lead nowhere") {
  CHECK(lay_out({}, {}).empty());
  CHECK(lay_out(ids(1), {}).size() == 1);
  const std::vector<Edge> wrong{{0, 7}, {9, 1}, {1, 1}};
  const auto at = lay_out(ids(2), wrong);
  CHECK(distance(at[0], at[1]) > 0.1f);
}

TEST_CASE("layout: those that are joined lie nearer than others, and nobody on another") {
  const auto at = lay_out(ids(200), stars(20));
  double joined = 0, apart = 0, least = 1;
  for (const auto& [a, b] : stars(20)) joined += distance(at[a], at[b]);
  for (std::uint32_t i = 0; i < 200; ++i) {
    CHECK(at[i].x >= 0);
    CHECK(at[i].x <= 1);
    CHECK(at[i].y >= 0);
    CHECK(at[i].y <= 1);
    for (std::uint32_t j = 0; j < i; ++j) {
      apart += distance(at[i], at[j]);
      least = std::min<double>(least, distance(at[i], at[j]));
    }
  }
  CHECK(joined / 180 < 0.4 * apart / (200 * 199 / 2));
  CHECK(least > 0.001);
}

TEST_CASE("layout: the same map lies the same way, and one more node moves the others little") {
  const auto at = lay_out(ids(200), stars(20));
  const auto again = lay_out(ids(200), stars(20));
  for (std::size_t i = 0; i < 200; ++i) CHECK(distance(at[i], again[i]) == 0);
  auto edges = stars(20);
  edges.emplace_back(0, 200);
  const auto grown = lay_out(ids(201), edges);
  double moved = 0;
  for (std::size_t i = 0; i < 200; ++i) moved += distance(at[i], grown[i]);
  CHECK(moved / 200 < 0.1);
}
