// What people say of many at once is taken as a whole, or not at all.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

using Why = AssetWordsRefused::Why;

Endpoint at(std::string_view text) { return {{}, address(text)}; }

AssetWords words(std::vector<Endpoint> endpoints, std::string name = {}) {
  AssetWords w;
  w.endpoints = std::move(endpoints);
  w.name = std::move(name);
  w.said.owner = "ops";
  w.said.said_at = kNoon;
  return w;
}

struct Fixture {
  DependencyGraph graph;
  explicit Fixture(const DependencyGraphOptions& options = {}) : graph(options) {
    const ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 443);
    graph.apply(std::span{&s, 1});
    (void)graph.take_revision(1, Epoch{1}, kNoon);
  }
  /// Why nothing was taken; and nothing was.
  Why refused(const std::vector<AssetWords>& all, std::size_t index) {
    const auto why = graph.apply(all);
    REQUIRE(why.has_value());
    CHECK(why->index == index);
    CHECK(graph.take_revision(2, Epoch{1}, kNoon).empty());
    return why->why;
  }
};

}  // namespace

TEST_CASE("words: of assets that are there, and of others, which are made") {
  Fixture f;
  std::vector<AssetWords> all{words({at("10.0.0.1")}, "client"),
                              words({at("10.9.0.1"), at("2001:db8::1")}, "backup")};
  all[1].asset_type = "database";
  CHECK_FALSE(f.graph.apply(all));
  CHECK(f.graph.counters().assets == 3);
  const AssetRow known = *f.graph.asset_of(at("10.0.0.1"));
  CHECK(known.name == "client");
  CHECK(known.name_source == FactSource::declared);
  CHECK(known.annotation->owner == "ops");
  CHECK_FALSE(known.annotation->is_declared);
  const AssetRow made = *f.graph.asset_of(at("2001:db8::1"));
  CHECK(made.id == f.graph.asset_of(at("10.9.0.1"))->id);
  CHECK(made.asset_type == "database");
  CHECK(made.annotation->is_declared);
  CHECK(made.endpoints.size() == 2);
  CHECK(f.graph.take_revision(2, Epoch{1}, kNoon).assets.size() == 2);
  // An address that is new joins the asset of the others.
  CHECK_FALSE(f.graph.apply(std::vector{words({at("10.0.0.2"), at("10.0.0.3")})}));
  CHECK(f.graph.asset_of(at("10.0.0.3"))->id == f.graph.asset_of(at("10.0.0.2"))->id);
  CHECK(f.graph.counters().assets == 3);
}

TEST_CASE("words: one that cannot be taken keeps all others out") {
  Fixture f;
  const AssetWords good = words({at("10.9.0.1")}, "new");
  CHECK(f.refused({good, words({})}, 1) == Why::invalid);
  CHECK(f.refused({good, words({at("0.0.0.0")})}, 1) == Why::invalid);
  CHECK(f.refused({good, words({at("10.9.0.2"), at("10.9.0.1")})}, 1) == Why::named_twice);
  CHECK(f.refused({good, words({at("10.0.0.1"), at("10.0.0.2")})}, 1) == Why::held_by_several);
  AssetWords bad = words({at("10.9.0.2")});
  bad.asset_type = "Tea Pot";
  CHECK(f.refused({good, bad}, 1) == Why::invalid);
  bad = words({at("10.9.0.2")});
  bad.said.notes.assign(kLongestNotes + 1, 'x');
  CHECK(f.refused({good, bad}, 1) == Why::invalid);
  CHECK(f.graph.counters().assets == 2);
}

TEST_CASE("words: without room for all there is room for none") {
  DependencyGraphOptions few;
  SUBCASE("for assets") { few.max_assets = 3; }
  SUBCASE("for what people say") { few.max_annotations = 1; }
  Fixture f{few};
  CHECK(f.refused({words({at("10.9.0.1")}), words({at("10.9.0.2")})}, 1) == Why::no_room);
  CHECK_FALSE(f.graph.apply(std::vector{words({at("10.9.0.1")})}));
}

TEST_CASE("annotations: many at once, all or none") {
  DependencyGraphOptions few;
  few.max_annotations = 1;
  Fixture f{few};
  Annotation a, b;
  a.subject = f.graph.asset_of(at("10.0.0.1"))->id;
  b.subject = f.graph.asset_of(at("10.0.0.2"))->id;
  a.owner = b.owner = "ops";
  CHECK(f.graph.apply(std::vector{a, b}) == 1);
  CHECK(f.graph.asset(a.subject)->annotation == nullptr);
  CHECK(f.graph.take_revision(2, Epoch{1}, kNoon).empty());
  b.owner.clear();  // says nothing, so it takes no room
  CHECK_FALSE(f.graph.apply(std::vector{a, b}));
  CHECK(f.graph.asset(a.subject)->annotation->owner == "ops");
  Annotation unknown = a;
  unknown.subject = derive_id(Id{}, "nothing");
  a.owner = "others";
  CHECK(f.graph.apply(std::vector{a, unknown}) == 1);
  CHECK(f.graph.asset(a.subject)->annotation->owner == "ops");
}
