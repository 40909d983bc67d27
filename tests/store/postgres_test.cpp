// The store on a real PostgreSQL: beside the contract that all stores share, what only it promises.
// FLOWLENS_TEST_PGBOUNCER=1 puts a real PgBouncer in transaction mode between.
#include "flowlens/postgres_store.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <pqxx/pqxx>
#include <thread>

#include "store/postgres/connection.hpp"
#include "store/postgres_server.hpp"
#include "unit/store/application_fixture.hpp"
#include "unit/store/backend.hpp"

/// libpqxx 6.4 leaks two kilobytes each time that a connection breaks.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libpqxx";
}

using namespace flowlens;
using namespace flowlens::test;

namespace {

class PostgresBackend final : public Backend {
 public:
  PostgresBackend() {
    static int number = 0;
    TestPostgres& server = TestPostgres::instance();
    database = "flowlens_" + std::to_string(number++);
    direct = options.connection = server.make_database(database);
    if (std::getenv("FLOWLENS_TEST_PGBOUNCER") != nullptr) {
      options.connection = server.by_pgbouncer(database);
    }
  }
  std::unique_ptr<Store> store(const SiteTable& sites) override {
    PostgresStoreOptions of_these = options;
    of_these.sites = sites;
    return make_postgres_store(of_these);
  }
  std::unique_ptr<AlertStore> alert_store(Epoch epoch) override {
    return make_postgres_alert_store(options, epoch);
  }
  std::unique_ptr<TrafficReader> traffic_reader() override {
    return make_postgres_traffic_reader(options);
  }
  std::unique_ptr<ApplicationStore> application_store(Epoch epoch) override {
    return make_postgres_application_store(options, epoch);
  }
  std::unique_ptr<FlowStore> flow_store(Epoch epoch) override {
    return make_postgres_flow_store(options, epoch);
  }
  std::unique_ptr<FlowReader> flow_reader() override { return make_postgres_flow_reader(options); }
  std::string sql(const std::string& query) override {
    pqxx::connection c{direct};
    pqxx::work tx{c};
    tx.exec("SET LOCAL search_path = flowlens_store, flowlens, public");
    tx.exec("SET LOCAL TimeZone = 'UTC'");
    const pqxx::result result = tx.exec(query);
    tx.commit();
    return result.empty() || result[0].empty() || result[0][0].is_null() ? ""
                                                                         : result[0][0].c_str();
  }

  PostgresStoreOptions options;
  std::string database;
  std::string direct;  ///< not by way of PgBouncer
};

PostgresBackend& postgres(const Opened& o) { return static_cast<PostgresBackend&>(*o.backend); }

constexpr std::int64_t kDay = 86'400;

}  // namespace

std::unique_ptr<Backend> flowlens::test::make_backend() {
  return std::make_unique<PostgresBackend>();
}

TEST_CASE("PostgreSQL: what people read with SQL") {
  Opened o;
  Revision r = growing_revision(o.opened, 1);
  r.dependencies = {dependency_row(1, 3)};
  r.windows = {{at_second(0), dependency_id(1), counts(3)}};
  ChangeEvent event;
  event.id = derive_id(event_namespace(), "x");
  event.type = ChangeType::new_dependency;
  event.subject = dependency_id(1);
  event.at = at_second(0);
  event.reason = "new";
  r.events = {event};
  o.store->apply(r);
  CHECK(
      o.sql(
          "SELECT string_agg(name || ' ' || array_to_string(ip_addresses, ','), ';' ORDER BY name) "
          "FROM flowlens.assets") == "10.0.0.1 10.0.0.1;10.0.0.2 10.0.0.2");
  CHECK(o.sql("SELECT concat_ws(' ', source_ip, target_ip, protocol, port, inferred_service, "
              "total_flows, "
              "total_bytes, first_seen) FROM flowlens.dependencies") ==
        "10.0.0.1 10.0.0.2 6 5432 postgresql 3 900 2023-11-14 22:13:20+00");
  CHECK(o.sql("SELECT concat_ws(' ', time, source_asset_id = '" + asset_id(1).to_string() +
              "', flow_count, byte_count) FROM flowlens.flow_stats") ==
        "2023-11-14 22:13:20+00 t 3 900");
  CHECK(o.sql("SELECT concat_ws(' ', change_type, detected_at, reason, cause) "
              "FROM flowlens.change_events") == "new_dependency 2023-11-14 22:13:20+00 new");
  CHECK(o.sql("SELECT count(*) FROM flowlens.alerts") == "0");
}

TEST_CASE("PostgreSQL: applications as people read them, from a schema that had other tables too") {
  Opened o;
  // As version 2 left it, as far as version 3 looks at it.
  (void)o.sql(
      "DROP VIEW flowlens.facts; DROP TABLE endpoint_facts;"
      "DROP VIEW flowlens.applications; DROP TABLE annotations, applications, application_words, "
      "application_seats; CREATE TABLE applications (id uuid PRIMARY KEY, name text);"
      "CREATE TABLE application_words (application uuid); "
      "CREATE TABLE application_seats (asset uuid); CREATE TABLE application_state (begun bigint);"
      "CREATE VIEW flowlens.applications AS SELECT * FROM applications;"
      "DROP VIEW flowlens.flows; DROP TABLE raw_flows, raw_flow_batches;"
      "DROP TABLE flow_channel, flow_writers, flow_parcels;"
      "ALTER TABLE epochs DROP COLUMN input_position;"
      "DROP VIEW flowlens.flow_stats, flowlens.flow_stats_hourly, flowlens.flow_stats_daily;"
      "DROP VIEW resolved_windows, resolved_hours, resolved_days;"
      "ALTER TABLE aliases DROP COLUMN is_turned;"
      "DROP TABLE followers, revisions, facts, fact_answers, resolver_lease;"
      "DELETE FROM migrations WHERE version > 2; SELECT 1");
  o.reopen();
  Revision r = growing_revision(o.opened, 1);
  o.store->apply(r);
  o.backend->application_store(o.opened.epoch)->save(merged_applications());
  CHECK(o.sql("SELECT string_agg(concat_ws(' ', name, status, asset_name, updated_by), ', ' "
              "ORDER BY asset_name) FROM flowlens.applications") ==
        "shop confirmed 10.0.0.1 anna, shop confirmed 10.0.0.2 anna");
  CHECK(o.sql("SELECT to_regclass('flowlens_store.application_state') IS NULL") == "t");
}

TEST_CASE("PostgreSQL: times are exact, texts are what PostgreSQL can hold") {
  Opened o;
  Revision r = growing_revision(o.opened, 1);
  r.assets[0].first_seen += std::chrono::nanoseconds{123'456'789};
  r.assets[0].name = std::string{"a\0b\xff{\"\\,}'", 10};
  r.assets[1].name = "NULL";
  o.store->apply(r);
  DependencyGraph graph;
  o.store->load(graph);
  CHECK(graph.asset(asset_id(1))->first_seen == r.assets[0].first_seen);
  CHECK(graph.asset(asset_id(1))->name ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd{\"\\,}'");
  CHECK(graph.asset(asset_id(2))->name == "NULL");
}

TEST_CASE("PostgreSQL: windows lie in a partition a day, which goes whole") {
  Opened o;
  Revision r = growing_revision(o.opened, 1);
  r.windows.clear();
  for (const std::int64_t day : {0, 1, 2}) {
    r.windows.push_back({at_second(day * kDay), dependency_id(1), counts(1)});
  }
  o.store->apply(r);
  const char* partitions =
      "SELECT count(*) FROM pg_inherits WHERE inhparent = 'dependency_windows'::regclass";
  CHECK(o.sql(partitions) == "4");  // with the next day's
  Retention retention;
  retention.windows = std::chrono::days{1};
  while (o.store->expire(retention, at_second(3 * kDay))) {
  }
  CHECK(o.sql(partitions) == "2");
  CHECK(scan_all(*o.store).size() == 1);
  r.number = 2;
  o.store->apply(r);  // late windows of days that have gone
  CHECK(scan_all(*o.store).size() == 3);
  while (o.store->expire(retention, at_second(3 * kDay))) {
  }
  CHECK(o.sql(partitions) == "2");
  CHECK(scan_all(*o.store).size() == 1);
}

TEST_CASE("PostgreSQL: flows lie in a partition an hour, made ahead, and people read them") {
  Opened o;
  const auto flows = o.backend->flow_store(o.opened.epoch);
  FlowRecord flow;
  flow.exporter = IpAddress::v4(0xc000'0201);
  flow.source_address = IpAddress::v4(0x0a00'0001);
  flow.destination_address = *IpAddress::parse("2001:db8::1");
  flow.octet_count = 100;
  flow.sampling_rate = 10;
  flow.received = flow.start = flow.end = at_second(0);
  flows->append(std::span{&flow, 1}, 1);
  const char* partitions =
      "SELECT count(*) FROM pg_inherits WHERE inhparent = 'raw_flows'::regclass";
  CHECK(o.sql(partitions) == "2");
  CHECK(o.sql("SELECT concat_ws(' ', received, exporter_ip, src_ip, dst_ip, bytes, "
              "estimated_bytes) FROM flowlens.flows") ==
        "2023-11-14 22:13:20+00 192.0.2.1 10.0.0.1 2001:db8::1 100 1000");
  flow.received = at_second(3'600);
  flows->append(std::span{&flow, 1}, 2);
  CHECK(o.sql(partitions) == "3");
  while (flows->expire({std::chrono::days{1}, 0}, at_second(3'600 + 86'400))) {
  }
  CHECK(o.sql(partitions) == "2");
  CHECK(o.sql("SELECT count(*) FROM raw_flows") == "1");
}

TEST_CASE("PostgreSQL: a newer schema is refused, and named") {
  Opened o;
  (void)o.sql("INSERT INTO migrations (version) VALUES (99)");
  check_says(error_of([&] { (void)o.backend->store()->open(); }), {"99", "newer release"});
}

TEST_CASE("PostgreSQL: two that start at once take two epochs, and one of them may write") {
  const auto backend = make_backend();
  std::vector<std::unique_ptr<Store>> stores;
  std::vector<StoreOpened> opened(4);
  for (std::size_t i = 0; i < opened.size(); ++i) stores.push_back(backend->store());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    threads.emplace_back([&, i] { opened[i] = stores[i]->open(); });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t writers = 0;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    const bool is_last = opened[i].epoch == Epoch{opened.size()};
    if (is_last) {
      stores[i]->apply(growing_revision(opened[i], 1));
      ++writers;
    } else {
      CHECK_THROWS_AS(stores[i]->apply(growing_revision(opened[i], 1)), StaleEpochError);
    }
  }
  CHECK(writers == 1);
}

TEST_CASE("PostgreSQL: the server ends in the middle; the revision is there once it is back") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  TestPostgres::instance().kill();
  for (int attempt = 0; attempt < 2; ++attempt) {
    check_says(error_of([&] { o.store->apply(growing_revision(o.opened, 2)); }),
               {postgres(o).database.c_str(), "check that the server runs"});
  }
  TestPostgres::instance().start();
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (error_of([&] { o.store->apply(growing_revision(o.opened, 2)); }) == "no error") break;
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
  CHECK(scan_all(*o.store).at(0).counts == counts(2));
  CHECK(o.store->ledger().applied == 2);
  CHECK(o.sql("SELECT count(*) FROM epochs") == "1");
}

TEST_CASE("PostgreSQL: a lock of somebody else's is not waited for without end") {
  Opened o;
  o.store->apply(growing_revision(o.opened, 1));
  PostgresStoreOptions options = postgres(o).options;
  options.lock_timeout = std::chrono::milliseconds{4'000};
  const auto store = make_postgres_store(options);
  const StoreOpened opened = store->open();
  pqxx::connection person{postgres(o).direct};
  pqxx::work forgotten{person};
  forgotten.exec("LOCK TABLE flowlens_store.dependencies IN ACCESS EXCLUSIVE MODE");
  check_says(error_of([&] { store->apply(growing_revision(opened, 2)); }), {"lock", "pg_locks"});
  forgotten.abort();
  store->apply(growing_revision(opened, 2));
  CHECK(store->ledger().applied == 2);
}

TEST_CASE("PostgreSQL: who is frozen in the middle of writing holds up nobody for good") {
  PostgresBackend backend;
  CHECK(backend.store({})->open().epoch == Epoch{1});
  PostgresStoreOptions options = backend.options;
  options.lock_timeout = std::chrono::milliseconds{4'000};
  store::postgres::Connection frozen{options};
  Epoch taken;
  const auto write = [&](store::postgres::Transaction& tx) {
    tx.exec("LOCK TABLE flowlens_store.epochs IN ROW EXCLUSIVE MODE");
    // As a process that is stopped here; the next one waits for its lock meanwhile.
    taken = make_postgres_store(options)->open().epoch;
    tx.exec("SELECT 1");
  };
  CHECK_THROWS_AS(frozen.transact(write), IoError);
  CHECK(taken == Epoch{2});
}

TEST_CASE(
    "PostgreSQL: nor does who is frozen in the middle of a COPY, whom the server does not call "
    "idle") {
  PostgresBackend backend;
  CHECK(backend.store({})->open().epoch == Epoch{1});
  PostgresStoreOptions options = backend.options;
  options.lock_timeout = std::chrono::milliseconds{4'000};
  store::postgres::Connection frozen{options};
  Epoch taken;
  const auto write = [&](store::postgres::Transaction& tx) {
    tx.exec("SELECT 1 FROM flowlens_store.epochs FOR KEY SHARE");
    pqxx::stream_to copy{tx, "flowlens_store.alert_rules"};
    copy << std::make_tuple("name", "definition");
    taken = make_postgres_store(options)->open().epoch;
    copy.complete();
  };
  CHECK_THROWS_AS(frozen.transact(write), IoError);
  CHECK(taken == Epoch{2});
}

TEST_CASE("PostgreSQL: alerts are saved while a revision is being written") {
  Opened o;
  PostgresStoreOptions options = postgres(o).options;
  options.lock_timeout = std::chrono::milliseconds{4'000};
  const auto alerts = make_postgres_alert_store(options, o.opened.epoch);
  // What apply() holds once it has written its ledger.
  pqxx::connection writer{postgres(o).direct};
  pqxx::work revision{writer};
  revision.exec("SELECT 1 FROM flowlens_store.epochs FOR KEY SHARE");
  revision.exec("UPDATE flowlens_store.epochs SET last_revision = last_revision + 1");
  AlertChanges changes;
  changes.at = at_second(1);
  CHECK(error_of([&] { alerts->save(changes); }) == "no error");
}

TEST_CASE("PostgreSQL: no password is shown") {
  for (const char* text :
       {"postgresql://flowlens:s3cret%zz@db/map", "host=db password='s3cret",
        "host=db passwort=s3cret", "postgresql://flowlens:s3cret@db:1:2/map?x"}) {
    const std::string error =
        error_of<ConfigError>([&] { (void)make_postgres_store({.connection = text}); });
    CAPTURE(error);
    CHECK(error.find("not understood") != std::string::npos);
    CHECK(error.find("s3cret") == std::string::npos);
  }
}

TEST_CASE("PostgreSQL: what is wrong is said, with what would help") {
  check_says(error_of<ConfigError>(
                 [] { (void)make_postgres_store({.connection = "host=localhost colour=blue"}); }),
             {"colour", "postgresql://USER@HOST:PORT/DATABASE"});
  CHECK_THROWS_AS((void)make_postgres_store({}), ConfigError);
  const auto nowhere =
      make_postgres_store({.connection = "host=/nowhere user=flowlens password=secret dbname=map"});
  const std::string text = error_of([&] { (void)nowhere->open(); });
  check_says(text, {"/nowhere:5432/map", "check that the server runs"});
  CHECK(text.find("secret") == std::string::npos);

  PostgresBackend backend;
  (void)backend.sql(
      "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'guest') THEN "
      "CREATE ROLE guest LOGIN; END IF; END $$");
  std::string as_guest = backend.direct;
  as_guest.replace(as_guest.find("user=flowlens"), 13, "user=guest");
  check_says(error_of([&] { (void)make_postgres_store({.connection = as_guest})->open(); }),
             {"permission denied", "grant the user CREATE"});
}
