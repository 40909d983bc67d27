/// \file
/// store/postgres: revisions, alerts and applications in PostgreSQL 15 and later. Of flowlens::store, built with
/// FLOWLENS_WITH_POSTGRES.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "flowlens/alert_store.hpp"
#include "flowlens/application_store.hpp"
#include "flowlens/flow_store.hpp"
#include "flowlens/parcel_store.hpp"
#include "flowlens/store.hpp"

namespace flowlens {

/// What the connections of one process are doing. Thread-safe.
struct PostgresActivity {
  std::atomic<std::size_t> open{0};    ///< connections
  std::atomic<std::size_t> active{0};  ///< of them, in a transaction
};

struct PostgresStoreOptions {
  /// As libpq takes it: `postgresql://flowlens@db.example.com/flowlens` or `host=/run/postgresql
  /// dbname=flowlens`. What it leaves out comes from PGHOST and its like; without time-outs of its own it
  /// gets 10 s to connect and 30 s for a peer that says nothing.
  std::string connection;
  /// How long a statement waits for a lock that somebody else holds, until the call throws IoError.
  std::chrono::milliseconds lock_timeout{30'000};
  SiteTable sites{};  ///< the graph's: rows keep names of sites, not their numbers
  std::shared_ptr<PostgresActivity> activity{};  ///< null: nobody asks
};

/// The store of a database server: the tables stand in its schema `flowlens_store`, views for people in
/// `flowlens`. One connection, made by the first call that needs one, and again after it broke; only
/// transactions are asked of it, so PgBouncer may stand between in transaction mode. Names of sites and
/// texts that are not UTF-8, or hold a NUL, are stored with U+FFFD in its place.
/// A server that keeps its connection but says nothing (it was stopped) is waited for: calls block.
/// \throws ConfigError for a connection string that libpq does not understand, with its reason unless
///         that could show a password.
[[nodiscard]] std::unique_ptr<Store> make_postgres_store(const PostgresStoreOptions& options);

/// \throws ConfigError as make_postgres_store() does.
[[nodiscard]] std::unique_ptr<TrafficReader> make_postgres_traffic_reader(
    const PostgresStoreOptions& options);

/// A partition an hour, which goes whole. \param epoch  what Store::open() gave.
[[nodiscard]] std::unique_ptr<FlowStore> make_postgres_flow_store(
    const PostgresStoreOptions& options, Epoch epoch);
[[nodiscard]] std::unique_ptr<FlowReader> make_postgres_flow_reader(
    const PostgresStoreOptions& options);

/// Brings the schema up to date before its first statement: it may be there before any Store.
/// \param writer  whose batches are counted; another for each process and start.
/// \param max_octets  that may wait.
[[nodiscard]] std::unique_ptr<ParcelWriter> make_postgres_parcel_writer(
    const PostgresStoreOptions& options, const Id& writer, std::uint64_t max_octets);
[[nodiscard]] std::unique_ptr<ParcelReader> make_postgres_parcel_reader(
    const PostgresStoreOptions& options);

/// \param epoch  what Store::open() gave; it has brought the schema up to date.
[[nodiscard]] std::unique_ptr<AlertStore> make_postgres_alert_store(
    const PostgresStoreOptions& options, Epoch epoch);
/// \param epoch  the same.
[[nodiscard]] std::unique_ptr<ApplicationStore> make_postgres_application_store(
    const PostgresStoreOptions& options, Epoch epoch);

/// \throws IoError, ConfigError; so all below.
[[nodiscard]] SchemaVersion postgres_schema_version(const PostgresStoreOptions& options);
/// As migrate_sqlite(), one process at a time.
SchemaVersion migrate_postgres(const PostgresStoreOptions& options, std::uint32_t to);

/// How a server looks to the user that FlowLens is there.
struct PostgresServer {
  std::string where;          ///< `db.example.com:5432/flowlens`
  std::uint32_t version = 0;  ///< 150006: 15.6
  bool may_create = false;    ///< schemas in the database, or has them already
  bool is_read_only = false;  ///< a standby
  std::uint32_t max_connections = 0;
  std::uint32_t connections = 0;  ///< of all, now
  std::uint64_t database_octets = 0;
};
[[nodiscard]] PostgresServer inspect_postgres(const PostgresStoreOptions& options);

}  // namespace flowlens
