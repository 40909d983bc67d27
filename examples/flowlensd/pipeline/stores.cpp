#include "pipeline/stores.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "config/roles.hpp"
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

std::unique_ptr<Spool> open_spool(const Settings& settings, const DataDir& dir,
                                  const SiteTable& sites) {
  if (settings.spool_max_octets == 0) return nullptr;
  SpoolOptions options;
  options.folder = dir.spool();
  options.max_octets = settings.spool_max_octets;
  auto spool = std::make_unique<Spool>(options, sites);
  const SpoolFindings& found = spool->findings();
  if (found.torn_octets > 0 || found.set_aside > 0) {
    log::error("store", "revisions kept on disk are damaged; those before the damage are used",
               {{"folder", options.folder.string()},
                {"octets_cut_off", found.torn_octets},
                {"files_set_aside", found.set_aside}});
  }
  return spool;
}

/// Those of a map that went on without them are of no use.
void set_aside(Spool& spool, const std::string& why) {
  log::error("store", "revisions kept on disk cannot be written any more; they are set aside",
             {{"revisions", spool.size()}, {"files", "*.superseded"}, {"reason", why}});
  spool.set_aside();
}

/// What the process before could not write.
void write_rest(Store& store, Spool& spool) {
  if (spool.empty()) return;
  const std::size_t revisions = spool.size();
  try {
    const StoreOpened term = store.resume(spool.epoch());
    if (spool.front_number() > term.last_revision + 1) {
      return set_aside(spool, "the database is older: it ends with revision " +
                                  std::to_string(term.last_revision) + ", these begin with " +
                                  std::to_string(spool.front_number()));
    }
    while (!spool.empty()) {
      store.apply(spool.front());
      spool.pop();
    }
  } catch (const StaleEpochError& e) {
    return set_aside(spool, e.what());
  }
  log::info("store", "revisions kept on disk are written", {{"revisions", revisions}});
}

StoreOpened open(Stores& stores) {
  if (stores.spool) write_rest(*stores.map, *stores.spool);
  return stores.map->open();
}

/// A server that is started together with flowlensd may need longer.
StoreOpened open_patiently(Stores& stores, StopSignal& stop) {
  const auto give_up_at = Clock::now() + kServerPatience;
  for (bool is_first = true;; is_first = false) {
    try {
      return open(stores);
    } catch (const IoError& e) {
      if (Clock::now() >= give_up_at || stop.wait(kPause)) throw;
      if (is_first)
        log::warning("store", "the database cannot be opened yet; trying again",
                     {{"reason", e.what()}});
    }
  }
}

bool keeps_flows(const Settings& settings) { return settings.routing_mode != "kafka"; }

Stores open_sqlite(const Settings& settings, const DataDir& dir, const SiteTable& sites) {
  SqliteStoreOptions options;
  options.path = dir.database();
  options.sites = sites;
  Stores stores;
  stores.spool = open_spool(settings, dir, sites);
  stores.map = make_sqlite_store(options);
  stores.term = open(stores);
  stores.alerts = make_sqlite_alert_store(options, stores.term.epoch);
  stores.traffic = std::make_unique<TrafficArchive>(
      [options] { return make_sqlite_traffic_reader(options); }, reader_options(settings));
  stores.applications = make_sqlite_application_store(options, stores.term.epoch);
  if (!keeps_flows(settings)) return stores;
  options.path = dir.flows();
  stores.flows = make_sqlite_flow_store(options, stores.term.epoch);
  stores.flow_archive = std::make_unique<FlowArchive>(
      [options] { return make_sqlite_flow_reader(options); }, reader_options(settings));
  return stores;
}

Stores open_postgres(const Settings& settings, const DataDir& dir, const SiteTable& sites,
                     StopSignal& stop) {
  const PostgresStoreOptions options = postgres_options(settings, sites);
  Stores stores;
  stores.postgres = options.activity;
  stores.map = make_postgres_store(options);
  stores.spool = open_spool(settings, dir, sites);
  stores.term = open_patiently(stores, stop);
  stores.alerts = make_postgres_alert_store(options, stores.term.epoch);
  stores.traffic = std::make_unique<TrafficArchive>(
      [options] { return make_postgres_traffic_reader(options); }, reader_options(settings));
  stores.applications = make_postgres_application_store(options, stores.term.epoch);
  if (!parse_roles(settings.roles).has(Role::ingest)) {
    stores.parcels = make_postgres_parcel_reader(options);
  }
  stores.requests = make_postgres_request_taker(options, stores.term.epoch);
  stores.answers = make_postgres_request_taker(options, stores.term.epoch);
  stores.announcer = make_postgres_revision_announcer(options);
  if (!keeps_flows(settings)) return stores;
  stores.flows = make_postgres_flow_store(options, stores.term.epoch);
  stores.flow_archive = std::make_unique<FlowArchive>(
      [options] { return make_postgres_flow_reader(options); }, reader_options(settings));
  return stores;
}

}  // namespace

std::string postgres_connection(const Settings& s) {
  if (!s.database_url.empty() || s.postgres_host.empty()) return s.database_url;
  return "host=" + quoted(s.postgres_host) + " port=" + std::to_string(s.postgres_port) +
         " user=" + quoted(s.postgres_user) + " password=" + quoted(s.postgres_password) +
         " dbname=" + quoted(s.postgres_database);
}

ReaderPoolOptions reader_options(const Settings& settings) {
  ReaderPoolOptions options;
  options.most = std::clamp<std::size_t>(settings.api_workers / 2, 1, settings.postgres_pool_size);
  options.keep = std::chrono::seconds{settings.postgres_pool_recycle_seconds};
  return options;
}

PostgresStoreOptions postgres_options(const Settings& settings, const SiteTable& sites) {
  PostgresStoreOptions options;
  options.connection = postgres_connection(settings);
  options.sites = sites;
  options.activity = std::make_shared<PostgresActivity>();
  try {
    static_cast<void>(make_postgres_store(options));  // looks at the connection string
  } catch (const ConfigError& e) {
    throw ConfigError(std::string{"database.url (DATABASE_URL): "} + e.what());
  }
  return options;
}

std::filesystem::path sqlite_file(const Settings& settings) {
  return std::filesystem::path(settings.data_dir) / kSqliteFile;
}

Stores open_stores(const Settings& settings, const DataDir* dir, StopSignal& stop,
                   DependencyGraph& graph) {
  if (dir == nullptr) return {};
  const std::string connection = postgres_connection(settings);
  Stores stores = connection.empty() ? open_sqlite(settings, *dir, graph.sites())
                                     : open_postgres(settings, *dir, graph.sites(), stop);
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
