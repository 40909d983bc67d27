#include "flowlens/membership_events.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

/// Two groups of hosts in which everyone uses everyone; 10.0.0.9 goes with the one or the other.
struct Fixture {
  DependencyGraph graph;
  ApplicationBook book;
  Timestamp now = kNoon;

  static std::string host(int group, int i) {
    return "10.0." + std::to_string(group) + "." + std::to_string(i);
  }
  void use(const std::string& client, const std::string& server, int hours) {
    std::vector<ConnectionSummary> all;
    for (int hour = 0; hour < hours; ++hour) {
      ConnectionSummary s = summary(client, server, 443);
      s.window_start += std::chrono::hours{hour};
      s.first += std::chrono::hours{hour};
      s.last += std::chrono::hours{hour};
      s.rung = DirectionRung::tcp_flags;
      all.push_back(s);
    }
    graph.apply(all);
  }
  Fixture() {
    for (const int group : {1, 2}) {
      for (int a = 1; a <= 5; ++a) {
        for (int b = a + 1; b <= 5; ++b) use(host(group, a), host(group, b), 3);
      }
    }
  }
  [[nodiscard]] Id id(const std::string& address) const {
    return graph.asset_of({{}, flowlens::testing::address(address)})->id;
  }
  Id application(const std::string& address) {
    for (const KnownApplication& a : book.all()) {
      for (const Id& member : a.members) {
        if (member == id(address)) return a.entry.id;
      }
    }
    return {};
  }
  std::vector<ChangeEvent> look(std::chrono::minutes later) {
    now += later;
    const auto proposals = propose_applications(*graph.snapshot(), {}, book.before());
    return membership_events(book.take(proposals, now), book, graph);
  }
};

}  // namespace

TEST_CASE("membership events: who joins and leaves, once, with the names before and after") {
  Fixture f;
  f.use(Fixture::host(1, 1), "10.0.0.9", 1);
  CHECK(f.look(1min).empty());
  const Id shop = f.application(Fixture::host(1, 1)), crm = f.application(Fixture::host(2, 1));
  REQUIRE(shop != crm);
  REQUIRE(f.application("10.0.0.9") == shop);
  f.book.edit(shop, {"shop", {}, Criticality::high, {}}, "anna", f.now);
  f.book.confirm(shop, "anna", f.now);
  f.book.edit(crm, {"crm", {}, {}, {}}, "anna", f.now);
  f.book.confirm(crm, "anna", f.now);

  for (int i = 1; i <= 5; ++i) f.use(Fixture::host(2, i), "10.0.0.9", 20);
  CHECK(f.look(10min).empty());
  const Timestamp since = f.now;
  const auto events = f.look(60min);
  REQUIRE(events.size() == 2);
  const ChangeEvent &left = events[0], &joined = events[1];
  CHECK(left.type == ChangeType::application_changed);
  CHECK(left.subject == f.id("10.0.0.9"));
  CHECK(left.object == shop);
  CHECK(left.at == since);
  CHECK(left.id == change_id(left.type, left.subject, shop, since));
  CHECK(left.severity == Severity::warning);
  CHECK(left.before == "shop");
  CHECK(left.after == "crm");
  CHECK(left.reason == "10.0.0.9 left shop: by its traffic it is part of crm, no longer of shop");
  CHECK(left.endpoint.address == address("10.0.0.9"));
  CHECK(joined.object == crm);
  CHECK(joined.severity == Severity::info);
  CHECK(joined.cause == left.id);
  CHECK(joined.before == "shop");
  CHECK(joined.after == "crm");
  CHECK(subject_kind(left) == "asset");

  // The map passes over what it was told before.
  f.graph.apply(events);
  f.graph.apply(events);
  CHECK(f.graph.changes({}).total == 2);
  CHECK(f.look(3h).empty());
}

TEST_CASE("membership events: what people do is none") {
  Fixture f;
  f.look(1min);
  const Id shop = f.application(Fixture::host(1, 1));
  f.book.confirm(shop, "anna", f.now);
  f.book.edit_members(shop, {f.id(Fixture::host(2, 3))}, {}, "anna", f.now);
  f.book.edit_members(shop, {}, {f.id(Fixture::host(1, 2))}, "anna", f.now);
  for (int i = 0; i < 3; ++i) CHECK(f.look(2h).empty());
}
