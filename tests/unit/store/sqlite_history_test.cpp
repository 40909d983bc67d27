// What the store keeps of the past: hours, aliases, events, and files of releases before.
#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "store/row_text.hpp"
#include "store_fixture.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

struct Opened {
  TemporaryFolder folder;
  std::unique_ptr<Store> store = make_sqlite_store(options_for(folder.file()));
  StoreOpened opened = store->open();

  void reopen() {
    store = make_sqlite_store(options_for(folder.file()));
    opened = store->open();
  }
};

/// Dependency 1 had windows 0 and 300 s, dependency 2 window 300 s; then 1 turned out to be 2.
Revision redirection(const StoreOpened& opened, std::uint64_t number) {
  Revision r = revision(opened, number);
  r.assets = {asset_row(1), asset_row(2), asset_row(3)};
  r.dependencies = {dependency_row(2, 12)};
  r.removed_dependencies = {dependency_id(1)};
  r.aliases = {{dependency_id(1), dependency_id(2), at_second(300)}};
  ChangeEvent event;
  event.id = derive_id(event_namespace(), "x");
  event.subject = dependency_id(1);
  event.object = dependency_id(2);
  event.at = at_second(300);
  event.reason = "1 is 2";
  event.severity = Severity::warning;
  event.cause = derive_id(event_namespace(), "y");
  event.before = "1";
  event.after = "2";
  event.expected = 7;
  event.endpoint = endpoint(2);
  event.client = endpoint(1);
  event.port = 443;
  event.protocol = 6;
  r.events = {event};
  return r;
}

void record_windows(Opened& o) {
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1), asset_row(2), asset_row(3)};
  r.dependencies = {dependency_row(1, 6), dependency_row(2, 7)};
  r.windows = {{at_second(0), dependency_id(1), counts(5)},
               {at_second(300), dependency_id(1), counts(1)},
               {at_second(0), dependency_id(2), counts(3)},
               {at_second(300), dependency_id(2), counts(4)}};
  o.store->apply(r);
}

}  // namespace

TEST_CASE("hours: as they were, in as few octets as it takes") {
  HourBitmap hours;
  CHECK(store::hours_blob(hours).empty());
  CHECK(store::hours_from({}) == hours);
  hours.set({500'000, 500'000});
  CHECK(store::hours_blob(hours) == std::vector<std::uint8_t>{0x00, 0x07, 0xa1, 0x20, 0x01});
  hours.set({500'009, 500'009});
  CHECK(store::hours_blob(hours) == std::vector<std::uint8_t>{0x00, 0x07, 0xa1, 0x29, 0x01, 0x02});
  hours.set({500'100, 500'671});
  CHECK(store::hours_blob(hours).size() == 4 + HourBitmap::kHours / 8);
  const auto blob = store::hours_blob(hours);
  CHECK(store::hours_from(blob) == hours);
  // Damage is no trouble: bits before 1970, octets too many.
  CHECK(store::hours_from(std::vector<std::uint8_t>{0, 0, 0, 1, 0xff}).count() == 2);
  CHECK(store::hours_from(std::vector<std::uint8_t>(1'000, 0xff)).empty());
  CHECK(store::hours_from(std::vector<std::uint8_t>{1, 2, 3}).empty());
}

TEST_CASE("a re-directed dependency: its windows count as the other's, its id goes on") {
  Opened o;
  record_windows(o);
  o.store->apply(redirection(o.opened, 2));
  const auto rows = scan_all(*o.store);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].dependency == dependency_id(2));
  CHECK(rows[0].counts == counts(8));
  // What lay in an open window was not moved, and went with the row.
  CHECK(rows[1].counts == counts(4));
  for (const Id& id : {dependency_id(1), dependency_id(2)}) {
    const auto of_one = scan_all(*o.store, id);
    REQUIRE(of_one.size() == 2);
    CHECK(of_one[0].dependency == dependency_id(2));
    CHECK(of_one[0].counts == counts(8));
    CHECK(of_one[1].counts == counts(4));
  }
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  CHECK(graph.dependency(dependency_id(1))->id == dependency_id(2));
  REQUIRE(graph.changes({}).rows.size() == 1);
  CHECK(graph.changes({}).rows[0] == redirection(o.opened, 2).events[0]);

  SUBCASE("an id that lives again has its later windows for itself") {
    Revision r = revision(o.opened, 3);
    r.assets = {asset_row(1), asset_row(2)};
    r.dependencies = {dependency_row(1, 2)};
    r.windows = {{at_second(600), dependency_id(1), counts(2)}};
    o.store->apply(r);
    const auto one = scan_all(*o.store, dependency_id(1));
    REQUIRE(one.size() == 1);
    CHECK(one[0].counts == counts(2));
    CHECK(scan_all(*o.store, dependency_id(2)).size() == 2);
  }
  SUBCASE("an alias of an alias is one of what that became") {
    Revision r = revision(o.opened, 3);
    r.dependencies = {dependency_row(3, 12)};
    r.assets = {asset_row(3), asset_row(4)};
    r.removed_dependencies = {dependency_id(2)};
    r.aliases = {{dependency_id(2), dependency_id(3), at_second(600)}};
    o.store->apply(r);
    const auto three = scan_all(*o.store, dependency_id(3));
    REQUIRE(three.size() == 2);
    CHECK(three[0].counts == counts(8));
    CHECK(scan_all(*o.store).size() == 2);
  }
}

TEST_CASE("names and holders come back with those who said so") {
  Opened o;
  Revision r = revision(o.opened, 1);
  AssetRow named = asset_row(1);
  named.name = "db";
  named.name_source = FactSource::declared;
  named.name_at = at_second(7);
  named.asset_type = "printer";
  named.type_source = FactSource::inferred;
  named.type_confidence = 0.75f;
  named.type_at = at_second(6);
  named.endpoints.push_back({endpoint(77), at_second(3), std::nullopt, FactSource::declared});
  r.assets = {named};
  o.store->apply(r);
  o.reopen();
  DependencyGraph graph;
  o.store->load(graph);
  const auto loaded = graph.asset(named.id);
  REQUIRE(loaded.has_value());
  CHECK(loaded->asset_type == "printer");
  CHECK(loaded->type_source == FactSource::inferred);
  CHECK(loaded->type_confidence == 0.75f);
  CHECK(loaded->type_at == at_second(6));
  CHECK_FALSE(graph.apply(Fact{endpoint(1), "name", "x", FactSource::dns, at_second(9), {}}));
  CHECK_FALSE(graph.apply(Fact{
      endpoint(77), "asset", asset_id(5).to_string(), FactSource::inventory, at_second(9), {}}));
  CHECK(graph.apply(Fact{endpoint(1), "name", "x", FactSource::declared, at_second(9), {}}));
}

TEST_CASE("a file of the release before is brought up to date") {
  TemporaryFolder folder;
  {
    Opened o;
    record_windows(o);
    o.store.reset();
    // As version 1 left it.
    SQLite::Database{o.folder.file().string(), SQLite::OPEN_READWRITE}.exec(
        "DROP VIEW readable_alerts; DROP TABLE alerts; DROP TABLE alert_history;"
        "DROP TABLE alert_rules; DROP TABLE maintenance_windows; DROP TABLE alert_events;"
        "DROP TABLE alert_state;"
        "DROP VIEW readable_events; DROP VIEW readable_windows; DROP VIEW resolved_windows;"
        "DROP TABLE events; DROP TABLE aliases;"
        "ALTER TABLE assets DROP COLUMN type_source; ALTER TABLE assets DROP COLUMN type_at; "
        "ALTER TABLE assets DROP COLUMN type_confidence_millionths; "
        "ALTER TABLE assets DROP COLUMN name_source; ALTER TABLE assets DROP COLUMN name_at;"
        "ALTER TABLE asset_endpoints DROP COLUMN source;"
        "ALTER TABLE dependencies DROP COLUMN hours; ALTER TABLE dependencies DROP COLUMN reasons; "
        "ALTER TABLE dependencies DROP COLUMN flips; "
        "ALTER TABLE dependencies DROP COLUMN via_site; "
        "ALTER TABLE dependencies DROP COLUMN via_address; "
        "ALTER TABLE dependencies DROP COLUMN client_count; "
        "DROP TABLE intermediaries; DROP TABLE intermediary_members;"
        "CREATE VIEW readable_windows AS SELECT 1; PRAGMA user_version = 1");
    std::filesystem::copy_file(o.folder.file(), folder.file());
  }
  auto store = make_sqlite_store(options_for(folder.file()));
  const StoreOpened opened = store->open();
  CHECK(opened.last_revision == 1);
  DependencyGraph graph;
  store->load(graph);
  CHECK(graph.dependency(dependency_id(1))->totals == counts(6));
  // Two hours are known: of first and last seen.
  CHECK(graph.dependency(dependency_id(1))->hours.test(hour_of(at_second(0))));
  store->apply(redirection(opened, 2));
  CHECK(scan_all(*store).size() == 2);
}
