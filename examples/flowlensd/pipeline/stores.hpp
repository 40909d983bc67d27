/// \file
/// pipeline: the database that keeps what the daemon knows.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "config/settings.hpp"
#include "flowlens/alert_store.hpp"
#include "flowlens/application_store.hpp"
#include "flowlens/postgres_store.hpp"
#include "flowlens/request_queue.hpp"
#include "flowlens/revision_feed.hpp"
#include "flowlens/store.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/flow_archive.hpp"
#include "pipeline/spool.hpp"
#include "pipeline/traffic_archive.hpp"
#include "stop_signal.hpp"

namespace flowlensd {

/// An opened database, and what it gives at the start. All null: nothing is kept.
struct Stores {
  std::unique_ptr<flowlens::Store> map;
  std::unique_ptr<flowlens::AlertStore> alerts;
  std::unique_ptr<TrafficArchive> traffic;
  std::unique_ptr<flowlens::ApplicationStore> applications;
  std::unique_ptr<flowlens::FlowStore> flows;       ///< null: single flows are not kept
  std::unique_ptr<FlowArchive> flow_archive;        ///< the same
  std::unique_ptr<flowlens::ParcelReader> parcels;  ///< null: flows come by memory
  std::unique_ptr<Spool> spool;                     ///< empty; null: revisions wait in memory only
  flowlens::StoreOpened term{flowlens::Epoch{1}, 0, {}};
  flowlens::FlowLedger earlier;
  std::shared_ptr<const flowlens::PostgresActivity> postgres;  ///< null: the database is another
  /// What processes that follow ask: to take by, and to answer by; null: the same.
  std::unique_ptr<flowlens::RequestTaker> requests, answers;
  std::unique_ptr<flowlens::RevisionAnnouncer> announcer;  ///< null: nobody can follow
};

/// The PostgreSQL database that the settings name, as libpq takes it; empty: they name none.
[[nodiscard]] std::string postgres_connection(const Settings& settings);

/// The same for the library. \throws flowlens::ConfigError naming the setting.
[[nodiscard]] flowlens::PostgresStoreOptions postgres_options(const Settings& settings,
                                                              const flowlens::SiteTable& sites);

/// Of each kind of reader. Half of those who answer requests stay free, whatever the database does.
[[nodiscard]] ReaderPoolOptions reader_options(const Settings& settings);

/// The SQLite file of the settings' data folder.
[[nodiscard]] std::filesystem::path sqlite_file(const Settings& settings);

/// Opens the database and loads the graph: PostgreSQL if the settings name one, or else the SQLite file of
/// the folder. What the last process left in the spool is written first. A server that does not answer is
/// tried again for half a minute.
/// \param dir  null: nothing is kept.
/// \param stop  ends the waiting. \throws flowlens::IoError, flowlens::ConfigError
[[nodiscard]] Stores open_stores(const Settings& settings, const DataDir* dir, StopSignal& stop,
                                 flowlens::DependencyGraph& graph);

}  // namespace flowlensd
