/// \file
/// store: where revisions last. Five verbs: open, load, apply, scan, expire (DESIGN section 5).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/error.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

/// The epoch of the caller is over: another Resolver has taken over. Stop writing.
class StaleEpochError : public Error {
 public:
  using Error::Error;
};

/// What open() found.
struct StoreOpened {
  Epoch epoch;                       ///< taken by this call
  std::uint64_t last_revision = 0;   ///< of the term before; 0: the store was empty
  std::vector<std::string> sites;    ///< names of all sites that rows speak of
  std::uint64_t input_position = 0;  ///< the highest of all revisions; see Revision
};

/// What traffic is kept by: windows as they were closed, and what they add up to.
enum class Period : std::uint8_t { window, hour, day };

/// Which windows, hours or days to scan.
struct WindowScan {
  Timestamp from;                ///< window_start >= from
  Timestamp to;                  ///< window_start < to
  std::optional<Id> dependency;  ///< or an alias of it
  /// Hours and days (UTC) are there once expire() has added them up.
  Period period = Period::window;
};

/// How long each is kept, by the time of the traffic; 0: for ever.
struct Retention {
  std::chrono::days windows{90};
  std::chrono::days hours{730};
  std::chrono::days days{730};
  std::chrono::days events{730};
};

/// One implementation per database, one contract. All members may throw IoError with the
/// statement or path, the reason, and what would help.
///
/// Thread-compatible: one thread (the store thread) owns a Store.
class Store {
 public:
  virtual ~Store() = default;

  /// Brings the schema up to date and takes the next epoch.
  /// \throws IoError also if the schema is newer than this release knows.
  virtual StoreOpened open() = 0;
  /// Instead of open(): goes on with a term that open() gave to a process that has ended, for revisions which
  /// that one could not write any more. open() may follow.
  /// \throws StaleEpochError if that is not the latest epoch: they belong to a map that is no more.
  virtual StoreOpened resume(Epoch epoch) = 0;
  /// Gives the graph all rows, in revisions of bounded size that carry the last revision's number.
  /// \throws ConfigError if rows speak of a site that the configured table lacks: putting them into
  /// another site would mix address spaces.
  virtual void load(DependencyGraph& graph) = 0;
  /// Writes one revision, all or nothing: after an exception nothing of it is there, and the same
  /// revision may be applied again. Applying one that is there already changes nothing.
  /// \throws StaleEpochError if a later epoch was taken. \throws ConfigError for a revision of another
  /// epoch, with a number below this epoch's first, or with a site that the configured table lacks.
  virtual void apply(const Revision& revision) = 0;
  /// Calls `visit` for each window, ascending by start and dependency, summed over its epochs and the
  /// aliases whose windows count as the dependency's (rows are not rewritten for them); stops when
  /// it returns false. `visit` must not call the store.
  virtual void scan(const WindowScan& what, const std::function<bool(const WindowRow&)>& visit) = 0;
  /// One step, in a transaction of its own, of what keeps the store small: adds windows up to hours and
  /// hours to days, a quarter of an hour after their end and again when later revisions change them; then
  /// removes what is older than `retention`, by whole days of windows and larger pieces of the others. What
  /// comes for an hour whose windows have gone is added to it.
  /// \param now  of the traffic: the last revision's time.
  /// \return false once there was nothing to do.
  /// \throws StaleEpochError if a later epoch was taken.
  virtual bool expire(const Retention& retention, Timestamp now) = 0;
  /// The flow ledgers of all epochs added up, as of the last revision applied.
  virtual FlowLedger ledger() = 0;
};

/// Reads the traffic that a Store keeps, through a connection of its own, also while revisions are written.
/// What it sees is of the last revision that is whole.
///
/// Thread-compatible.
class TrafficReader {
 public:
  virtual ~TrafficReader() = default;

  /// As Store::scan(). \throws IoError, also if no Store has been opened there before.
  virtual void scan(const WindowScan& what, const std::function<bool(const WindowRow&)>& visit) = 0;
};

struct SqliteStoreOptions {
  std::filesystem::path path;  ///< the database file; made if missing, its folder must exist
  std::chrono::milliseconds busy_timeout{5'000};  ///< how long to wait for another process's lock
  SiteTable sites{};  ///< the graph's: rows keep names of sites, not their numbers
};

/// The embedded store: one SQLite file in WAL mode, schema in src/store/sqlite_schema.cpp.
/// \throws ConfigError for an empty path. The file is touched by open() only.
[[nodiscard]] std::unique_ptr<Store> make_sqlite_store(const SqliteStoreOptions& options);
/// \throws IoError
[[nodiscard]] std::unique_ptr<TrafficReader> make_sqlite_traffic_reader(
    const SqliteStoreOptions& options);

/// Versions of a schema, counted from 1.
struct SchemaVersion {
  std::uint32_t found = 0;   ///< 0: there is no database, or it is empty
  std::uint32_t newest = 0;  ///< that this release knows
};

/// Makes and changes nothing. \throws IoError, also if the file is no store of FlowLens.
[[nodiscard]] SchemaVersion sqlite_schema_version(const SqliteStoreOptions& options);
/// Brings the schema to version `to`, in one transaction; Store::open() does the same up to the newest.
/// \return what there was before. \throws ConfigError for a version below the one found (there is no way
/// down: restore a backup) or above the newest. \throws IoError
SchemaVersion migrate_sqlite(const SqliteStoreOptions& options, std::uint32_t to);

/// Copies the database, also while a Store writes to it: what is copied is of one moment, and whole. The
/// copy is synced to disk; it is one file, without a write-ahead log beside it.
/// \param from  any SQLite database. \param to  must not exist.
/// \throws IoError; then there is no copy.
void backup_sqlite(const std::filesystem::path& from, const std::filesystem::path& to);
/// Reads all of a database. \return what is wrong with it; empty: nothing.
/// \throws IoError if it cannot be read at all.
[[nodiscard]] std::string check_sqlite(const std::filesystem::path& path);

}  // namespace flowlens
