#include "pipeline/stores.hpp"

#include <chrono>
#include <string>

#include "flowlens/postgres_store.hpp"
#include "library.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kServerPatience{30};
constexpr std::chrono::milliseconds kPause{500};

/// As libpq wants a value between quotes.
std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + '\'';
}

/// A server that is started together with flowlensd may need longer.
StoreOpened open_patiently(Store& store, StopSignal& stop) {
  const auto give_up_at = Clock::now() + kServerPatience;
  for (bool is_first = true;; is_first = false) {
    try {
      return store.open();
    } catch (const IoError& e) {
      if (Clock::now() >= give_up_at || stop.wait(kPause)) throw;
      if (is_first)
        log::warning("store", "the database cannot be opened yet; trying again",
                     {{"reason", e.what()}});
    }
  }
}

Stores open_sqlite(const DataDir& dir, const SiteTable& sites) {
  SqliteStoreOptions options;
  options.path = dir.database();
  options.sites = sites;
  Stores stores;
  stores.map = make_sqlite_store(options);
  stores.term = stores.map->open();
  stores.alerts = make_sqlite_alert_store(options, stores.term.epoch);
  stores.traffic = std::make_unique<TrafficArchive>(make_sqlite_traffic_reader(options));
  stores.applications = make_sqlite_application_store(options, stores.term.epoch);
  return stores;
}

Stores open_postgres(const std::string& connection, const SiteTable& sites, StopSignal& stop) {
  PostgresStoreOptions options;
  options.connection = connection;
  options.sites = sites;
  Stores stores;
  try {
    stores.map = make_postgres_store(options);
  } catch (const ConfigError& e) {
    throw ConfigError(std::string{"database.url (DATABASE_URL): "} + e.what());
  }
  stores.term = open_patiently(*stores.map, stop);
  stores.alerts = make_postgres_alert_store(options, stores.term.epoch);
  stores.traffic = std::make_unique<TrafficArchive>(make_postgres_traffic_reader(options));
  stores.applications = make_postgres_application_store(options, stores.term.epoch);
  return stores;
}

}  // namespace

std::string postgres_connection(const Settings& s) {
  if (!s.database_url.empty() || s.postgres_host.empty()) return s.database_url;
  return "host=" + quoted(s.postgres_host) + " port=" + std::to_string(s.postgres_port) +
         " user=" + quoted(s.postgres_user) + " password=" + quoted(s.postgres_password) +
         " dbname=" + quoted(s.postgres_database);
}

Stores open_stores(const Settings& settings, const DataDir* dir, StopSignal& stop,
                   DependencyGraph& graph) {
  if (dir == nullptr) return {};
  const std::string connection = postgres_connection(settings);
  Stores stores = connection.empty() ? open_sqlite(*dir, graph.sites())
                                     : open_postgres(connection, graph.sites(), stop);
  stores.map->load(graph);
  stores.earlier = stores.map->ledger();
  const GraphCounters counters = graph.counters();
  log::info("store", "the map is loaded",
            {{"database", connection.empty() ? dir->database().string() : "PostgreSQL"},
             {"epoch", stores.term.epoch.value},
             {"revision", stores.term.last_revision},
             {"assets", counters.assets},
             {"dependencies", counters.dependencies}});
  return stores;
}

}  // namespace flowlensd
