#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "flowlens/communities.hpp"
#include "support/snapshots.hpp"

using namespace flowlens;
using flowlens::testing::edge;
using flowlens::testing::snapshot_of;

namespace {

/// Rings of `size` assets in which everyone uses everyone after, one edge between ring and next ring.
std::vector<Snapshot::Edge> rings(std::uint32_t count, std::uint32_t size) {
  std::vector<Snapshot::Edge> edges;
  for (std::uint32_t r = 0; r < count; ++r) {
    for (std::uint32_t a = 0; a < size; ++a) {
      for (std::uint32_t b = a + 1; b < size; ++b)
        edges.push_back(edge(r * size + a, r * size + b));
    }
    if (r > 0) edges.push_back(edge((r - 1) * size, r * size));
  }
  return edges;
}

const Application& with(const std::vector<Application>& list, const Id& member) {
  for (const Application& a : list) {
    if (std::binary_search(a.members.begin(), a.members.end(), member)) return a;
  }
  FAIL("nobody has it");
  return list.front();
}

}  // namespace

TEST_CASE("communities are the rings, however many they are") {
  const Snapshot s = snapshot_of(60, rings(10, 6));
  const Communities found = find_communities(s, {}, application_weights(s));
  CHECK(found.count == 10);
  for (std::uint32_t a = 0; a < 60; ++a) CHECK(found.of_asset[a] == a / 6);
  CHECK(found.modularity > 0.7);
}

TEST_CASE("an application keeps its id and name while most of it stays") {
  const Snapshot s = snapshot_of(19, rings(3, 6));
  auto first = propose_applications(s, {}, {});
  REQUIRE(first.size() == 3);  // asset 18 is alone
  for (Application& a : first) a.name = "app of " + a.members.front().to_string();
  const Id shop = with(first, s.assets[0]).id;

  auto edges = rings(3, 6);
  std::erase_if(edges, [](const Snapshot::Edge& e) {  // 5 leaves the first ring for the second
    return e.client.value < 6 && e.server.value == 5;
  });
  for (std::uint32_t b = 6; b < 12; ++b) edges.push_back(edge(5, b));
  const Snapshot later = snapshot_of(19, edges);
  const auto second = propose_applications(later, {}, first);
  REQUIRE(second.size() == 3);
  const Application& same = with(second, s.assets[0]);
  CHECK(same.id == shop);
  CHECK(same.name == with(first, s.assets[0]).name);
  CHECK(same.members.size() == 5);
  CHECK(with(second, s.assets[5]).id == with(first, s.assets[6]).id);
  const auto again = propose_applications(later, {}, second);
  for (std::size_t i = 0; i < again.size(); ++i) {
    CHECK(again[i].id == second[i].id);
    CHECK(again[i].members == second[i].members);
  }
}

TEST_CASE("a new application never takes the id of another") {
  const Snapshot s = snapshot_of(12, rings(2, 6));
  auto before = propose_applications(s, {}, {});
  // Someone says that the first id belongs to the second ring, and the other to nothing.
  for (Application& a : before) {
    const bool is_first = a.members.front() == s.assets[0];
    a.members =
        is_first ? std::vector<Id>(s.assets.begin() + 6, s.assets.end()) : std::vector<Id>{};
  }
  const auto after = propose_applications(s, {}, before);
  REQUIRE(after.size() == 2);
  CHECK(after[0].id != after[1].id);
  for (const Application& a : before) {
    if (a.members.empty()) CHECK(with(after, s.assets[0]).id != a.id);
    if (!a.members.empty()) CHECK(with(after, s.assets[6]).id == a.id);
  }
}

TEST_CASE("of two halves, one goes on as the application") {
  const Snapshot s = snapshot_of(12, rings(2, 6));
  Application whole;
  whole.id = s.assets[3];
  whole.members = s.assets;
  const auto after = propose_applications(s, {}, {whole});
  REQUIRE(after.size() == 2);
  CHECK((after[0].id == whole.id) != (after[1].id == whole.id));
}

TEST_CASE("what people pin stays, and is never merged") {
  const Snapshot s = snapshot_of(12, rings(2, 6));
  auto before = propose_applications(s, {}, {});
  Application& first = before[with(before, s.assets[0]).id == before[0].id ? 0 : 1];
  first.pinned = {s.assets[0], s.assets[9]};  // 9 lies in the other ring
  const Id id = first.id;
  const auto after = propose_applications(s, {}, before);
  CHECK(with(after, s.assets[9]).id == id);
  CHECK(with(after, s.assets[0]).id == id);

  // Two applications within one ring: the others of it go with the pins.
  std::vector<Application> two(2);
  two[0].id = s.assets[0];
  two[0].pinned = {s.assets[0]};
  two[1].id = s.assets[1];
  two[1].pinned = {s.assets[1]};
  const auto split = propose_applications(s, {}, two);
  CHECK(with(split, s.assets[0]).id == two[0].id);
  CHECK(with(split, s.assets[1]).id == two[1].id);
  std::size_t members = 0;
  for (const Application& a : split) members += a.members.size();
  CHECK(members == 12);
}

TEST_CASE("what is confirmed stays, though nothing continues it") {
  const Snapshot s = snapshot_of(12, rings(2, 6));
  Application kept;
  kept.id = s.assets[3];
  kept.members = {s.assets[2], Id{{9}}};
  kept.is_confirmed = true;
  Application dropped = kept;
  dropped.id = s.assets[4];
  dropped.is_confirmed = false;
  const auto after = propose_applications(s, {}, {kept, dropped});
  REQUIRE(after.size() == 3);
  const auto at = std::find_if(after.begin(), after.end(),
                               [&](const Application& a) { return a.id == kept.id; });
  REQUIRE(at != after.end());
  CHECK(at->members == std::vector<Id>{Id{{9}}});
}
