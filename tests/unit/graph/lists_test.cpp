// Lists in an order, by pages, and of what has enough evidence.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/map_fields.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Dependencies on port i have i flows, those of even ports 2 i.
struct Fixture {
  DependencyGraph graph;
  static constexpr std::uint16_t kLast = 60;

  Fixture() {
    for (std::uint16_t i = 1; i <= kLast; ++i) {
      const std::uint16_t port = static_cast<std::uint16_t>(i * 37 % 61);  // in no order
      ConnectionSummary s =
          summary("10.0.0." + std::to_string(port), "10.0.1." + std::to_string(port % 7), port);
      s.counts.flows = s.added.flows = port % 2 == 0 ? 2u * port : port;
      s.counts.estimated_octets_to_client = s.added.estimated_octets_to_client =
          1'000u * (port % 5);
      s.last += std::chrono::seconds{port % 11};
      graph.apply(std::span{&s, 1});
    }
  }
  std::vector<DependencyRow> all() const {
    DependencyQuery query;
    query.limit = 1'000;
    return graph.dependencies(query).rows;
  }
  /// The same by sorting everything.
  template <typename Key>
  std::vector<Id> sorted(Key key, bool is_descending) const {
    std::vector<DependencyRow> rows = all();
    std::stable_sort(rows.begin(), rows.end(), [&](const DependencyRow& a, const DependencyRow& b) {
      return is_descending ? key(b) < key(a) : key(a) < key(b);
    });
    std::vector<Id> ids;
    for (const DependencyRow& row : rows) ids.push_back(row.id);
    return ids;
  }
  std::vector<Id> by_pages(DependencyOrder order, bool is_descending, std::size_t limit) const {
    std::vector<Id> ids;
    for (std::size_t skip = 0;; skip += limit) {
      DependencyQuery query;
      query.order = order;
      query.is_descending = is_descending;
      query.limit = limit;
      query.skip = skip;
      const auto page = graph.dependencies(query);
      CHECK(page.total == kLast);
      for (const DependencyRow& row : page.rows) ids.push_back(row.id);
      CHECK(page.has_more == (ids.size() < kLast));
      if (!page.has_more) return ids;
    }
  }
};

}  // namespace

TEST_CASE("lists: sorted by pages is sorted as a whole; equal rows keep the order of arrival") {
  const Fixture f;
  for (const bool is_descending : {false, true}) {
    for (const std::size_t limit : {1u, 7u, 60u, 100u}) {
      CAPTURE(limit);
      CAPTURE(is_descending);
      CHECK(f.by_pages(DependencyOrder::flows, is_descending, limit) ==
            f.sorted([](const DependencyRow& r) { return r.totals.flows; }, is_descending));
      CHECK(f.by_pages(DependencyOrder::bytes, is_descending, limit) ==
            f.sorted([](const DependencyRow& r) { return r.totals.estimated_octets_to_client; },
                     is_descending));
      CHECK(f.by_pages(DependencyOrder::port, is_descending, limit) ==
            f.sorted([](const DependencyRow& r) { return r.key.port; }, is_descending));
      CHECK(f.by_pages(DependencyOrder::last_seen, is_descending, limit) ==
            f.sorted([](const DependencyRow& r) { return r.last_seen; }, is_descending));
    }
    CHECK(f.by_pages(DependencyOrder::arrival, false, 7) ==
          f.sorted([](const DependencyRow&) { return 0; }, false));
  }
}

TEST_CASE("lists: only what matches is sorted, skipped and counted") {
  const Fixture f;
  DependencyQuery query;
  FilterError error;
  query.filter = Filter<DependencyRow>::compile("port > 50", dependency_fields(), kNoon, error);
  query.order = DependencyOrder::port;
  query.is_descending = true;
  query.skip = 3;
  query.limit = 2;
  const auto page = f.graph.dependencies(query);
  CHECK(page.total == 10);
  REQUIRE(page.rows.size() == 2);
  CHECK(page.rows[0].key.port == 57);
  CHECK(page.rows[1].key.port == 56);
  CHECK(page.has_more);
  query.order = DependencyOrder::arrival;
  CHECK(f.graph.dependencies(query).rows.size() == 2);
  query.skip = 100;
  CHECK(f.graph.dependencies(query).rows.empty());
  CHECK_FALSE(f.graph.dependencies(query).has_more);
}

TEST_CASE("lists: assets by name, and those with enough flows") {
  Fixture f;
  const auto at = [](std::string_view text) { return Endpoint{{}, address(text)}; };
  CHECK(f.graph.apply({at("10.0.0.5"), "name", "zebra", FactSource::declared, kNoon, {}, {}}));
  CHECK(f.graph.apply({at("10.0.0.6"), "name", "ant", FactSource::declared, kNoon, {}, {}}));
  AssetQuery query;
  query.order = AssetOrder::name;
  query.is_descending = true;
  query.limit = 3;
  const auto page = f.graph.assets(query);
  REQUIRE(page.rows.size() == 3);
  CHECK(page.rows[0].name == "zebra");
  CHECK(page.rows[1].name == "ant");
  CHECK(page.rows[2].name.empty());

  query = {};
  query.limit = 1'000;
  query.min_flows = 50;
  // Clients of ports 51 to 59 (odd) and 26 to 60 (even), and all seven servers.
  CHECK(f.graph.assets(query).total == 5 + 18 + 7);
  Annotation said;
  said.said_at = kNoon;
  const Endpoint quiet = at("10.9.0.1");
  REQUIRE(f.graph.declare_asset(std::span{&quiet, 1}, true, said));
  CHECK(f.graph.assets(query).total == 5 + 18 + 7 + 1);
}
