// The tables of SQLite: what people read, values as text, files of releases before.
#include <SQLiteCpp/SQLiteCpp.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "application_fixture.hpp"
#include "backend.hpp"
#include "store/row_text.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

class SqliteBackend final : public Backend {
 public:
  std::unique_ptr<Store> store(const SiteTable& sites) override {
    SqliteStoreOptions options = options_for(file());
    options.sites = sites;
    return make_sqlite_store(options);
  }
  std::unique_ptr<AlertStore> alert_store(Epoch epoch) override {
    return make_sqlite_alert_store(options_for(file()), epoch);
  }
  std::unique_ptr<TrafficReader> traffic_reader() override {
    return make_sqlite_traffic_reader(options_for(file()));
  }
  std::unique_ptr<ApplicationStore> application_store(Epoch epoch) override {
    return make_sqlite_application_store(options_for(file()), epoch);
  }
  std::unique_ptr<FlowStore> flow_store(Epoch epoch) override {
    return make_sqlite_flow_store(options_for(flows()), epoch);
  }
  std::unique_ptr<FlowReader> flow_reader() override {
    return make_sqlite_flow_reader(options_for(flows()));
  }
  std::string sql(const std::string& query) override {
    return SQLite::Database{file().string(), SQLite::OPEN_READWRITE}.execAndGet(query).getString();
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_.file(); }
  [[nodiscard]] std::filesystem::path flows() const { return folder_.path() / "flows.db"; }

 private:
  TemporaryFolder folder_;
};

}  // namespace

std::unique_ptr<Backend> flowlens::test::make_backend() {
  return std::make_unique<SqliteBackend>();
}

TEST_CASE("flows in SQLite: addresses as people read them") {
  SqliteBackend backend;
  FlowRecord flow;
  flow.exporter = IpAddress::v4(0xc000'02fe);
  flow.source_address = IpAddress::v4(0x0a00'0a63);
  flow.destination_address = *IpAddress::parse("2001:db8::ff");
  flow.received = at_second(0);
  backend.flow_store(Epoch{1})->append(std::span{&flow, 1}, 1);
  SQLite::Database file{backend.flows().string()};
  CHECK(file.execAndGet("SELECT received || ' ' || exporter || ' ' || source_address || ' ' || "
                        "destination_address FROM readable_flows")
            .getString() ==
        "2023-11-14T22:13:20.000Z 192.0.2.254 10.0.10.99 20010db80000000000000000000000ff");
}

TEST_CASE("flows in SQLite: a file of another program, or of a newer release, is refused") {
  SqliteBackend backend;
  {
    SQLite::Database file{backend.flows().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    file.exec("CREATE TABLE mine (x)");
  }
  check_says(error_of([&] { (void)backend.flow_store(Epoch{1}); }), {"another program"});
  SqliteBackend other;
  (void)other.flow_store(Epoch{1});
  SQLite::Database{other.flows().string(), SQLite::OPEN_READWRITE}.exec("PRAGMA user_version = 9");
  check_says(error_of([&] { (void)other.flow_store(Epoch{2}); }), {"newer release"});
  CHECK(error_of<ConfigError>([] { (void)make_sqlite_flow_store({}, Epoch{1}); }) != "no error");
}

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

TEST_CASE("what people read with SQL") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1), asset_row(2)};
  r.dependencies = {dependency_row(1, 3)};
  r.windows = {{at_second(0), dependency_id(1), counts(3)}};
  o.store->apply(r);
  CHECK(o.sql("SELECT name FROM readable_assets ORDER BY name") == "10.0.0.1");
  CHECK(o.sql("SELECT client||' '||server||' '||protocol||'/'||port||' '||flows||' '||bytes||' "
              "'||first_seen "
              "FROM readable_dependencies") ==
        "10.0.0.1 10.0.0.2 6/5432 3 900 2023-11-14T22:13:20Z");
  CHECK(o.sql("SELECT window_start||' '||flows||' '||bytes FROM readable_windows") ==
        "2023-11-14T22:13:20Z 3 900");
  CHECK(o.sql("SELECT service FROM dependencies") ==
        std::string{service_name(find_service(6, 5432))});
  CHECK(o.sql("SELECT observers FROM dependencies") == "192.0.2.1,2001:db8::1");
}

TEST_CASE("applications: what people read with SQL") {
  Opened o;
  Revision r = revision(o.opened, 1);
  r.assets = {asset_row(1), asset_row(2)};
  o.store->apply(r);
  o.backend->application_store(o.opened.epoch)->save(merged_applications());
  CHECK(o.sql("SELECT group_concat(application||' '||status||' '||asset||' '||updated_by, ', ') "
              "FROM (SELECT * FROM readable_applications ORDER BY asset)") ==
        "shop confirmed 10.0.0.1 anna, shop confirmed 10.0.0.2 anna");
}

TEST_CASE("a store needs a path, and leaves it alone until it is opened") {
  CHECK_THROWS_AS((void)make_sqlite_store({}), ConfigError);
  TemporaryFolder folder;
  auto store = make_sqlite_store(options_for(folder.file()));
  CHECK_THROWS_AS((void)store->ledger(), ConfigError);
  CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("a file of the release before is brought up to date") {
  TemporaryFolder folder;
  {
    auto store = make_sqlite_store(options_for(folder.file()));
    record_windows(*store, store->open());
    store.reset();
    // As version 1 left it.
    SQLite::Database{folder.file().string(), SQLite::OPEN_READWRITE}.exec(
        "DROP VIEW readable_facts; DROP TABLE endpoint_facts;"
        "DROP VIEW readable_hours; DROP VIEW readable_days; DROP VIEW resolved_hours;"
        "DROP VIEW resolved_days; DROP TABLE dependency_hours; DROP TABLE dependency_days;"
        "DROP TABLE stale_periods; DROP TABLE expired_periods;"
        "DROP TABLE annotations; DROP VIEW readable_applications; DROP TABLE applications; DROP "
        "TABLE application_words;"
        "DROP TABLE application_seats;"
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
  // What was there is added up, too.
  CHECK(store->expire({}, at_second(86'400)));
  CHECK(make_sqlite_application_store(options_for(folder.file()), opened.epoch)
            ->load()
            .entries.empty());
}

TEST_CASE("what was said in the release before facts were kept counts as said") {
  TemporaryFolder folder;
  {
    auto store = make_sqlite_store(options_for(folder.file()));
    Revision r = revision(store->open(), 1);
    AssetRow named = asset_row(1);
    named.name = "db";
    named.name_source = FactSource::declared;
    named.name_at = at_second(7);
    named.asset_type = "printer";
    named.type_source = FactSource::declared;
    named.type_confidence = 0.5f;
    named.type_at = at_second(6);
    AssetRow inferred = asset_row(2);
    inferred.asset_type = "database";
    inferred.type_source = FactSource::inferred;
    r.assets = {named, inferred};
    r.dependencies = {dependency_row(1, 5)};
    store->apply(r);
    store.reset();
    SQLite::Database{folder.file().string(), SQLite::OPEN_READWRITE}.exec(
        "DROP VIEW readable_facts; DROP TABLE endpoint_facts; DROP VIEW readable_windows;"
        "DROP VIEW readable_hours; DROP VIEW readable_days; DROP VIEW resolved_windows;"
        "DROP VIEW resolved_hours; DROP VIEW resolved_days;"
        "ALTER TABLE aliases DROP COLUMN is_turned; CREATE VIEW resolved_windows AS SELECT 1;"
        "CREATE VIEW resolved_hours AS SELECT 1; CREATE VIEW resolved_days AS SELECT 1;"
        "PRAGMA user_version = 9");
  }
  auto store = make_sqlite_store(options_for(folder.file()));
  (void)store->open();
  DependencyGraph graph;
  store->load(graph);
  const auto facts = graph.facts_of(asset_id(1));
  REQUIRE(facts.size() == 2);
  CHECK(facts[0].fact == Fact{endpoint(1), "name", "db", FactSource::declared, at_second(7), {}});
  CHECK(facts[1].fact ==
        Fact{endpoint(1), "type", "printer 0.500000", FactSource::declared, at_second(6), {}});
  CHECK(graph.counters().facts == 2);
  CHECK(graph.apply(Fact{endpoint(1), "name", "", FactSource::declared, at_second(8), {}}));
  const auto unnamed = graph.asset(asset_id(1));
  REQUIRE(unnamed.has_value());
  CHECK(unnamed->name.empty());
}
