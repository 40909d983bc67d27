// What every store promises, whatever the database.
#include <doctest/doctest.h>

#include "backend.hpp"
#include "flowlens/enricher.hpp"

using namespace flowlens;
using namespace flowlens::test;

TEST_CASE("open() takes epoch after epoch and goes on with the revision numbers") {
  Opened o;
  CHECK(o.opened.epoch == Epoch{1});
  CHECK(o.opened.last_revision == 0);
  CHECK(o.opened.sites.empty());
  o.store->apply(growing_revision(o.opened, 1));
  o.store->apply(growing_revision(o.opened, 2));
  o.reopen();
  CHECK(o.opened.epoch == Epoch{2});
  CHECK(o.opened.last_revision == 2);
  CHECK(o.opened.sites == std::vector<std::string>{"default"});
  o.reopen();  // a term that wrote nothing
  CHECK(o.opened.epoch == Epoch{3});
  CHECK(o.opened.last_revision == 2);
}

TEST_CASE("load() gives back what apply() took") {
  Opened o;
  Revision r = revision(o.opened, 1);
  AssetRow named = asset_row(1, 5);
  named.name = "db 'one'; -- ü";
  named.asset_type = "database_server";
  named.endpoints.push_back(
      {{SiteId{}, *IpAddress::parse("2001:db8::5")}, at_second(1), at_second(2)});
  named.endpoints.push_back({endpoint(77), at_second(3), std::nullopt});
  DependencyRow peer = dependency_row(1, 7);
  peer.direction = Direction::peer;
  peer.provisional = false;
  peer.flips = 3;
  peer.hours.set({hour_of(peer.first_seen), hour_of(peer.last_seen)});
  peer.reasons.add(DirectionRung::tcp_flags, true);
  peer.reasons.add(DirectionRung::lower_port, false);
  peer.totals.octets_to_client = 0xffff'ffff'ffff'ffffu;
  DependencyRow unseen = dependency_row(2, 1);
  unseen.observers = {};
  unseen.observer_count = 0;
  unseen.key.protocol = 1;
  unseen.key.port = 0;
  unseen.service = {};
  r.assets = {named, asset_row(2), asset_row(3)};
  unseen.via = {};
  unseen.client_count = 4'000'000'000u;
  r.dependencies = {peer, unseen};
  IntermediaryRow balancer;
  balancer.id = asset_id(50);
  balancer.state = IntermediaryState::accepted;
  balancer.front = endpoint(1);
  balancer.front_port = 443;
  balancer.backend_port = 8'080;
  balancer.protocol = 6;
  balancer.members = {endpoint(2), endpoint(3)};
  balancer.clients = 4;
  balancer.windows = 3;
  balancer.confidence = 0.875f;
  balancer.first_seen = at_second(1);
  balancer.last_seen = at_second(2);
  r.intermediaries = {balancer};
  o.store->apply(r);
  o.reopen();

  DependencyGraph graph;
  o.store->load(graph);
  CHECK(graph.counters().assets == 3);
  CHECK(graph.counters().dependencies == 2);
  CHECK(graph.counters().revision == 1);
  const auto asset = graph.asset(named.id);
  REQUIRE(asset);
  CHECK(asset->name == named.name);
  CHECK(asset->asset_type == named.asset_type);
  CHECK(asset->is_internal == named.is_internal);
  CHECK(asset->first_seen == named.first_seen);
  CHECK(asset->last_seen == named.last_seen);
  REQUIRE(asset->endpoints.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(asset->endpoints[i].endpoint == named.endpoints[i].endpoint);
    CHECK(asset->endpoints[i].from == named.endpoints[i].from);
    CHECK(asset->endpoints[i].until == named.endpoints[i].until);
  }
  for (const DependencyRow& want : r.dependencies) {
    const auto got = graph.dependency(want.id);
    REQUIRE(got);
    CHECK(got->client_asset == want.client_asset);
    CHECK(got->server_asset == want.server_asset);
    CHECK(got->key == want.key);
    CHECK(got->service == want.service);
    CHECK(got->direction == want.direction);
    CHECK(got->rung == want.rung);
    CHECK(got->provisional == want.provisional);
    CHECK(got->first_seen == want.first_seen);
    CHECK(got->last_seen == want.last_seen);
    CHECK(got->totals == want.totals);
    CHECK(got->observers == want.observers);
    CHECK(got->flips == want.flips);
    CHECK(got->reasons == want.reasons);
    CHECK(got->via == want.via);
    CHECK(got->client_count == want.client_count);
    CHECK(got->observer_count == want.observer_count);
  }
  REQUIRE(graph.intermediaries().size() == 1);
  CHECK(graph.intermediaries()[0] == balancer);
}

TEST_CASE("a map larger than one revision of load() is whole") {
  Opened o;
  Revision r = revision(o.opened, 1);
  constexpr std::uint32_t kAssets = 20'001;
  for (std::uint32_t n = 0; n < kAssets; ++n) r.assets.push_back(asset_row(n));
  for (std::uint32_t n = 0; n + 1 < kAssets; ++n) r.dependencies.push_back(dependency_row(n, 1));
  o.store->apply(r);
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  CHECK(graph.counters().assets == kAssets);
  CHECK(graph.counters().dependencies == kAssets - 1);
}

TEST_CASE("apply() sets values: a later revision replaces, the same one again changes nothing") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  o.store->apply(growing_revision(o.opened, 2));
  o.store->apply(growing_revision(o.opened, 2));
  o.store->apply(growing_revision(o.opened, 1));  // late: what is there is newer
  const auto windows = scan_all(*o.store);
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].counts == counts(2));
  CHECK(o.store->ledger().applied == 2);
  CHECK(o.sql("SELECT flows FROM dependencies") == "2");
}

TEST_CASE("a window is the sum over its epochs") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  o.store->apply(growing_revision(o.opened, 2));
  o.reopen();
  o.store->apply(growing_revision(o.opened, 3));
  const auto windows = scan_all(*o.store);
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].counts == counts(3));
  CHECK(o.store->ledger().applied == 3);
  CHECK(o.store->ledger().balanced());
  CHECK(o.sql("SELECT count(*) FROM dependency_windows") == "2");
}

TEST_CASE("an endpoint that an asset gave up, and a window that came to nothing, are gone") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1)};
  r.assets[0].endpoints.push_back({endpoint(9), at_second(0), std::nullopt});
  r.windows = {{at_second(0), dependency_id(1), counts(4)}};
  o.store->apply(r);
  r = revision(o.opened, 2);
  r.assets = {asset_row(1)};
  r.windows = {{at_second(0), dependency_id(1), {}}};
  o.store->apply(r);
  CHECK(o.sql("SELECT max(address) FROM asset_endpoints") == "10.0.0.1");
  CHECK(scan_all(*o.store).empty());
}

TEST_CASE("removed rows go with all that belongs to them") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1), asset_row(2), asset_row(3)};
  r.dependencies = {dependency_row(1, 1), dependency_row(2, 1)};
  for (const std::int64_t start : {-300, 0, 300, 600}) {
    r.windows.push_back({at_second(start), dependency_id(1), counts(1)});
    r.windows.push_back({at_second(start), dependency_id(2), counts(1)});
  }
  o.store->apply(r);
  r = revision(o.opened, 2);
  r.removed_dependencies = {dependency_id(2), dependency_id(99)};
  r.removed_assets = {asset_id(3), asset_id(99)};
  o.store->apply(r);
  CHECK(o.sql("SELECT count(*) FROM dependencies") == "1");
  CHECK(o.sql("SELECT count(*) FROM assets") == "2");
  CHECK(o.sql("SELECT count(*) FROM asset_endpoints") == "2");
  CHECK(scan_all(*o.store, dependency_id(2)).empty());
  CHECK(scan_all(*o.store, dependency_id(1)).size() == 4);
}

TEST_CASE("scan() goes by time, bounds and dependency, and stops when told") {
  Opened o;
  Revision r = revision(o.opened, 1);
  for (const std::int64_t start : {600, 0, 300}) {
    for (std::uint32_t n = 1; n <= 3; ++n)
      r.windows.push_back({at_second(start), dependency_id(n), counts(n)});
  }
  o.store->apply(r);
  const auto all = scan_all(*o.store);
  REQUIRE(all.size() == 9);
  for (std::size_t i = 1; i < all.size(); ++i)
    CHECK(all[i - 1].window_start <= all[i].window_start);

  const auto count = [&](std::int64_t from, std::int64_t to, std::optional<Id> of, int most = 100) {
    int seen = 0;
    o.store->scan({at_second(from), at_second(to), of},
                  [&](const WindowRow&) { return ++seen < most; });
    return seen;
  };
  CHECK(count(0, 600, {}) == 6);
  CHECK(count(1, 601, {}) == 6);
  CHECK(count(600, 600, {}) == 0);
  CHECK(count(0, 600, dependency_id(2)) == 2);
  CHECK(count(0, 601, dependency_id(9)) == 0);
  CHECK(count(0, 601, {}, 4) == 4);
  CHECK(count(0, 601, dependency_id(1), 2) == 2);
}

TEST_CASE("a Resolver whose epoch is over is refused, and writes nothing") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  auto second = o.backend->store();
  const StoreOpened later = second->open();
  CHECK(later.epoch > o.opened.epoch);
  CHECK_THROWS_WITH_AS(o.store->apply(growing_revision(o.opened, 2)), doctest::Contains("epoch 2"),
                       StaleEpochError);
  CHECK(scan_all(*second).at(0).counts == counts(1));
  second->apply(growing_revision(later, 2));
  CHECK(scan_all(*second).at(0).counts == counts(2));
}

TEST_CASE("a revision that does not follow on open() is refused") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  o.reopen();
  CHECK_THROWS_AS(o.store->apply(revision(o.opened, 1)), ConfigError);
  Revision of_the_future = revision(o.opened, 2);
  of_the_future.epoch = Epoch{7};
  CHECK_THROWS_AS(o.store->apply(of_the_future), ConfigError);
  Revision of_the_past = revision(o.opened, 2);
  of_the_past.epoch = Epoch{1};
  CHECK_THROWS_AS(o.store->apply(of_the_past), StaleEpochError);
}

TEST_CASE("sites are kept by name, whatever their numbers") {
  const auto backend = make_backend();
  SiteTable sites;
  const SiteId paris = sites.add("paris");
  const SiteId berlin = sites.add("berlin");
  auto store = backend->store(sites);
  Revision r = revision(store->open(), 1);
  r.assets = {asset_row(1), asset_row(2)};
  r.assets[0].endpoints[0].endpoint.site = paris;
  r.assets[1].endpoints[0].endpoint.site = berlin;
  store->apply(r);

  SiteTable turned;
  turned.add("berlin");
  turned.add("paris");
  store = backend->store(turned);
  CHECK(store->open().sites == std::vector<std::string>{"berlin", "paris"});
  DependencyGraph graph{{}, turned};
  store->load(graph);
  CHECK(graph.sites().name(graph.asset(asset_id(1))->endpoints[0].endpoint.site) == "paris");
  CHECK(graph.sites().name(graph.asset(asset_id(2))->endpoints[0].endpoint.site) == "berlin");

  store = backend->store();
  const StoreOpened opened = store->open();
  DependencyGraph without;
  CHECK_THROWS_WITH_AS(store->load(without), doctest::Contains("`paris`"), ConfigError);
  Revision unknown = revision(opened, 2);
  unknown.assets = {asset_row(3)};
  unknown.assets[0].endpoints[0].endpoint.site = SiteId{40};
  CHECK_THROWS_AS(store->apply(unknown), ConfigError);
}

TEST_CASE("a store must be opened first") {
  const auto backend = make_backend();
  CHECK_THROWS_AS((void)backend->store()->ledger(), ConfigError);
}

TEST_CASE("a failed apply() may be repeated: nothing of it is there, then all of it") {
  Opened o;
  Revision r = growing_revision(o.opened, 1);
  r.assets.push_back(asset_row(3));
  r.assets.back().endpoints[0].endpoint.site = SiteId{9};
  CHECK_THROWS_AS(o.store->apply(r), ConfigError);
  CHECK(scan_all(*o.store).empty());
  o.store->apply(growing_revision(o.opened, 1));
  CHECK(scan_all(*o.store).at(0).counts == counts(1));
}

TEST_CASE("store: what a process that has ended could not write is written in its name, once") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  const StoreOpened first = o.opened;
  o.store = o.backend->store();
  const StoreOpened resumed = o.store->resume(first.epoch);
  CHECK(resumed.epoch == first.epoch);
  CHECK(resumed.last_revision == 1);
  o.store->apply(growing_revision(first, 1));  // it was there already
  CHECK(o.store->ledger().applied == 1);
  o.store->apply(growing_revision(first, 2));
  o.store->apply(growing_revision(first, 3));
  CHECK(o.store->ledger().applied == 3);
  const StoreOpened next = o.store->open();
  CHECK(next.epoch > first.epoch);
  CHECK(next.last_revision == 3);
  CHECK(scan_all(*o.store).at(0).counts == counts(3));
}

TEST_CASE("store: no term goes on behind a later one, nor one that was never given") {
  Opened o;
  const StoreOpened first = o.opened;
  o.store->apply(growing_revision(first, 1));
  o.reopen();
  const auto late = o.backend->store();
  CHECK_THROWS_AS((void)late->resume(first.epoch), StaleEpochError);
  CHECK_THROWS_AS((void)late->resume(Epoch{99}), StaleEpochError);
  o.store->apply(growing_revision(o.opened, 2));
  CHECK(o.store->ledger().applied == 2);
}
